"""Binary floating-point formats: a sign, an exponent field, a mantissa field.

A value in [2**e, 2**(e + 1)) is a whole number of units of 2**(e - M), where e is not
below the smallest exponent: rounding is scaling, rounding to a whole number, scaling back.
"""

import re
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.formats.number_format import FAMILIES, NumberFormat, checked_codes, checked_values


class Specials(Enum):
    """What the largest codes stand for, and so where numbers too large go."""

    IEEE = "ieee"
    """The last exponent is kept for infinity and NaN; overflow is infinite."""
    NAN_ONLY = "nan_only"
    """The last code alone is NaN; overflow is NaN (OCP FP8 E4M3, "fn")."""
    NONE = "none"
    """Every code is a number; overflow saturates and NaN is refused (OCP MX)."""


@dataclass(frozen=True)
class FloatFormat(NumberFormat):
    """``1 + exponent_bits + mantissa_bits`` bits, subnormals included.

    Arrays are taken as float64; NaN encodes as one positive quiet code.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    specials: Specials = Specials.IEEE
    bits: int = 0
    """Set from the fields' widths."""

    def __post_init__(self) -> None:
        if not 2 <= self.exponent_bits <= 11:
            raise ValueError(f"exponent_bits must be in [2, 11], got {self.exponent_bits}")
        if not 1 <= self.mantissa_bits <= 52:
            raise ValueError(f"mantissa_bits must be in [1, 52], got {self.mantissa_bits}")
        made = 1 + self.exponent_bits + self.mantissa_bits
        if self.bits not in {0, made}:
            raise ValueError(
                f"a sign, {self.exponent_bits} exponent and {self.mantissa_bits} mantissa "
                f"bits make {made} bits, not {self.bits}"
            )
        object.__setattr__(self, "bits", made)

    @property
    def bias(self) -> int:
        """The exponent field of 1.0."""
        return int(2 ** (self.exponent_bits - 1) - 1)

    @property
    def smallest_exponent(self) -> int:
        """The exponent of the smallest normal number, shared by all subnormals."""
        return 1 - self.bias

    @property
    def largest_code(self) -> int:
        """The code of the largest finite number."""
        last = (1 << (self.bits - 1)) - 1
        spared = {Specials.IEEE: 1 << self.mantissa_bits, Specials.NAN_ONLY: 1, Specials.NONE: 0}
        return last - spared[self.specials]

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float(self.decode(self.largest_code))

    def quantize(self, array: ArrayLike) -> NDArray[np.float64]:
        """Round to the nearest value of the format, ties to even.

        Raises:
            ValueError: for NaN, where the format has none.
        """
        values = checked_values(array)
        native = _NATIVE.get((self.exponent_bits, self.mantissa_bits))
        with np.errstate(all="ignore"):
            if native is not None and self.specials is Specials.IEEE:
                return values.astype(native).astype(np.float64)
            unit = self._exponents(values) - self.mantissa_bits
            rounded = np.ldexp(np.rint(np.ldexp(values, -unit)), unit)
        return self._overflowed(np.where(np.isfinite(values), rounded, values))

    def encode(self, array: ArrayLike) -> NDArray[np.uint64]:
        """Return the code of each value after rounding, in the low ``bits`` bits."""
        values = self.quantize(array)
        size = np.where(np.isfinite(values), np.abs(values), 0.0)
        exponents = self._exponents(size)
        # A subnormal lacks the leading one that makes a normal number's exponent field 1.
        mantissas = np.ldexp(size, self.mantissa_bits - exponents).astype(np.uint64)
        steps = (exponents - self.smallest_exponent).astype(np.uint64)
        codes = (steps << np.uint64(self.mantissa_bits)) + mantissas
        codes = np.where(np.isinf(values), np.uint64(self.largest_code + 1), codes)
        codes |= np.signbit(values).astype(np.uint64) << np.uint64(self.bits - 1)
        return np.where(np.isnan(values), np.uint64(self._nan_code), codes)

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the value that each code stands for.

        Raises:
            ValueError: for anything but whole numbers of ``bits`` bits.
        """
        read = checked_codes(codes, self.bits)
        size = read & np.uint64((1 << (self.bits - 1)) - 1)
        fields = (size >> np.uint64(self.mantissa_bits)).astype(np.int32)
        mantissas = (size & np.uint64((1 << self.mantissa_bits) - 1)).astype(np.float64)
        mantissas += np.where(fields > 0, 2.0**self.mantissa_bits, 0.0)
        with np.errstate(over="ignore"):
            values = np.ldexp(mantissas, np.maximum(fields, 1) - self.bias - self.mantissa_bits)
        if self.specials is Specials.IEEE:
            values = np.where(size == self.largest_code + 1, np.inf, values)
            values = np.where(size > self.largest_code + 1, np.nan, values)
        else:
            values = np.where(size > self.largest_code, np.nan, values)
        return np.where(read >> np.uint64(self.bits - 1) == 1, -values, values)

    @property
    def _nan_code(self) -> int:
        if self.specials is Specials.NAN_ONLY:
            return self.largest_code + 1
        return self.largest_code + 1 + (1 << (self.mantissa_bits - 1))

    def _exponents(self, values: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return e of each finite value, not below the smallest."""
        fractions, exponents = np.frexp(np.where(np.isfinite(values), values, 0.0))
        reached = np.maximum(exponents - 1, self.smallest_exponent)
        found: NDArray[np.int32] = np.where(fractions == 0, self.smallest_exponent, reached)
        return found

    def _overflowed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send what is beyond the largest number where the format sends it."""
        if self.specials is Specials.NONE:
            if np.isnan(values).any():
                raise ValueError(f"{self.name} has no NaN")
            return np.clip(values, -self.largest, self.largest)
        beyond = np.abs(values) > self.largest
        if self.specials is Specials.NAN_ONLY:
            return np.where(beyond, np.nan, values)
        return np.where(beyond, np.copysign(np.inf, values), values)


_NATIVE = {(5, 10): np.float16, (8, 23): np.float32, (11, 52): np.float64}
"""Widths of fields that numpy rounds to by itself, faster."""

_NAMED: dict[str, tuple[int, int, Specials]] = {
    "fp64": (11, 52, Specials.IEEE),
    "fp32": (8, 23, Specials.IEEE),
    "tf32": (8, 10, Specials.IEEE),
    "bf16": (8, 7, Specials.IEEE),
    "fp16": (5, 10, Specials.IEEE),
    "fp8_e4m3": (4, 3, Specials.NAN_ONLY),
    "fp8_e5m2": (5, 2, Specials.IEEE),
    "fp6_e3m2": (3, 2, Specials.NONE),
    "fp6_e2m3": (2, 3, Specials.NONE),
    "fp4_e2m1": (2, 1, Specials.NONE),
}
"""Formats with names of their own.

Source: IEEE 754-2019 (fp64, fp32, fp16); OCP, "8-bit Floating Point Specification"
(2023); OCP, "Microscaling Formats" (2023) for fp6 and fp4.
"""


@FAMILIES.register("floating")
def read(name: str) -> FloatFormat | None:
    """Return a named format, or ``fp<bits>_e<E>m<M>`` with IEEE's infinity and NaN."""
    if name in _NAMED:
        return FloatFormat(name, *_NAMED[name])
    match = re.fullmatch(r"fp(\d{1,3})_e(\d{1,3})m(\d{1,3})", name)
    if match is None:
        return None
    bits, exponent_bits, mantissa_bits = map(int, match.groups())
    return FloatFormat(name, exponent_bits, mantissa_bits, bits=bits)
