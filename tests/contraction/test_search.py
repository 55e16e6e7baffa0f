"""search: optimal by published numbers and by trying every tree; what it refuses, and how."""

import re
from functools import cache

import numpy as np
import pytest

from archsim.contraction import (
    ContractionTree,
    Objective,
    TensorNetwork,
    block_term,
    cp,
    greedy,
    hierarchical_tucker,
    search,
    search_many,
    search_training,
    tensor_ring,
    tensor_train,
    tensor_train_matrix,
)
from archsim.contraction.exact_search import needs_outer_products
from archsim.contraction.topology import EXACT_LIMIT
from archsim.errors import GraphError, InputError
from tests.contraction.networks import (
    Costs,
    all_trees,
    layer,
    nested,
    random_network,
)

M3 = ((8, 8, 12), (12, 8, 8))
M2 = ((16, 16), (16, 16))


def built(builder):
    def cores(*arguments):
        network = builder(*arguments)
        return network.cores, network.sizes

    return cores


TT, TTM, TR, HT, BTD = map(
    built, (tensor_train, tensor_train_matrix, tensor_ring, hierarchical_tucker, block_term)
)
OPTIMA = [
    (TT, *M3, [12] * 5, 32, 691_200),
    (TT, *M3, [12] * 5, 1024, 19_123_200),
    (TT, *M3, [12] * 5, 4096, 75_746_304),
    (TT, (12, 8, 8), (8, 8, 12), [30] * 5, 256, 13_294_080),
    (TTM, *M3, [30, 30], 32, 42_098_688),
    (TTM, *M3, [16, 16], 512, 312_999_936),
    (TTM, (4, 4, 6, 8), (8, 6, 4, 4), [8, 8, 8], 128, 25_264_128),
    (TR, *M3, [8] * 6, 128, 13_434_880),
    (TR, *M2, [10] * 4, 64, 3_788_800),
    (HT, *M3, [8] * 10, 128, 1_703_936),
    (HT, *M2, [8] * 6, 64, 315_392),
    (BTD, *M3, [8] * 3, 128, 46_170_112),
    (BTD, *M2, [12] * 2, 64, 5_017_600),
]
"""Fewest multiply-accumulates: an independent search over all trees, opt_einsum agreeing."""


@pytest.mark.parametrize(("cores", "in_modes", "out_modes", "ranks", "batch", "macs"), OPTIMA)
def test_the_optimum_of_every_pass_of_a_layer_is_the_published_one(
    cores, in_modes, out_modes, ranks, batch, macs
):
    """The forward pass, dX and each core's gradient have the same optimum, each found alone."""
    network = layer(*cores(in_modes, out_modes, ranks), batch)
    passes = search_training(network, len(network.inputs) - 1).trees

    assert [search(tree.network).macs for tree in passes] == [macs] * (len(network.inputs) + 1)
    assert [tree.macs for tree in passes] == [macs] * (len(network.inputs) + 1)
    assert search(network, outer_products=True).macs == macs


@cache
def small_networks():
    """200 of them, and what each of their trees costs."""
    rng = np.random.default_rng(20)
    sizes = [3, 4, 4, 5, 5, 5, 5, 5]
    found = [random_network(rng, sizes[n % 8], hyperedges=n % 5 == 0) for n in range(200)]
    return [(n, [Costs(n, tree) for tree in all_trees(range(len(n.inputs)))]) for n in found]


@pytest.mark.parametrize("outer_products", [False, True])
@pytest.mark.parametrize(
    ("objective", "price"),
    [
        ("macs", lambda cost: cost.macs),
        ("traffic", lambda cost: cost.traffic),
        ("peak", lambda cost: (cost.peak, cost.macs)),
        ({"macs": 1, "traffic": 4}, lambda cost: cost.macs + 4 * cost.traffic),
        ({"peak": 3, "macs": 0}, lambda cost: (cost.peak, cost.macs)),
        ({"macs": 0.5, "peak": 40}, lambda cost: 0.5 * cost.macs + 40 * cost.peak),
        ({"traffic": 1, "peak": 3}, lambda cost: cost.traffic + 3 * cost.peak),
    ],
    ids=["macs", "traffic", "peak", "macs+traffic", "peak alone", "macs+peak", "traffic+peak"],
)
def test_no_tree_is_better_than_the_one_found(objective, price, outer_products):
    for network, costs in small_networks():
        tree = search(network, objective, outer_products, hyperedges=True)

        best = min(price(cost) for cost in costs if outer_products or cost.joined)
        assert price(Costs(network, nested(tree))) == best


def test_a_tree_s_own_costs_are_those_told_anew():
    for network, _ in small_networks()[:40]:
        tree = search(network, hyperedges=True)
        cost = Costs(network, nested(tree))

        assert (tree.macs, tree.peak_elements) == (cost.macs, cost.peak)


def test_an_outer_product_can_pay():
    """Two short vectors onto a large matrix: 2·2 + 4·100, against 2·2·100 + 2·100."""
    network = TensorNetwork([("a",), ("b",), ("a", "b", "c")], ("c",), {"a": 2, "b": 2, "c": 100})

    assert search(network).macs == 2 * 2 * 100 + 2 * 100
    assert search(network, outer_products=True).macs == 2 * 2 + 4 * 100


def test_many_extents_of_one_network_are_searched_in_one_call():
    network = layer(*TR(*M3, [8] * 6), 128)
    rng = np.random.default_rng(3)
    variants = [
        {"b": int(rng.integers(1, 5000)), "r0": int(rng.integers(1, 40))} for _ in range(50)
    ]

    for objective in ("macs", "traffic", "peak", {"macs": 1, "peak": 9}):
        trees = search_many(network, variants, objective)
        for sizes, tree in zip(variants, trees, strict=True):
            alone = search(TensorNetwork(network.inputs, network.output, network.sizes | sizes),
                           objective)  # fmt: skip
            assert tree.network.sizes["b"] == sizes["b"]
            assert (tree.macs, tree.peak_elements) == (alone.macs, alone.peak_elements)
    assert len({tree.steps for tree in search_many(network, variants)}) > 1
    assert search_many(network, []) == []


def test_variants_beyond_what_is_held_at_once_are_searched_in_blocks(monkeypatch):
    monkeypatch.setattr("archsim.contraction.exact_search.BATCH_NUMBERS", 1000)
    network = layer(*TR(*M2, [3] * 4), 8)
    variants = [{"b": batch} for batch in range(1, 60)]

    trees = search_many(network, variants)

    assert [tree.network.sizes["b"] for tree in trees] == list(range(1, 60))


@pytest.mark.parametrize("small", [2**50, 2**60])
def test_counts_beyond_floats_are_still_optimal_to_the_last_digit(small):
    """x y · y z · z w: one order costs 9 x + 3 x w, the other 9 w + 3 x w: one float for both."""
    large = small + 1
    sizes = {"x": large, "y": 3, "z": 3, "w": small}
    network = TensorNetwork([("x", "y"), ("y", "z"), ("z", "w")], ("x", "w"), sizes)

    right, left = search_many(network, [{}, {"x": small, "w": large}])

    assert float(9 * small + 3 * small * large) == float(9 * large + 3 * small * large)
    for tree in (right, left, search(network), search(left.network)):
        assert tree.macs == 9 * small + 3 * small * large


class Steps(Objective):
    """A price of one's own: a fixed number of cycles per step, and those of a k-deep array."""

    def price(self, steps):
        assert (steps.batch * steps.m * steps.k == steps.left).all()
        assert (steps.batch * steps.k * steps.n == steps.right).all()
        assert (steps.batch * steps.m * steps.n == steps.result).all()
        return 1000 + steps.batch * np.ceil(steps.m / 16) * np.ceil(steps.n / 16) * steps.k


def test_an_objective_of_one_s_own_prices_all_steps_at_once():
    won = 0
    for network, _ in small_networks()[1:40]:
        leaves = len(network.inputs)
        trees = [ContractionTree(network, flat(t, leaves)) for t in all_trees(range(leaves))]

        found = search(network, Steps(), outer_products=True, hyperedges=True)
        [again] = search_many(network, [{}], Steps(), outer_products=True, hyperedges=True)
        plain = search(network, outer_products=True, hyperedges=True)

        assert cycles(found) == cycles(again) == min(map(cycles, trees)) <= cycles(plain)
        won += cycles(found) < cycles(plain)
    assert won > 5


def flat(tree, leaves):
    """Steps of a tree given as nested pairs."""
    steps = []

    def visit(node):
        if isinstance(node, int):
            return node
        steps.append(tuple(map(visit, node)))
        return leaves + len(steps) - 1

    visit(tree)
    return steps


def cycles(tree):
    total, sizes = 0, tree.network.sizes
    for number, (one, other) in enumerate(tree.steps, len(tree.network.inputs)):
        left, right, made = (set(tree.indices[n]) for n in (one, other, number))
        extent = [np.prod([sizes[i] for i in indices], initial=1.0) for indices in (
            left & right & made, left - right, right - left, left & right - made)]  # fmt: skip
        batch, m, n, k = extent
        total += 1000 + batch * np.ceil(m / 16) * np.ceil(n / 16) * k
    return total


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        (lambda steps: steps.macs[:-1], "steps were priced with"),
        (lambda steps: steps.macs * np.nan, "every price must be a number >= 0"),
        (lambda steps: -steps.macs, "every price must be a number >= 0"),
    ],
)
def test_impossible_prices_are_refused(prices, message):
    class Bad:
        def price(self, steps):
            return prices(steps)

    with pytest.raises(InputError, match=message):
        search(layer(*BTD(*M2, [2, 2]), 4), Bad())


def test_one_tensor_alone_takes_no_step():
    network = TensorNetwork([("i", "j")], ("i",), {"i": 2, "j": 3})

    assert search(network).steps == ()
    assert search_many(network, [{"i": 5}])[0].network.sizes["i"] == 5


def test_extents_of_one_cost_nothing_but_still_join():
    network = TensorNetwork([("a", "b"), ("b", "c")], ("a", "c"), {"a": 1, "b": 1, "c": 1})

    assert search(network).macs == 1


def test_an_index_of_one_tensor_is_summed_before_anything_is_contracted():
    network = TensorNetwork([("a", "z"), ("a", "b")], ("b",), {"a": 2, "b": 3, "z": 1000})

    assert search(network).macs == 2 * 3


CHAIN = [("a", "b"), ("b", "c")]


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        ([("a", "b"), ("a", "c"), ("a", "d")], ("b", "c", "d"),
         r"index 'a' stands in more than two tensors \(0, 1, 2\); hyperedges=True"),
        ([("a", "b"), ("b", "c"), ("d", "e"), ("e",), ("f",)], ("a", "c", "d", "f"),
         r"no index joins tensors \(0, 1\) to \(2, 3\) to \(4\); outer_products=True"),
        ([("a", "b")] * 2 + [(f"n{n}",) for n in range(EXACT_LIMIT)], ("a", "b"),
         f"at most {EXACT_LIMIT} tensors, here are {EXACT_LIMIT + 2}; greedy"),
        (CHAIN, ("a", "z"), "output index 'z' stands in no tensor"),
    ],
)  # fmt: skip
def test_networks_that_cannot_be_searched_are_refused(inputs, output, message):
    names = {index for term in (*inputs, output) for index in term}

    with pytest.raises(InputError, match=message):
        search(TensorNetwork(inputs, output, dict.fromkeys(names, 2)))


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_below_one_is_refused(size):
    with pytest.raises(GraphError, match=f"'b' must have a size >= 1, got {size}"):
        TensorNetwork(CHAIN, ("a", "c"), {"a": 2, "b": size, "c": 2})
    with pytest.raises(GraphError, match=f"'b' must have a size >= 1, got {size}"):
        search_many(TensorNetwork(CHAIN, ("a", "c"), dict.fromkeys("abc", 2)), [{"b": size}])


def test_a_variant_of_an_index_that_is_not_there_is_refused():
    network = TensorNetwork(CHAIN, ("a", "c"), dict.fromkeys("abc", 2))

    with pytest.raises(GraphError, match="a variant gives index 'rank' a size; known: a, b, c"):
        search_many(network, [{"rank": 4}])


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("mac", "no objective named 'mac'; did you mean 'macs'"),
        ({"flops": 1.0}, "no objective named 'flops'"),
        ({"macs": -1.0}, "weight of macs must be >= 0, got -1.0"),
        ({"peak": float("nan")}, "weight of peak must be >= 0, got nan"),
        ({"macs": 0.0}, "at least one weight must be > 0"),
        ({}, "at least one weight must be > 0"),
    ],
)
def test_an_unknown_objective_is_refused(objective, message):
    network = TensorNetwork(CHAIN, ("a", "c"), dict.fromkeys("abc", 2))

    with pytest.raises(InputError, match=re.escape(message)):
        search(network, objective)


def test_a_network_too_dense_to_search_is_refused_with_the_limit():
    names = [f"n{n}" for n in range(16)]
    network = TensorNetwork([(name,) for name in names], names, dict.fromkeys(names, 2))

    with pytest.raises(InputError, match=r"at most 3,000,000 ways .* these 16 have more; greedy"):
        search(network, outer_products=True)
    assert greedy(network).macs == 2**16 + 2 * 2**8 + 4 * 2**4 + 8 * 2**2


def test_blocks_are_summed_as_soon_as_nothing_else_tells_them_apart():
    """The weight in three steps of four blocks each, its last one summing them; then X."""
    four = block_term(*M3, [8] * 3, blocks=4)
    network = layer(four.cores, four.sizes, 128)

    weight = 4 * (8**3 * 64 + 8**2 * 64 * 96 + 8 * 64 * 96 * 96)
    assert search(network, hyperedges=True).macs == weight + 128 * 768 * 768
    with pytest.raises(InputError, match="index 'block' stands in more than two tensors"):
        search(network)


def test_a_sum_of_rank_one_terms_is_searched_with_its_hyperedge():
    """Rank 5: i0 with i1, then X; o0 with o1, then both. Each step carries the rank."""
    factors = cp((4, 6), (3, 2), 5)
    network = layer(factors.cores, factors.sizes, 100)

    tree = search(network, hyperedges=True)

    assert tree.macs == 4 * 6 * 5 + 100 * 24 * 5 + 3 * 2 * 5 + 100 * 5 * 6


def test_the_peak_can_be_lowered_at_the_price_of_more_steps():
    """A block term at batch 4096: by MACs X goes first; the whole weight is smaller than that."""
    network = layer(*BTD(*M3, [8] * 3), 4096)

    cheapest, smallest = search(network), search(network, "peak")

    assert (cheapest.macs, cheapest.peak_elements) == (1_476_427_776, 16_777_216)
    assert (smallest.macs, smallest.peak_elements) == (2_421_063_680, 768 * 768)


def test_trains_as_long_as_the_limit_are_searched():
    chain = tensor_train((2,) * 8, (2,) * 8, [3] * 15)
    network = layer(chain.cores, chain.sizes, 16)

    assert search(network).macs <= greedy(network).macs
    assert search_training(network, 16).forward.macs == search(network).macs


def test_tensors_along_a_chain_need_no_outer_products():
    chain = [("a",), ("a", "b"), ("b", "c"), ("c", "d")]

    assert not needs_outer_products(chain)
    assert needs_outer_products([*chain, ("e",)])


def test_a_peak_beyond_64_bits_is_searched_in_whole_numbers():
    network = TensorNetwork(
        (("a", "b"), ("b", "c"), ("c", "d")), ("a", "d"), dict.fromkeys("abcd", 2**30)
    )

    assert search(network, "peak").peak_elements == 2**60
    assert search(network, "macs").macs == 2 * 2**90
