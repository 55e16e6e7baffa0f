"""Exact sums and products of unpacked posits, to be rounded once.

Significands are 64-bit words whose last bit stands for all that does not fit (rounding to
odd): a posit's significand has at most 30 bits and a product of two at most 60, so that bit
is always below the one that decides the rounding.
"""

import numpy as np
from numpy.typing import NDArray

from archsim.formats.posit_fields import LEAD, Unpacked, bit_length, jammed


def product(a: Unpacked, b: Unpacked) -> Unpacked:
    """Multiply numbers as :func:`unpack` gave them: the result is exact."""
    half = np.uint64(LEAD // 2)  # the 31 low bits of a posit's significand are zero
    significand = (a.significand >> half) * (b.significand >> half)
    carried = significand >> np.uint64(LEAD + 1)  # 1 where the product of two in [1, 2) is >= 2
    return Unpacked(
        negative=a.negative ^ b.negative,
        scale=a.scale + b.scale + carried.astype(np.int64),
        significand=significand >> carried,
        nar=a.nar | b.nar,
    )


def total(a: Unpacked, b: Unpacked) -> Unpacked:
    """Add a product, or a posit, and a posit."""
    first = _exceeds(a, b)
    large = np.where(first, a.significand, b.significand)
    small = np.where(first, b.significand, a.significand)
    scale = np.where(first, a.scale, b.scale)
    small = jammed(small, np.abs(a.scale - b.scale))
    size = np.where(a.negative == b.negative, large + small, large - small)
    # The length is 64 after a carry, less than 63 after cancellation; both shifts are exact
    # but for a bit that jams.
    length = bit_length(size)
    up = np.maximum(LEAD + 1 - length, 0).astype(np.uint64)
    return Unpacked(
        negative=np.where(first, a.negative, b.negative),
        scale=scale + length - (LEAD + 1),
        significand=jammed(size << up, np.maximum(length - (LEAD + 1), 0)),
        nar=a.nar | b.nar,
    )


def _exceeds(a: Unpacked, b: Unpacked) -> NDArray[np.bool_]:
    """Whether a is at least as large as b in size; zero is less than every other number."""
    larger = (a.scale > b.scale) | ((a.scale == b.scale) & (a.significand >= b.significand))
    found: NDArray[np.bool_] = (b.significand == 0) | ((a.significand != 0) & larger)
    return found
