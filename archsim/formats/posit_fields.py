"""Bit patterns of posits taken apart, and numbers rounded back into patterns.

A pattern holds a sign, a regime (a run of equal bits that counts steps of ``2**es``),
``es`` exponent bits and a fraction; what does not fit into ``n`` bits is cut off, and bits
that are cut off read as zero. A negative number is the two's complement of its magnitude.

Source: Gustafson and Yonemoto, "Beating Floating Point at its Own Game: Posit Arithmetic"
(2017); Posit Working Group, "Standard for Posit Arithmetic (2022)", for the rounding.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
"""Bit patterns in the low bits of 64."""

Rounding = Literal["nearest", "toward_zero"]
"""Nearest pattern with ties to the even one, or the pattern cut off after its last bit.

Neither takes a number that is not zero to zero, nor one that is finite to NaR."""

LEAD = 62
"""The bit at which a significand's leading one stands: two numbers add up within 64 bits."""

_KEPT = 48
"""Fraction bits that take part in rounding; a posit of 32 bits has at most 29."""


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """Numbers ``(-1)**negative * significand * 2**(scale - LEAD)``.

    A significand of zero is the number zero. Bit 0 set stands for all that lies below it, as
    :func:`jammed` leaves it; ``nar`` outweighs the other fields.
    """

    negative: NDArray[np.bool_]
    scale: NDArray[np.int64]
    significand: NDArray[np.uint64]
    nar: NDArray[np.bool_]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Unpacked":
        """Take float64 apart, exactly; what is not finite is NaR."""
        finite = np.isfinite(values)
        size, exponents = np.frexp(np.abs(np.where(finite, values, 0.0)))
        return cls(
            negative=np.signbit(values),
            scale=exponents.astype(np.int64) - 1,
            significand=np.ldexp(size, LEAD + 1).astype(np.uint64),
            nar=~finite,
        )

    @property
    def values(self) -> NDArray[np.float64]:
        """As float64: exact for what a posit of 32 bits holds; NaR is NaN."""
        size = np.ldexp(self.significand.astype(np.float64), self.scale - LEAD)
        # A posit has one zero, without a sign.
        signed = np.where(self.negative & (self.significand > 0), -size, size)
        return np.where(self.nar, np.nan, signed)


def unpack(codes: Codes, n: int, es: int) -> Unpacked:
    """Take patterns of ``n`` bits apart."""
    nar = codes == 1 << (n - 1)
    negative = codes >> np.uint64(n - 1) == 1
    size = np.where(negative, -codes, codes) & np.uint64((1 << n) - 1)
    zero = (size == 0) | nar
    body = size << np.uint64(65 - n)  # what follows the sign, at the top of 64 bits
    ones = body >> np.uint64(63) == 1
    run = 64 - bit_length(np.where(ones, ~body, body))
    regime = np.where(ones, run - 1, -run)
    rest = body << np.minimum(run + 1, 63).astype(np.uint64)
    exponent = (rest >> np.uint64(1)) >> np.uint64(63 - es)
    fraction = rest << np.uint64(es)
    significand = (fraction >> np.uint64(2)) | np.uint64(1 << LEAD)
    return Unpacked(
        negative=negative,
        scale=np.where(zero, 0, (regime << es) + exponent.astype(np.int64)),
        significand=np.where(zero, np.uint64(0), significand),
        nar=nar,
    )


def pack(numbers: Unpacked, n: int, es: int, rounding: Rounding) -> Codes:
    """Round to patterns of ``n`` bits.

    Raises:
        ValueError: for a rounding that there is not.
    """
    if rounding not in get_args(Rounding):
        known = " or ".join(map(repr, get_args(Rounding)))
        raise ValueError(f"rounding must be {known}, got {rounding!r}")
    regime = numbers.scale >> es
    exponent = (numbers.scale - (regime << es)).astype(np.uint64)
    fraction = jammed(numbers.significand & np.uint64((1 << LEAD) - 1), LEAD - _KEPT)
    tail = (exponent << np.uint64(_KEPT)) | fraction
    # Beyond the last regime that leaves a bit, the pattern no longer depends on the tail.
    inside = np.clip(regime, min(2 - n, -1), n - 3)
    run = np.where(inside >= 0, inside + 1, -inside)
    room = np.maximum(n - 2 - run, 0).astype(np.uint64)
    ones = ((np.uint64(1) << run.astype(np.uint64)) - np.uint64(1)) << np.uint64(1)
    cut = np.uint64(es + _KEPT) - room
    size = (np.where(inside >= 0, ones, np.uint64(1)) << room) | (tail >> cut)
    if rounding == "nearest":
        half = (tail >> (cut - np.uint64(1))) & np.uint64(1)
        below = tail & ((np.uint64(1) << (cut - np.uint64(1))) - np.uint64(1)) != 0
        size += half & (below | (size & np.uint64(1) == 1))
    size = np.where(regime > n - 3, np.uint64((1 << (n - 1)) - 1), size)
    size = np.where(regime < 2 - n, np.uint64(1), size)
    size = np.where(numbers.significand == 0, np.uint64(0), size)
    codes = np.where(numbers.negative, -size, size) & np.uint64((1 << n) - 1)
    found: Codes = np.where(numbers.nar, np.uint64(1 << (n - 1)), codes)
    return found


def jammed(numbers: NDArray[np.uint64], shift: int | NDArray[np.int64]) -> NDArray[np.uint64]:
    """Shift right; bit 0 is set if a bit that fell off was."""
    by = np.clip(shift, 0, 63).astype(np.uint64)
    lost = numbers & ((np.uint64(1) << by) - np.uint64(1)) != 0
    found: NDArray[np.uint64] = (numbers >> by) | lost
    return found


def bit_length(numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The position above the leading one; 0 for zero."""
    # Without its second bit no number rounds up to the next power of two on the way to float64.
    lead = (numbers & ~(numbers >> np.uint64(1))).astype(np.float64)
    return np.frexp(lead)[1].astype(np.int64)
