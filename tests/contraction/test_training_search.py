"""search_training: one table of cheapest sets gives what separate searches give."""

import numpy as np
import pytest

from archsim import formats
from archsim.contraction import (
    ORDERS,
    TensorNetwork,
    hierarchical_tucker,
    search,
    search_training,
    tensor_train,
    tensor_train_matrix,
    training_flow,
    training_macs,
    training_step,
)
from archsim.errors import GraphError, InputError
from archsim.ir import GraphBuilder
from tests.contraction.networks import layer, random_network


@pytest.mark.parametrize("objective", ["macs", "traffic", "peak", {"macs": 1, "peak": 7}])
def test_every_gradient_is_as_cheap_as_searched_alone(objective):
    rng = np.random.default_rng(5)
    for count in [2, 3, 4, 5, 6, 7] * 3:
        network = random_network(rng, count)

        found = search_training(network, 0, objective, outer_products=True)

        for tree in found.trees:
            alone = search(tree.network, objective, outer_products=True)
            assert price(tree, objective) == price(alone, objective)


def price(tree, objective):
    held = [tree.network.elements(indices) for indices in tree.indices]
    made = enumerate(tree.steps, len(tree.network.inputs))
    traffic = sum(held[one] + held[other] + held[number] for number, (one, other) in made)
    if objective == "traffic":
        return traffic
    if objective == "peak":
        return tree.peak_elements, tree.macs
    return tree.macs if objective == "macs" else tree.macs + 7 * tree.peak_elements


def test_each_gradient_is_contracted_from_all_other_tensors():
    train = tensor_train_matrix((4, 3), (2, 5), [6])
    network = layer(train.cores, train.sizes, 8)

    found = search_training(network, 2)

    x, dy = ("b", "i0", "i1"), ("b", "o0", "o1")
    assert found.forward.network is network
    assert found.input_gradient.network.inputs == (*train.cores, dy)
    assert found.input_gradient.network.output == x
    assert [tree.network.inputs for tree in found.weight_gradients] == [
        (train.cores[1], x, dy),
        (train.cores[0], x, dy),
    ]
    assert [tree.network.output for tree in found.weight_gradients] == [
        ("i0", "o0", "r1"),  # the bond of length 1 at the end is in no other tensor
        ("r1", "i1", "o1"),
    ]


TRAIN = tensor_train((4, 3), (3, 5), [2, 3, 2])
MATRIX = tensor_train_matrix((4, 3), (1, 5), [3])  # its cores have no two halves
TREE = hierarchical_tucker((4, 3), (3, 5), [2, 3, 3, 2, 2, 4])


@pytest.mark.parametrize(
    ("cores", "order"),
    [
        *((cores, order) for cores in (TRAIN, TREE) for order in ORDERS),
        *((MATRIX, order) for order in ORDERS if order != "bidirectional"),
    ],
)
def test_a_training_step_s_multiplies_are_told_without_its_graph(cores, order):
    inputs = tuple(index for index in cores.output if index[0] == "i")
    outputs = tuple(index for index in cores.output if index[0] == "o")
    sizes = {**cores.sizes, "batch": 6}
    network = TensorNetwork((*cores.cores, ("batch", *inputs)), ("batch", *outputs), sizes)
    builder = GraphBuilder("layer", sizes, formats.parse("fp32"))

    told = training_macs(network, order)

    graph = training_step(builder, training_flow(builder, network, order, "layer"))
    assert told == graph.macs


def test_the_activation_may_stand_anywhere():
    train = tensor_train((4, 3), (2,), [5, 6])
    cores_first = layer(train.cores, train.sizes, 8)
    inputs = (cores_first.inputs[-1], *train.cores)
    activation_first = TensorNetwork(inputs, cores_first.output, cores_first.sizes)

    one, other = search_training(cores_first, 3), search_training(activation_first, 0)

    assert one.input_gradient.network.output == other.input_gradient.network.output
    assert len(one.weight_gradients) == len(other.weight_gradients) == 3
    assert one.independent_macs == other.independent_macs


def test_independent_gradients_cost_a_forward_pass_each_and_shared_ones_three_in_all():
    """A tensor train of six cores: 8 times the forward pass, against 3 times."""
    train = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)
    found = search_training(layer(train.cores, train.sizes, 1024), 6)

    assert found.independent_macs == 8 * found.forward.macs
    assert found.shared_macs == 3 * found.forward.macs


def test_an_index_that_a_core_alone_has_is_no_part_of_its_gradient():
    sizes = {"i": 3, "d": 50, "b": 4, "o": 2}
    network = TensorNetwork([("i", "d", "o"), ("b", "i")], ("b", "o"), sizes)

    [gradient] = search_training(network, 1).weight_gradients

    assert gradient.network.output == ("i", "o")


def test_a_layer_of_as_many_tensors_as_the_limit_is_searched():
    """With dY, 17 tensors."""
    tree = hierarchical_tucker((2,) * 4, (3,) * 4, [2] * 14)
    network = layer(tree.cores, tree.sizes, 16)

    found = search_training(network, 15)

    assert found.weight_gradients[0].macs == found.forward.macs == search(network).macs


@pytest.mark.parametrize(
    ("inputs", "output", "activation", "message"),
    [
        ([("a", "b"), ("b", "c")], ("a", "c"), 2, "no tensor 2 among 2 to be the activation"),
        ([("a", "b")], ("a",), 0, "a layer is an activation and at least one core"),
        ([("a", "b"), ("b",), ("c",)], ("a", "c"), 0,
         r"no index joins tensors \(1\) to \(2, 3\); outer_products=True"),
        ([("a", "b"), ("a", "c"), ("a",)], ("b", "c"), 0, "'a' stands in more than two tensors"),
        ([(f"n{n}", f"n{n + 1}") for n in range(18)], ("n0", "n18"), 0, "at most 18 .* are 19"),
    ],
)  # fmt: skip
def test_layers_that_cannot_be_searched_are_refused(inputs, output, activation, message):
    names = {index for term in inputs for index in term}
    network = TensorNetwork(inputs, output, dict.fromkeys(names, 2))

    with pytest.raises(InputError, match=message):
        search_training(network, activation)


def test_no_activation_is_an_error_of_the_network():
    with pytest.raises(GraphError):
        search_training(TensorNetwork([("a",), ("a",)], (), {"a": 2}), -1)
