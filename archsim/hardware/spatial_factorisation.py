"""How a matrix product is spread in space: an exact search over engines and their elements.

A grid of ``engines``, each of ``pes`` processing elements, works on a box of the iteration
space at a time. Its width along an axis is the product of two factors: engines side by side
along the axis, and elements of each engine. The engines' factors multiply to at most the
number of engines, the elements' to at most that of elements. What is not spread is a loop in
time: an axis of length ``x`` with factors ``e`` and ``p`` takes ``ceil(x / (e p))`` steps.

The best of all legal factorisations is found axis by axis. A factor ``e`` leaves
``floor(engines / e)`` engines to the axes that follow, and of the factors that leave the same,
only the largest matters. The tens of thousands of factorisations of 1,024 elements come down
to about two thousand ways to spread an axis over what others have left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import product
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from archsim.hardware.component import ceil_div
from archsim.hardware.matrix_product import Dataflow
from archsim.ir.tile import AXES, Axis, Tile

Groups = Literal["any", "powers_of_two"]
Numbers = NDArray[Any]
"""Integers: of 64 bit where all that is computed with them fits, else Python's own."""
Count = TypeVar("Count", int, Numbers)
MOST_WAYS = 2**24
"""More ways to spread an axis than a grid has whose search ends."""
INNERMOST: Mapping[Dataflow, Axis] = {
    "output_stationary": "k",
    "weight_stationary": "m",
    "input_stationary": "n",
}
"""The loop for which an operand stays: that along the axis it lacks."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Engines and their elements, the axes each may be spread along, and by which factors."""

    engines: int
    pes: int
    engine_axes: tuple[Axis, ...] = AXES
    pe_axes: tuple[Axis, ...] = AXES
    groups: Groups = "any"


@dataclass(frozen=True, slots=True)
class Factorisation:
    """How many engines, and how many elements of each, lie side by side along each axis."""

    engines: Tile
    pes: Tile

    def width(self, axis: Axis) -> int:
        """Points of an axis that are worked on at a time."""
        return self.engines.extent(axis) * self.pes.extent(axis)

    def steps(self, sides: Tile) -> Tile:
        """Steps that a product takes along each axis."""
        return Tile(*(ceil_div(sides.extent(axis), self.width(axis)) for axis in AXES))

    def engines_at_work(self, sides: Tile, axis: Axis) -> int:
        """Engines along an axis that have something to do in a full step."""
        return ceil_div(min(sides.extent(axis), self.width(axis)), self.pes.extent(axis))


@dataclass(frozen=True, slots=True)
class Pace:
    """Cycles of loops: so many runs of the innermost loop (folds), each of so many steps."""

    step: int
    fold: int
    """Of every fold, besides its steps."""
    level: int
    """Of every fold, for each level of adders."""

    def cycles(self, folds: Count, steps: Count, levels: Count) -> Count:
        """Return ``folds (steps step + fold + levels level)``, of a number or of each."""
        total: Count = folds * (steps * self.step + self.fold + levels * self.level)
        return total


@dataclass(frozen=True)
class Loops:
    """A product's loops in time, and what they cost."""

    sides: Tile
    """The product's lengths as the grid sees them: k in steps of an element's lanes."""
    words: Mapping[Axis, int]
    """Elements of the operand that lacks an axis, for m, n and k."""
    flow: Dataflow
    pace: Pace

    def cost(self, found: Factorisation) -> tuple[int, int, int]:
        """Cycles, elements moved between buffer and grid, and deliveries to engines.

        An operand moves again for each step along the axis that it lacks, unless it stays for
        that loop; sums of several steps along k are stored and fetched back, and count twice.
        Equal in both, a factorisation is better whose numbers go to fewer engines.
        """
        steps = found.steps(self.sides)
        inner = steps.extent(INNERMOST[self.flow])
        return (
            self.pace.cycles(steps.points // inner, inner, levels(found.pes.k)),
            sum(self.moved(axis) * steps.extent(axis) for axis in AXES),
            sum(self.words.get(a, 0) * found.engines_at_work(self.sides, a) for a in AXES),
        )

    def moved(self, axis: Axis) -> int:
        """Elements that move for each step along an axis."""
        if axis == INNERMOST[self.flow]:
            return 0
        return (2 if axis == "k" else 1) * self.words.get(axis, 0)

    @cached_property
    def integers(self) -> type:
        """The type of integer that no cost overflows."""
        cycles = self.sides.points * (self.pace.step + self.pace.fold + 64 * self.pace.level)
        works = self.sides.points * (self.most_moved + 1)
        return np.int64 if max(cycles, works, self.most_moved * MOST_WAYS) < 2**62 else object

    @cached_property
    def most_moved(self) -> int:
        """No factorisation moves, or delivers to engines, more elements."""
        return sum(2 * count * self.sides.extent(axis) for axis, count in self.words.items())


def levels(elements: int) -> int:
    """Levels of adders, of two inputs each, that sum so many numbers."""
    return (elements - 1).bit_length()


def best_factorisation(grid: Grid, loops: Loops) -> Factorisation:
    """Return the factorisation of least cost, of equals always the same one.

    The factors along k come first, since their elements have levels of adders, then those of
    the innermost loop. Cycles rise with the product of the other loops' steps, so that of
    those the factors of fewest steps are best.
    """
    inner = INNERMOST[loops.flow]
    outer = tuple(axis for axis in AXES if axis not in ("k", inner))
    rest = _fewest_steps(grid, loops, outer)
    here = _spread(grid, loops, "k", from_whole=True)
    chosen: dict[Axis, Numbers] = {"k": np.arange(len(here.target))}
    ways: dict[Axis, _Ways] = {"k": here}
    if inner != "k":
        ways[inner] = _spread(grid, loops, inner)
        chosen["k"], chosen[inner] = _pairs(grid, inner)
    last = ways[inner]
    state, steps = last.target[chosen[inner]], last.steps[chosen[inner]]
    folds = rest.steps[state] * (1 if inner == "k" else here.steps[chosen["k"]])
    moved, delivered = rest.moved[state], rest.delivered[state]
    for axis, index in chosen.items():
        moved = moved + ways[axis].moved[index]
        delivered = delivered + ways[axis].delivered[index]
    cycles = loops.pace.cycles(folds, steps, here.factors.levels[chosen["k"]])
    best = _least(cycles, moved, delivered)
    found = {axis: (ways[axis], int(index[best])) for axis, index in chosen.items()}
    found |= rest.choices(int(state[best]))
    in_order = [found[axis] for axis in AXES]
    return Factorisation(
        Tile(*(int(way.factors.engines[index]) for way, index in in_order)),
        Tile(*(int(way.factors.pes[index]) for way, index in in_order)),
    )


@dataclass(frozen=True, slots=True)
class _Moves:
    """Ways to spread an axis over all that others may have left, the same state together."""

    starts: Numbers
    """The first way from each state, a number of engines and one of elements left."""
    source: Numbers
    target: Numbers
    engines: Numbers
    pes: Numbers


@cache
def _moves(grid: Grid, axis: Axis, *, from_whole: bool) -> _Moves:
    """Return the ways to spread an axis from each state, or from the whole grid.

    From the whole, elements may also be as many as some levels of adders sum.
    """
    states = list(product(_left(grid.engines, grid), _left(grid.pes, grid)))
    place = {state: number for number, state in enumerate(states)}
    starts: list[int] = []
    found: list[tuple[int, int, int, int]] = []
    for source, (engines, pes) in enumerate(states[:1] if from_whole else states):
        starts.append(len(found))
        many = _factors(engines, grid) if axis in grid.engine_axes else [1]
        each = set(_factors(pes, grid) if axis in grid.pe_axes else [1])
        if from_whole and axis in grid.pe_axes:
            each.update(1 << exponent for exponent in range(pes.bit_length()))
        found += [
            (source, place[engines // e, pes // p], e, p)
            for e, p in product(many, sorted(each, reverse=True))
        ]
    return _Moves(np.array(starts), *np.array(found).T)


def _left(budget: int, grid: Grid) -> list[int]:
    """Return what factors can leave of a budget, falling."""
    if grid.groups == "powers_of_two":
        return [budget >> exponent for exponent in range(budget.bit_length())]
    found, quotient = [], 1
    while quotient <= budget:
        found.append(budget // quotient)
        quotient = budget // found[-1] + 1
    return found


def _factors(budget: int, grid: Grid) -> list[int]:
    """Return the largest factor for each remainder; they are ``floor(budget / q)`` as well."""
    if grid.groups == "powers_of_two":
        return [1 << exponent for exponent in reversed(range(budget.bit_length()))]
    return _left(budget, grid)


@dataclass(frozen=True, slots=True)
class _Factors:
    """The moves of an axis of some length, each with the least factors of its steps."""

    moves: _Moves
    steps: Numbers
    engines: Numbers
    pes: Numbers
    at_work: Numbers
    """Engines that have something to do in a full step."""
    levels: Numbers
    """Levels of adders that sum the elements."""


@lru_cache(maxsize=512)
def _factors_of(grid: Grid, axis: Axis, length: int, *, from_whole: bool) -> _Factors:
    """Return the factors of an axis: products of many shapes share their lengths."""
    moves = _moves(grid, axis, from_whole=from_whole)
    steps = -(-length // (moves.engines * moves.pes))
    width = -(-length // steps)
    engines = _legal(-(-width // moves.pes), grid)
    pes = _legal(-(-width // engines), grid)
    at_work = -(-np.minimum(length, engines * pes) // pes)
    adders = np.array([levels(int(many)) for many in pes])
    return _Factors(moves, steps, engines, pes, at_work, adders)


@dataclass(frozen=True, slots=True)
class _Ways:
    """The factors of an axis, and what each costs."""

    factors: _Factors
    steps: Numbers
    moved: Numbers
    delivered: Numbers

    @property
    def target(self) -> Numbers:
        return self.factors.moves.target


@cache
def _pairs(grid: Grid, axis: Axis) -> tuple[Numbers, Numbers]:
    """Pair each way to spread k over the whole grid with all of an axis over what that leaves."""
    states, moves = _moves(grid, "k", from_whole=True).target, _moves(grid, axis, from_whole=False)
    counts = np.append(moves.starts[1:], len(moves.source)) - moves.starts
    number = np.repeat(np.arange(len(states)), counts[states])
    before = np.cumsum(counts[states]) - counts[states]
    offset = np.arange(len(number)) - before[number]
    return number, moves.starts[states][number] + offset


def _least(*keys: Numbers) -> int:
    """Return the first place of the least number, by further keys where it has equals."""
    places = np.flatnonzero(keys[0] == keys[0].min())
    for key in keys[1:]:
        if len(places) == 1:
            break
        here = key[places]
        places = places[here == here.min()]
    return int(places[0])


def _spread(grid: Grid, loops: Loops, axis: Axis, *, from_whole: bool = False) -> _Ways:
    found = _factors_of(grid, axis, loops.sides.extent(axis), from_whole=from_whole)
    steps: Numbers = found.steps.astype(loops.integers, copy=False)
    at_work: Numbers = found.at_work.astype(loops.integers, copy=False)
    return _Ways(found, steps, loops.moved(axis) * steps, loops.words.get(axis, 0) * at_work)


def _legal(factors: Numbers, grid: Grid) -> Numbers:
    """Round factors up to legal ones."""
    if grid.groups == "any":
        return factors
    bits: Numbers = np.frexp(factors - 1)[1].astype(np.int64)
    return np.left_shift(1, bits)


@dataclass(frozen=True, slots=True)
class _Rest:
    """The best factors of some axes for each state that they may start from."""

    steps: Numbers
    moved: Numbers
    delivered: Numbers
    first: tuple[Axis, _Ways, Numbers] | None = None
    """The first axis, its ways, and the one taken from each state."""
    then: "_Rest | None" = None

    def choices(self, state: int) -> dict[Axis, tuple[_Ways, int]]:
        """The way taken along each axis, starting from a state."""
        if self.first is None or self.then is None:
            return {}
        axis, ways, taken = self.first
        way = int(taken[state])
        return {axis: (ways, way), **self.then.choices(int(ways.target[way]))}


def _fewest_steps(grid: Grid, loops: Loops, axes: tuple[Axis, ...]) -> _Rest:
    """Find the factors of some axes that leave fewest steps, of those the ones that move least.

    Steps and what is moved are one number, of which steps are the greater part, since numpy
    takes as long for a call as for a hundred numbers; so are deliveries and the way's number.
    """
    if not axes:
        states = len(_moves(grid, "k", from_whole=False).starts)
        nothing: Numbers = np.zeros(states, dtype=loops.integers)
        return _Rest(nothing + 1, nothing, nothing)
    then = _fewest_steps(grid, loops, axes[1:])
    ways = _spread(grid, loops, axes[0])
    moves, target, more = ways.factors.moves, ways.target, loops.most_moved + 1
    works = ways.steps * then.steps[target] * more + ways.moved + then.moved[target]
    least = np.minimum.reduceat(works, moves.starts)
    others = ways.delivered + then.delivered[target]
    numbered = others * len(target) + np.arange(len(target))
    beaten = works != least[moves.source]
    first = np.minimum.reduceat(np.where(beaten, numbered.max() + 1, numbered), moves.starts)
    chosen = axes[0], ways, first % len(target)
    return _Rest(least // more, least % more, first // len(target), chosen, then)
