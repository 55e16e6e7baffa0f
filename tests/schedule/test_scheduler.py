"""The list scheduler: dependences respected, units kept busy, batches split."""

from hypothesis import given, settings

from archsim.ir import GraphBuilder, Phase
from archsim.schedule import plan_memory, schedule
from tests.machine.strategies import graphs, machines
from tests.machines import (
    FP32,
    chain,
    independent_products,
    kernel,
    matrix_product,
    run,
    wired,
    with_component,
)


def planned(graph, architecture):
    return schedule(graph, architecture, plan_memory(graph, architecture))


@settings(max_examples=50, deadline=None)
@given(graphs(), machines())
def test_every_queue_can_be_worked_through(graph, architecture):
    """Whoever a task waits for stands before it, in its unit's queue and in any other."""
    plan = planned(graph, architecture)

    begun = set()
    for task in plan.tasks:
        assert set(plan.predecessors[task.operation]) <= begun
        begun.add(task.operation)
    for operation in graph.operations:
        assert set(graph.predecessors(operation.name)) <= set(plan.predecessors[operation.name])


@settings(max_examples=50, deadline=None)
@given(graphs(), machines())
def test_the_parts_of_an_operation_cover_it_on_units_of_their_own(graph, architecture):
    plan = planned(graph, architecture)

    for operation in graph.operations:
        parts = [task for task in plan.tasks if task.operation == operation.name]
        assert sum(task.stream.points for task in parts) == operation.space.points
        assert len({task.unit for task in parts}) == len(parts)
        assert len({task.priority for task in parts}) == len(parts)


def test_independent_products_take_a_unit_each():
    plan = planned(independent_products(2), with_component(wired(), "tensor", count=2))

    assert [(task.name, task.unit) for task in plan.tasks] == [("C0", "tensor0"), ("C1", "tensor1")]


def test_no_unit_rests_while_another_has_a_queue():
    plan = planned(independent_products(7), with_component(wired(), "tensor", count=3))

    assert [len(plan.queue(f"tensor{n}")) for n in range(3)] == [3, 2, 2]


def test_a_batch_is_split_over_the_units():
    graph = matrix_product(batch=6)
    architecture = with_component(wired(), "tensor", count=2)

    plan = planned(graph, architecture)

    assert [(task.name, task.operation, task.unit, task.priority) for task in plan.tasks] == [
        ("C[0]", "C", "tensor0", (0, 0)),
        ("C[1]", "C", "tensor1", (0, 1)),
    ]
    # 3 x 8 x 8 x 8 points on 4 multipliers: 10 + 383; on one unit 10 + 767
    assert run(graph, architecture).makespan == 393
    assert run(graph, wired()).makespan == 777


def test_of_two_sorts_of_unit_the_one_that_ends_first_is_taken():
    architecture = wired(fast=kernel(parallel_macs=8, banks=8))

    tasks = planned(independent_products(3), architecture).tasks

    # 10 + 63 ticks on the fast kernel, 10 + 127 on the other: the third ends at 146 on the
    # former and 274 on the latter
    assert [(task.operation, task.unit) for task in tasks] == [
        ("C0", "fast"),
        ("C1", "tensor"),
        ("C2", "fast"),
    ]


def fork():
    """A short product ``S`` and, listed after it, a long chain that starts with ``L``."""
    builder = GraphBuilder("fork", {"i": 8, "j": 8, "k": 8}, FP32)
    a, b = builder.tensor("A", (8, 8)), builder.tensor("B", (8, 8))
    builder.contract("S", Phase.FORWARD, "i k, k j -> i j", a, b)
    product = builder.contract("L", Phase.FORWARD, "i k, k j -> i j", b, a)
    builder.elementwise("L.tanh", Phase.FORWARD, "i j -> i j", "tanh(a)", product)
    return builder.graph()


def test_the_longest_way_to_go_comes_first():
    tasks = planned(fork(), wired()).tasks

    assert [task.operation for task in tasks] == ["L", "S", "L.tanh"]
    assert [task.priority for task in tasks] == [(1, 0), (0, 0), (2, 0)]


def test_predecessors_hold_data_and_reused_blocks():
    plan = planned(chain(length=3), wired(blocks=14))

    data = {op.name: set(plan.graph.predecessors(op.name)) for op in plan.graph.operations}
    more = {
        (before, name)
        for name, waits in plan.predecessors.items()
        for before in set(waits) - data[name]
    }
    assert more == {pair for pair in plan.memory.waits if pair[0] not in data[pair[1]]}
    assert more
