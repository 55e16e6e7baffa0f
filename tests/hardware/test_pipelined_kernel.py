"""PipelinedKernel: fill once, then an iteration per interval."""

import pytest

from archsim import formats
from archsim.ir import Tile
from tests.machines import kernel, matrix_product

FP32 = formats.parse("fp32")

MAC = {"mac": 1}


@pytest.mark.parametrize(
    ("tile", "cycles"),
    [
        (Tile(), 10),  # one iteration: the depth
        (Tile(m=4), 10),  # four multipliers side by side: still one
        (Tile(m=5), 11),  # one more iteration, one cycle later
        (Tile(m=8, n=8, k=8), 10 + 127),  # 512 points / 4
        (Tile(m=3, n=3, k=3), 10 + 8),  # an axis of 3 fills 3 of 4 multipliers: 9 iterations
        (Tile(m=3, n=5, k=7), 10 + 29),  # k: 2 x 3 x 5 = 30 beats n: 2 x 3 x 7 = 42
    ],
)
def test_a_tile_fills_the_pipeline_once(tile, cycles):
    assert kernel(parallel_macs=4, depth=10).tile_cycles(tile, MAC, FP32) == cycles


@pytest.mark.parametrize(
    ("banks", "ports", "interval"),
    [(12, 1, 1), (6, 2, 1), (6, 1, 2), (5, 1, 3), (1, 1, 12), (24, 2, 1)],
)
def test_fewer_words_a_cycle_than_multipliers_stretch_the_interval(banks, ports, interval):
    unit = kernel(parallel_macs=12, depth=20, banks=banks, ports=ports)

    assert unit.interval == interval
    # 12 x 10 points on 12 multipliers: ten iterations
    assert unit.tile_cycles(Tile(m=12, n=10), MAC, FP32) == 20 + 9 * interval


def test_an_initiation_interval_of_its_own_outlasts_the_banks():
    unit = kernel(parallel_macs=4, depth=10, banks=4, initiation_interval=3)

    assert unit.tile_cycles(Tile(m=4, n=5), MAC, FP32) == 10 + 4 * 3


@pytest.mark.parametrize(
    ("tile", "axis"),
    [
        (Tile(m=8, n=5, k=5), "m"),
        (Tile(m=5, n=8, k=5), "n"),
        (Tile(m=5, n=5, k=8), "k"),
        (Tile(batch=8, m=5, n=5, k=5), "batch"),
        (Tile(m=4, n=4, k=4), "m"),  # of equals the first
    ],
)
def test_the_axis_of_fewest_iterations_is_unrolled(tile, axis):
    assert kernel(parallel_macs=4).unrolled_axis(tile) == axis


def test_an_operand_without_the_unrolled_axis_is_fetched_once_for_all_multipliers():
    operation = matrix_product(m=8, n=5, k=3).operations[0]

    counts = kernel(parallel_macs=4).operand_accesses(
        operation.space, operation.reads, operation.writes
    )

    # unrolled along m: A (m, k) is fetched at each of 120 points, B (k, n) once for each of
    # 2 x 5 x 3 iterations; C (m, n) is stored once
    assert counts == (120, 30, 40)


@pytest.mark.parametrize(
    "field", ["parallel_macs", "depth", "initiation_interval", "banks", "ports", "count"]
)
def test_counts_below_one_are_refused(field):
    with pytest.raises(ValueError, match=f"^{field}: must be >= 1, got 0$"):
        kernel(**{field: 0})


def test_a_kernel_wants_its_operands_in_its_banks():
    unit = kernel(parallel_macs=12, banks=6)

    assert unit.partitions == 6
    assert unit.peak_macs_per_cycle == 12


def test_more_units_than_can_be_simulated_are_refused():
    with pytest.raises(ValueError, match=r"^count: must be <= 65,536, got 65,537$"):
        kernel(count=2**16 + 1)


def test_a_unit_that_runs_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^runs: a unit must run at least one kind"):
        kernel(runs=())


def test_a_negative_buffer_is_refused():
    with pytest.raises(ValueError, match=r"^buffer: must be >= 0 B, got -1$"):
        kernel(buffer=-1)
