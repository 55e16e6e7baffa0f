"""Bounds: what no run can beat, and what happens if one does."""

import pytest

from archsim.errors import ConservationError
from archsim.results import find_bounds
from tests.results.traces import component, operation, trace

UNITS = [component("pe0", "pe"), component("pe1", "pe"), component("vector")]
CHANNELS = [
    component("dram", is_unit=False, is_off_chip=True),
    component("bus[pe0]", "bus", is_unit=False),
    component("bus[pe1]", "bus", is_unit=False),
]


def told(*intervals, finish=100, uncontended=40):
    chain = (
        operation("a", 0, 60, uncontended=uncontended // 2),
        operation("b", 60, finish, before=["a"], uncontended=uncontended // 2),
        operation("c", 0, 30),
    )
    return trace(*chain, components=[*UNITS, *CHANNELS], intervals=intervals)


def test_each_bound_is_that_of_the_busiest():
    bounds = find_bounds(
        told(
            ("pe0", "a", 0, 60, 50),
            ("pe1", "c", 0, 30, 30),
            ("vector", "b", 60, 100, 35),
            ("dram", "a", 0, 60, 20),
            ("bus[pe0]", "a", 0, 60, 44),
            ("bus[pe1]", "c", 0, 30, 10),
        )
    )

    # two pe share 80 ticks, two buses 54
    assert (bounds.compute_s, bounds.compute_component) == (0.040, "pe")
    assert (bounds.bandwidth_s, bounds.bandwidth_component) == (0.027, "bus")
    assert (bounds.critical_path_s, bounds.critical_path) == (0.040, ("a", "b"))
    assert bounds.latency_s == 0.100
    assert bounds.efficiency == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("intervals", "uncontended", "cause"),
    [
        ([("pe0", "a", 0, 100, 90), ("pe1", "a", 0, 100, 90)], 40, "compute"),
        ([("dram", "a", 0, 100, 95)], 40, "bandwidth"),
        ([("pe0", "a", 0, 100, 90)], 98, "critical_path"),
        ([("vector", "a", 0, 100, 40)], 40, "critical_path"),  # a tie
    ],
)
def test_the_largest_bound_limits_the_run(intervals, uncontended, cause):
    assert find_bounds(told(*intervals, uncontended=uncontended)).limited_by == cause


def test_without_channels_nothing_bounds_bandwidth():
    bounds = find_bounds(trace(operation("a", 0, 9), intervals=[("pe", "a", 0, 9, 9)]))

    assert (bounds.bandwidth_s, bounds.bandwidth_component) == (0.0, "")


@pytest.mark.parametrize(
    ("intervals", "uncontended", "message"),
    [
        ([("vector", "a", 0, 100, 101)], 40, "the run took 100 ticks, vector alone takes 101.0"),
        ([("dram", "a", 0, 100, 150)], 40, "the run took 100 ticks, dram alone takes 150.0"),
        ([], 102, "the run took 100 ticks, critical path alone takes 102"),
    ],
)
def test_a_run_that_beats_a_bound_is_refused(intervals, uncontended, message):
    with pytest.raises(ConservationError) as broken:
        find_bounds(told(*intervals, uncontended=uncontended))

    assert str(broken.value) == message
