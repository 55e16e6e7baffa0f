"""What every number format offers, and how one is found by name.

A family (floats, integers, posits) is one module that registers a reader of
names; a new family changes nothing here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import RegistryError, did_you_mean
from archsim.registry import Registry, load_plugins


class NumberFormat(ABC):
    """A finite set of numbers, each with one code of ``bits`` bits."""

    name: str
    bits: int

    @abstractmethod
    def quantize(self, array: ArrayLike) -> NDArray[np.float64]:
        """Round to the nearest value of the format, ties to even."""

    @abstractmethod
    def encode(self, array: ArrayLike) -> NDArray[np.uint64]:
        """Return the code of each value after rounding, in the low ``bits`` bits."""

    @abstractmethod
    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the value that each code stands for."""


def checked_values(array: ArrayLike) -> NDArray[np.float64]:
    """Return real numbers as float64.

    Raises:
        ValueError: for anything that is not a real number.
    """
    values = np.asarray(array)
    if values.dtype.kind not in "fiub":
        raise ValueError(f"expected real numbers, got an array of {values.dtype}")
    return values.astype(np.float64)


def checked_codes(codes: ArrayLike, bits: int) -> NDArray[np.uint64]:
    """Return codes of ``bits`` bits as uint64.

    Raises:
        ValueError: for anything that is not a whole number of ``bits`` bits.
    """
    read = np.asarray(codes)
    if read.dtype.kind not in "iu":
        raise ValueError(f"expected codes as whole numbers, got an array of {read.dtype}")
    if read.size and not 0 <= int(read.min()) <= int(read.max()) < 1 << bits:
        raise ValueError(f"codes must be in [0, 2**{bits}), got {read.min()} to {read.max()}")
    return read.astype(np.uint64)


FormatReader = Callable[[str], NumberFormat | None]
"""Returns the format that a name stands for, or None where the name is not its own.

A reader raises ValueError for a name that is its own but impossible.
"""

FAMILIES: Registry[FormatReader] = Registry("number format family")

WELL_KNOWN = (
    *("fp64", "fp32", "tf32", "bf16", "fp16", "fp8_e4m3", "fp8_e5m2", "fp4_e2m1"),
    *("int4", "int8", "int16", "int32", "uint4", "uint8", "uint16", "uint32"),
    *("posit(8,0)", "posit(8,1)", "posit(8,2)", "posit(16,1)", "posit(16,2)", "posit(32,2)"),
)
"""Names offered to whoever misspells one."""


@cache
def parse(name: str) -> NumberFormat:
    """Return the number format called ``name``, e.g. ``"bf16"``.

    Raises:
        RegistryError: if no family knows the name.
    """
    found = _read(name)
    if found is None:
        load_plugins()  # a third party's family is imported only when ours do not know the name
        found = _read(name)
    if found is None:
        raise RegistryError(f"no number format named {name!r}; {did_you_mean(name, WELL_KNOWN)}")
    return found


def _read(name: str) -> NumberFormat | None:
    for family in FAMILIES:
        try:
            found = FAMILIES[family](name)
        except ValueError as error:
            raise RegistryError(f"number format {name!r}: {error}") from error
        if found is not None:
            return found
    return None
