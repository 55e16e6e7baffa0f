"""A posit multiply-accumulate unit stage by stage, as words of the widths that hardware has.

Decode, multiply, align, add, normalise, encode: every stage of :mod:`archsim.rtl.posit_mac`
has its method here, and its wires are the fields of what the method returns.

Source: Lu, Fang, Xu, Lin, Wang, "Evaluations on Deep Neural Networks Training Using Posit
Number System" (IEEE TC 70(2), 2021) for the stages and for the decoder and encoder that
replace an adder before a shifter by a second shifter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.formats import Posit
from archsim.formats.number_format import checked_codes
from archsim.formats.posit_fields import Codes, Rounding, bit_length

Words = NDArray[np.int64]
"""What stands on a wire, for many operations at once."""

Flags = NDArray[np.bool_]
"""A wire of one bit."""

GUARD = 3
"""Bits below the product's last one, enough for one rounding of an exact difference."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """An operand: ``significand`` has its leading one at bit ``fraction_bits``; zero has none."""

    negative: Flags
    nar: Flags
    scale: Words
    significand: Words


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """Two terms on one scale, two bits before the point; bit 0 of the small one jams."""

    negative: Flags
    subtract: Flags
    nar: Flags
    scale: Words
    large: Words
    small: Words


@dataclass(frozen=True, kw_only=True)
class Summed:
    """A sign and a magnitude of three bits before the point; normalised: a one at the top."""

    negative: Flags
    nar: Flags
    scale: Words
    magnitude: Words


@dataclass(frozen=True)
class PositStages:
    """The stages of ``a b + c`` in ``posit``; ``improved`` has the paper's decoder and encoder.

    At most 30 bits, so that a sum fits a word of 64.
    """

    posit: Posit
    improved: bool = True

    def __post_init__(self) -> None:
        if not 3 <= self.posit.n <= 30:
            raise ValueError(f"a staged unit takes posits of 3 to 30 bits, got {self.posit.name}")

    @property
    def fraction_bits(self) -> int:
        """Bits of the longest fraction."""
        return self.posit.n - 3 - self.posit.es

    @property
    def sum_bits(self) -> int:
        """Width of the sum: three bits before the point, a product's fraction, the guard."""
        return 3 + 2 * self.fraction_bits + GUARD

    def mac(
        self, a: ArrayLike, b: ArrayLike, c: ArrayLike, rounding: Rounding = "nearest"
    ) -> Codes:
        """Return the pattern of ``a b + c``, through all stages."""
        product = self.multiply(self.decode(a), self.decode(b))
        return self.encode(self.normalise(self.add(self.align(product, self.decode(c)))), rounding)

    def decode(self, codes: ArrayLike) -> Decoded:
        """Find the regime's end, and shift what follows it to its place."""
        n, es = self.posit.n, self.posit.es
        words = checked_codes(codes, n).astype(np.int64)
        negative = words >> (n - 1) == 1
        size = np.where(negative, -words, words) & _ones(n - 1)
        first = size >> (n - 2) == 1
        regime, rest = self._run(size, first)
        significand = (1 << self.fraction_bits) | (rest & _ones(self.fraction_bits))
        return Decoded(
            negative=negative,
            nar=words == self.posit.nar,
            scale=(regime << es) | (rest >> self.fraction_bits),
            significand=np.where(size == 0, 0, significand),
        )

    def _run(self, size: Words, first: Flags) -> tuple[Words, Words]:
        """Return the regime, and exponent and fraction in ``n - 3`` bits."""
        n = self.posit.n
        if not self.improved:
            run = _leading_zeros(np.where(first, ~size, size) & _ones(n - 1), n - 1)
            regime = np.where(first, run - 1, -run)
            return regime, ((size << (run + 1)) & _ones(n - 1)) >> 2
        # The run beyond its first bit needs no adder: of ones it is the regime, of zeros its
        # complement; either count drives a shifter of its own, and the first bit chooses.
        after = size & _ones(n - 2)
        ones, zeros = _leading_zeros(~after & _ones(n - 2), n - 2), _leading_zeros(after, n - 2)
        if_ones, if_zeros = (after << ones) & _ones(n - 3), (after << zeros) & _ones(n - 3)
        return np.where(first, ones, ~zeros), np.where(first, if_ones, if_zeros)

    def multiply(self, a: Decoded, b: Decoded) -> Decoded:
        """Multiply; the significand has two bits before the point, and twice the fraction."""
        return Decoded(
            negative=a.negative ^ b.negative,
            nar=a.nar | b.nar,
            scale=a.scale + b.scale,
            significand=a.significand * b.significand,
        )

    def align(self, product: Decoded, c: Decoded) -> Aligned:
        """Shift the term of the lesser scale to that of the other; zero is always the lesser."""
        wide_product = product.significand << GUARD
        wide_c = c.significand << (self.fraction_bits + GUARD)
        first = (wide_c == 0) | ((wide_product != 0) & (product.scale > c.scale))
        small = np.where(first, wide_c, wide_product)
        distance = np.minimum(np.abs(product.scale - c.scale), self.sum_bits)
        lost = small & ((1 << distance) - 1) != 0
        return Aligned(
            negative=np.where(first, product.negative, c.negative),
            subtract=product.negative ^ c.negative,
            nar=product.nar | c.nar,
            scale=np.where(first, product.scale, c.scale),
            large=np.where(first, wide_product, wide_c),
            small=(small >> distance) | lost,
        )

    def add(self, terms: Aligned) -> Summed:
        """Add or subtract; the product's second bit before the point may turn the sign."""
        total = terms.large + np.where(terms.subtract, -terms.small, terms.small)
        return Summed(
            negative=terms.negative ^ (total < 0),
            nar=terms.nar,
            scale=terms.scale,
            magnitude=np.abs(total),
        )

    def normalise(self, total: Summed) -> Summed:
        """Shift the leading one to the top."""
        zeros = np.minimum(_leading_zeros(total.magnitude, self.sum_bits), self.sum_bits - 1)
        return Summed(
            negative=total.negative,
            nar=total.nar,
            scale=total.scale + 2 - zeros,
            magnitude=total.magnitude << zeros,
        )

    def encode(self, total: Summed, rounding: Rounding = "nearest") -> Codes:
        """Put a regime before exponent and fraction, round, and restore the sign."""
        n, es = self.posit.n, self.posit.es
        below = self.sum_bits - 1 - (self.fraction_bits + 1)  # a bit more than the fraction is kept
        regime = total.scale >> es
        exponent = total.scale & _ones(es)
        kept = (total.magnitude >> below) & _ones(self.fraction_bits + 1)
        body = (exponent << (self.fraction_bits + 1)) | kept
        shifted, lost = self._regime_before(regime, body)
        size, half = shifted >> 1, shifted & 1
        sticky = lost | (total.magnitude & _ones(below) != 0)
        if rounding == "nearest":
            size = size + (half & (sticky | (size & 1)))
        size = np.where(regime >= n - 2, _ones(n - 1), size)
        size = np.where(regime < 2 - n, 1, size)
        size = np.where(total.magnitude == 0, 0, size)
        codes = np.where(total.negative, -size, size) & _ones(n)
        return np.where(total.nar, self.posit.nar, codes).astype(np.uint64)

    def _regime_before(self, regime: Words, body: Words) -> tuple[Words, Flags]:
        """Return regime, exponent, fraction and a bit to round by, in ``n`` bits; what fell off."""
        n = self.posit.n
        negative = regime < 0
        if not self.improved:
            amount = np.clip(np.where(negative, -regime, regime + 1), 0, n)
            stop = np.where(negative, 1, 0) << (n - 1)
            return _shifted(stop | (body << 1), amount, ~negative, n)
        # A run's end stands before the body already, so that the regime, or its complement,
        # is the amount to shift by: two shifters, and no adder before either.
        of_ones = _shifted((0b10 << (n - 2)) | body, np.clip(regime, 0, n), True, n)
        of_zeros = _shifted((0b01 << (n - 2)) | body, np.clip(~regime, 0, n), False, n)
        return (
            np.where(negative, of_zeros[0], of_ones[0]),
            np.where(negative, of_zeros[1], of_ones[1]),
        )


def _shifted(word: Words, amount: Words, fill: Flags | bool, width: int) -> tuple[Words, Flags]:
    """Shift right, filling with ``fill``; return what is left, and whether a one fell off."""
    filled = word | np.where(fill, _ones(width) << width, 0)
    return (filled >> amount) & _ones(width), word & ((1 << amount) - 1) != 0


def _leading_zeros(words: Words, width: int) -> Words:
    return width - bit_length(words.astype(np.uint64))


def _ones(width: int) -> int:
    return (1 << width) - 1
