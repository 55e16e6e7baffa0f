"""Limits that a machine tends to when one of its parts is as good as ideal."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import LinkSpec, SramSpec
from archsim.ir import GraphBuilder, Phase
from archsim.results import find_bounds
from tests.machine.strategies import TENSOR_UNITS
from tests.machines import FP32, array, chain, dram, linked, matrix_product, run, vector, wired

SIDES = st.integers(1, 24)


@settings(max_examples=60, deadline=None)
@given(st.one_of(TENSOR_UNITS), SIDES, SIDES, SIDES)
def test_with_an_infinitely_fast_memory_a_product_takes_the_closed_form(unit, m, n, k):
    """Wired to its banks, exactly; over links, at most that and a cycle in and out."""
    unit = replace(unit, clock=10**9, count=1, buffer=2**20, buffered_tiles=2)
    wide = LinkSpec(width=2**20)
    graph = matrix_product(m, n, k)
    space, functions = graph["C"].space, graph["C"].functions
    prepared = unit.prepared(space, functions, FP32)
    once = sum(unit.once_cycles(space, functions, FP32).values())
    closed_form = once + prepared.tile_cycles(space, functions, FP32) + unit.latency_cycles

    assert run(graph, wired(blocks=4096, tensor=unit)).makespan == closed_form
    assert run(graph, linked(wide, wide, tensor=unit)).makespan <= 1 + closed_form + 1


@pytest.mark.parametrize("side", [64, 128, 256])
def test_an_infinitely_fast_array_takes_what_the_links_take(side):
    """Both operands in over 64 bit a cycle, the result out beside the last loads."""
    unit = array(rows=512, columns=512, clock=10**12, buffer=2**16)

    trace = run(matrix_product(side, side, side), linked(tensor=unit))

    bounds = find_bounds(trace)
    assert bounds.bandwidth_component == "read"
    assert bounds.bandwidth_s >= 2 * side**2 * 32 / 64 * 1e-9
    assert bounds.bandwidth_s <= bounds.latency_s <= 1.25 * bounds.bandwidth_s


def softmax(rows=16, side=64):
    """Scores, and their softmax: a maximum, exponentials, a sum, a division."""
    builder = GraphBuilder("softmax", {"b": rows, "i": side}, FP32)
    x = builder.tensor("x", (rows, side))
    most = builder.reduce("max", Phase.INFERENCE, "b i -> b", x, function="maximum")
    e = builder.elementwise("exp", Phase.INFERENCE, "b i, b -> b i", "exp(a - b)", x, most)
    total = builder.reduce("sum", Phase.INFERENCE, "b i -> b", e)
    builder.output(builder.elementwise("y", Phase.INFERENCE, "b i, b -> b i", "a / b", e, total))
    return builder.graph()


def test_softmax_is_never_free():
    """On the best unit there is, each of its four passes takes time and runs its functions."""
    unit = vector(lanes=2**12, buffer=2**20)
    wide = LinkSpec(width=2**20)

    trace = run(softmax(), linked(wide, wide, vector=unit))

    assert all(record.finish > record.start for record in trace.operations)
    counts = {activity.action: activity.count for activity in trace.activities}
    assert counts["exp"] == counts["divide"] == 16 * 64


@pytest.mark.parametrize("buffered", ["tensor", "vector"])
def test_a_smaller_buffer_never_helps(buffered):
    unit = {"tensor": array(), "vector": vector()}[buffered]
    graph = chain(side=24)

    times = [
        run(graph, linked(**{buffered: replace(unit, buffer=size)})).makespan
        for size in (65536, 16384, 4096, 2048, 1024, 512, 256)
    ]

    assert times == sorted(times)


def test_a_smaller_memory_in_front_of_a_slow_one_never_helps():
    graph = chain(length=4, side=24)

    times = []
    for capacity in (65536, 32768, 16384, 8192, 4096, 1024):
        machine = linked(sram=SramSpec(capacity=capacity), dram=dram(burst_cycles=32))
        route = replace(machine.routes[0], memory="dram", read="", write="")
        times.append(run(graph, replace(machine, routes=(*machine.routes, route))).makespan)

    assert times == sorted(times)
    assert times[0] < times[-1]
