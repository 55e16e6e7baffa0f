"""Permutes that networks absorb: the graph that is left computes the same numbers."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import (
    BenesSpec,
    ButterflySpec,
    CrossbarSpec,
    DistributionTreeSpec,
    LinkSpec,
    ReductionButterflySpec,
    ReductionTreeSpec,
)
from archsim.ir import GraphBuilder, Permute, Phase, execute
from archsim.schedule import absorb
from tests.machines import FP32, linked, matrix_product, run
from workloads.tensor_layers import training_graph


@dataclass(frozen=True, kw_only=True)
class ShapingLink(LinkSpec):
    """A link whose network puts what passes into any order."""

    kind = "shaping_link"

    @property
    def absorbs(self):
        return ("permute",)


SHAPING = linked(read=ShapingLink(width=64), write=ShapingLink(width=64))
BUTTERFLIES = linked(read=ButterflySpec(8), write=ReductionButterflySpec(8))
READS = linked(read=ShapingLink(width=64))
WRITES = linked(write=ShapingLink(width=64))


def permutes(graph):
    return [operation.name for operation in graph.operations if isinstance(operation, Permute)]


def values(graph, seed=0):
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(graph.tensors[name].shape) for name in graph.inputs}


def assert_same_numbers(graph, shaped):
    inputs = values(graph)
    before, after = execute(graph, inputs), execute(shaped, inputs)
    assert shaped.outputs == graph.outputs
    for name in graph.outputs:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-12, atol=1e-12)


def transposed_product(*, reads_it="contraction"):
    """``A`` (m, k) is transposed in memory, then read."""
    builder = GraphBuilder("transposed", {"m": 6, "n": 5, "k": 4}, FP32)
    a, b = builder.tensor("A", (6, 4)), builder.tensor("B", (6, 5))
    at = builder.permute("At", Phase.FORWARD, ("m", "k"), ("k", "m"), a)
    if reads_it == "contraction":
        builder.contract("C", Phase.FORWARD, "k m, m n -> k n", at, b)
    else:
        builder.reduce("C", Phase.FORWARD, "k m -> k", at)
    return builder.graph()


def test_a_permute_before_a_product_is_absorbed_where_the_units_read_through_a_network():
    graph = transposed_product()

    shaped = absorb(graph, READS)

    assert shaped.operations == ("At",)
    assert permutes(shaped.graph) == []
    assert [operation.name for operation in shaped.graph.operations] == ["C"]
    assert shaped.graph["C"].reads[0].layout.shape == (6, 4)
    assert shaped.graph["C"].reads[0].layout.order == (1, 0)
    assert_same_numbers(graph, shaped.graph)


@pytest.mark.parametrize("machine", [linked(), WRITES], ids=["plain", "writes only"])
def test_a_machine_without_such_a_network_keeps_the_permute(machine):
    graph = transposed_product()

    assert absorb(graph, machine).graph.operations == graph.operations


def test_a_reduction_does_not_take_its_input_in_another_order():
    assert absorb(transposed_product(reads_it="reduction"), READS).operations == ()


def product_then_transpose(*, twice=False):
    builder = GraphBuilder("transposed", {"m": 6, "n": 5, "k": 4}, FP32)
    a, b = builder.tensor("A", (6, 4)), builder.tensor("B", (4, 5))
    c = builder.contract("C", Phase.FORWARD, "m k, k n -> m n", a, b)
    ct = builder.permute("Ct", Phase.FORWARD, ("m", "n"), ("n", "m"), c)
    builder.reduce("sums", Phase.FORWARD, "n m -> n", ct)
    if twice:
        builder.reduce("others", Phase.FORWARD, "m n -> m", c)
    return builder.graph()


def test_a_permute_after_a_product_is_absorbed_where_the_unit_writes_through_a_network():
    graph = product_then_transpose()

    shaped = absorb(graph, WRITES)

    assert shaped.operations == ("Ct",)
    assert shaped.graph["C"].output.name == "Ct"
    assert_same_numbers(graph, shaped.graph)


def test_a_product_that_somebody_else_reads_too_is_written_as_it_is():
    assert absorb(product_then_transpose(twice=True), WRITES).operations == ()


def test_a_permuted_tensor_that_outlives_the_graph_is_made():
    builder = GraphBuilder("output", {"m": 6, "n": 5}, FP32)
    a = builder.tensor("A", (6, 5))
    builder.output(builder.permute("At", Phase.FORWARD, ("m", "n"), ("n", "m"), a))

    assert absorb(builder.graph(), SHAPING).operations == ()


TT = [["i0", "r0"], ["r0", "i1", "r1"], ["r1", "o0", "r2"], ["r2", "o1"]]
TTM = [["i0", "o0", "r0"], ["r0", "i1", "o1", "r1"], ["r1", "i2", "o2"]]


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_gradients_of_a_tensor_layer_are_the_same_without_its_permutes(data):
    cores = data.draw(st.sampled_from([TT, TTM]))
    names = sorted({index for core in cores for index in core})
    sizes = {name: data.draw(st.integers(1, 4)) for name in names}
    order = data.draw(st.sampled_from(["optimal", "shared_optimal", "right_to_left"]))
    graph = training_graph(cores, sizes, data.draw(st.integers(1, 5)), order)

    shaped = absorb(graph, data.draw(st.sampled_from([SHAPING, BUTTERFLIES])))

    assert len(permutes(shaped.graph)) == len(permutes(graph)) - len(shaped.operations)
    assert_same_numbers(graph, shaped.graph)


def test_an_absorbed_permute_takes_no_time():
    graph = transposed_product()
    shaped = absorb(graph, SHAPING).graph

    assert run(shaped, SHAPING).makespan < run(graph, linked()).makespan


NETWORKS = [kind(8) for kind in (ButterflySpec, ReductionButterflySpec, BenesSpec, CrossbarSpec)]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.kind)
def test_a_network_absorbs_permutes_and_takes_the_passes_that_they_cost(network):
    """``A`` (6, 4) comes column by column, 3 beats: behind 8 ports, rows m and m + 2 collide."""
    graph, machine = transposed_product(), linked(read=network, write=network)

    shaped = absorb(graph, machine)

    assert shaped.operations == ("At",)
    assert_same_numbers(graph, shaped.graph)
    trace = run(shaped.graph, machine)
    counts = {tally.name: tally.count for tally in trace.tallies if tally.component == "read"}
    beats = 4 + 3  # B lies as it is wanted: 30 words in 4 passes
    assert counts["conflict_passes"] > 0
    assert counts["passes"] - counts["conflict_passes"] - counts["blocked_passes"] == beats


@pytest.mark.parametrize(
    "network", [DistributionTreeSpec(8, root_words=2), ReductionTreeSpec(8, root_words=2)]
)
def test_a_tree_leaves_permutes_to_memory(network):
    graph = transposed_product()

    assert absorb(graph, linked(read=network, write=network)).operations == ()


def test_a_graph_without_permutes_is_left_alone():
    graph = matrix_product()

    assert absorb(graph, SHAPING).graph.operations == graph.operations
