"""Integer formats: ``int8`` in two's complement, ``uint8`` without a sign."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.formats.number_format import FAMILIES, NumberFormat, checked_codes, checked_values


@dataclass(frozen=True)
class IntegerFormat(NumberFormat):
    """Whole numbers of ``bits`` bits; what lies beyond saturates.

    At most 53 bits, so that every value is exact in float64.
    """

    name: str
    bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        fewest = 2 if self.signed else 1
        if not fewest <= self.bits <= 53:
            raise ValueError(f"bits must be in [{fewest}, 53], got {self.bits}")

    @property
    def smallest(self) -> int:
        """The smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        """The largest value."""
        return (1 << (self.bits - self.signed)) - 1

    def quantize(self, array: ArrayLike) -> NDArray[np.float64]:
        """Round to the nearest whole number, ties to even, then saturate.

        Raises:
            ValueError: for NaN.
        """
        values = checked_values(array)
        if np.isnan(values).any():
            raise ValueError(f"{self.name} has no NaN")
        # Adding zero turns -0.0, which integers lack, into 0.0.
        return np.clip(np.rint(values), self.smallest, self.largest) + 0.0

    def encode(self, array: ArrayLike) -> NDArray[np.uint64]:
        """Return the code of each value after rounding, in the low ``bits`` bits."""
        whole = self.quantize(array).astype(np.int64)
        return whole.astype(np.uint64) & np.uint64((1 << self.bits) - 1)

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the value that each code stands for.

        Raises:
            ValueError: for anything but whole numbers of ``bits`` bits.
        """
        values = checked_codes(codes, self.bits).astype(np.float64)
        return np.where(values > self.largest, values - 2.0**self.bits, values)


@FAMILIES.register("integer")
def read(name: str) -> IntegerFormat | None:
    """Return ``int<bits>`` or ``uint<bits>``."""
    match = re.fullmatch(r"(u?)int(\d{1,4})", name)
    if match is None:
        return None
    return IntegerFormat(name, int(match[2]), signed=not match[1])
