"""The search for mappings: no look promises too much, so the first known to the end is the best."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import MappingError
from archsim.ir.tile import AXES
from archsim.machine import alone_ticks
from archsim.mapping import Work
from archsim.mapping.bound import Bound
from archsim.mapping.search import cheapest
from archsim.mapping.tilings import tilings_of
from archsim.schedule import plan_memory
from tests.effort import cases
from tests.machine.strategies import graphs, machines
from tests.machines import linked, matrix_product


def works(machine, graph):
    """Every operation on each unit that takes operations of its kind."""
    placement = plan_memory(graph, machine).memory_of()
    for operation in graph.operations:
        for unit, spec in machine.units.items():
            if operation.kind in spec.runs and not spec.lacks(operation.functions):
                yield Work(machine, unit, operation, operation.space, placement)


def check_bounds(work):
    """Each look gives at least what the one before gave; sizes are as they turn out."""
    bound = Bound(work)
    for tiling in tilings_of(work):
        stream = tiling.mapping.stream(work)
        off_chip = max(tiling.ticks, bound.off_chip(tiling))
        unit = max(off_chip, bound.unit(tiling))
        on_chip = max(unit, bound.on_chip(tiling))
        ticks = [
            tiling.ticks,
            off_chip,
            unit,
            on_chip,
            max(on_chip, bound.ways(tiling)),
            stream.uncontended_ticks,
            alone_ticks(stream),
        ]
        assert ticks == sorted(ticks)
        assert tiling.tiles == stream.tiles
        assert tiling.bits <= sum(stream.bits)


def check_best(work):
    """What the search finds is the least of all, of equals the first."""
    tilings = tilings_of(work)
    streams = [tiling.mapping.stream(work) for tiling in tilings]
    for alone in (None, alone_ticks):
        known = alone or (lambda stream: stream.uncontended_ticks)
        costs = [(known(s), sum(s.bits), s.tiles, n) for n, s in enumerate(streams)]
        assert cheapest(work, alone) == tilings[min(costs)[-1]].mapping


def check(machine, graph):
    for work in works(machine, graph):
        try:
            tilings_of(work)
        except MappingError:
            continue
        check_bounds(work)
        check_best(work)


@settings(max_examples=40, deadline=None)
@given(machines(), graphs(most_operations=4))
def test_the_search_finds_the_best_of_all_tilings(machine, graph):
    check(machine, graph)


@pytest.mark.slow
@settings(max_examples=cases(2000), deadline=None)
@given(machines(), graphs())
def test_the_search_finds_the_best_of_all_tilings_of_many(machine, graph):
    check(machine, graph)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 12)] * 3), st.integers(1, 3))
def test_what_full_tiles_move_is_what_the_loop_nest_moves(sides, batch):
    m, n, k = sides
    operation = matrix_product(m, n, k, batch).operations[0]
    work = Work(linked(), "tensor", operation, operation.space, dict.fromkeys("ABC", "sram"))

    for tiling in tilings_of(work):
        full = [0, 0, 0]
        last = [None, None, None]
        along = [
            range(0, operation.space.extent(axis), tiling.tile.extent(axis))
            for axis in tiling.loops
        ]
        for starts in product(*along):
            at = dict(zip(tiling.loops, starts, strict=True))
            is_full = all(at[a] + tiling.tile.extent(a) <= operation.space.extent(a) for a in AXES)
            for number, operand in enumerate(work.reads):
                part = [at[axis] for axis in operand.access.axes]
                full[number] += is_full and part != last[number]
                last[number] = part
            full[2] += is_full and at["k"] + tiling.tile.k >= operation.space.k

        assert tiling.full_moves == tuple(full)


def test_a_product_beyond_64_bits_is_counted_exactly():
    side = 2**20
    operation = matrix_product(side, side, side, batch=side).operations[0]
    work = Work(linked(), "tensor", operation, operation.space, dict.fromkeys("ABC", "sram"))

    smallest = max(tilings_of(work), key=lambda tiling: tiling.tiles)

    assert smallest.tiles == side**4 // smallest.tile.points > 2**63
    assert smallest.bits == 32 * (side**4 // smallest.tile.n + side**4 // smallest.tile.m + side**3)
