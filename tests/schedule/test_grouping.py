"""Grouping: small cores of different layers share banks; the lever that the paper describes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from archsim.formats import parse
from archsim.hardware import Architecture, BramSpec, Route
from archsim.ir import GraphBuilder, OperationGraph, Phase, Role
from archsim.schedule import Lifetimes, plan_memory
from tests.machine.strategies import graphs
from tests.machines import FP32, kernel, vector


def banked(blocks=1344, banks=12):
    """A BRAM wired to a kernel of so many banks, and to as many lanes."""
    return Architecture(
        name="banked",
        components={
            "tensor": kernel(parallel_macs=banks, banks=banks),
            "vector": vector(lanes=banks),
            "bram": BramSpec(blocks=blocks),
        },
        routes=(Route(memory="bram", units=("tensor", "vector")),),
    )


def layers(count, *positions, words=1152):
    """``count`` layers, each of which uses a core at each position once."""
    builder = GraphBuilder("layers", {"i": words, "b": 1, "o": 1}, FP32)
    for layer in range(count):
        x = builder.tensor(f"x{layer}", (1, words))
        for position in positions:
            core = builder.tensor(f"layer{layer}.{position}", (words, 1), Role.PARAMETER)
            name = f"layer{layer}.y.{position}"
            builder.contract(name, Phase.FORWARD, "b i, i o -> b o", x, core)
    return builder.graph()


def test_five_inner_cores_fit_the_banks_of_one():
    """1,152 words in 12 banks are 96 deep; five of them are 480 of 512 words."""
    plan = plan_memory(layers(5, "G2"), banked())

    (group,) = plan.groups
    assert group.tensors == tuple(f"layer{n}.G2" for n in range(5))
    assert (group.partitions, group.units, group.units_alone) == (12, 12, 60)
    assert [plan.placements[name].units for name in group.tensors] == [12, 0, 0, 0, 0]


def test_a_sixth_core_opens_banks_of_its_own():
    plan = plan_memory(layers(6, "G2"), banked())

    assert [len(group.tensors) for group in plan.groups] == [5]
    assert plan.placements["layer5.G2"].units == 12


def test_without_grouping_each_core_has_its_banks():
    plan = plan_memory(layers(5, "G2"), banked(), grouping=False)

    assert plan.groups == ()
    assert {plan.placements[f"layer{n}.G2"].units for n in range(5)} == {12}


def test_forty_two_end_cores_fit_the_banks_of_one():
    """144 words in 12 banks are 12 deep: 42 of them fill 512 words to 504."""
    (group, rest) = plan_memory(layers(50, "G1", words=144), banked()).groups

    assert (len(group.tensors), group.units, group.units_alone) == (42, 12, 42 * 12)
    assert len(rest.tensors) == 8


def test_a_bank_may_be_filled_to_the_last_word():
    """1,536 words in 12 banks are 128 deep: four of them are 512."""
    (group,) = plan_memory(layers(4, "G2", words=1536), banked()).groups

    assert (len(group.tensors), group.units) == (4, 12)


def test_positions_are_grouped_apart():
    plan = plan_memory(layers(3, "G1", "G2"), banked())

    assert sorted(group.tensors for group in plan.groups) == [
        ("layer0.G1", "layer1.G1", "layer2.G1"),
        ("layer0.G2", "layer1.G2", "layer2.G2"),
    ]
    assert len({group.name for group in plan.groups}) == 2


def test_groups_of_one_position_in_other_formats_have_names_of_their_own():
    graph = layers(4, "G2")
    half = parse("bf16")
    operations = [
        replace(
            operation,
            inputs=(operation.inputs[0], replace(operation.inputs[1], format=half)),
        )
        if operation.name.startswith(("layer2", "layer3"))
        else operation
        for operation in graph.operations
    ]

    first, second = plan_memory(OperationGraph(operations), banked()).groups

    assert first.tensors == ("layer0.G2", "layer1.G2")
    assert second.tensors == ("layer2.G2", "layer3.G2")
    assert first.name != second.name


def two_cores_used_together(update):
    """``a.G`` and ``b.G`` in one product; the former by way of its update, if wished."""
    builder = GraphBuilder("together", {"i": 24, "j": 24, "k": 24}, FP32)
    a = builder.tensor("a.G", (24, 24), Role.PARAMETER)
    b = builder.tensor("b.G", (24, 24), Role.PARAMETER)
    if update:
        a = builder.elementwise(
            "a.new", Phase.UPDATE, "i k -> i k", "a * 2", a, overwrites="a.G", role=Role.PARAMETER
        )
    builder.contract("y", Phase.FORWARD, "i k, k j -> i j", a, b)
    return builder.graph()


@pytest.mark.parametrize("update", [False, True])
def test_cores_that_one_operation_reads_do_not_share_banks(update):
    assert plan_memory(two_cores_used_together(update), banked()).groups == ()


def test_a_group_that_finds_no_room_is_not_listed():
    """One BRAM36 is less than twelve banks: its members lie in the next memory, each alone."""
    architecture = banked(blocks=1)
    parts = {**architecture.components, "far": BramSpec(blocks=1344)}
    routes = (*architecture.routes, Route(memory="far", units=("tensor", "vector")))
    architecture = replace(architecture, components=parts, routes=routes)

    plan = plan_memory(layers(3, "G2"), architecture)

    assert plan.groups == ()
    assert {plan.placements[f"layer{n}.G2"].memory for n in range(3)} == {"far"}


@settings(max_examples=100, deadline=None)
@given(graphs(most_operations=14))
def test_groups_save_units_and_no_operation_uses_two_of_one(graph):
    users = Lifetimes(graph).users

    plan = plan_memory(graph, banked())

    for group in plan.groups:
        assert group.units < group.units_alone
        assert sum(plan.placements[name].units for name in group.tensors) == group.units
        seen = [user for name in group.tensors for user in users[name]]
        assert len(seen) == len(set(seen))


def test_a_tensor_lies_in_as_many_banks_as_its_widest_wired_user_wants():
    architecture = banked(banks=6)
    wider = replace(architecture.components["vector"], lanes=16)
    architecture = replace(architecture, components={**architecture.components, "vector": wider})
    builder = GraphBuilder("two", {"i": 8, "j": 8, "k": 8}, FP32)
    a, b = builder.tensor("A", (8, 8)), builder.tensor("B", (8, 8))
    product = builder.contract("C", Phase.FORWARD, "i k, k j -> i j", a, b)
    builder.elementwise("D", Phase.FORWARD, "i j -> i j", "tanh(a)", product)

    plan = plan_memory(builder.graph(), architecture)

    banks = {name: placement.partitions for name, placement in plan.placements.items()}
    assert banks == {"A": 6, "B": 6, "C": 16, "D": 16}
