"""search_simulated: the best of all trees by simulation, and a true word on what is left."""

from math import inf, nan

import numpy as np
import pytest

from archsim.contraction import TensorNetwork
from archsim.contraction.simulated_search import search_simulated
from archsim.errors import ConservationError, InputError
from tests.contraction.networks import random_network
from tests.contraction.priced_trees import RandomPrices, clusters, every_tree


class Simulator:
    """The bound and, by chance, up to ``slack`` more for each tree as a whole."""

    def __init__(self, network, prices, slack):
        self.calls = []
        chance = np.random.default_rng(slack)
        self.values = {
            frozenset(tree.clusters): tree.price(prices) + int(chance.integers(slack + 1))
            for tree in every_tree(network)
        }

    def __call__(self, tree):
        self.calls.append(clusters(tree))
        return self.values[clusters(tree)]

    @property
    def least(self):
        return min(self.values.values())


def cases(slack):
    """Networks, a bound for each, and a simulator that it bounds."""
    rng = np.random.default_rng(11)
    for case, tensors in enumerate([3, 4, 4, 5, 5, 6] * 3):
        network = random_network(rng, tensors, largest=9)
        prices = RandomPrices(case, largest=20)
        yield network, prices, Simulator(network, prices, slack)


@pytest.mark.parametrize("slack", [0, 3, 30, 1000])
def test_the_tree_found_is_the_best_of_all_trees(slack):
    for network, bound, simulate in cases(slack):
        found = search_simulated(network, bound, simulate)

        assert found.value == simulate.least
        assert simulate.values[clusters(found.tree)] == found.value
        assert found.proved
        assert (found.gap_percent, found.verdict) == (0, "optimal (proved by simulation)")
        assert found.simulated == len(simulate.calls) == len(set(simulate.calls))


def test_a_tight_bound_proves_with_one_simulation_and_a_loose_one_with_all():
    """Without slack the first tree is as good as its bound; with much, nothing can be left out."""
    tight = [search_simulated(*case).simulated for case in cases(slack=0)]
    loose = [(search_simulated(n, b, s).simulated, len(s.values)) for n, b, s in cases(10**6)]

    assert tight == [1] * 18
    assert all(simulated == trees for simulated, trees in loose)


@pytest.mark.parametrize("stop", [{"limit": 1}, {"limit": 4}, {"gap": 0.1}, {"gap": 0.5}])
def test_what_is_said_of_a_search_that_stopped_early_is_true(stop):
    early = 0
    for network, bound, simulate in cases(slack=30):
        found = search_simulated(network, bound, simulate, **stop)

        assert found.value == min(simulate.values[tree] for tree in simulate.calls)
        assert found.lower_bound <= simulate.least
        assert found.value <= simulate.least * (1 + found.gap_percent / 100) * (1 + 1e-12)
        assert found.simulated <= stop.get("limit", 1000)
        if "gap" in stop:
            assert found.gap_percent <= 100 * stop["gap"] * (1 + 1e-12)
        if not found.proved:
            early += 1
            assert found.verdict.startswith("within ")
            assert float(found.verdict.split()[1]) >= found.gap_percent
    assert early > 3


class Chain:
    """a b · b c · c d has two trees: the first pair leaves 3 x 2 or 5 x 7 elements."""

    network = TensorNetwork(
        [("a", "b"), ("b", "c"), ("c", "d")], ("a", "d"), {"a": 2, "b": 5, "c": 3, "d": 7}
    )

    def __init__(self, first, second):
        self.first, self.second = first, second

    def price(self, steps):
        by_elements = {2 * 3: self.first, 5 * 7: self.second, 2 * 7: 0}
        return np.array([by_elements[int(made)] for made in steps.result], np.float64)


def simulated(first, second):
    """A simulator of the two trees."""
    return lambda tree: {(0, 1): first, (1, 2): second}[tree.steps[0]]


@pytest.mark.parametrize(
    ("bound", "values", "stop", "verdict"),
    [
        ((100, 110), (105, 120), {}, "optimal (proved by simulation)"),  # 105 <= 110
        ((100, 110), (110, 110), {}, "optimal (proved by simulation)"),  # 110 <= 110
        ((100, 110), (121, 120), {}, "optimal (proved by simulation)"),  # there is no third
        ((100, 110), (121, 120), {"limit": 1}, "within 10.0 %"),  # 121 / 110
        ((1000, 1000), (1001, 1000), {"gap": 0.01}, "within 0.1 %"),
        ((10000, 10000), (10001, 10000), {"gap": 0.01}, "within 0.1 %"),  # 0.01 %, rounded up
        ((0, 0), (1, 1), {"limit": 1}, "best of 1 simulated"),  # a bound of 0 says nothing
        ((0, 0), (0, 1), {}, "optimal (proved by simulation)"),
    ],
)
def test_the_verdict_says_what_was_proved(bound, values, stop, verdict):
    found = search_simulated(Chain.network, Chain(*bound), simulated(*values), **stop)

    assert found.verdict == verdict


def test_the_later_tree_is_returned_if_it_simulates_better():
    found = search_simulated(Chain.network, Chain(100, 110), simulated(121, 120))

    assert (found.tree.steps[0], found.value, found.simulated) == ((1, 2), 120, 2)


def test_of_equal_trees_the_first_one_simulated_is_returned():
    found = search_simulated(Chain.network, Chain(100, 110), simulated(120, 120))

    assert found.tree.steps[0] == (0, 1)


def test_a_tree_that_cannot_run_is_passed_over():
    found = search_simulated(Chain.network, Chain(100, 110), simulated(inf, 120))

    assert (found.tree.steps[0], found.proved) == ((1, 2), True)


@pytest.mark.parametrize("stop", [{}, {"limit": 1}])
def test_a_network_of_which_no_tree_can_run_is_refused(stop):
    with pytest.raises(InputError, match=r"none of the \d trees simulated can run"):
        search_simulated(Chain.network, Chain(100, 110), simulated(inf, inf), **stop)


@pytest.mark.parametrize("value", [99, 0, -1, nan])
def test_a_bound_that_is_none_is_an_error(value):
    with pytest.raises(ConservationError, match=r"below its bound of 100\.0"):
        search_simulated(Chain.network, Chain(100, 110), simulated(value, 120))


def test_rounding_may_put_the_bound_a_little_higher():
    found = search_simulated(Chain.network, Chain(0.3, 1), simulated(0.1 * 3 - 1e-16, 1))

    assert found.proved


def test_a_single_tensor_is_simulated_once():
    network = TensorNetwork([("a", "b")], ("a",), {"a": 2, "b": 3})

    found = search_simulated(network, "macs", lambda tree: 5.0)

    assert (found.tree.steps, found.value, found.proved) == ((), 5.0, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": -0.1}, "gap must be a number >= 0, got -0.1"),
        ({"gap": nan}, "gap must be a number >= 0, got nan"),
        ({"limit": 0}, "limit must be >= 1 simulation, got 0"),
    ],
)
def test_bad_limits_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        search_simulated(Chain.network, "macs", lambda tree: 1.0, **options)
