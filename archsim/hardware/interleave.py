"""Which bank, or port, a word lies behind.

* ``plain``: in turn, in order of address; a column of a matrix lies in few banks;
* ``skewed``: in turn, and every row of B words begins a bank after the one before;
* ``xor``: the digits to the base B of a word's address, added without carry, are its bank, so
  that words a power of two apart, whatever the power, lie in as many banks as neighbours do.

Source of the last: B. R. Rau, "Pseudo-randomly interleaved memory", ISCA 1991, of whose
family of schemes it is the plainest.
"""

from functools import lru_cache
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archsim.ir.tile import Layout

Interleave = Literal["plain", "skewed", "xor"]
"""Which bank a word lies in."""
Addresses = NDArray[np.int64]
"""Places of numbers, or of words, in a memory, in the order in which they are wanted."""

MOST_ENUMERATED = 2**21
"""Numbers of a tile that are looked at one by one; of a larger one, these stand for all."""


def bank_of(words: Addresses, banks: int, interleave: Interleave) -> Addresses:
    """Return the bank, of so many, that each word lies in."""
    if interleave == "plain" or banks == 1:
        return words % banks
    if interleave == "skewed":
        return (words + words // banks) % banks
    found, rest = np.zeros_like(words), words
    while rest.any():
        found, rest = found ^ (rest % banks), rest // banks
    return found


def addresses(numbers: int, run: int, stride: int, layout: Layout | None) -> Addresses:
    """Where numbers lie that are wanted in runs a stride apart, in the order of a layout."""
    if layout is not None and not stride:
        return _first_addresses(numbers, layout)
    place = np.arange(numbers, dtype=np.int64)
    if stride:
        place = place // run * stride + place % run
    if layout is None:
        return place
    inner = _strides(layout)
    found = np.zeros_like(place)
    for position in reversed(layout.order):
        place, digit = np.divmod(place, layout.shape[position])
        found += digit * inner[position]
    return found


def _strides(layout: Layout) -> list[int]:
    """How far apart neighbours along each of the stored extents lie."""
    return [*accumulate(reversed(layout.shape[1:]), int.__mul__, initial=1)][::-1]


def _first_addresses(numbers: int, layout: Layout) -> Addresses:
    """The same for the first numbers of all, without a division for each."""
    inner = _strides(layout)
    found = np.zeros(1, dtype=np.int64)
    for position in reversed(layout.order):
        steps = min(layout.shape[position], -(-numbers // len(found)))
        places = np.arange(steps, dtype=np.int64) * inner[position]
        found = (places[:, None] + found).reshape(-1)
    return found[:numbers]


@lru_cache(maxsize=2**14)
def runs_in_memory(numbers: int, run: int, stride: int, layout: Layout) -> tuple[int, int]:
    """Return in how many runs such numbers lie, and how far the starts of two are apart.

    The distance is the mean, where runs are not regular; 0 for a single run.
    """
    box = _box(numbers, run, stride, layout)
    if box is not None:
        return _runs_of_box(box, layout)
    seen = min(numbers, MOST_ENUMERATED)
    places = np.sort(addresses(seen, run, stride, layout))
    starts = places[1:][np.diff(places) > 1]
    if not len(starts):
        return 1, 0
    return (len(starts) + 1) * numbers // seen, int(starts[-1] - places[0]) // len(starts)


def _box(numbers: int, run: int, stride: int, layout: Layout) -> dict[int, int] | None:
    """How many places such numbers take along each stored extent, if they are a box of them."""
    run = run if stride else numbers
    found: dict[int, int] = {}
    inner, times = 1, numbers // run
    for position in reversed(layout.order):
        extent = layout.shape[position]
        if run == 1 and times > 1 and inner == stride:
            run, times = times, 1  # the runs themselves lie along the extents from here on
        taken = min(run, extent)
        if run % taken:
            return None
        found[position], run = taken, run // taken
        inner *= extent
    return found if run == times == 1 and numbers else None


def _runs_of_box(taken: dict[int, int], layout: Layout) -> tuple[int, int]:
    """Runs of a box of the stored extents, and the mean distance of their starts."""
    runs, last, is_covered = 1, 0, True
    for position, step in reversed(list(enumerate(_strides(layout)))):
        if not is_covered:
            runs *= taken[position]
            last += (taken[position] - 1) * step
        is_covered = is_covered and taken[position] == layout.shape[position]
    return runs, last // (runs - 1) if runs > 1 else 0
