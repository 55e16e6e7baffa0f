"""Laws that every run keeps, on random machines that run random graphs.

Each run also checks itself (:mod:`archsim.machine.conservation`): a breach raises.
"""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import ChannelSpec, DramSpec, DramTiming
from archsim.machine import alone_on, simulate
from archsim.results import find_bounds
from archsim.schedule import plan_memory, schedule
from tests.effort import cases
from tests.machine.strategies import dram_timings, graphs, machines
from tests.machines import chain, linked, off_chip, run, wired, with_component
from tests.oracles import live, refreshed

SOME = settings(max_examples=50, deadline=None)
MANY = settings(max_examples=cases(1500), deadline=None)


def check_laws(graph, architecture):
    memory = plan_memory(graph, architecture)
    plan = schedule(graph, architecture, memory, alone=alone_on(architecture))

    trace = simulate(plan, architecture)

    assert {record.name for record in trace.operations} == {op.name for op in graph.operations}
    assert sum(record.macs for record in trace.operations) == graph.macs
    check_times(trace)
    check_traffic(trace, architecture)
    check_memories(trace, architecture)
    assert simulate(plan, architecture) == trace
    assert run(graph, architecture) == trace


def check_times(trace):
    bounds = find_bounds(trace)
    assert bounds.largest_s <= bounds.latency_s
    assert 0 < bounds.efficiency <= 1
    finish = {record.name: record.finish for record in trace.operations}
    busy = Counter()
    for record in trace.operations:
        assert record.start >= max((finish[name] for name in record.predecessors), default=0)
        assert record.finish - record.start >= record.uncontended
    for interval in trace.intervals:
        assert interval.start >= 0
        assert interval.busy <= interval.end - interval.start
        assert interval.end <= finish[interval.operation]
        busy[interval.component] += interval.busy
    assert max(busy.values()) <= trace.makespan
    for component in trace.components:  # no unit does more than its peak
        macs = sum(
            activity.count
            for activity in trace.activities
            if activity.component == component.sort and activity.action == "mac"
        )
        units = sum(other.sort == component.sort for other in trace.components)
        assert macs * trace.tick_rate_hz <= units * component.peak_per_s * trace.makespan


def check_traffic(trace, architecture):
    """No DRAM moves more bits than its peak allows in the time that it was busy."""
    passed = Counter()
    for activity in trace.activities:
        passed[activity.component, activity.action] += activity.count
    for name, spec in architecture.memories.items():
        if isinstance(spec, ChannelSpec):
            bits = passed[name, "read"] + passed[name, "write"]
            ticks = sum(i.busy for i in trace.intervals if i.component == name)
            peak = spec.peak_bits_per_cycle * spec.clock
            # the peak is rounded down to whole bits a cycle
            assert bits * trace.tick_rate_hz <= (peak + spec.clock) * ticks


def check_memories(trace, architecture):
    for sample in trace.occupancy:
        spec = architecture.memories[sample.memory]
        assert 0 <= sample.blocks <= spec.units
        assert sample.used_bits <= sample.blocks * spec.unit_bits


@SOME
@given(graphs(), machines())
def test_a_random_run_keeps_the_laws(graph, architecture):
    check_laws(graph, architecture)


@pytest.mark.slow
@MANY
@given(graphs(most_operations=25), machines())
def test_many_random_runs_keep_the_laws(graph, architecture):
    check_laws(graph, architecture)


def overs(architecture):
    """When services of the memories that stop for each refresh are over."""
    timings = {
        name: spec.timing
        for name, spec in architecture.memories.items()
        if isinstance(spec, DramSpec) and spec.timing and spec.timing.refresh == "timed"
    }
    return {
        name: partial(
            refreshed,
            every=architecture.ticks(name, timing.tREFI),
            lasts=architecture.ticks(name, timing.tRP + timing.tRFC + timing.tRCD),
        )
        for name, timing in timings.items()
    }


def check_engine(graph, architecture):
    """The event engine and the re-telling without SimPy agree to the tick."""
    plan = schedule(graph, architecture, plan_memory(graph, architecture))

    trace = simulate(plan, architecture, engine="event")

    finish, waited = live(plan.tasks, plan.predecessors, overs(architecture))
    assert {record.name: record.finish for record in trace.operations} == finish
    assert {record.name: record.waited for record in trace.operations} == waited


@SOME
@given(graphs(), machines())
def test_the_engine_agrees_with_the_oracle(graph, architecture):
    check_engine(graph, architecture)


@pytest.mark.slow
@MANY
@given(graphs(most_operations=25), machines())
def test_the_engine_agrees_with_the_oracle_many_times(graph, architecture):
    check_engine(graph, architecture)


def slower(architecture, divisor):
    """The same machine with every clock divided."""
    components = {
        name: replace(spec, clock=spec.clock // divisor)
        for name, spec in architecture.components.items()
    }
    return replace(architecture, components=components)


@settings(max_examples=25, deadline=None)
@given(graphs(), machines())
def test_a_machine_of_half_the_clock_takes_twice_as_long(graph, architecture):
    """Every cycle lasts twice as long, so every second of the run does."""
    fast, slow = run(graph, architecture), run(graph, slower(architecture, 2))

    assert (slow.makespan, 2 * slow.tick_rate_hz) == (fast.makespan, fast.tick_rate_hz)


def seconds(architecture, graph):
    trace = run(graph, architecture)
    return trace.makespan / trace.tick_rate_hz


@pytest.mark.parametrize("machine", [linked, wired, off_chip])
@pytest.mark.parametrize("unit", ["tensor", "vector"])
def test_a_chain_is_never_faster_on_a_slower_unit(machine, unit):
    graph, ladder = chain(side=12), [400_000_000, 200_000_000, 100_000_000, 50_000_000]

    times = [seconds(with_component(machine(), unit, clock=clock), graph) for clock in ladder]

    assert times == sorted(times)


@pytest.mark.parametrize("link", ["read", "write"])
def test_a_chain_is_never_faster_over_a_narrower_link(link):
    graph = chain(side=12)

    times = [
        seconds(with_component(linked(), link, width=width), graph)
        for width in (512, 256, 128, 64, 32, 16, 8)
    ]

    assert times == sorted(times)


@pytest.mark.parametrize(
    ("field", "ladder"),
    [("channels", [8, 4, 2, 1]), ("burst_cycles", [1, 2, 4, 8]), ("latency_cycles", [0, 5, 50])],
)
def test_a_chain_is_never_faster_on_a_slower_dram(field, ladder):
    graph = chain(side=12)

    times = [
        seconds(with_component(off_chip(), "dram", **{field: value}), graph) for value in ladder
    ]

    assert times == sorted(times)


BANKED = DramTiming(
    banks=8, bank_groups=2, row=256, tRCD=4, tRP=4, CL=4, tRAS=10, tRTP=2, tCCD_S=4, tCCD_L=6,
    tRRD=4, tFAW=20, tRFC=30, tREFI=400, refresh="timed",
)  # fmt: skip


def banked(**fields):
    """Off-chip memory of eight banks in two groups, with some fields of its timing changed."""
    timing = replace(BANKED, **fields)
    return with_component(off_chip(), "dram", timing=timing, interleave_bursts=2)


@pytest.mark.parametrize(
    ("field", "ladder"),
    [
        ("tRCD", [1, 4, 10]),
        ("tRP", [1, 4, 40]),
        ("CL", [1, 4, 40]),
        ("tRAS", [4, 10, 80]),
        ("tCCD_L", [4, 6, 8]),
        ("tFAW", [1, 20, 80]),
        ("row", [1024, 256, 128]),
        ("banks", [8, 4, 2]),
        ("tRFC", [1, 30, 300]),
        ("tREFI", [10**6, 4000, 400, 50]),
    ],
)
def test_a_chain_is_never_faster_on_slower_banks(field, ladder):
    graph = chain(side=12)

    times = [seconds(banked(**{field: value}), graph) for value in ladder]

    assert times == sorted(times)


@pytest.mark.parametrize("field", ["clock", "channels", "burst_cycles"])
def test_a_chain_is_never_faster_on_a_narrower_bus_with_banks(field):
    graph = chain(side=12)
    ladder = {
        "clock": [10**9, 5 * 10**8, 10**8],
        "channels": [8, 4, 2, 1],
        "burst_cycles": [1, 2, 4],
    }

    times = [
        seconds(with_component(banked(), "dram", **{field: value}), graph)
        for value in ladder[field]
    ]

    assert times == sorted(times)


def check_refresh(timing, length, side):
    graph = chain(length, side)
    rarely = replace(timing, tREFI=10**9)

    times = [
        seconds(with_component(off_chip(), "dram", burst_cycles=1, timing=each), graph)
        for each in (rarely, timing)
    ]

    assert times == sorted(times)


@settings(max_examples=15, deadline=None)
@given(dram_timings(), st.integers(1, 3), st.integers(2, 12))
def test_a_refresh_makes_no_chain_faster(timing, length, side):
    check_refresh(timing, length, side)


@pytest.mark.slow
@settings(max_examples=cases(500), deadline=None)
@given(dram_timings(), st.integers(1, 4), st.integers(2, 16))
def test_a_refresh_makes_no_chain_faster_many_times(timing, length, side):
    check_refresh(timing, length, side)
