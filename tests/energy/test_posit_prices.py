"""The prices of posits, recomputed from the gates of the units; arrays that have one area."""

import json

import pytest

import archsim
from tests.conftest import EXPERIMENTS

CONFIGS = EXPERIMENTS.parent
RECORDED = json.loads(
    (CONFIGS.parent / "workloads" / "posit_training" / "mac_units.json").read_text()
)
COSTS = {cost["name"]: cost for cost in RECORDED["units"] + RECORDED["converters"]}
REFERENCE = COSTS["float_mac_8_23"]
FP32 = {"mac": 4.6, "add": 0.9, "multiply": 3.7}  # pJ at 45 nm, asic_45nm's
UNITS = {
    "fp32": "float_mac_8_23",
    "fp16": "float_mac_5_10",
    "fp8_e4m3": "float_mac_4_3",
    "fp8_e5m2": "float_mac_5_2",
    "posit(16,1)": "posit_mac_16_1",
    "posit(16,2)": "posit_mac_16_2",
    "posit(8,1)": "posit_mac_8_1",
    "posit(8,2)": "posit_mac_8_2",
}
POSITS = [name for name in UNITS if name.startswith("posit")]


def toggled(name):
    """Picojoules of a circuit, as many of its transistors toggle for each of fp32's unit."""
    return 4.6 * COSTS[name]["switched_transistors"] / REFERENCE["switched_transistors"]


@pytest.fixture(scope="module")
def written(load_table):
    return load_table("posit_16nm").functions


@pytest.mark.parametrize("number_format", UNITS)
def test_a_mac_costs_what_toggles_in_it(written, number_format):
    assert written["mac"][number_format] == pytest.approx(toggled(UNITS[number_format]), rel=1e-3)


@pytest.mark.parametrize("number_format", POSITS)
def test_other_functions_of_posits_follow_the_stated_rules(written, number_format):
    size = number_format[6:-1].replace(",", "_")
    decoder, encoder = toggled(f"posit_decoder_{size}"), toggled(f"posit_encoder_{size}")
    rest = toggled(f"posit_mac_{size}") - 3 * decoder - encoder
    whole = {"16": "int16", "8": "int8"}[size.partition("_")[0]]

    assert written["encode"][number_format] == pytest.approx(encoder, rel=2e-3)
    for function in ("add", "multiply"):
        expected = 2 * decoder + encoder + rest * FP32[function] / FP32["mac"]
        assert written[function][number_format] == pytest.approx(expected, rel=1e-3)
    for function in ("maximum", "move"):
        assert written[function][number_format] == written[function][whole]


def test_what_is_decoded_has_sixteen_bits(written):
    assert set(written["decode"]) == {"fp32", "posit(8,1)", "posit(8,2)"}
    for price in written["decode"].values():
        assert price == pytest.approx(toggled("posit_decoder_16_1"), rel=1e-3)
    assert COSTS["posit_decoder_16_2"]["area_nand2"] < COSTS["posit_decoder_16_1"]["area_nand2"]


ARRAYS = {
    "fp32": "float_mac_8_23",
    "fp16": "float_mac_5_10",
    "posit16": "posit_mac_16_1",
    "posit8": "posit_mac_8_1",
    "fp8": "float_mac_4_3",
}


def machine(name):
    overrides = {"architecture": f"posit_array_{name}"}
    return archsim.config.load(EXPERIMENTS / "posit_resnet18.yaml", overrides)


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_has_as_many_rows_as_the_area_of_1024_fp32_units_holds(name):
    array = machine(name)["architecture"]["components"]["array"].data
    area, budget = COSTS[ARRAYS[name]]["area_nand2"], 1024 * REFERENCE["area_nand2"]

    assert array["columns"] == 64
    assert array["rows"] == budget // (64 * area)
    assert 0.97 < array["rows"] * 64 * area / budget <= 1


def test_arrays_of_one_area_differ_in_nothing_else():
    def rest(name):
        components = machine(name)["architecture"].data["components"]
        array = {key: value for key, value in components["array"].items()
                 if key not in ("rows", "number_formats")}  # fmt: skip
        return components | {"array": array}

    assert all(rest(name) == rest("fp32") for name in ARRAYS)


def test_the_published_numbers_stand_beside():
    assert "68 % less area, 51 % less power, 75 % less memory" in RECORDED["published"]
