"""Streams that share channels: finish times and waits equal those of two oracles."""

import pytest
import simpy
from hypothesis import given, settings

from archsim.machine import simulate
from archsim.machine.pipeline import Pipeline
from archsim.schedule import Task
from tests.machine.strategies import CROWD, crowds
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
@settings(max_examples=3000, deadline=None)
@given(streams(most_tiles=60))
def test_lone_streams_take_what_the_recurrence_says(stream):
    assert lived_alone(stream) == alone(stream)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(crowds(most_operations=10))
def test_crowds_take_what_the_oracle_says(schedule):
    check_crowd(schedule)
