"""pareto_search: the whole front by trying every tree; what it refuses."""

import numpy as np
import pytest

from archsim.contraction import TensorNetwork, search, tensor_ring
from archsim.contraction.pareto import cheapest_product, pareto_search
from archsim.errors import InputError
from tests.contraction.networks import layer, random_network
from tests.contraction.priced_trees import RandomPrices, every_tree, priced


def cases(number, tensors, largest=None):
    """Networks and two random prices each; every fifth network has a hyperedge."""
    rng = np.random.default_rng(sum(tensors))
    for case in range(number):
        count = tensors[case % len(tensors)]
        network = random_network(rng, count, largest=9, hyperedges=case % 5 == 0)
        yield network, (RandomPrices(2 * case, largest), RandomPrices(2 * case + 1, largest))


def undominated(pairs):
    """Those that no other one matches in both numbers, the slow way."""
    found = {a for a in pairs if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in pairs)}
    return sorted(found)


@pytest.mark.parametrize("outer_products", [False, True])
def test_the_front_is_that_of_all_trees(outer_products):
    """Small whole prices, so that sums are exact and there are many ties."""
    longest = 0
    for network, both in cases(40, [3, 4, 4, 5, 5, 6, 5], largest=30):
        front = pareto_search(network, both, outer_products=outer_products, hyperedges=True)

        trees = every_tree(network, outer_products=outer_products)
        costs = [tuple(tree.price(prices) for prices in both) for tree in trees]
        assert [point.costs for point in front] == undominated(costs)
        for point in front:
            assert tuple(priced(point.tree, prices) for prices in both) == point.costs
        longest = max(longest, len(front))
    assert longest > 5


def test_the_front_of_prices_with_digits_is_that_of_all_trees():
    for network, both in cases(12, [4, 5, 6]):
        front = pareto_search(network, both, hyperedges=True)

        trees = every_tree(network)
        wanted = undominated([tuple(tree.price(prices) for prices in both) for tree in trees])
        found = [point.costs for point in front]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "combine",
    [lambda t, e: t * e, lambda t, e: t * (e + 7 * t), lambda t, e: max(t, 2 * e)],
    ids=["product", "with static power", "the larger"],
)
def test_no_tree_has_a_lower_product(combine):
    for network, both in cases(20, [3, 4, 5, 5, 6], largest=30):
        found = cheapest_product(network, both, combine, hyperedges=True)

        trees = every_tree(network)
        best = min(combine(*(tree.price(prices) for prices in both)) for tree in trees)
        assert combine(*found.costs) == best
        assert combine(*(priced(found.tree, prices) for prices in both)) == best


class PricesOfResults:
    """A price for every step, by the elements that it makes."""

    def __init__(self, by_elements):
        self.by_elements = by_elements

    def price(self, steps):
        return np.array([self.by_elements[int(made)] for made in steps.result], np.float64)


def test_the_least_product_may_lie_between_the_cheapest_trees():
    """a b · b c · c a: three trees, by the pair that comes first, which leaves 6, 10 or 15."""
    network = TensorNetwork([("a", "b"), ("b", "c"), ("c", "a")], (), {"a": 2, "b": 3, "c": 5})
    time = PricesOfResults({6: 1, 10: 5, 15: 100, 1: 0})
    energy = PricesOfResults({6: 100, 10: 5, 15: 1, 1: 0})

    front = pareto_search(network, [time, energy])
    found = cheapest_product(network, [time, energy])

    assert [point.costs for point in front] == [(1, 100), (5, 5), (100, 1)]
    assert [point.tree.steps[0] for point in front] == [(1, 2), (0, 1), (0, 2)]
    assert (found.costs, found.tree.steps[0]) == ((5, 5), (0, 1))


def ring(batch=128):
    cores = tensor_ring((8, 8, 12), (12, 8, 8), (8,) * 6)
    return layer(cores.cores, cores.sizes, batch)


def test_the_ends_of_the_front_are_the_searches_for_one_cost():
    network = ring()
    both = RandomPrices(1), RandomPrices(2)

    front = pareto_search(network, both)

    for n, end in ((0, front[0]), (1, front[-1])):
        least = search(network, both[n])
        assert end.costs[n] == pytest.approx(priced(least, both[n]), rel=1e-12)
    assert len(front) > 3


def test_a_front_made_in_small_blocks_is_the_same(monkeypatch):
    both = RandomPrices(1, largest=50), RandomPrices(2, largest=50)
    front = pareto_search(ring(), both)

    monkeypatch.setattr("archsim.contraction.pareto.PAIRS_AT_ONCE", 10)

    assert [point.costs for point in pareto_search(ring(), both)] == [
        point.costs for point in front
    ]


def test_a_single_tensor_costs_nothing():
    network = TensorNetwork([("a", "b")], ("a",), {"a": 2, "b": 3})

    (point,) = pareto_search(network, ["macs", "traffic"])

    assert (point.costs, point.tree.steps) == ((0, 0), ())


def test_counts_beyond_floats_are_kept_to_the_last_digit():
    """x y · y z: 3 (2^60 + 1) points, which no float holds."""
    size = 2**60 + 1
    network = TensorNetwork([("x", "y"), ("y", "z")], ("x", "z"), {"x": size, "y": 3, "z": 1})

    (point,) = pareto_search(network, ["macs", "traffic"])

    assert point.costs == (3 * size, 3 * size + 3 + size)


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (["macs"], "takes two objectives, got 1"),
        (["macs", "traffic", "macs"], "takes two objectives, got 3"),
        (["macs", "peak"], "the largest intermediate is not a sum over steps"),
        (["macs", {"traffic": 1, "peak": 2}], "the largest intermediate is not a sum over steps"),
        (["macs", "trafic"], "did you mean 'traffic'?"),
    ],
)
def test_what_is_not_two_sums_is_refused(objectives, message):
    with pytest.raises(InputError) as caught:
        pareto_search(ring(), objectives)

    assert message in str(caught.value)


def test_too_many_trade_offs_are_refused_with_the_limit(monkeypatch):
    monkeypatch.setattr("archsim.contraction.pareto.PAIR_LIMIT", 200)

    with pytest.raises(InputError, match="at most 200 pairs of trade-offs, and these 7 tensors"):
        pareto_search(ring(), [RandomPrices(1), RandomPrices(2)])
