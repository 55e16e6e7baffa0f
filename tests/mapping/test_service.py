"""What the mapper knows of time beyond a unit: refreshes spread over transfers, runs alone."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings

from archsim.machine import alone_on, alone_ticks, simulate
from archsim.mapping import StageKind, Work
from archsim.mapping.tile_class import whole_tile
from archsim.schedule import plan_memory, schedule
from tests.machine.strategies import dram_timings
from tests.machines import chain, linked, matrix_product, off_chip, with_component


def refreshing(timing, refresh):
    return with_component(
        off_chip(), "dram", burst_cycles=1, timing=replace(timing, refresh=refresh)
    )


@settings(max_examples=100, deadline=None)
@given(dram_timings())
def test_a_spread_refresh_makes_each_transfer_longer_by_its_share(timing):
    """Each operand is a transfer; where timed, refreshes are no part of it."""
    services = {}
    for refresh in ("spread", "timed"):
        machine, graph = refreshing(timing, refresh), matrix_product(m=6, n=10, k=14)
        placement = plan_memory(graph, machine).memory_of()
        (operation,) = graph.operations
        work = Work(machine, "tensor", operation, operation.space, placement)
        services[refresh] = whole_tile(work).service

    of_every_tick = 1 / (1 - Fraction(timing.tRP + timing.tRFC + timing.tRCD, timing.tREFI))
    for stage, passing, longer, service in zip(
        work.stages, work.passing, services["spread"], services["timed"], strict=True
    ):
        if stage.kind in (StageKind.FETCH, StageKind.STORE):
            least = ceil(service * of_every_tick)
            assert least <= longer <= least + len(passing) - 1
        else:
            assert longer == service


@pytest.mark.parametrize("machine", [linked(), off_chip()], ids=["on chip", "off chip"])
def test_what_a_stream_lives_alone_is_not_lived_again(machine, monkeypatch):
    graph = chain(length=3)
    plan = schedule(graph, machine, plan_memory(graph, machine), alone=alone_on(machine))
    monkeypatch.setattr("archsim.machine.experience.Run", None)

    trace = simulate(plan, machine)

    monkeypatch.undo()
    assert simulate(plan, machine, engine="event") == trace
    for task, record in zip(plan.tasks, trace.operations, strict=True):
        assert record.finish - record.start == alone_ticks(task.stream)
