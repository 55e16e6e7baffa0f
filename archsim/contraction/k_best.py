"""Contraction trees in order of cost: the cheapest, the second cheapest, and so on.

The k-th best way to make a set of tensors joins, by one of its splits, some i-th best way
to make one side and some j-th best to make the other. A set keeps the candidates (split,
i, j) that may come next in a heap, and asks its sides for a next best way only when a
candidate needs it: sets that no cheap tree uses are never ranked.

Source: Huang and Chiang, "Better k-best parsing" (2005), algorithm 3.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import numpy as np

from archsim.contraction.dynamic_program import solve
from archsim.contraction.exact_search import Wanted
from archsim.contraction.network import TensorNetwork
from archsim.contraction.priced_steps import PricedSteps
from archsim.contraction.topology import Topology
from archsim.contraction.tree import ContractionTree
from archsim.ir.operation import Array

Way = tuple[float, int, int, int]
"""What it costs to make a set, by which split, from the how-many-th best ways of either side."""


def k_best(
    network: TensorNetwork,
    objective: Wanted = "macs",
    *,
    outer_products: bool = False,
    hyperedges: bool = False,
) -> Iterator[tuple[float, ContractionTree]]:
    """Yield every contraction tree once, with its cost, the cheapest first.

    Trees that differ in the order of independent steps, or of operands, are one tree.
    Ties come in the same order in every call. Steps are limited as in
    :func:`archsim.contraction.search`.

    Raises:
        InputError: as :func:`archsim.contraction.search`, and for an objective that is not
            a sum over steps.
    """
    steps = PricedSteps.of(
        network, [objective], outer_products=outer_products, hyperedges=hyperedges
    )
    with np.errstate(over="ignore"):
        ranking = _Ranking(steps.topology, steps.prices[0])
    return _trees(steps, ranking)


def _trees(steps: PricedSteps, ranking: "_Ranking") -> Iterator[tuple[float, ContractionTree]]:
    rank = 0
    while (cost := ranking.cost(steps.root, rank)) is not None:
        yield cost, steps.tree(ranking.splits(steps.root, rank))
        rank += 1


class _Ranking:
    """The ways to make every set, best first, as far as anybody asked."""

    def __init__(self, table: Topology, prices: Array) -> None:
        self._topology, self._prices = table, prices
        self._totals = solve(table, prices)[1]
        self._found: dict[int, list[Way]] = {}
        self._next: dict[int, list[Way]] = {}

    def cost(self, place: int, rank: int) -> float | None:
        """Return the cost of the rank-th best way to make a set, counted from 0, if there is."""
        if place < self._topology.structure.count:  # a tensor is there, at no cost
            return None if rank else 0.0
        found, candidates = self._ways(place)
        while len(found) <= rank:
            if found:  # only now, as what follows a way may never be asked for
                self._add_successors(candidates, found[-1])
            if not candidates:
                return None
            found.append(heappop(candidates))
        return found[rank][0]

    def splits(self, place: int, rank: int) -> list[int]:
        """Return the splits of a way that has a cost, operands first."""
        found, waiting = list[int](), [(place, rank)]
        while waiting:
            place, rank = waiting.pop()
            if place >= self._topology.structure.count:
                self.cost(place, rank)
                _, split, one, other = self._found[place][rank]
                found.append(split)
                waiting.append((self._topology.left.item(split), one))
                waiting.append((self._topology.right.item(split), other))
        found.reverse()
        return found

    def _ways(self, place: int) -> tuple[list[Way], list[Way]]:
        """Return the ways found for a set, and the heap of those that may come next."""
        if place not in self._found:
            begin, end = self._topology.starts[place], self._topology.starts[place + 1]
            totals = self._totals[begin:end].tolist()
            candidates = [(cost, split, 0, 0) for split, cost in enumerate(totals, begin)]
            heapify(candidates)
            self._found[place], self._next[place] = [], candidates
        return self._found[place], self._next[place]

    def _add_successors(self, candidates: list[Way], way: Way) -> None:
        """Add the candidates that a way precedes; every candidate but (0, 0) follows one way."""
        _, split, one, other = way
        self._add(candidates, split, one, other + 1)
        if other == 0:
            self._add(candidates, split, one + 1, 0)

    def _add(self, candidates: list[Way], split: int, one: int, other: int) -> None:
        left = self.cost(self._topology.left.item(split), one)
        right = self.cost(self._topology.right.item(split), other)
        if left is not None and right is not None:
            # Added up as in ``solve``, so that rounding keeps the order.
            cost = self._prices.item(split) + left + right
            heappush(candidates, (cost, split, one, other))
