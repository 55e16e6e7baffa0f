"""training_graph with searched orders: every format's gradients are the dense layer's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim import execute
from archsim.contraction import (
    FIXED_ORDERS,
    SEARCHED_ORDERS,
    ReverseFlow,
    block_term,
    cp,
    hierarchical_tucker,
    hierarchical_tucker_matrix,
    search,
    search_training,
    tensor_ring,
    tensor_train,
    tensor_train_matrix,
    training_step,
    tucker,
)
from archsim.errors import InputError
from archsim.formats import parse
from archsim.ir import Contraction, GraphBuilder, Phase
from tests.contraction.networks import layer
from tests.workloads.test_tensor_layers import LAYERS, dense_truth, macs_by_phase
from workloads.tensor_layers import training_graph

FORMATS = {
    "TT": tensor_train((2, 3, 4), (4, 3, 2), [3, 4, 5, 4, 3]),
    "TTM": tensor_train_matrix((4, 3, 2), (2, 3, 4), [5, 4]),
    "TR": tensor_ring((4, 3, 2), (2, 3, 4), [3, 4, 2, 5, 3, 4]),
    "HT": hierarchical_tucker((4, 3, 2), (2, 3, 4), [3, 2, 4, 2, 5, 2, 3, 4, 3, 4]),
    "HTM": hierarchical_tucker_matrix((4, 3, 2), (2, 3, 4), [2, 3, 5, 4]),
    "BTD": block_term((5, 4), (3, 6), [4, 3]),
    "BTD of three blocks": block_term((4, 3, 2), (2, 3, 4), [3, 2, 4], blocks=3),
    "Tucker": tucker((4, 3), (2, 5), [3, 2, 2, 4]),
    "CP": cp((4, 3), (2, 5), 6),
}
CASES = {name: (network.cores, network.sizes) for name, network in FORMATS.items()}
CASES |= {name: case for name, (case, _) in LAYERS.items()}


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("order", SEARCHED_ORDERS)
@pytest.mark.parametrize("name", CASES)
def test_results_equal_the_dense_layer(name, order, batch):
    core_indices, sizes = CASES[name]
    rng = np.random.default_rng(11)
    graph = training_graph(core_indices, sizes, batch, order)
    arrays = {name: rng.standard_normal(graph.tensors[name].shape) for name in graph.inputs}

    results = execute(graph, arrays)

    for target, expected in dense_truth(core_indices, sizes, arrays).items():
        assert results[target].shape == expected.shape
        scale = max(1.0, np.abs(expected).max())
        assert np.abs(results[target] - expected).max() / scale < 1e-10, target


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["TT", "TTM", "TR", "HT", "BTD"]), st.data())
def test_gradients_do_not_care_which_intermediates_are_computed_again(name, data):
    cores, sizes = CASES[name]
    network = layer(cores, sizes, 5)
    tree = search(network)
    inner = range(len(tree.steps) - 1)
    again = data.draw(st.sets(st.sampled_from(inner), max_size=len(inner)))
    builder = GraphBuilder("layer", network.sizes, parse("fp64"))
    flow = ReverseFlow(builder, tree, "layer", len(network.inputs) - 1, again)

    graph = training_step(builder, flow)

    assert graph.macs == 3 * tree.macs + sum(tree.step_macs[step] for step in again)
    rng = np.random.default_rng(5)
    arrays = {name: rng.standard_normal(graph.tensors[name].shape) for name in graph.inputs}
    results = execute(graph, arrays)
    for target, expected in dense_truth(cores, sizes, arrays).items():
        scale = max(1.0, np.abs(expected).max())
        assert np.abs(results[target] - expected).max() / scale < 1e-10, target


@pytest.mark.parametrize("batch", [1, 32, 1024])
@pytest.mark.parametrize("name", FORMATS)
def test_a_graph_costs_what_its_search_says(name, batch):
    network = FORMATS[name]
    found = search_training(
        layer(network.cores, network.sizes, batch), len(network.cores), hyperedges=True
    )

    independent, shared = (
        training_graph(network.cores, network.sizes, batch, order)
        for order in ("optimal", "shared_optimal")
    )

    assert independent.macs == found.independent_macs
    assert macs_by_phase(independent)[Phase.FORWARD] == found.forward.macs
    assert macs_by_phase(independent)[Phase.BACKWARD] == found.input_gradient.macs
    assert shared.macs == found.shared_macs
    for graph in (independent, shared):
        contractions = [op for op in graph.operations if isinstance(op, Contraction)]
        assert all(op.is_matrix_product for op in contractions)


@pytest.mark.parametrize("batch", [1, 128, 4096])
def test_no_fixed_order_is_cheaper(batch):
    network = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)

    def forward(order):
        graph = training_graph(network.cores, network.sizes, batch, order)
        return macs_by_phase(graph)[Phase.FORWARD]

    best = forward("optimal")
    assert best == forward("shared_optimal")
    assert all(best <= forward(order) for order in (*FIXED_ORDERS, "greedy"))


def test_more_cores_than_the_search_takes_are_refused_with_its_limit():
    network = tensor_train((2,) * 10, (2,) * 8, [2] * 17)

    with pytest.raises(InputError, match="at most 18 tensors, here are 20"):
        training_graph(network.cores, network.sizes, 4, "optimal")
    assert training_graph(network.cores, network.sizes, 4, "greedy").macs > 0
