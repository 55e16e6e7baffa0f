"""The tables that come with archsim: complete, and recomputed from their published numbers."""

from math import log, sqrt

import pytest

from archsim.energy import Process, energy_factor
from archsim.ir.expression import FUNCTIONS

INTEGERS = ("int32", "int16", "int8", "int4")
WIDE = ("fp64", "fp32", "tf32", "fp16", "bf16")
FORMATS = (*WIDE, "fp8_e4m3", "fp8_e5m2", *INTEGERS)
SWITCHED = ("butterfly", "reduction_butterfly", "benes", "crossbar")
NETWORKS = (*SWITCHED, "distribution_tree", "reduction_tree")
COMPUTING = (
    "contraction_engine_array",
    "pipelined_kernel",
    "processing_array",
    "topk_unit",
    "vector_unit",
)
CONVERSIONS = {"encode", "decode"}  # of posits, which these tables do not price
TABLES = ("asic_45nm", "asic_16nm", "fpga_16nm")

HOROWITZ_ADD = {"fp32": 0.9, "fp16": 0.4, "int32": 0.1, "int8": 0.03}
HOROWITZ_MULTIPLY = {"fp32": 3.7, "fp16": 1.1, "int32": 3.1, "int8": 0.2}
SIGNIFICANT_BITS = {"fp64": 53, "fp32": 24, "tf32": 11, "fp16": 11, "bf16": 8} | {
    "fp8_e4m3": 4,
    "fp8_e5m2": 3,
}
BITS = {"fp64": 64, "fp32": 32, "tf32": 19, "fp16": 16, "bf16": 16, "fp8_e4m3": 8} | {
    "fp8_e5m2": 8,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "int4": 4,
}
EXP_TERMS = {"fp64": (16, 16), "fp32": (10, 10)}  # multiplies, adds
LOG_TERMS = {"fp64": (20, 20), "fp32": (14, 12)}
SIN_TERMS = {"fp64": (13, 11), "fp32": (10, 8)}


@pytest.fixture(scope="module")
def asic(load_table):
    return load_table("asic_45nm")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", COMPUTING)
def test_every_function_has_a_price_on_every_computing_kind(load_table, name, kind):
    table = load_table(name)

    for function in set(FUNCTIONS) - CONVERSIONS:
        everywhere = function in ("mac", "add", "multiply", "move", "maximum")
        for number_format in FORMATS if everywhere else WIDE:
            assert table.price(kind, function, number_format) > 0


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("asic_45nm", "buffer.read buffer.write sram.read sram.write"),
        ("asic_16nm", "buffer.read buffer.write sram.read sram.write"),
        ("fpga_16nm", "buffer.read buffer.write bram.read bram.write uram.read uram.write"),
    ],
)
def test_every_memory_and_link_has_a_price(load_table, name, actions):
    table = load_table(name)

    networks = [f"{kind}.{action}" for kind in NETWORKS for action in ("transfer", "switch")]
    for key in [*actions.split(), "dram.read", "dram.write", "link.transfer", *networks]:
        assert table.price(*key.split(".")) > 0


@pytest.mark.parametrize("number_format", FORMATS)
def test_multiply_and_add_follow_horowitz_through_the_stated_rules(asic, number_format):
    add = asic.price("vector_unit", "add", number_format)
    multiply = asic.price("vector_unit", "multiply", number_format)

    if number_format in HOROWITZ_ADD:
        assert (add, multiply) == (HOROWITZ_ADD[number_format], HOROWITZ_MULTIPLY[number_format])
    elif number_format in SIGNIFICANT_BITS:
        share = SIGNIFICANT_BITS[number_format] / 24
        assert add == pytest.approx(0.9 * share ** (log(0.9 / 0.4) / log(24 / 11)), rel=0.005)
        assert multiply == pytest.approx(3.7 * share ** (log(3.7 / 1.1) / log(24 / 11)), rel=0.005)
    else:
        known, bits = {"int16": ("int32", 32), "int4": ("int8", 8)}[number_format]
        share = BITS[number_format] / bits
        assert add == pytest.approx(HOROWITZ_ADD[known] * share)
        assert multiply == pytest.approx(HOROWITZ_MULTIPLY[known] * share**2)


@pytest.mark.parametrize("number_format", FORMATS)
def test_a_mac_is_a_multiply_and_an_add_in_the_accumulators_format(asic, number_format):
    accumulator = "int32" if number_format.startswith("int") else "fp32"
    if number_format == "fp64":
        accumulator = "fp64"

    assert asic.price("vector_unit", "mac", number_format) == pytest.approx(
        asic.price("vector_unit", "multiply", number_format)
        + asic.price("vector_unit", "add", accumulator)
    )


@pytest.mark.parametrize("number_format", FORMATS)
def test_moving_a_word_costs_a_tenth_of_a_picojoule_per_32_bit(asic, number_format):
    moved = asic.price("vector_unit", "move", number_format)

    assert moved == pytest.approx(0.1 * BITS[number_format] / 32)


@pytest.mark.parametrize("number_format", FORMATS)
def test_a_comparison_costs_an_addition(asic, number_format):
    assert asic.price("vector_unit", "maximum", number_format) == asic.price(
        "vector_unit", "add", number_format
    )


@pytest.mark.parametrize("number_format", WIDE)
def test_other_functions_cost_the_multiplies_and_adds_of_their_algorithms(asic, number_format):
    def price(function):
        return asic.price("vector_unit", function, number_format)

    def terms(multiplies, adds):
        return multiplies * price("multiply") + adds * price("add")

    assert price("divide") == pytest.approx(7.1 * price("multiply"))
    assert price("sqrt") == price("divide")
    assert price("exp") == pytest.approx(terms(*EXP_TERMS.get(number_format, (6, 6))))
    assert price("log") == pytest.approx(terms(*LOG_TERMS.get(number_format, (9, 8))))
    assert price("sin") == pytest.approx(terms(*SIN_TERMS.get(number_format, (6, 6))))
    assert price("cos") == price("sin")
    assert price("tanh") == pytest.approx(terms(1, 2) + price("exp") + price("divide"))


def test_memories_follow_horowitz_through_the_square_root_of_capacity(asic, load_table):
    fpga = load_table("fpga_16nm")

    def per_bit(kib):
        return 10 * sqrt(kib / 8) / 64

    assert asic.traffic["buffer"]["read"] == pytest.approx(per_bit(1), rel=0.005)
    assert asic.traffic["sram"]["read"] == 100 / 64
    assert asic.traffic["dram"]["read"] == pytest.approx((1300 + 2600) / 2 / 64, rel=0.001)
    assert fpga.traffic["bram"]["read"] == pytest.approx(per_bit(4.5), rel=0.005)
    assert fpga.traffic["uram"]["read"] == pytest.approx(per_bit(36), rel=0.005)


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_cost_a_move_and_a_fifth_of_a_millimetre_of_a_links_wire_a_stage(
    asic, load_table, kind
):
    wire = asic.price("link", "transfer") / 10  # 10 mm
    switch = asic.price("vector_unit", "move", "int32") / 32

    assert asic.price(kind, "transfer") == asic.price("link", "transfer")
    assert asic.price(kind, "switch") == pytest.approx(switch + 0.2 * wire, rel=0.005)
    assert load_table("fpga_16nm").price(kind, "switch") == pytest.approx(
        14 * asic.price(kind, "switch"), rel=0.005
    )


def test_the_16_nm_asic_is_the_45_nm_one_scaled_by_the_rule(asic, load_table):
    scaled = load_table("asic_16nm")
    factor = energy_factor(Process(node=45, voltage=0.9), Process(node=16, voltage=0.8))

    for key, price in asic.prices.items():
        unscaled = key.partition(".")[0] in ("dram", "link", *NETWORKS)
        assert scaled.prices[key] == pytest.approx(price * (1 if unscaled else factor))
    assert scaled.prices.keys() == asic.prices.keys()


def test_the_fpga_is_the_scaled_asic_times_the_measured_gap(asic, load_table):
    fpga = load_table("fpga_16nm")
    factor = energy_factor(Process(node=45, voltage=0.9), Process(node=16, voltage=0.85))

    for function in set(FUNCTIONS) - CONVERSIONS:
        for kind in COMPUTING:
            assert fpga.price(kind, function, "fp32") == pytest.approx(
                14 * factor * asic.price(kind, function, "fp32")
            )
    assert fpga.price("bram", "read") == pytest.approx(14 * factor * 0.1172)
    assert fpga.price("dram", "read") == 3.92


@pytest.mark.parametrize("name", TABLES)
def test_every_number_says_where_it_comes_from(load_sources, name):
    sources = load_sources(name)

    for key, value in sources.items():
        assert value.strip(), f"{key} has no source"
    assert len(sources) >= 90


@pytest.mark.parametrize("name", TABLES)
def test_data_from_afar_costs_more(load_table, name):
    table = load_table(name)
    near, far = ("bram", "uram") if name.startswith("fpga") else ("buffer", "sram")

    assert table.price("buffer", "read") <= table.price(near, "read")
    assert table.price(near, "read") < table.price(far, "read") < table.price("dram", "read")


@pytest.mark.parametrize("kind", COMPUTING)
@pytest.mark.parametrize("function", ["mac", "add", "multiply"])
def test_narrower_formats_of_a_family_cost_less(asic, kind, function):
    for family in (("fp64", "fp32", "fp16", "bf16", "fp8_e4m3", "fp8_e5m2"), INTEGERS):
        prices = [asic.price(kind, function, number_format) for number_format in family]
        assert prices == sorted(prices, reverse=True)
        assert len(set(prices)) == len(prices)
