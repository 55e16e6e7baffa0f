"""Pareto search: every trade-off between two costs that some contraction tree attains.

A tree costs the sum of its steps' prices, once per objective. A way to make a set of
tensors that is no better in either sum than another way to make the same set can be
replaced by that other way in any tree. So the undominated ways of a set, its *front*, come
from the fronts of the two sides of its splits, and those of the whole network are exact.
Any function that rises with both costs, such as their product, is least on that front.

Source: Ganguly, Hasan and Krishnamurthy, "Query optimization for parallel execution"
(1992): dynamic programming under a partial order of costs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

import numpy as np

from archsim.contraction.exact_search import Wanted
from archsim.contraction.network import TensorNetwork
from archsim.contraction.priced_steps import PricedSteps
from archsim.contraction.topology import Level, Places, Topology
from archsim.contraction.tree import ContractionTree
from archsim.errors import InputError
from archsim.ir.operation import Array

PAIR_LIMIT = 20_000_000
"""Pairs of points of two fronts, over all splits, that a Pareto search goes through."""
PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class ParetoTree:
    """A contraction tree, and its cost under each of two objectives."""

    costs: tuple[float, float]
    tree: ContractionTree


def pareto_search(
    network: TensorNetwork,
    objectives: Sequence[Wanted],
    *,
    outer_products: bool = False,
    hyperedges: bool = False,
) -> list[ParetoTree]:
    """Return every undominated pair of costs, the first cost rising, each with one tree.

    Which of several trees with the same costs is returned does not change between calls.
    Steps are limited as in :func:`archsim.contraction.search`.

    Raises:
        InputError: as :func:`archsim.contraction.search`, unless there are two objectives,
            both sums over steps, and beyond ``PAIR_LIMIT``.
    """
    if len(objectives) != 2:
        raise InputError(f"a Pareto search takes two objectives, got {len(objectives)}")
    steps = PricedSteps.of(
        network, objectives, outer_products=outer_products, hyperedges=hyperedges
    )
    with np.errstate(over="ignore"):
        fronts = _Fronts(steps.topology, steps.prices)
    return [
        ParetoTree(costs, steps.tree(fronts.splits(point)))
        for point, costs in fronts.points(steps.root)
    ]


def cheapest_product(
    network: TensorNetwork,
    objectives: Sequence[Wanted],
    combine: Callable[[float, float], float] = mul,
    *,
    outer_products: bool = False,
    hyperedges: bool = False,
) -> ParetoTree:
    """Return a tree whose two costs have the least product, or what ``combine`` makes of them.

    Latency and energy give the energy-delay product; with ``combine=lambda t, e: t * (e +
    watts * t)`` static power is paid as well. ``combine`` must not fall when either cost
    rises; otherwise the tree found is only the best of the front.

    Raises:
        InputError: as :func:`pareto_search`.
    """
    front = pareto_search(network, objectives, outer_products=outer_products, hyperedges=hyperedges)
    return min(front, key=lambda found: combine(*found.costs))


@dataclass(frozen=True)
class _Points:
    """Ways to make sets, one per entry: what each costs, and how it is made.

    A way is a ``split`` with one way to make each side. A single tensor has split -1.
    """

    owner: Places
    split: Places
    left: Places
    right: Places
    first: Array
    second: Array

    def __getitem__(self, chosen: Places) -> "_Points":
        return _Points(*(column[chosen] for column in self._columns))

    def __add__(self, more: "_Points") -> "_Points":
        pairs = zip(self._columns, more._columns, strict=True)
        return _Points(*(np.concatenate(pair) for pair in pairs))

    @property
    def _columns(self) -> tuple[Array, ...]:
        return self.owner, self.split, self.left, self.right, self.first, self.second

    @property
    def undominated(self) -> "_Points":
        """For each owner, the ways that no other is as good as, the first cost rising.

        Of ways with the same costs, the first listed stays.
        """
        rank = np.unique(self.second, return_inverse=True)[1]
        order = np.lexsort((rank, np.unique(self.first, return_inverse=True)[1], self.owner))
        # An owner's keys are all below those of the owners before it, so that one running
        # minimum serves them all.
        key = rank[order] - self.owner[order] * len(order)
        least = np.minimum.accumulate(key)
        return self[order[np.append(True, key[1:] < least[:-1])]]


class _Fronts:
    """The front of every set, smaller sets first."""

    def __init__(self, table: Topology, prices: Sequence[Array]) -> None:
        self._topology, self._prices, self._pairs = table, prices, 0
        none = np.full(table.structure.count, -1, np.intp)
        free = [np.zeros(len(none), price.dtype) for price in prices]
        self._points = _Points(np.arange(len(none)), none, none, none, *free)
        for level in table.levels:
            self._points += self._front(level)

    def points(self, place: int) -> Iterator[tuple[int, tuple[float, float]]]:
        """Yield the number and the costs of every point of a set's front."""
        begin, end = np.searchsorted(self._points.owner, [place, place + 1]).tolist()
        for point in range(begin, end):
            yield point, (self._points.first.item(point), self._points.second.item(point))

    def splits(self, point: int) -> list[int]:
        """Return the splits of the tree of a point, operands first."""
        points, found, waiting = self._points, list[int](), [point]
        while waiting:
            point = waiting.pop()
            split = points.split.item(point)
            if split >= 0:
                found.append(split)
                waiting += (points.left.item(point), points.right.item(point))
        found.reverse()
        return found

    def _front(self, level: Level) -> _Points:
        """Return the fronts of all sets of one level, from those of smaller sets."""
        begins = np.searchsorted(self._points.owner, np.arange(level.first + 1))
        sizes = np.diff(begins)
        pairs = np.cumsum(sizes[level.left] * sizes[level.right])
        self._count(pairs.item(-1))
        blocks = pairs // PAIRS_AT_ONCE
        edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(pairs)]
        found = [
            self._candidates(level, slice(begin, end), begins, sizes).undominated
            for begin, end in pairwise(edges)
        ]
        return found[0] if len(found) == 1 else _joined(found).undominated

    def _candidates(self, level: Level, block: slice, begins: Places, sizes: Places) -> _Points:
        """Return all pairs of points of the two sides of each split of a block."""
        left, right = level.left[block], level.right[block]
        pairs = sizes[left] * sizes[right]
        row = np.repeat(np.arange(len(pairs)), pairs)
        within = np.arange(len(row)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        width = sizes[right][row]
        one = begins[left][row] + within // width
        other = begins[right][row] + within % width
        split = level.first_split + (block.start or 0) + row
        first, second = (
            price[split] + cost[one] + cost[other]
            for price, cost in zip(
                self._prices, (self._points.first, self._points.second), strict=True
            )
        )
        return _Points(self._topology.whole[split], split, one, other, first, second)

    def _count(self, pairs: int) -> None:
        self._pairs += pairs
        if self._pairs > PAIR_LIMIT:
            raise InputError(
                f"a Pareto search goes through at most {PAIR_LIMIT:,} pairs of trade-offs, and "
                f"these {self._topology.structure.count} tensors have more; "
                "search(network, objective) takes one objective, such as a weighted sum of both"
            )


def _joined(parts: Sequence[_Points]) -> _Points:
    whole = parts[0]
    for part in parts[1:]:
        whole += part
    return whole
