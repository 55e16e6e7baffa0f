"""Ways to misconfigure a machine: one clear message each, exit code 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from archsim.cli import main

EXPERIMENT = Path(__file__).parents[1] / "configs" / "experiments" / "array_gemm.yaml"
PARTS = "architecture.components"
WIRED = "{memory: sram, units: [vector], read: sram_read, write: sram_write}"

MISTAKES = [
    ("a dataflow that does not exist", f"{PARTS}.array.dataflow=weight_stationery",
     "array.dataflow: expected 'weight_stationary'", "did you mean 'weight_stationary'?"),
    ("a clock of 0", f"{PARTS}.array.clock=0 Hz", "array.clock: must be >= 1 Hz, got 0"),
    ("a clock without a unit", f"{PARTS}.array.clock=500",
     "array.clock: expected a number and one of Hz, kHz, MHz, GHz, got 500 without a unit"),
    ("a buffer smaller than one tile", f"{PARTS}.array.buffer=4 B",
     "its smallest tile needs 64 B of buffer, 'array' has 4 B",
     "raise architecture.components.array.buffer"),
    ("a memory smaller than one line", f"{PARTS}.sram.capacity=8 B",
     "sram.capacity: 8 B is less than one line of 64 B"),
    ("an array of no rows", f"{PARTS}.array.rows=0", "array.rows: must be >= 1, got 0"),
    ("no DRAM channels", f"{PARTS}.dram.channels=-1", "dram.channels: must be >= 1, got -1"),
    ("an array that reaches no memory", f"architecture.routes=[{WIRED}]",
     "routes: unit 'array' reaches no memory"),
    ("no path to where a tensor lies",
     "architecture.routes=[{memory: sram, units: [array, vector]}]",
     "'array' does not reach 'dram', where 'B' lies", "add a route"),
    ("a route to no memory", "architecture.routes=[{memory: srm, units: [array, vector]}]",
     "no memory named 'srm'; did you mean 'sram'?"),
    ("a route over no link",
     "architecture.routes=[{memory: sram, units: [array, vector], read: sram_red}]",
     "no link named 'sram_red'; did you mean 'sram_read'?"),
    ("a number format the array lacks", f"{PARTS}.array.number_formats=[int8]",
     "no unit of 'generic_array' can do it: array knows int8"),
    ("an action without a price", "energy.functions.mac={}",
     "no price for action 'mac' in 'fp32' on a 'processing_array'", "the nearest priced is"),
    ("a component that does not exist", f"{PARTS}.array.kind=procesing_array",
     "no component named 'procesing_array'; did you mean 'processing_array'?"),
    ("a field that does not exist", f"{PARTS}.array.colums=3",
     "unknown key (did you mean 'columns'?)"),
    ("a rate for a format the array lacks", f"{PARTS}.array.lanes={{int4: 2}}",
     "'int4' is not among number_formats"),
    ("a matrix that fits nowhere", "architecture.placement={data: [sram], activation: [sram]}",
     "no room for 'C'", "a larger architecture.components.sram"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "fragments"),
    [pytest.param(setting, fragments, id=name) for name, setting, *fragments in MISTAKES],
)
def test_a_mistake_is_told_in_one_message(setting, fragments):
    outcome = CliRunner().invoke(main, ["run", str(EXPERIMENT), "--set", setting])

    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("error: ")
    assert outcome.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in outcome.stderr


def test_an_action_without_a_price_is_found_by_a_check_already(tmp_path):
    file = tmp_path / "unpriced.yaml"
    file.write_text(
        f"extends: {EXPERIMENT}\nenergy: {{extends: asic_16nm, computing: [vector_unit]}}\n"
    )

    outcome = CliRunner().invoke(main, ["check", str(file)])

    assert outcome.exit_code == 2
    assert "operation 'C' on component 'array'" in outcome.stderr
    assert "no price for action 'mac' in 'fp32' on a 'processing_array'" in outcome.stderr
