"""greedy: what each step picks, and how far from optimal that ends."""

import numpy as np
import pytest

from archsim.contraction import TensorNetwork, greedy, search, search_training, tensor_train
from tests.contraction.networks import Costs, layer, nested, random_network


def test_each_step_shrinks_the_tensors_held_the_most():
    """a b with b c: 4·6 - 4·5 - 5·6 = -26; b c with c d: 5·2 - 5·6 - 6·2 = -32, so first."""
    sizes = {"a": 4, "b": 5, "c": 6, "d": 2}
    network = TensorNetwork([("a", "b"), ("b", "c"), ("c", "d")], ("a", "d"), sizes)

    assert greedy(network).steps == ((1, 2), (0, 3))


def test_tensors_that_nothing_joins_come_last_and_smallest_first():
    sizes = {"a": 4, "b": 9, "c": 2, "d": 3}
    network = TensorNetwork([("b",), ("a",), ("c",), ("a", "d")], ("b", "c", "d"), sizes)

    assert greedy(network).steps == ((1, 3), (2, 4), (0, 5))  # a: then 2·3, then 9·6


def test_one_tensor_takes_no_step():
    assert greedy(TensorNetwork([("a",)], ("a",), {"a": 2})).steps == ()


def test_greedy_is_never_better_than_the_search():
    rng = np.random.default_rng(8)
    for count in [3, 5, 7] * 20:
        network = random_network(rng, count, hyperedges=count == 5)

        tree = greedy(network)

        assert tree.macs == Costs(network, nested(tree)).macs
        assert tree.macs >= search(network, outer_products=True, hyperedges=True).macs


@pytest.mark.parametrize(("number", "ratio"), [(0, 32.0), (1, 32.4), (5, 32.0)])
def test_greedy_is_far_off_for_gradients(number, ratio):
    """A train of rank 12 at batch 1024; its forward pass is 1.06 times the optimum."""
    train = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)
    found = search_training(layer(train.cores, train.sizes, 1024), 6)
    gradient = found.weight_gradients[number]

    assert greedy(gradient.network).macs / gradient.macs == pytest.approx(ratio, abs=0.05)
    assert greedy(found.forward.network).macs / found.forward.macs == pytest.approx(1.06, abs=0.01)
