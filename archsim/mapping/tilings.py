"""All tilings of an operation that are worth a closer look, and what each takes at least.

Numbers are worked out for all of them at once, in integers.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import MappingError
from archsim.hardware.component import ceil_div
from archsim.ir.tile import AXES, Axis, Tile
from archsim.mapping.mapping import Mapping
from archsim.mapping.work import Work

RIVALS = 10
"""Tiles of fewer tiles and no more buffer that rule a tile out."""
COSTS = 3
"""How many numbers say what a tiling costs: ticks, bits, tiles."""
LOOPS: tuple[tuple[Axis, ...], ...] = (AXES, ("batch", "n", "m", "k"))
"""Loop orders: which of two inputs stays while the other one passes."""

Numbers = NDArray[Any]
"""An integer per tiling, of 64 bits where they surely suffice and of any size otherwise."""


@dataclass(eq=False)
class Tiling:
    """A mapping, and what is known of its stream before it is made."""

    sizes: tuple[int, ...]
    """The tile's length along each axis."""
    loops: tuple[Axis, ...]
    ticks: int
    """Ticks of the busiest channel, or of the unit, at least: all that it does, at its peak."""
    bits: int
    """Bits that pass stages, at least."""
    tiles: int
    """Tiles in all."""
    full_moves: tuple[int, ...]
    """How many tiles that no edge cuts short move each operand."""

    @cached_property
    def tile(self) -> Tile:
        """The tile: few are ever asked for, those many times."""
        return Tile(*self.sizes)

    @property
    def mapping(self) -> Mapping:
        """The mapping itself."""
        return Mapping(tile=self.tile, loops=self.loops)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Many tilings, a list for each of their values; few are ever looked at one by one."""

    loops: Sequence[int]
    """Which of ``LOOPS`` each has."""
    sizes: Sequence[tuple[int, ...]]
    costs: Sequence[tuple[int, int, int]]
    """Ticks, bits and tiles."""
    full_moves: Sequence[tuple[int, ...]]

    def __iter__(self) -> Iterator[Tiling]:
        return map(self.__getitem__, range(len(self.loops)))

    def __getitem__(self, number: int) -> Tiling:
        order, moves = LOOPS[self.loops[number]], self.full_moves[number]
        return Tiling(self.sizes[number], order, *self.costs[number], moves)


def tilings_of(work: Work) -> Candidates:
    """Return the tilings to compare, those of fewest tiles first, in each useful loop order.

    Raises:
        MappingError: if not even the smallest tile fits the unit's buffer.
    """
    boxes = _fitting(work)
    # With one tile along m or along n, both orders are the same.
    differ = np.flatnonzero((boxes.trips["m"] > 1) & (boxes.trips["n"] > 1))
    ranks = np.concatenate((np.arange(len(boxes.count)), differ))
    order = np.argsort(ranks, kind="stable")
    tables = [_costs(work, boxes, LOOPS[0])]
    if len(differ):
        tables.append(_costs(work, boxes.where(differ), LOOPS[1]))
    columns = [np.concatenate(parts)[order].tolist() for parts in zip(*tables, strict=True)]
    return Candidates(
        loops=(order >= len(boxes.count)).astype(int).tolist(),
        sizes=list(zip(*(boxes.sizes[axis][ranks[order]].tolist() for axis in AXES), strict=True)),
        costs=list(zip(*columns[:COSTS], strict=True)),
        full_moves=list(zip(*columns[COSTS:], strict=True)),
    )


@dataclass(frozen=True)
class _Boxes:
    """Tiles of many sizes: the length of each along each axis."""

    space: Tile
    sizes: dict[Axis, Numbers]

    def extent(self, axis: Axis) -> Numbers:
        return self.sizes[axis]

    @cached_property
    def trips(self) -> dict[Axis, Numbers]:
        """Tiles along each axis."""
        return {axis: -(-self.space.extent(axis) // self.sizes[axis]) for axis in AXES}

    @cached_property
    def full(self) -> dict[Axis, Numbers]:
        """Those of them that no edge cuts short."""
        return {axis: self.space.extent(axis) // self.sizes[axis] for axis in AXES}

    @cached_property
    def count(self) -> Numbers:
        """Tiles in all."""
        return _product(self.trips["k"], (self.trips[axis] for axis in AXES if axis != "k"))

    def where(self, chosen: Numbers | Sequence[int]) -> "_Boxes":
        return _Boxes(self.space, {axis: sizes[chosen] for axis, sizes in self.sizes.items()})


def _product(one: Numbers, factors: Iterable[Numbers]) -> Numbers:
    found: Numbers = reduce(mul, factors, one)
    return found


def _fitting(work: Work) -> _Boxes:
    """Return the tiles that fit the buffer, those of fewest tiles first, but for beaten ones.

    Raises:
        MappingError: if none fits.
    """
    boxes = _all_sizes(work)
    needs = work.buffer_bits(boxes) + 0 * boxes.count
    fits = needs <= 8 * work.spec.buffer
    if not fits.any():
        raise MappingError(
            f"operation {work.operation.name!r}: its smallest tile needs "
            f"{ceil_div(min(needs.tolist()), 8):,} B of buffer, "
            f"{work.unit!r} has {work.spec.buffer:,} B; "
            f"raise architecture.components.{work.unit}.buffer"
        )
    order = _in_order(*(key[fits] for key in (boxes.count, -boxes.sizes["m"], -boxes.sizes["n"])))
    ranked = np.flatnonzero(fits)[order]
    chosen = ranked[_unbeaten(needs[ranked])]
    return boxes.where(chosen)


def only_tile(work: Work) -> Tile | None:
    """Return the tile of work that leaves no choice; none where there is one."""
    choices = _sizes_along(work)
    if any(len(sizes) > 1 for sizes in choices):
        return None
    return Tile(*(size for (size,) in choices))


def _all_sizes(work: Work) -> _Boxes:
    integers, choices = _integers(work), _sizes_along(work)
    outer, inner = 1, prod(map(len, choices))
    columns: dict[Axis, Numbers] = {}
    for axis, sizes in zip(AXES, choices, strict=True):
        inner //= len(sizes)
        columns[axis] = np.tile(np.repeat(np.array(sizes, integers), inner), outer)
        outer *= len(sizes)
    return _Boxes(work.space, columns)


def _sizes_along(work: Work) -> list[list[int]]:
    """Return the lengths of a tile to choose from along each axis.

    What passes no buffer is worked on whole, and what waits for itself in its own rounds.
    """
    space, operation = work.space, work.operation
    cuts = operation.cuts if any(operand.streams for operand in work.operands) else ()
    found = [
        _halvings(space.extent(axis)) if axis in cuts else [space.extent(axis)] for axis in AXES
    ]
    if operation.rounds:
        found[AXES.index("m")] = [ceil_div(space.m, operation.rounds)]
    return found


def _integers(work: Work) -> type:
    """Return a type of integers that hold whatever is worked out here."""
    architecture = work.architecture
    bits = sum(one.access.grain * one.access.tensor.format.bits for one in work.operands)
    slots = work.slots * len(work.stages)
    ticks = max(architecture.ticks(name, 1) for name in architecture.components)
    return np.int64 if work.space.points * bits * max(slots, ticks) < 2**63 else object


def _halvings(extent: int) -> list[int]:
    """Tile sizes along an axis: all of it, half of it, a quarter, … down to one."""
    sizes = [extent]
    while sizes[-1] > 1:
        sizes.append(ceil_div(sizes[-1], 2))
    return sizes


def _in_order(*keys: Numbers) -> Numbers:
    """Return the places of what is sorted by several keys, the first of them counting most."""
    order = np.argsort(keys[-1], kind="stable")
    for key in keys[-2::-1]:
        order = order[np.argsort(key[order], kind="stable")]
    return order


def _unbeaten(needs: Numbers) -> list[int]:
    """Return the ranks before which fewer than ``RIVALS`` come that need no more.

    Since a larger buffer beats none that a smaller one would try, it never makes an operation
    slower.
    """
    first: list[int] = []
    chosen = []
    for rank in np.argsort(needs, kind="stable").tolist():
        if len(first) < RIVALS or rank < first[-1]:
            chosen.append(rank)
            insort(first, rank)
            del first[RIVALS:]
    return sorted(chosen)


def _costs(work: Work, boxes: _Boxes, loops: tuple[Axis, ...]) -> list[Numbers]:
    """Look at all boxes in one order of loops: ticks, bits, tiles, how often operands move."""
    bits = nothing = 0 * boxes.count
    passing: dict[str, Numbers] = {}
    full_moves = []
    for number, operand in enumerate(work.operands):
        axes = operand.access.axes
        if number < len(work.reads):
            moves = _rounds(boxes, loops, axes, boxes.trips)
            full = _product(nothing + 1, (boxes.full[axis] for axis in axes))
            full_moves.append(full * _rounds(boxes, loops, axes, boxes.full))
        else:
            moves = nothing + 1
            stored = _product(nothing + 1, (boxes.full[axis] for axis in AXES if axis != "k"))
            full_moves.append(np.where(boxes.trips["k"] == boxes.full["k"], stored, nothing))
        moved = moves * operand.access.size_bits(work.space)
        for channel in operand.way:
            passing[channel] = passing.get(channel, nothing) + moved
            bits = bits + moved
    ticks = nothing
    for name, passed in passing.items():
        cycles = -(-passed // work.architecture.channels[name].peak_bits_per_cycle)
        ticks = np.maximum(ticks, cycles * work.architecture.ticks(name, 1))
    return [np.maximum(ticks, _at_peak(work, boxes)), bits, boxes.count, *full_moves]


def _at_peak(work: Work, boxes: _Boxes) -> Numbers:
    """Ticks of the unit at least: tiles that no edge cuts short, at its peak."""
    operation = work.operation
    peak = work.spec.peak_macs(operation.number_format)
    if not peak or not operation.macs:
        return 0 * boxes.count
    macs = operation.macs // operation.space.points
    tile = _product(0 * boxes.count + macs, (boxes.sizes[axis] for axis in AXES))
    tiles = _product(0 * boxes.count + 1, (boxes.full[axis] for axis in AXES))
    cycles: Numbers = tiles * -(-tile // peak)
    return cycles * work.architecture.ticks(work.unit, 1)


def _rounds(
    boxes: _Boxes, loops: Sequence[Axis], axes: Sequence[Axis], trips: dict[Axis, Numbers]
) -> Numbers:
    """How often each part of a tensor that is read comes in, in so many ``trips`` of the loops.

    As often as the loops go round that the tensor does not depend on, around those that it
    does: one that stays where it is keeps the part in the buffer.
    """
    rounds = 0 * boxes.count + 1
    moves = rounds < 1
    for axis in reversed(loops):
        if axis in axes:
            moves = moves | (boxes.trips[axis] > 1)
        else:
            rounds = rounds * np.where(moves, trips[axis], 1)
    return rounds
