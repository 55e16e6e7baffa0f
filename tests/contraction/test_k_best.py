"""k_best: every tree once, in order of its cost, by trying every tree."""

from itertools import islice

import numpy as np
import pytest

from archsim.contraction import (
    TensorNetwork,
    search,
    search_training,
    tensor_train,
    tensor_train_matrix,
)
from archsim.contraction.k_best import k_best
from archsim.errors import InputError
from tests.contraction.networks import layer, random_network
from tests.contraction.priced_trees import RandomPrices, clusters, every_tree, priced


@pytest.mark.parametrize("outer_products", [False, True])
@pytest.mark.parametrize("largest", [20, None], ids=["whole prices", "digits"])
def test_every_tree_comes_once_in_order_of_cost(largest, outer_products):
    rng = np.random.default_rng(7)
    for case, tensors in enumerate([3, 4, 5, 6] + [3, 4, 5] * 6):
        network = random_network(rng, tensors, largest=9, hyperedges=case % 3 == 0)
        prices = RandomPrices(case, largest)

        ranked = list(k_best(network, prices, outer_products=outer_products, hyperedges=True))

        trees = every_tree(network, outer_products=outer_products)
        costs = [cost for cost, _ in ranked]
        assert costs == sorted(costs)
        np.testing.assert_allclose(costs, sorted(t.price(prices) for t in trees), rtol=1e-12)
        np.testing.assert_allclose(costs, [priced(t, prices) for _, t in ranked], rtol=1e-12)
        found = [clusters(tree) for _, tree in ranked]
        assert len(set(found)) == len(found)
        assert set(found) == {frozenset(tree.clusters) for tree in trees}


def made(builder, in_modes, out_modes, ranks):
    network = builder(in_modes, out_modes, ranks)
    return layer(network.cores, network.sizes, 32)


TRAIN = (tensor_train, (12, 8, 8), (8, 8, 12), (12,) * 5)
MATRIX = (tensor_train_matrix, (12, 8, 8), (8, 8, 12), (12,) * 2)


@pytest.mark.parametrize(("shape", "trees"), [(TRAIN, 374), (MATRIX, 12)], ids=["TT", "TTM"])
def test_a_layer_has_as_many_trees_as_were_counted_without_this_code(shape, trees):
    assert len(list(k_best(made(*shape)))) == trees


def test_the_best_trees_of_a_large_network_come_without_the_rest():
    """A gradient of a train with twelve cores has hundreds of millions of trees."""
    network = made(tensor_train, (4, 4, 3, 4, 2, 2), (2, 2, 4, 3, 4, 4), (12,) * 11)
    network = search_training(network, 12).weight_gradients[5].network

    ranked = list(islice(k_best(network), 200))

    costs = [cost for cost, _ in ranked]
    assert costs[0] == search(network).macs
    assert costs == sorted(costs)
    assert costs == [tree.macs for _, tree in ranked]
    assert len({clusters(tree) for _, tree in ranked}) == 200


def test_costs_beyond_floats_are_ranked_to_the_last_digit():
    """x y · y z · z w: one order costs 9 x + 3 x w, the other 9 w + 3 x w: one float for both."""
    x, w = 2**60, 2**60 + 1
    sizes = {"x": x, "y": 3, "z": 3, "w": w}
    network = TensorNetwork([("x", "y"), ("y", "z"), ("z", "w")], ("x", "w"), sizes)

    ranked = list(k_best(network))

    assert [cost for cost, _ in ranked] == [9 * x + 3 * x * w, 9 * w + 3 * x * w]
    assert [tree.macs for _, tree in ranked] == [9 * x + 3 * x * w, 9 * w + 3 * x * w]


def test_sums_beyond_floats_of_prices_within_them_are_ranked_to_the_last_digit():
    """x y · y z · z w: prices below 2^53, and two sums above it that differ by one."""
    x, w = 94_906_265, 94_906_266
    sizes = {"x": x, "y": 1, "z": 1, "w": w}
    network = TensorNetwork([("x", "y"), ("y", "z"), ("z", "w")], ("x", "w"), sizes)

    ranked = list(k_best(network))

    assert x * w < 2**53 < x * w + x
    assert [cost for cost, _ in ranked] == [x + x * w, w + x * w]
    assert [tree.macs for _, tree in ranked] == [x + x * w, w + x * w]


def test_a_single_tensor_has_one_tree():
    network = TensorNetwork([("a", "b")], ("a",), {"a": 2, "b": 3})

    ((cost, tree),) = k_best(network)

    assert (cost, tree.steps) == (0, ())


def test_bad_input_is_refused_before_the_first_tree_is_asked_for():
    network = TensorNetwork([("a",), ("b",)], ("a", "b"), {"a": 2, "b": 3})

    with pytest.raises(InputError, match="outer_products=True"):
        k_best(network)
    with pytest.raises(InputError, match="not a sum over steps"):
        k_best(network, "peak", outer_products=True)
