"""VectorUnit: lanes, and the pace of a formula's functions."""

import pytest

from archsim import formats
from archsim.ir import Tile
from tests.machines import vector

FP32 = formats.parse("fp32")

CYCLES = {"add": 1, "multiply": 2, "exp": 8}


@pytest.mark.parametrize(
    ("points", "chained", "cycles"),
    [
        (1, False, 12),  # two adds, a multiply and an exp take turns: 2 x 1 + 2 + 8
        (4, False, 12),  # four lanes side by side
        (5, False, 24),  # a second round
        (1, True, 8),  # the slowest function sets the pace
        (9, True, 24),  # three rounds
    ],
)
def test_functions_take_turns_or_are_chained(points, chained, cycles):
    unit = vector(lanes=4, chained=chained, function_cycles=CYCLES)

    assert unit.tile_cycles(Tile(m=points), {"add": 2, "multiply": 1, "exp": 1}, FP32) == cycles


def test_depth_is_paid_once_per_tile():
    unit = vector(lanes=4, depth=60, chained=True, function_cycles={"add": 1})

    assert unit.tile_cycles(Tile(m=8, n=2), {"add": 3}, FP32) == 59 + 4


def test_the_first_missing_function_is_named():
    unit = vector(function_cycles={"add": 1})

    assert unit.lacks({"add": 3}) == ""
    assert unit.lacks({"add": 1, "sqrt": 1, "exp": 1}) == "sqrt"


def test_an_unknown_function_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"function_cycles: no function 'sqr'; .*'sqrt'"):
        vector(function_cycles={"sqr": 1})


def test_a_function_takes_at_least_a_cycle():
    with pytest.raises(ValueError, match=r"^function_cycles\.exp: must be >= 1, got 0$"):
        vector(function_cycles={"exp": 0})


@pytest.mark.parametrize("field", ["lanes", "depth"])
def test_counts_below_one_are_refused(field):
    with pytest.raises(ValueError, match=f"^{field}: must be >= 1, got 0$"):
        vector(**{field: 0})
