"""The memory plan: blocks are never given to two at once, whatever the order of a run."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsim.errors import CapacityError
from archsim.hardware import Architecture, BramSpec, LinkSpec, Route, SramSpec, UramSpec
from archsim.ir import GraphBuilder, Phase, Role
from archsim.machine import simulate
from archsim.schedule import Lifetimes, plan_memory, schedule
from tests.machine.strategies import graphs
from tests.machines import (
    FP32,
    chain,
    dram,
    kernel,
    linked,
    matrix_product,
    vector,
    wired,
    with_component,
)


def one_memory(spec, **components):
    parts = {"tensor": kernel(), "vector": vector(), "memory": spec, **components}
    return Architecture(
        name="one_memory",
        components=parts,
        routes=(Route(memory="memory", units=("tensor", "vector")),),
    )


def tight(graph):
    """A machine whose memory has exactly the lines that the plan of a graph takes at its peak.

    The memory lies behind links, so that tensors take any number of lines, not whole banks.
    """
    parts = {"in": LinkSpec(width=64), "out": LinkSpec(width=64)}
    route = Route(memory="memory", units=("tensor", "vector"), read="in", write="out")
    ample = one_memory(SramSpec(capacity=2**20, line=16), **parts)
    ample = replace(ample, routes=(route,))
    lines = plan_memory(graph, ample).peaks["memory"].units
    return with_component(ample, "memory", capacity=16 * lines)


class Ledger:
    """What a memory holds while operations start and finish in some legal order."""

    def __init__(self, graph, plan):
        self.graph, self.plan = graph, plan
        self.units = Counter()
        for reservation in plan.reservations:
            self.units[reservation.memory] += reservation.units
        self.left = {root: set(users) for root, users in plan.users.items()}
        for name in graph.inputs:
            self.take(name)

    def take(self, root):
        placement = self.plan.placements[root]
        self.units[placement.memory] += placement.units

    def start(self, name):
        for tensor in self.graph[name].outputs:
            if self.plan.roots[tensor.name] == tensor.name:
                self.take(tensor.name)

    def finish(self, name):
        for root, users in self.left.items():
            if name in users:
                users.remove(name)
                if not users:
                    placement = self.plan.placements[root]
                    self.units[placement.memory] -= placement.units


@settings(max_examples=150, deadline=None)
@given(graphs(most_operations=14), st.randoms(use_true_random=False))
def test_no_legal_order_takes_more_than_there_is(graph, random):
    """Any number of operations run at once; each starts when all that it waits for is done."""
    architecture = tight(graph)
    plan = plan_memory(graph, architecture)
    ledger = Ledger(graph, plan)
    waits = {op.name: set(graph.predecessors(op.name)) for op in graph.operations}
    for before, after in plan.waits:
        waits[after].add(before)
    waiting, running, done = set(waits), set(), set()

    while waiting or running:
        ready = sorted(name for name in waiting if waits[name] <= done)
        name = random.choice([*ready, *sorted(running)])
        if name in running:
            running.remove(name)
            done.add(name)
            ledger.finish(name)
        else:
            waiting.remove(name)
            running.add(name)
            ledger.start(name)
        assert ledger.units["memory"] <= architecture.memories["memory"].units


@settings(max_examples=50, deadline=None)
@given(graphs(most_operations=14))
def test_a_run_in_the_tightest_memory_keeps_within_it(graph):
    architecture = tight(graph)

    trace = simulate(schedule(graph, architecture, plan_memory(graph, architecture)), architecture)

    capacity = architecture.memories["memory"].units
    assert max(sample.blocks for sample in trace.occupancy) <= capacity


@settings(max_examples=50, deadline=None)
@given(graphs(most_operations=14))
def test_a_line_less_than_the_peak_is_refused(graph):
    architecture = tight(graph)
    capacity = architecture.memories["memory"].units * 16
    assume(capacity > 16)

    with pytest.raises(CapacityError, match="no room for"):
        plan_memory(graph, with_component(architecture, "memory", capacity=capacity - 16))


@settings(max_examples=50, deadline=None)
@given(graphs(most_operations=14))
def test_waits_point_forward_in_program_order(graph):
    place = {operation.name: number for number, operation in enumerate(graph.operations)}

    plan = plan_memory(graph, tight(graph))

    assert all(place[before] < place[after] for before, after in plan.waits)


def moments(graph):
    """Bits of all storages that live while each operation runs in program order, and at first."""
    lifetimes = Lifetimes(graph)
    last = {  # the number of the last operation that uses a storage
        root: max(n for n, op in enumerate(graph.operations) if op.name in users)
        for root, users in lifetimes.given_back.items()
    }
    first = dict.fromkeys(graph.inputs, -1)
    for number, operation in enumerate(graph.operations):
        if not operation.overwrites:
            first.update((tensor.name, number) for tensor in operation.outputs)
    for number in range(-1, len(graph.operations)):
        yield sum(
            graph.tensors[root].size_bits
            for root, born in first.items()
            if born <= number <= last.get(root, len(graph.operations))
        )


@settings(max_examples=100, deadline=None)
@given(graphs(most_operations=14))
def test_the_peak_is_the_fullest_moment_of_the_program(graph):
    plan = plan_memory(graph, one_memory(SramSpec(capacity=2**22, line=4)), grouping=False)

    peak = max(moments(graph))

    assert sum(Lifetimes(graph).peak_bits().values()) == peak
    use = plan.peaks["memory"]
    assert peak <= 32 * use.units
    assert use.used_bits == sum(graph.tensors[name].size_bits for name in use.tensors)


def long_chain():
    """``a -> b -> c -> d``, 16 words each: at most two live at once beside each other."""
    builder = GraphBuilder("long", {"i": 16}, FP32)
    tensor = builder.tensor("a", (16,), Role.DATA)
    for name in "bcd":
        tensor = builder.elementwise(name, Phase.FORWARD, "i -> i", "tanh(a)", tensor)
    return builder.graph()


def test_blocks_are_given_out_again_to_whoever_waits_for_their_users():
    # lines of 16 B; four words in each of four banks: four lines a tensor
    plan = plan_memory(long_chain(), one_memory(SramSpec(capacity=128, line=16)))

    assert plan.peaks["memory"].units == 8
    # c takes a's lines, so it waits for b, which read a; d takes b's, made by b and read by c
    assert plan.waits == {("b", "c"), ("b", "d"), ("c", "d")}
    assert plan.users == {"a": ("b",), "b": ("b", "c"), "c": ("c", "d")}


def test_with_room_for_all_nobody_waits():
    plan = plan_memory(long_chain(), one_memory(SramSpec(capacity=256, line=16)))

    assert plan.waits == set()


def test_an_update_lies_in_the_storage_of_what_it_overwrites():
    builder = GraphBuilder("update", {"i": 16}, FP32)
    weight = builder.tensor("W", (16,), Role.PARAMETER)
    gradient = builder.tensor("dW", (16,), Role.GRADIENT)
    builder.elementwise(
        "W.new",
        Phase.UPDATE,
        "i, i -> i",
        "a - b",
        weight,
        gradient,
        overwrites="W",
        role=Role.PARAMETER,
    )

    plan = plan_memory(builder.graph(), one_memory(SramSpec(capacity=128, line=16)))

    assert plan.roots["W.new"] == "W"
    assert plan.placements["W.new"] is plan.placements["W"]
    assert plan.peaks["memory"].units == 8
    assert plan.peaks["memory"].tensors == ("W", "dW")


def test_parameters_and_outputs_are_never_given_back():
    plan = plan_memory(chain(length=2), wired())

    assert "layer0.W" not in plan.users
    assert "layer1.tanh" not in plan.users
    assert plan.users["layer0.product"] == ("layer0.product", "layer0.tanh")


def test_waste_is_what_the_taken_blocks_do_not_hold():
    plan = plan_memory(matrix_product(), wired())

    use = plan.peaks["bram"]

    # three tensors of 64 words in four banks: 4 BRAM18 each
    assert (use.units, use.capacity_units, use.used_bits) == (12, 128, 3 * 64 * 32)
    assert use.waste_bits == 12 * 512 * 36 - 3 * 64 * 32


def test_a_memory_behind_a_link_is_not_partitioned():
    graph = matrix_product()

    assert {p.partitions for p in plan_memory(graph, linked()).placements.values()} == {1}
    assert {p.partitions for p in plan_memory(graph, wired()).placements.values()} == {4}


def test_tensors_spill_to_the_next_memory_of_their_role():
    graph = matrix_product()
    architecture = one_memory(BramSpec(blocks=4), far=dram())
    far = Route(memory="far", units=("tensor", "vector"))
    architecture = replace(architecture, routes=(*architecture.routes, far))

    plan = plan_memory(graph, architecture)

    # eight BRAM18 hold two tensors of four banks
    assert plan.memory_of() == {"A": "memory", "B": "memory", "C": "far"}


def test_a_buffer_made_of_blocks_is_reserved():
    architecture = one_memory(
        BramSpec(blocks=64), tensor=kernel(count=2, buffer=4096, buffer_in="memory")
    )

    plan = plan_memory(matrix_product(), architecture)

    # 1,024 words in four banks of 256: four BRAM18 for each of two kernels
    (reservation,) = plan.reservations
    assert (reservation.name, reservation.units, reservation.bits) == ("tensor.buffer", 8, 65536)
    assert plan.peaks["memory"].units == 8 + 12


def test_a_buffer_that_does_not_fit_is_refused():
    architecture = one_memory(BramSpec(blocks=1), tensor=kernel(buffer=4096, buffer_in="memory"))

    with pytest.raises(CapacityError) as refused:
        plan_memory(matrix_product(), architecture)

    assert str(refused.value) == (
        "'one_memory': 'tensor.buffer' takes 4 BRAM18 of 'memory', 2 are free; "
        "lower architecture.components.tensor.buffer"
    )


def test_a_refusal_names_the_tensor_the_demand_the_bound_and_the_levers():
    graph = matrix_product(m=64, n=64, k=64)
    architecture = one_memory(BramSpec(blocks=10), uram=UramSpec(blocks=3))
    far = Route(memory="uram", units=("tensor", "vector"))
    architecture = replace(architecture, routes=(*architecture.routes, far))

    with pytest.raises(CapacityError) as refused:
        plan_memory(graph, architecture)

    # 4,096 words in four banks of 1,024: 8 BRAM18, which are 4 BRAM36 each for A and B, or
    # 4 URAM. 3 x 64 x 64 words of 4 B; 10 BRAM36 of 4,608 B and 3 URAM of 36,864 B
    assert str(refused.value) == (
        "product does not fit 'one_memory': no room for 'C' (activation, 16,384 B, made by 'C'): "
        "memory needs 4 BRAM36, 2 of 10 are free; uram needs 4 URAM, 3 of 3 are free. "
        "The step holds 49,152 B at its peak (activations 49,152 B), these "
        "memories 156,672 B, less what blocks waste. "
        "Levers: a compressed or smaller workload (its format and ranks, layers, batch, sequence), "
        "a larger architecture.components.memory or architecture.components.uram, or another "
        "memory in architecture.placement.activation"
    )
