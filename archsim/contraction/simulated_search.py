"""Search by simulation: the tree that simulates best, and what proves it.

What a simulator reports - contention, operations side by side - is no sum over steps, but
a sum may bound it from below. Trees are simulated in the order of that bound. Once the
next bound is no less than the best value simulated, no tree that is left can be better.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from math import inf, isfinite

from archsim.contraction.exact_search import Wanted
from archsim.contraction.k_best import k_best
from archsim.contraction.network import TensorNetwork
from archsim.contraction.tree import ContractionTree
from archsim.errors import ConservationError, InputError

ROUNDING = 1e-9
"""How far, relatively, rounding may put a bound above the value that it bounds."""


@dataclass(frozen=True, kw_only=True)
class SimulatedSearch:
    """The best tree simulated, and what is known of those that were not.

    No tree has a value below ``lower_bound``, and none below ``value`` if they are equal.
    ``simulated`` counts trees.
    """

    tree: ContractionTree
    value: float
    lower_bound: float
    simulated: int

    @property
    def proved(self) -> bool:
        """Whether no tree at all can be better."""
        return self.value <= self.lower_bound

    @property
    def gap_percent(self) -> float:
        """How far the value is, at most, above the least that any tree has."""
        if self.proved:
            return 0.0
        above = self.value - self.lower_bound
        return 100 * above / self.lower_bound if self.lower_bound > 0 else inf

    @property
    def verdict(self) -> str:
        """What was proved, in words; the gap is rounded up."""
        if self.proved:
            return "optimal (proved by simulation)"
        if self.gap_percent == inf:
            return f"best of {self.simulated} simulated"
        gap = Decimal(str(self.gap_percent)).quantize(Decimal("0.1"), ROUND_CEILING)
        return f"within {gap} %"


def search_simulated(
    network: TensorNetwork,
    bound: Wanted,
    simulate: Callable[[ContractionTree], float],
    *,
    gap: float = 0.0,
    limit: int = 1000,
    outer_products: bool = False,
    hyperedges: bool = False,
) -> SimulatedSearch:
    """Return a tree with the least simulated value, or one that is near it.

    No tree may simulate to less than the sum of its steps' prices under ``bound``, but for
    rounding; a tree that cannot run simulates to infinity. The search ends when the best
    value is proved to be at most ``gap`` (0.01 is one per cent) above the least possible,
    or after ``limit`` simulations. Of trees with equal values, the first one simulated is
    returned. Steps are limited as in :func:`archsim.contraction.search`.

    Raises:
        InputError: as :func:`archsim.contraction.k_best`, for a gap below 0 and a limit
            below 1, and if no tree simulated can run.
        ConservationError: if a tree simulates to less than its bound.
    """
    if not (isfinite(gap) and gap >= 0):
        raise InputError(f"gap must be a number >= 0, got {gap}")
    if limit < 1:
        raise InputError(f"limit must be >= 1 simulation, got {limit}")
    ranked = k_best(network, bound, outer_products=outer_products, hyperedges=hyperedges)
    found = _search(ranked, simulate, gap, limit)
    if found.value == inf:
        raise InputError(f"none of the {found.simulated} trees simulated can run")
    return found


def _search(
    ranked: Iterator[tuple[float, ContractionTree]],
    simulate: Callable[[ContractionTree], float],
    gap: float,
    limit: int,
) -> SimulatedSearch:
    lower, best = next(ranked)
    value, simulated = _simulated(simulate, best, lower), 1
    for lower, tree in ranked:
        if simulated == limit or value <= lower * (1 + gap):
            return SimulatedSearch(
                tree=best, value=value, lower_bound=min(lower, value), simulated=simulated
            )
        simulated += 1
        candidate = _simulated(simulate, tree, lower)
        if candidate < value:
            best, value = tree, candidate
    return SimulatedSearch(tree=best, value=value, lower_bound=value, simulated=simulated)


def _simulated(
    simulate: Callable[[ContractionTree], float], tree: ContractionTree, lower: float
) -> float:
    value = simulate(tree)
    if not value >= lower * (1 - ROUNDING):
        raise ConservationError(
            f"the tree {tree.steps} simulates to {value}, below its bound of {lower}: the bound "
            "is no lower bound, and proves nothing"
        )
    return value
