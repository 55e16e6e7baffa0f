"""Lanes that drift: what is lived once and gone many times is what the event engine lives."""

import operator
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.machine import drift, period, simulate
from archsim.machine.domain import Run
from archsim.machine.moving import Moving, Span
from archsim.machine.walk import Walk
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from tests.effort import cases
from tests.machine.engines import check_equal
from tests.machine.strategies import CROWD, crowd, crowds, long_crowds

SMALL = st.integers(-8, 8)


COMPARISONS = st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge, operator.eq])


@given(COMPARISONS, SMALL, SMALL, st.integers(-2, 2), st.integers(-2, 2))
def test_a_span_holds_just_the_changes_that_leave_a_comparison_as_it_is(
    compare, one, other, slope, its
):
    span = Span()

    outcome = compare(Moving(one, slope, span), Moving(other, its, span))

    def at(change):
        return compare(one + slope * change, other + its * change)

    assert outcome == at(0)
    held = [change for change in range(-60, 61) if span.least <= change <= span.most]
    assert all(at(change) == outcome for change in held)
    for beyond in (held[0] - 1, held[-1] + 1):
        # Two that are not equal stay on the same sides, be it that they would change over.
        is_wider = compare is operator.eq and not outcome
        assert abs(beyond) > 60 or at(beyond) != outcome or is_wider


@given(SMALL, SMALL, st.integers(0, 1), st.integers(0, 1), SMALL)
def test_moving_times_count_as_they_are_now(one, other, slope, its, number):
    span = Span()
    first, second = Moving(one, slope, span), Moving(other, its, span)

    assert max(first, second).now == max(one, other)
    assert ((first - second).now, (first - second).slope) == (one - other, slope - its)
    assert ((first + second).now, (first + second).slope) == (one + other, slope + its)
    assert ((number + first).now, (number + first).slope) == (number + one, slope)


@given(COMPARISONS, SMALL, st.integers(0, 1), st.one_of(SMALL, st.just(-inf)))
def test_a_plain_number_is_a_mark_that_bounds_nothing(compare, one, slope, number):
    span = Span()

    assert compare(Moving(one, slope, span), number) == compare(one, number)
    assert compare(number, Moving(one, slope, span)) == compare(number, one)
    assert (span.least, span.most) == (-inf, inf)


@pytest.fixture(scope="module")
def eager():
    """Look for drifting lanes at once, whatever it takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(period, "LOST", -1)
        patch.setattr(drift, "CREDIT", 1e9)
        patch.setattr(drift, "MOST_CREDIT", 1e9)
        yield


@settings(max_examples=100, deadline=None)
@given(crowds(most_operations=3))
def test_crowds_that_drift_live_alike(eager, plan):
    check_equal(plan, CROWD)


@settings(max_examples=100, deadline=None)
@given(long_crowds(most_operations=3))
def test_long_crowds_that_drift_live_alike(eager, plan):
    check_equal(plan, CROWD)


@pytest.mark.slow
@settings(max_examples=cases(1500), deadline=None)
@given(crowds(most_operations=5))
def test_many_crowds_that_drift_live_alike(eager, plan):
    check_equal(plan, CROWD)


@pytest.mark.slow
@settings(max_examples=cases(1500), deadline=None)
@given(long_crowds())
def test_many_long_crowds_that_drift_live_alike(eager, plan):
    check_equal(plan, CROWD)


def passing(unit, *tiles):
    """Tiles of (load, compute, store) ticks that a unit loads from the DRAM and stores there."""
    path = (
        Stage(StageKind.FETCH, "dram", False, 16),
        Stage(StageKind.COMPUTE, "unit", True),
        Stage(StageKind.STORE, "dram", False),
    )
    body = tuple(
        Repeat(times, (TileClass(ticks, (ticks[0], 0, ticks[2]), 1, ()),)) for times, ticks in tiles
    )
    return {unit: TileStream(path, body)}


@pytest.fixture
def turns(monkeypatch):
    """Count the turns that are lived, in plain times or in moving ones."""
    lived = []
    turn = Run.turn
    monkeypatch.setattr(Run, "turn", lambda self: (lived.append(1), turn(self))[1])
    return lived


def drifting(times):
    """A unit that is busy for 26,371 ticks a tile, and one that takes all that the DRAM has."""
    parts = {
        "steady": passing("unit0", (times, (6_719, 26_371, 0))),
        "greedy": passing("unit1", (20 * times, (1_283, 568, 643))),
    }
    return crowd(parts, dict.fromkeys(parts, ()))


def test_lanes_that_drift_are_lived_for_a_while_only(turns):
    plan = drifting(2_000)

    check_equal(plan, CROWD)

    assert len(turns) < 1_000  # of 42,000 tiles, each of which has turns to load and to store


def test_legs_are_learned_once_for_all_lanes_of_these_courses(turns):
    once = drifting(500)
    simulate(once, CROWD)
    first = len(turns)
    turns.clear()

    parts = {}
    for number in range(4):
        parts |= {
            f"{name}{number}": {task.unit: task.stream}
            for task, name in zip(once.tasks, ("steady", "greedy"), strict=True)
        }
        # Each pair begins a little later than the one before, against each other.
        parts[f"pause{number}"] = passing("unit2", (1, (0, 101, 0)))
    before, predecessors = (), {}
    for number in range(4):
        pair = (f"steady{number}", f"greedy{number}")
        predecessors |= {f"pause{number}": before, pair[0]: (f"pause{number}",), pair[1]: before}
        before = pair
    plan = crowd(parts, predecessors)

    check_equal(plan, CROWD)

    assert len(turns) < 2 * first


def test_a_leg_ends_before_the_moment_at_which_somebody_comes(turns):
    """Newcomers end walks at moments that have nothing to do with anybody's turns."""
    parts = {
        "steady": passing("unit0", (400, (6_719, 26_371, 0))),
        "greedy": passing("unit1", (8_000, (1_283, 568, 643))),
    }
    before = ()
    for number in range(5):
        parts[f"pause{number}"] = passing("unit2", (1, (0, 1_000_003 + number, 0)))
        parts[f"guest{number}"] = passing("unit2", (3, (997, 10, 31)))
    predecessors = dict.fromkeys(parts, ())
    for number in range(5):
        predecessors[f"pause{number}"] = before
        predecessors[f"guest{number}"] = (f"pause{number}",)
        before = (f"guest{number}",)

    check_equal(crowd(parts, predecessors), CROWD)


def test_without_walks_the_same_takes_many_turns(turns, monkeypatch):
    """So it is walks that save them, and periods do not."""
    plan = drifting(500)
    walked = simulate(plan, CROWD)
    few = len(turns)
    monkeypatch.setattr(Walk, "go", lambda self, leg, stop: False)

    assert simulate(plan, replace(CROWD)) == walked
    assert len(turns) - few > 15 * few
