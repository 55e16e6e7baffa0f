"""Which tensors of a network can be contracted with which: a table that sizes do not change.

A set of tensors is a bit mask. A set is contracted from two disjoint connected sets, its
*split*; every split of every set is enumerated once, so a search is a minimum over
splits. Networks of the same structure, whatever their extents, share one table.

Source: Moerkotte and Neumann, "Analysis of two existing and one new dynamic programming
algorithm for the generation of optimal bushy join trees without cross products" (2006):
the pairs that are enumerated; here as whole arrays, level by level.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError
from archsim.ir.operation import Array, Indices

EXACT_LIMIT = 18
"""Tensors that an exact search takes."""
SPLIT_LIMIT = 3_000_000
"""Ways to split a set of tensors, over all sets, that an exact search goes through."""

CHUNK_BITS = 8  # a power of two
FEW = 1 << 14
"""Entries times bonds up to which listing bonds is faster than looking up products."""

Masks = NDArray[np.int64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Structure:
    """What of a network does not depend on its extents.

    ``bonds`` holds, sorted, the sets of tensors that some index joins, and first the empty
    set, whose extent is 1. Sets of at most
    ``largest`` of the first ``count`` tensors are contracted; tensor ``count``, if a bond
    names it, is the network's output.
    """

    count: int
    largest: int
    bonds: tuple[int, ...]
    outer_products: bool


@dataclass(frozen=True)
class Level:
    """All sets of the same number of tensors: their places, their splits, and where those start."""

    first: int
    last: int
    first_split: int
    last_split: int
    left: Places
    right: Places
    starts: Places


@dataclass(frozen=True)
class Choices:
    """Which bonds are multiplied, for each of many entries.

    ``chunks`` hold them as bits, eight per array. If all is little, the bonds of
    all entries are ``listed`` one after the other, with where each entry's start.
    """

    chunks: tuple[Places, ...]
    listed: tuple[Places, Places] | None

    @classmethod
    def of(cls, chunks: Sequence[Places], count: int) -> "Choices":
        """Describe choices, given as chunks, among ``count`` bonds."""
        entries = len(chunks[0])
        if entries * count > FEW:
            return cls(tuple(chunks), None)
        picked = [chunks[n // CHUNK_BITS] >> n % CHUNK_BITS & 1 for n in range(count)]
        picked[0] = np.ones(entries, np.intp)  # joins nothing: its extent is 1
        owners, chosen = np.nonzero(np.stack(picked, axis=1))
        starts = np.searchsorted(owners, np.arange(entries))
        return cls(tuple(chunks), (chosen.astype(np.intp), starts.astype(np.intp)))

    def products(self, extents: Array) -> Array:
        """Multiply the chosen bonds' extents; those may have a further axis of variants."""
        found: Array
        if self.listed is not None:
            chosen, starts = self.listed
            found = np.multiply.reduceat(extents.take(chosen, axis=0), starts)
            return found
        table = self._table(extents)
        found = table[0].take(self.chunks[0], axis=0)
        for chunk in range(1, len(self.chunks)):
            found *= table[chunk].take(self.chunks[chunk], axis=0)
        return found

    def _table(self, extents: Array) -> Array:
        """Return the products of all choices of bonds, chunk by chunk."""
        variants = extents.shape[1:]
        table = np.ones((CHUNK_BITS * len(self.chunks), 2, *variants), extents.dtype)
        table[: len(extents), 1] = extents
        while len(table) > len(self.chunks):  # two neighbours' tables make one
            pairs = table.reshape(-1, 2, table.shape[1], *variants)
            table = pairs[:, 1, :, None] * pairs[:, 0, None, :]
            table = table.reshape(len(pairs), -1, *variants)
        return table


@dataclass(frozen=True)
class Topology:
    """Every set that can be contracted, smaller ones first, and every split of each.

    Set p is ``sets[p]``; its splits are ``left[s], right[s]`` for ``starts[p] <= s <
    starts[p + 1]``, as places of sets, and ``whole[s]`` is p. ``open`` chooses the bonds
    that each set carries, ``met`` those that either side of a split carries.
    """

    structure: Structure
    sets: Masks
    places: dict[int, int]
    left: Places
    right: Places
    whole: Places
    starts: tuple[int, ...]
    levels: tuple[Level, ...]
    met: Choices
    open: Choices


def joints(terms: Sequence[Indices]) -> dict[str, int]:
    """Return the set of tensors that each index stands in."""
    found: dict[str, int] = {}
    bit = 1
    for term in terms:
        for index in term:
            found[index] = found.get(index, 0) | bit
        bit <<= 1
    return found


def check_count(count: int) -> None:
    """Refuse more tensors than an exact search takes.

    Raises:
        InputError: with the limit, and what has none.
    """
    if count > EXACT_LIMIT:
        raise InputError(
            f"exact search takes at most {EXACT_LIMIT} tensors, here are {count}; "
            "greedy(network) has no limit and proves nothing"
        )


def check_hyperedges(joined: Mapping[str, int], count: int) -> None:
    """Refuse an index in three or more of the first ``count`` tensors.

    Raises:
        InputError: with the index, its tensors, and how to search all the same.
    """
    inputs = (1 << count) - 1
    for index, tensors in joined.items():
        if (tensors & inputs).bit_count() > 2:
            among = ", ".join(map(str, _members(tensors & inputs)))
            raise InputError(
                f"index {index!r} stands in more than two tensors ({among}); hyperedges=True "
                "searches all the same, and steps keep it until its last tensor"
            )


def place_of(table: Topology, tensors: int) -> int:
    """Return the place of a set of tensors.

    Raises:
        InputError: if the set is not connected, with its parts.
    """
    place = table.places.get(tensors)
    if place is not None:
        return place
    touching, parts, rest = _touching(table.structure), list[str](), tensors
    while rest:
        part, before = rest & -rest, 0
        while part != before:
            part, before = part | (int(touching[part]) & tensors), part
        parts.append(f"({', '.join(map(str, _members(part)))})")
        rest &= ~part
    raise InputError(
        f"no index joins tensors {' to '.join(parts)}; "
        "outer_products=True allows steps between tensors that share none"
    )


def topology(structure: Structure) -> Topology:
    """Return the sets and splits of a structure, enumerated or remembered.

    Raises:
        InputError: beyond ``SPLIT_LIMIT`` splits.
    """
    return (_remembered_small if structure.count <= 12 else _remembered_large)(structure)


def _enumerated(structure: Structure) -> Topology:
    touching = _touching(structure)
    below = (np.int64(1) << np.arange(structure.count)) - 1
    singles = below + 1
    sets = _grown(singles, below | singles, touching, structure)[0]
    sets = sets[np.bitwise_count(sets) <= structure.largest]
    sets = sets[np.lexsort((sets, np.bitwise_count(sets)))]
    one, other = _splits(sets, touching, structure)
    place = np.full(1 << structure.count, -1, np.intp)
    place[sets] = np.arange(len(sets))
    whole = place[one | other]
    order = np.argsort(whole, kind="stable")
    left, right, whole = place[one[order]], place[other[order]], whole[order]
    starts = np.searchsorted(whole, np.arange(len(sets) + 1))
    opened = _open_bonds(sets, structure)
    return Topology(
        structure=structure,
        sets=sets,
        places=dict(zip(sets.tolist(), range(len(sets)), strict=True)),
        left=left,
        right=right,
        whole=whole,
        starts=tuple(starts.tolist()),
        levels=_levels(sets, left, right, starts),
        met=Choices.of([chunk[left] | chunk[right] for chunk in opened], len(structure.bonds)),
        open=Choices.of(opened, len(structure.bonds)),
    )


_remembered_small = lru_cache(maxsize=64)(_enumerated)
_remembered_large = lru_cache(maxsize=16)(_enumerated)  # up to 150 MB each


def _members(tensors: int) -> list[int]:
    return [n for n in range(tensors.bit_length()) if tensors >> n & 1]


def _touching(structure: Structure) -> Masks:
    """Per set, all tensors that share an index with one of its tensors."""
    every = (1 << structure.count) - 1
    touching = np.zeros(1 << structure.count, np.int64)
    for number in range(structure.count):
        mine = every if structure.outer_products else 0
        for bond in structure.bonds:
            mine |= bond if bond >> number & 1 else 0
        half = 1 << number
        touching[half : 2 * half] = touching[:half] | (mine & every)
    return touching


def _grown(
    sets: Masks, banned: Masks, touching: Masks, structure: Structure
) -> tuple[Masks, Places]:
    """Return every connected superset that takes nothing banned, and which set it grew from.

    The lowest tensor that a set touches is either taken or banned, so each superset is
    reached once.
    """
    origin: Places = np.arange(len(sets))
    done = [(sets[:0], origin[:0])]
    total = 0
    while len(sets):
        free = touching[sets] & ~banned & ~sets
        ready = free == 0
        done.append((sets[ready], origin[ready]))
        sets, banned, origin, free = (x[~ready] for x in (sets, banned, origin, free))
        total += len(done[-1][0])
        if total + len(sets) > SPLIT_LIMIT:
            raise InputError(
                f"exact search goes through at most {SPLIT_LIMIT:,} ways to split the tensors, "
                f"and these {structure.count} have more; greedy(network) has no limit"
            )
        lowest = free & -free
        sets = np.concatenate((sets | lowest, sets))
        banned = np.concatenate((banned, banned | lowest))
        origin = np.concatenate((origin, origin))
    found, origins = zip(*done, strict=True)
    return np.concatenate(found), np.concatenate(origins)


def _splits(sets: Masks, touching: Masks, structure: Structure) -> tuple[Masks, Masks]:
    """Return all pairs of disjoint connected sets that touch; the first has the lowest tensor."""
    lowest = sets & -sets
    banned = sets | lowest | (lowest - 1)
    seeds = touching[sets] & ~banned
    starts, bans, owners = [], [], []
    for number in range(structure.count):
        chosen = np.flatnonzero(seeds >> number & 1)
        bit = 1 << number
        starts.append(np.full(len(chosen), bit, np.int64))
        bans.append(banned[chosen] | (seeds[chosen] & (bit - 1)))
        owners.append(chosen)
    other, origin = _grown(np.concatenate(starts), np.concatenate(bans), touching, structure)
    one = sets[np.concatenate(owners)[origin]]
    fits = np.bitwise_count(one | other) <= structure.largest
    return one[fits], other[fits]


def _levels(sets: Masks, left: Places, right: Places, starts: Places) -> tuple[Level, ...]:
    """Group sets of two and more tensors by their number."""
    sizes = np.bitwise_count(sets)
    found = []
    for size in range(2, int(sizes.max()) + 1):
        first, last = np.searchsorted(sizes, [size, size + 1]).tolist()
        begin, end = int(starts[first]), int(starts[last])
        found.append(
            Level(
                first=first,
                last=last,
                first_split=begin,
                last_split=end,
                left=left[begin:end],
                right=right[begin:end],
                starts=starts[first:last] - begin,
            )
        )
    return tuple(found)


def _open_bonds(sets: Masks, structure: Structure) -> list[Places]:
    """Per set, the bonds to tensors outside it, as bits of one array per eight bonds."""
    found = []
    for first in range(0, len(structure.bonds), CHUNK_BITS):
        code = np.zeros(len(sets), np.intp)
        for bit, bond in enumerate(structure.bonds[first : first + CHUNK_BITS]):
            leaves = ((sets & bond) != 0) & ((~sets & bond) != 0)
            code |= leaves.astype(np.intp) << bit
        found.append(code)
    return found
