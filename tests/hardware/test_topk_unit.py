"""TopKUnit: candidates lived through comparator by comparator take the closed form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim import formats
from archsim.hardware import TopKUnitSpec
from archsim.ir import Access, OperationGraph, TensorSpec, Tile
from tests.ir.test_top_k import top_k as selection
from tests.machines import run, vector, wired

FP32 = formats.parse("fp32")
COMPARE = {"maximum": 1}


def unit(**fields):
    """Four heaps of three levels: 28 places, seven of them for any one lane's largest."""
    return TopKUnitSpec(**{"number_formats": (FP32,), "lanes": 4, "levels": 3, **fields})


def lived(spec, candidates, survivors):
    """When the last survivor is out, each candidate followed on its way.

    A lane's heap takes a candidate an interval; the last one sinks through its levels, and the
    largest roots pass the tree between the lanes, one an interval.
    """
    levels = survivors.bit_length()
    capacity = 2**spec.levels - 1
    now = 0
    for _ in range(-(-(2**levels - 1) // capacity)):
        waiting = [0] * spec.lanes
        for number in range(candidates):
            waiting[number % spec.lanes] += 1
        now += max(waiting) * spec.interval  # every lane takes one after the other
        now += spec.levels
        lanes = spec.lanes
        while lanes > 1:  # a level of the tree between lanes
            lanes, now = -(-lanes // 2), now + 1
    return now + (2**levels - 1) * spec.interval


@given(
    lanes=st.integers(1, 9),
    levels=st.integers(1, 6),
    interval=st.integers(1, 3),
    candidates=st.integers(1, 300),
    survivors=st.integers(1, 200),
)
def test_a_selection_takes_the_time_of_its_candidates_lived_through(
    lanes, levels, interval, candidates, survivors
):
    spec = unit(lanes=lanes, levels=levels, interval=interval)
    space = selection(candidates + survivors, survivors).space

    once = sum(spec.once_cycles(space, COMPARE, FP32).values())
    cycles = once + spec.tile_cycles(space, COMPARE, FP32)

    assert cycles == lived(spec, candidates + survivors, survivors)


@pytest.mark.parametrize(
    ("levels", "once", "stream"),
    [
        (1, 5 + 1, 25),  # a maximum: 3 levels, 2 of the tree, and one number out; 100 of 4
        (3, 5 + 7, 25),  # seven survivors, as a heap holds
        (4, 3 * 5 + 15, 75),  # fifteen: three passes
    ],
)
def test_the_closed_form_by_hand(levels, once, stream):
    space = Tile(n=levels, k=100)

    assert sum(unit().once_cycles(space, COMPARE, FP32).values()) == once
    assert unit().cycles(space, COMPARE, FP32) == {"stream": stream}


def test_candidates_are_fetched_in_each_pass_and_survivors_stored_once():
    operation = selection(100, 15)

    counts = unit().operand_accesses(operation.space, operation.reads, operation.writes)

    assert counts == (3 * 100, 15)


def test_it_selects_and_does_nothing_else():
    assert unit().lacks(COMPARE) == ""
    assert unit().lacks({"maximum": 2}) == "maximum"
    assert unit().lacks({"add": 1}) == "add"
    assert unit().places == 7
    assert unit().partitions == 4


def test_a_row_of_maxima_is_a_selection_each():
    assert unit().cycles(Tile(m=5, k=8), COMPARE, FP32) == {"stream": 5 * 2}
    assert unit().once_cycles(Tile(m=5, k=8), COMPARE, FP32) == {"fill": 5 * 5, "drain": 5}


@pytest.mark.parametrize("field", ["lanes", "levels", "interval"])
def test_counts_below_one_are_refused(field):
    with pytest.raises(ValueError, match=f"^{field}: must be >= 1, got 0$"):
        unit(**{field: 0})


@pytest.mark.parametrize("engine", ["fast", "event"])
def test_a_machine_gives_it_the_selections_that_it_does_faster(engine):
    slow = vector(lanes=1, runs=("reduction",))
    machine = wired(tensor=unit(buffer=4096), vector=slow)

    trace = run(OperationGraph([selection(100, 7)]), machine, engine=engine)

    assert [record.units for record in trace.operations] == [("tensor",)]
    assert trace.makespan == 5 + 7 + 25


def test_accesses_of_a_tile_are_those_of_its_candidates():
    scores = TensorSpec("scores", (100,), FP32)

    assert unit().operand_accesses(Tile(n=3, k=10), (Access(scores, ("k",)),), ()) == (10,)
