"""Posits: tapered precision, most of it around one, and no overflow.

Arithmetic works on bit patterns and is exact up to one rounding, so that it can referee
hardware; NaR ("not a real") is the one pattern that is not a number.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.formats.number_format import FAMILIES, NumberFormat, checked_codes, checked_values
from archsim.formats.posit_arithmetic import product, total
from archsim.formats.posit_fields import Codes, Rounding, Unpacked, pack, unpack
from archsim.formats.posit_quire import summed

Accumulate = Literal["sequential", "fused", "quire"]
"""A rounding after every product and every sum, one for both, or one at the end."""


@dataclass(frozen=True)
class Posit(NumberFormat):
    """Posits of ``n`` bits, ``es`` of them for the exponent.

    Rounding is to the nearest pattern, ties to the even one; no number but zero rounds to
    zero, none rounds beyond ``maxpos``, and NaN and infinity become NaR, which reads as NaN.
    """

    n: int
    es: int
    name: str = field(init=False)
    bits: int = field(init=False)

    def __post_init__(self) -> None:
        for letter, value in (("n", self.n), ("es", self.es)):
            if not isinstance(value, int):
                raise ValueError(f"{letter} must be a whole number, got {value!r}")  # noqa: TRY004
        if not 2 <= self.n <= 32:
            raise ValueError(f"n must be in [2, 32], got {self.n}")
        if not 0 <= self.es <= 3:
            raise ValueError(f"es must be in [0, 3], got {self.es}")
        if self.es > max(self.n - 3, 0):
            raise ValueError(
                f"es = {self.es} leaves no room in {self.n} bits: a sign, two regime bits and "
                f"{self.es} exponent bits need n >= {self.es + 3}"
            )
        object.__setattr__(self, "name", f"posit({self.n},{self.es})")
        object.__setattr__(self, "bits", self.n)

    @property
    def nar(self) -> int:
        """The pattern that is not a number: a one and zeros."""
        return 1 << (self.n - 1)

    @property
    def largest_scale(self) -> int:
        """log2 of maxpos, and of 1 / minpos."""
        return (self.n - 2) << self.es

    @property
    def maxpos(self) -> float:
        """The largest number."""
        return 2.0**self.largest_scale

    @property
    def minpos(self) -> float:
        """The smallest number above zero."""
        return 2.0**-self.largest_scale

    def fraction_bits(self, scale: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bits of fraction between ``2**scale`` and ``2**(scale + 1)``; below 0: exponent bits cut.

        ``scale`` lies within that of maxpos and of minpos.
        """
        regime = scale >> self.es
        run = np.where(regime >= 0, regime + 1, -regime)
        return self.n - 2 - run - self.es

    def quantize(self, array: ArrayLike) -> NDArray[np.float64]:
        """Round to the nearest posit, ties to the even pattern; NaN and infinity become NaN."""
        values = checked_values(array)
        scale = np.frexp(values)[1].astype(np.int64) - 1
        within = np.isfinite(values) & (np.abs(scale) < self.largest_scale)
        kept = self.fraction_bits(np.where(within, scale, 0))
        # With a bit of fraction left, the even pattern is the even multiple of the last bit.
        plain = within & (kept > 0)
        unit = np.where(plain, scale - kept, 0)
        units = np.rint(np.ldexp(np.where(plain, values, 0.0), -unit))
        rounded = np.asarray(np.ldexp(units, unit))
        others = values[~plain]
        if others.size:
            rounded[~plain] = self.decode(self.encode(others))
        return rounded + 0.0  # a posit has one zero, without a sign

    def encode(self, array: ArrayLike, rounding: Rounding = "nearest") -> Codes:
        """Return the pattern of each value after rounding, in the low ``n`` bits.

        Raises:
            ValueError: for a rounding that there is not.
        """
        return self.packed(Unpacked.of(checked_values(array)), rounding)

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the value of each pattern; NaR is NaN.

        Raises:
            ValueError: for anything but whole numbers of ``n`` bits.
        """
        return self.unpacked(codes).values

    def negate(self, a: ArrayLike) -> Codes:
        """Return the pattern of ``-a``: its two's complement, exactly."""
        return -checked_codes(a, self.n) & np.uint64((1 << self.n) - 1)

    def add(self, a: ArrayLike, b: ArrayLike) -> Codes:
        """Return the pattern of ``a + b``, rounded once."""
        return self.packed(total(self.unpacked(a), self.unpacked(b)))

    def multiply(self, a: ArrayLike, b: ArrayLike) -> Codes:
        """Return the pattern of ``a b``, rounded once."""
        return self.packed(product(self.unpacked(a), self.unpacked(b)))

    def fused(
        self, a: ArrayLike, b: ArrayLike, c: ArrayLike, rounding: Rounding = "nearest"
    ) -> Codes:
        """Return the pattern of ``a b + c``, rounded once."""
        exact = total(product(self.unpacked(a), self.unpacked(b)), self.unpacked(c))
        return self.packed(exact, rounding)

    def quire(self, x: ArrayLike, y: ArrayLike) -> Codes:
        """Return the pattern of the sum of ``x y`` along the last axis, rounded once."""
        x_codes, y_codes = np.broadcast_arrays(*self._operands(x, y))
        return self.packed(
            summed(product(self.unpacked(x_codes), self.unpacked(y_codes)), self.n, self.es)
        )

    def dot(self, x: ArrayLike, y: ArrayLike, accumulate: Accumulate = "sequential") -> Codes:
        """Return the pattern of the sum of ``x y`` along the last axis; other axes broadcast.

        The sum starts at zero and goes from first to last.

        Raises:
            ValueError: for operands of other lengths, or an accumulation that there is not.
        """
        x_codes, y_codes = self._operands(x, y)
        if accumulate == "quire":
            return self.quire(x_codes, y_codes)
        x_codes, y_codes = np.broadcast_arrays(x_codes, y_codes)
        held = np.zeros(x_codes.shape[:-1], dtype=np.uint64)
        if accumulate == "sequential":
            terms = self.multiply(x_codes, y_codes)
            for k in range(terms.shape[-1]):
                held = self.add(held, terms[..., k])
        elif accumulate == "fused":
            for k in range(x_codes.shape[-1]):
                held = self.fused(x_codes[..., k], y_codes[..., k], held)
        else:
            raise ValueError(
                f"accumulate must be 'sequential', 'fused' or 'quire', got {accumulate!r}"
            )
        return held

    def unpacked(self, codes: ArrayLike) -> Unpacked:
        """Return sign, scale and significand of each pattern."""
        return unpack(checked_codes(codes, self.n), self.n, self.es)

    def packed(self, numbers: Unpacked, rounding: Rounding = "nearest") -> Codes:
        """Return the pattern of each number after rounding."""
        return pack(numbers, self.n, self.es, rounding)

    def _operands(self, x: ArrayLike, y: ArrayLike) -> tuple[Codes, Codes]:
        x_codes, y_codes = checked_codes(x, self.n), checked_codes(y, self.n)
        if not x_codes.ndim or not y_codes.ndim or x_codes.shape[-1] != y_codes.shape[-1]:
            raise ValueError(
                f"a dot product needs two vectors of one length, got shapes {x_codes.shape} "
                f"and {y_codes.shape}"
            )
        return x_codes, y_codes


@FAMILIES.register("posit")
def read(name: str) -> Posit | None:
    """Return ``posit(<n>,<es>)``."""
    if re.fullmatch(r"posit\(\d{1,4}", name):  # what YAML leaves of it between brackets
        raise ValueError("in a list in brackets, write it in quotes: ['posit(8,1)']")
    match = re.fullmatch(r"posit\((-?\d{1,4}), ?(-?\d{1,4})\)", name)
    return Posit(int(match[1]), int(match[2])) if match else None
