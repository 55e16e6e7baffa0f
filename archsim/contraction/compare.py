"""Contraction orders side by side: the best by one objective, and what others cost instead.

Two trees of a network share some steps and differ in as many others. Set against each
other by rank, costliest against costliest, the steps that differ say where an order loses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from archsim.contraction.exact_search import search
from archsim.contraction.greedy_search import greedy
from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import QUANTITIES, Quantity
from archsim.contraction.orders import chain_steps
from archsim.contraction.tree import ContractionTree
from archsim.ir.operation import Indices


@dataclass(frozen=True)
class StepCost:
    """One step of a tree: the indices of what it multiplies and makes, and its costs."""

    parts: frozenset[frozenset[int]]
    """The inputs that either side is the product of."""
    left: Indices
    right: Indices
    made: Indices
    costs: Mapping[Quantity, int]
    """Its part in a tree's costs; the last step's result is no intermediate, so no peak."""

    @property
    def is_outer_product(self) -> bool:
        """Whether the two sides share no index."""
        return not set(self.left) & set(self.right)


@dataclass(frozen=True)
class OrderCost:
    """A contraction tree under the name of its order, and its costs by every objective."""

    name: str
    tree: ContractionTree

    @cached_property
    def steps(self) -> tuple[StepCost, ...]:
        """The cost of each step, in the tree's order."""
        tree, network = self.tree, self.tree.network
        found: list[StepCost] = []
        for number, (one, other) in enumerate(tree.steps, len(network.inputs)):
            left, right, made = (tree.indices[tensor] for tensor in (one, other, number))
            elements = [network.elements(indices) for indices in (left, right, made)]
            costs: dict[Quantity, int] = {
                "macs": network.elements({*left, *right}),
                "peak": elements[-1] if len(found) < len(tree.steps) - 1 else 0,
                "traffic": sum(elements),
            }
            parts = frozenset({tree.members[one], tree.members[other]})
            found.append(StepCost(parts, left, right, made, costs))
        return tuple(found)

    @cached_property
    def costs(self) -> Mapping[Quantity, int]:
        """Multiply-accumulates, elements of the largest intermediate, elements moved."""
        return {
            "macs": sum(step.costs["macs"] for step in self.steps),
            "peak": max((step.costs["peak"] for step in self.steps), default=0),
            "traffic": sum(step.costs["traffic"] for step in self.steps),
        }

    def is_same_tree(self, other: "OrderCost") -> bool:
        """Whether both contract the same sets of inputs with each other."""
        return {step.parts for step in self.steps} == {step.parts for step in other.steps}


@dataclass(frozen=True)
class Loss:
    """The step at which an order loses most, and the best tree's step that it stands against."""

    step: StepCost
    instead_of: StepCost


@dataclass(frozen=True)
class OrderComparison:
    """The best tree of a network by one objective, and alternatives to it."""

    objective: Quantity
    best: OrderCost
    alternatives: tuple[OrderCost, ...]

    @property
    def network(self) -> TensorNetwork:
        """What is contracted."""
        return self.best.tree.network

    def ratio(self, order: OrderCost, quantity: Quantity) -> float:
        """Return an order's cost over that of the best tree.

        It is below 1 where the best tree by the objective is not the best by ``quantity``,
        or the order has steps that the search was not allowed.
        """
        mine, best = order.costs[quantity], self.best.costs[quantity]
        return 1.0 if mine == best else mine / best

    def loss(self, order: OrderCost) -> Loss | None:
        """Return where an order loses most by the objective; None if it costs no more.

        Steps that both trees have cancel out. A peak is lost where it is made.
        """
        quantity = self.objective
        if order.costs[quantity] <= self.best.costs[quantity]:
            return None
        mine, best = _differing(order, self.best), _differing(self.best, order)
        pairs = list(zip(_by_cost(mine, quantity), _by_cost(best, quantity), strict=True))
        if quantity == "peak":
            return Loss(*pairs[0])
        step, instead_of = max(
            pairs, key=lambda pair: pair[0].costs[quantity] - pair[1].costs[quantity]
        )
        return Loss(step, instead_of)


def compare_orders(
    network: TensorNetwork,
    objective: Quantity = "macs",
    *,
    outer_products: bool = False,
    hyperedges: bool = False,
) -> OrderComparison:
    """Search the best tree by an objective, and set other orders against it.

    These are the tensors one after the other as they are listed, ``left_to_right`` and
    ``right_to_left``; ``greedy``; and the best trees by the other objectives,
    ``best_for_peak`` and so on. Those as listed may join tensors that share no index, even
    where the best trees may not.

    Raises:
        InputError: as :func:`archsim.contraction.search`.
    """

    def best(quantity: Quantity, name: str) -> OrderCost:
        tree = search(network, quantity, outer_products, hyperedges=hyperedges)
        return OrderCost(name, tree)

    count = len(network.inputs)
    numbers = range(count)
    chosen = best(objective, "best")
    others = [quantity for quantity in QUANTITIES if quantity != objective]
    return OrderComparison(
        objective,
        chosen,
        (
            OrderCost("left_to_right", ContractionTree(network, chain_steps(numbers, count))),
            OrderCost("right_to_left", ContractionTree(network, chain_steps(numbers[::-1], count))),
            OrderCost("greedy", greedy(network)),
            *(best(quantity, f"best_for_{quantity}") for quantity in others),
        ),
    )


def _differing(order: OrderCost, other: OrderCost) -> list[StepCost]:
    """Return the steps that another tree does not have."""
    shared = {step.parts for step in other.steps}
    return [step for step in order.steps if step.parts not in shared]


def _by_cost(steps: Sequence[StepCost], quantity: Quantity) -> list[StepCost]:
    """Return steps, the costliest first."""
    return sorted(steps, key=lambda step: -step.costs[quantity])
