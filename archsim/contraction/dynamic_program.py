"""The dynamic program of exact contraction search, over all sets of tensors at once.

The cheapest way to make a set is, over its splits, the cheapest ways to make both sides
plus the step that joins them. Costs are float64. Sums of whole numbers are exact there
below 2^53, and one beyond cannot come out below; so such a result alone is searched
again, in Python's integers, and counts are optimal to the last digit.
"""

from functools import cached_property
from math import inf

import numpy as np

from archsim.contraction.objective import CandidateSteps, Criterion
from archsim.contraction.topology import Topology
from archsim.contraction.tree import Step
from archsim.errors import InputError
from archsim.ir.operation import Array

EXACT_FLOAT = 2.0**53


def solve(table: Topology, prices: Array, combine: np.ufunc = np.add) -> tuple[Array, Array]:
    """Return the least total of every set, and the total of every split.

    ``prices`` are those of the splits, with a further axis if there are several variants.
    """
    totals = prices.copy()
    best = np.zeros((len(table.sets), *prices.shape[1:]), prices.dtype)
    for level in table.levels:
        part = totals[level.first_split : level.last_split]
        if level.first == table.structure.count:  # two tensors: one split, whose sides cost nothing
            best[level.first : level.last] = part
            continue
        combine(part, best.take(level.left, axis=0), out=part)
        combine(part, best.take(level.right, axis=0), out=part)
        best[level.first : level.last] = np.minimum.reduceat(part, level.starts, axis=0)
    return best, totals


def chosen_splits(
    table: Topology, totals: Array, root: int, known: dict[int, int] | None = None
) -> list[int]:
    """Return the splits of a cheapest tree for the set at place ``root``, operands first.

    ``known`` remembers the choice for each set between roots that share totals.
    """
    known = {} if known is None else known
    starts, count = table.starts, table.structure.count
    left, right = table.left.item, table.right.item
    found, waiting = [], [root]
    while waiting:
        place = waiting.pop()
        if place >= count:
            split = known.get(place, -1)
            if split < 0:
                begin, end = starts[place], starts[place + 1]
                split = begin if end == begin + 1 else begin + int(totals[begin:end].argmin())
                known[place] = split
            found.append(split)
            waiting += (left(split), right(split))
    found.reverse()
    return found


def as_steps(table: Topology, splits: list[int], missing: int) -> tuple[Step, ...]:
    """Return splits as the steps of a network of all the structure's tensors but one.

    Nothing is ``missing`` if that is the number of tensors.
    """
    count = table.structure.count
    left, right, whole = table.left.item, table.right.item, table.whole.item
    made = count - (missing < count)
    number = {whole(split): made + step for step, split in enumerate(splits)}
    number |= {place: place - (place > missing) for place in range(count)}
    return tuple([(number[left(split)], number[right(split)]) for split in splits])


class CheapestTrees:
    """Cheapest trees for any set of tensors of one structure at these extents."""

    def __init__(self, table: Topology, extents: Array, wanted: Criterion) -> None:
        self.topology, self.extents, self.criterion = table, extents, wanted
        self._known: dict[int, int] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            self.candidates = CandidateSteps(table, extents)
            self.prices = self._prices()

    def steps(self, root: int, missing: int) -> tuple[Step, ...]:
        """Return the steps that make the set at place ``root``."""
        totals, exact = self.totals(root)
        if not exact:
            return self._in_integers.steps(root, missing)
        known = None if self.criterion.uses_peak else self._known
        return as_steps(self.topology, chosen_splits(self.topology, totals, root, known), missing)

    def steps_of_variants(self, root: int, missing: int) -> list[tuple[Step, ...]]:
        """Return the steps of every variant."""
        totals, exact = self.totals(root)
        variants = self.extents.shape[1]
        found: dict[int, tuple[Step, ...]] = {}
        for variant in np.flatnonzero(~np.broadcast_to(exact, variants)).tolist():
            alone = CheapestTrees(self.topology, self.extents[:, variant], self.criterion)
            found[variant] = alone._in_integers.steps(root, missing)
        begin, end = self.topology.starts[root : root + 2]
        least = totals[begin:end].min(axis=0)
        for variant in range(variants):
            if variant in found:
                continue
            splits = chosen_splits(self.topology, totals[:, variant], root)
            found[variant] = made = as_steps(self.topology, splits, missing)
            if not self.criterion.uses_peak:  # variants of which this tree is a cheapest, too
                same = np.flatnonzero(self.prices[splits].sum(axis=0) == least)
                found = dict.fromkeys(same.tolist(), made) | found
        return [found[variant] for variant in range(variants)]

    def totals(self, root: int) -> tuple[Array, Array]:
        """Return the splits' totals to read a tree from, and whether that is exact, by variant."""
        if not self.criterion.uses_peak:
            best, totals = self._unlimited
            return totals, self._exact(best[root])
        least = self._peaks[root]
        if self.criterion.peak_first:
            best, totals = self._limited(least)
            return totals, self._exact(np.maximum(np.asarray(best[root], best.dtype), least))
        return self._weighed(root), np.array(True)

    def _exact(self, cost: Array) -> Array:
        if not self.criterion.whole or self.prices.dtype == object:
            return np.array(True)
        return cost < EXACT_FLOAT

    def _prices(self) -> Array:
        prices = self.criterion.additive.price(self.candidates)
        if self.criterion.whole:
            return prices
        prices = np.asarray(prices, np.float64)
        shape = self.topology.left.shape + self.extents.shape[1:]
        if prices.shape != shape:
            raise InputError(f"objective: {shape} steps were priced with {prices.shape} numbers")
        if not (prices >= 0).all():
            raise InputError("objective: every price must be a number >= 0")
        return prices

    @cached_property
    def _in_integers(self) -> "CheapestTrees":
        whole = np.array([int(extent) for extent in self.extents], object)
        return CheapestTrees(self.topology, whole, self.criterion)

    @cached_property
    def _unlimited(self) -> tuple[Array, Array]:
        return solve(self.topology, self.prices)

    @cached_property
    def _made(self) -> Array:
        """Elements of the intermediate that each step makes; the last step makes none."""
        made = self.candidates.result.copy()
        made[self.topology.levels[-1].first_split :] = 0
        return made

    @cached_property
    def _peaks(self) -> Array:
        """The least possible largest intermediate of every set."""
        return solve(self.topology, self._made, np.maximum)[0]

    def _limited(self, most: Array) -> tuple[Array, Array]:
        """Solve with no intermediate above ``most``."""
        return solve(self.topology, np.where(self._made <= most, self.prices, inf))

    def _weighed(self, root: int) -> Array:
        """Return the totals for the least sum of a tree's price and its weighed peak.

        That sum is least at one of the sizes that a peak may have, with the cheapest tree
        within it. Larger sizes are left once the cheapest tree of all cannot win there.
        """
        weight, made = self.criterion.peak_weight, self._made
        best, totals = self._unlimited
        free = best[root]
        largest = max(made[split] for split in chosen_splits(self.topology, totals, root))
        least_value = inf
        for most in np.unique(made[(made >= self._peaks[root]) & (made <= largest)]):
            if free + weight * most >= least_value:
                break
            limited, of_splits = self._limited(most)
            value = limited[root] + weight * most
            if value < least_value:
                least_value, totals = value, of_splits
        return totals
