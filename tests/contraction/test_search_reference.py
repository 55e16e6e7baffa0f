"""The search against independent exact searches: opt_einsum and cotengrust, 500 networks."""

from functools import cache

import numpy as np
import pytest

from archsim.contraction import (
    ContractionTree,
    TensorNetwork,
    search,
    search_training,
    tensor_ring,
    tensor_train,
)
from tests.contraction.networks import layer, random_network

pytestmark = pytest.mark.reference


@cache
def networks():
    """4 to 9 tensors, extents 1 to 64."""
    rng = np.random.default_rng(500)
    return [random_network(rng, 4 + n % 6) for n in range(500)]


def spelled(network):
    """Inputs, output and sizes with one letter per index, as both packages want them."""
    letter = {index: chr(ord("a") + n) for n, index in enumerate(network.sizes)}
    inputs = [[letter[index] for index in term] for term in network.inputs]
    output = [letter[index] for index in network.output]
    return inputs, output, {letter[index]: size for index, size in network.sizes.items()}


def tree_of(network, path):
    """The tree of a path of positions in a list from which operands are taken."""
    held, steps = list(range(len(network.inputs))), []
    for positions in path:
        one, other = (held.pop(position) for position in sorted(positions, reverse=True))
        held.append(len(network.inputs) + len(steps))
        steps.append((one, other))
    return ContractionTree(network, steps)


def cotengrust_macs(network, **options):
    cotengrust = pytest.importorskip("cotengrust")
    path = cotengrust.optimize_optimal(
        *spelled(network), minimize="flops", simplify=False, **options
    )
    return tree_of(network, path).macs


@pytest.mark.parametrize("outer_products", [False, True])
def test_macs_equal_cotengrust_s_exact_search(outer_products):
    """It adds up costs in 32-bit floats, so it takes either of two trees within 1e-5.

    Bonds of 1 are made 2: with them it misses the optimum that opt_einsum finds too.
    """
    equal = 0
    for network in map(widened, networks()):
        found = search(network, outer_products=outer_products).macs
        theirs = cotengrust_macs(network, search_outer=outer_products)

        assert found <= theirs <= found * (1 + 1e-5)
        equal += found == theirs
    assert equal > 450


def widened(network):
    sizes = {index: max(2, size) for index, size in network.sizes.items()}
    return TensorNetwork(network.inputs, network.output, sizes)


def test_macs_equal_opt_einsum_s_dynamic_programming():
    paths = pytest.importorskip("opt_einsum").paths
    for network in networks():
        path = paths.DynamicProgramming(minimize="flops", cost_cap=False)(*as_sets(network))

        assert search(network).macs == tree_of(network, path).macs


class Operations:
    """What opt_einsum's optimal path minimises: a step that sums counts its points twice."""

    def price(self, steps):
        return steps.macs * np.where(steps.k > 1, 2.0, 1.0)


def test_operations_equal_opt_einsum_s_optimal_path():
    """Up to 6 tensors; extents of 1 are left out, as k does not tell whether they are summed."""
    opt_einsum = pytest.importorskip("opt_einsum")
    for network in networks():
        if len(network.inputs) > 6:
            continue
        longer = widened(network)
        path = opt_einsum.paths.optimal(*as_sets(longer))

        found = search(longer, Operations(), outer_products=True)
        assert operations(found) == operations(tree_of(longer, path))


def as_sets(network):
    inputs, output, sizes = spelled(network)
    return list(map(frozenset, inputs)), frozenset(output), sizes


def operations(tree):
    total = 0
    for number, (one, other) in enumerate(tree.steps, len(tree.network.inputs)):
        met = {*tree.indices[one], *tree.indices[other]}
        sums = met != set(tree.indices[number])
        total += tree.network.elements(met) * (2 if sums else 1)
    return total


@pytest.mark.parametrize("modes", [2, 3, 4, 5])
def test_every_pass_of_a_layer_equals_cotengrust_s_exact_search(modes):
    inputs, outputs = [4, 8, 6, 4, 4][:modes], [4, 4, 6, 8, 4][:modes]
    for network in (
        tensor_train(inputs, outputs, [12] * (2 * modes - 1)),
        tensor_ring(inputs, outputs, [7] * (2 * modes)),
    ):
        passes = search_training(layer(network.cores, network.sizes, 128), len(network.cores))

        for tree in passes.trees:
            assert tree.macs == cotengrust_macs(tree.network)
