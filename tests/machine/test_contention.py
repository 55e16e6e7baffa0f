"""Streams that share channels: finish times and waits equal those of two oracles."""

import pytest
import simpy
from hypothesis import given, settings

from archsim.hardware import DramTiming
from archsim.machine import simulate
from archsim.machine.pipeline import Pipeline
from archsim.schedule import Task
from tests.effort import cases
from tests.machine.strategies import CROWD, crowds
from tests.machines import dram, kernel, matrix_product, off_chip, run
from tests.mapping.strategies import streams
from tests.oracles import alone, live


def lived_alone(stream):
    """Ticks that a pipeline takes when every channel is its own."""
    env = simpy.Environment()
    env.process(Pipeline(env, Task("t", "o", "unit", stream, (0, 0)), {}).run())
    env.run()
    return env.now


def check_crowd(schedule):
    trace = simulate(schedule, CROWD, engine="event")

    finish, waited = live(schedule.tasks, schedule.predecessors)
    assert {record.name: record.finish for record in trace.operations} == finish
    assert {record.name: record.waited for record in trace.operations} == waited


@settings(max_examples=100, deadline=None)
@given(streams())
def test_a_lone_stream_takes_what_the_recurrence_says(stream):
    assert lived_alone(stream) == alone(stream)


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_a_crowd_takes_what_the_oracle_says(schedule):
    check_crowd(schedule)


@pytest.mark.slow
@settings(max_examples=cases(3000), deadline=None)
@given(streams(most_tiles=60))
def test_lone_streams_take_what_the_recurrence_says(stream):
    assert lived_alone(stream) == alone(stream)


@pytest.mark.slow
@settings(max_examples=cases(3000), deadline=None)
@given(crowds(most_operations=10))
def test_crowds_take_what_the_oracle_says(schedule):
    check_crowd(schedule)


def test_a_fetch_stops_for_each_refresh():
    """Ticks of 1 ns, a memory of 500 MHz that is refreshed for 10 of every 20 of its cycles.

    64 ticks of service from 0 on: 40, a refresh of 20, another 20, a refresh of 20, and 4.
    """
    timing = DramTiming(
        banks=4, bank_groups=1, row=256, tRCD=2, tRP=2, CL=2, tRAS=4, tRTP=2, tCCD_S=4, tCCD_L=4,
        tRRD=2, tFAW=8, tRFC=6, tREFI=20, refresh="timed",
    )  # fmt: skip
    memory = dram(clock=500_000_000, timing=timing)

    trace = run(matrix_product(8, 8, 8), off_chip(dram=memory, tensor=kernel(buffer=2**16)))

    fetch = next(interval for interval in trace.intervals if interval.component == "dram")
    assert (fetch.start, fetch.end, fetch.busy) == (0, 104, 64)
