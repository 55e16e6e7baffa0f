"""Orders side by side: what each costs, which is best, and at which step the others lose."""

import numpy as np
import pytest

from archsim.contraction import ContractionTree, TensorNetwork
from archsim.contraction.compare import OrderComparison, OrderCost, compare_orders
from archsim.contraction.objective import QUANTITIES
from archsim.errors import InputError
from tests.contraction.networks import Costs, all_trees, nested, random_network

CHAIN = TensorNetwork(
    [("i", "j"), ("j", "k"), ("k", "l")], ("i", "l"), {"i": 8, "j": 16, "k": 4, "l": 2}
)
APART = TensorNetwork([("i",), ("j",), ("i", "j", "k")], ("k",), {"i": 2, "j": 2, "k": 1000})
LONG = TensorNetwork(
    [("i", "j"), ("j", "k"), ("k", "l"), ("l", "m")],
    ("i", "m"),
    {"i": 10, "j": 100, "k": 2, "l": 3, "m": 4},
)


def by_name(comparison):
    return {order.name: order for order in comparison.alternatives}


def set_against(steps, best_steps, objective, network=LONG):
    """A comparison of two given trees."""
    order = OrderCost("given", ContractionTree(network, steps))
    best = OrderCost("best", ContractionTree(network, best_steps))
    return OrderComparison(objective, best, (order,)), order


def test_a_chain_of_three_costs_what_its_two_orders_cost():
    comparison = compare_orders(CHAIN)

    # from the right: 16*4*2 + 8*16*2; from the left: 8*16*4 + 8*4*2
    # elements moved: 64+8+32 and 128+32+16; 128+64+32 and 32+8+16
    assert comparison.best.costs == {"macs": 384, "peak": 32, "traffic": 280}
    others = by_name(comparison)
    assert others["right_to_left"].costs == {"macs": 384, "peak": 32, "traffic": 280}
    assert others["left_to_right"].costs == {"macs": 576, "peak": 32, "traffic": 280}
    assert others["right_to_left"].is_same_tree(comparison.best)
    assert not others["left_to_right"].is_same_tree(comparison.best)
    assert comparison.ratio(others["left_to_right"], "macs") == 1.5


@pytest.mark.parametrize(
    ("objective", "others"),
    [
        ("macs", ["best_for_peak", "best_for_traffic"]),
        ("peak", ["best_for_macs", "best_for_traffic"]),
        ("traffic", ["best_for_macs", "best_for_peak"]),
    ],
)
def test_the_alternatives_are_the_listed_orders_greedy_and_the_other_objectives(objective, others):
    comparison = compare_orders(CHAIN, objective)

    assert list(by_name(comparison)) == ["left_to_right", "right_to_left", "greedy", *others]


def test_orders_as_listed_take_one_tensor_after_the_other():
    found = by_name(compare_orders(LONG))

    assert nested(found["left_to_right"].tree) == (((0, 1), 2), 3)
    assert nested(found["right_to_left"].tree) == (((3, 2), 1), 0)


@pytest.mark.parametrize("seed", range(20))
def test_costs_are_those_of_an_independent_count(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 7)), largest=9)

    comparison = compare_orders(network)

    for order in (comparison.best, *comparison.alternatives):
        counted = Costs(network, nested(order.tree))
        assert order.costs == {
            "macs": counted.macs,
            "peak": counted.peak,
            "traffic": counted.traffic,
        }
        assert order.costs["macs"] == order.tree.macs


@pytest.mark.parametrize("objective", QUANTITIES)
@pytest.mark.parametrize("seed", range(8))
def test_the_best_tree_is_the_cheapest_of_all_that_join_tensors(seed, objective):
    network = random_network(np.random.default_rng(100 + seed), 5, largest=9)
    every = [Costs(network, tree) for tree in all_trees(range(5))]

    comparison = compare_orders(network, objective)

    cheapest = min(getattr(cost, objective) for cost in every if cost.joined)
    assert comparison.best.costs[objective] == cheapest


@pytest.mark.parametrize("seed", range(20))
def test_an_order_loses_if_and_only_if_it_costs_more(seed):
    network = random_network(np.random.default_rng(200 + seed), 6)
    for objective in QUANTITIES:
        comparison = compare_orders(network, objective)
        for order in comparison.alternatives:
            loss = comparison.loss(order)

            dearer = order.costs[objective] > comparison.best.costs[objective]
            assert (loss is not None) == dearer
            if loss is not None:
                assert loss.step in order.steps
                assert loss.instead_of in comparison.best.steps
                assert loss.step.costs[objective] > loss.instead_of.costs[objective]


def test_a_loss_is_named_by_its_step_and_what_the_best_tree_has_instead():
    comparison = compare_orders(CHAIN)

    loss = comparison.loss(by_name(comparison)["left_to_right"])

    assert loss is not None
    assert (loss.step.left, loss.step.right, loss.step.made) == (
        ("i", "j"),
        ("j", "k"),
        ("i", "k"),
    )
    assert loss.step.costs["macs"] == 512
    assert loss.instead_of.costs["macs"] == 256


def test_steps_that_both_trees_have_are_no_loss():
    network = TensorNetwork(LONG.inputs, LONG.output, {**LONG.sizes, "j": 5})
    steps, best_steps = [(0, 1), (4, 2), (5, 3)], [(0, 1), (2, 3), (4, 5)]
    comparison, order = set_against(steps, best_steps, "macs", network)

    loss = comparison.loss(order)

    # 120 to 80 and 60 to 24; with the first, shared step it were 120 to 100, 100 to 80, 60 to 24
    assert [step.costs["macs"] for step in order.steps] == [100, 60, 120]
    assert [step.costs["macs"] for step in comparison.best.steps] == [100, 24, 80]
    assert loss is not None
    assert (loss.step.made, loss.step.costs["macs"]) == (("i", "m"), 120)
    assert loss.instead_of.costs["macs"] == 80


def test_a_loss_is_where_most_is_lost_not_where_most_is_spent():
    sizes = {"i": 20, "j": 2, "k": 5, "l": 1, "m": 3}
    network = TensorNetwork(LONG.inputs, LONG.output, sizes)
    steps, best_steps = [(0, 1), (4, 2), (5, 3)], [(1, 2), (4, 3), (0, 5)]
    comparison, order = set_against(steps, best_steps, "macs", network)

    loss = comparison.loss(order)

    # costliest against costliest: 200 to 120, 100 to 10, 60 to 6
    assert [step.costs["macs"] for step in order.steps] == [200, 100, 60]
    assert [step.costs["macs"] for step in comparison.best.steps] == [10, 6, 120]
    assert loss is not None
    assert (loss.step.costs["macs"], loss.instead_of.costs["macs"]) == (100, 10)


def test_a_peak_is_lost_where_the_largest_intermediate_is_made():
    sizes = {"i": 4, "j": 5, "k": 2, "l": 5, "m": 2}
    network = TensorNetwork(LONG.inputs, LONG.output, sizes)
    steps, best_steps = [(1, 2), (0, 4), (5, 3)], [(0, 1), (4, 2), (5, 3)]
    comparison, order = set_against(steps, best_steps, "peak", network)

    loss = comparison.loss(order)

    # j l and i l, to i k and i l: the peak is 25 instead of 20, though 20 to 8 is more
    assert [step.costs["peak"] for step in order.steps] == [25, 20, 0]
    assert [step.costs["peak"] for step in comparison.best.steps] == [8, 20, 0]
    assert loss is not None
    assert (loss.step.made, loss.instead_of.costs["peak"]) == (("j", "l"), 20)


def test_an_outer_product_may_cost_less_than_a_best_tree_that_may_not_use_it():
    joined, free = compare_orders(APART), compare_orders(APART, outer_products=True)
    listed = by_name(joined)["left_to_right"]

    # 2*2 + 4*1000, or 4*1000 + 2*1000
    assert listed.steps[0].is_outer_product
    assert not listed.steps[1].is_outer_product
    assert (listed.costs["macs"], joined.best.costs["macs"]) == (4004, 6000)
    assert joined.loss(listed) is None
    assert free.best.costs["macs"] == 4004


def test_one_tensor_costs_nothing_in_any_order():
    network = TensorNetwork([("i", "j")], ("i",), {"i": 3, "j": 4})
    comparison = compare_orders(network)

    for order in (comparison.best, *comparison.alternatives):
        assert set(order.costs.values()) == {0}
        assert comparison.ratio(order, "macs") == 1
        assert comparison.loss(order) is None


def test_hyperedges_are_searched_if_allowed():
    network = TensorNetwork(
        [("i", "r"), ("j", "r"), ("k", "r")], ("i", "j", "k"), {"i": 8, "j": 2, "k": 4, "r": 3}
    )

    with pytest.raises(InputError, match="'r' stands in more than two tensors"):
        compare_orders(network)

    # j k r: 2*4*3, then 8*2*4*3
    assert compare_orders(network, hyperedges=True).best.costs["macs"] == 24 + 192
