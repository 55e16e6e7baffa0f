"""The numbers that a decoder scores prefixes with: float64, fixed-point logs or probabilities.

Scores are codes of an arithmetic: a larger code is always more likely and ``zero`` is
impossible. Codes of fixed-point formats are whole numbers, held in float64, which is exact
for all that happens here. After each frame all scores are scaled so that the best comes back
to the top of the range; the decoder keeps the logarithm of what that took.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError
from archsim.formats import IntegerFormat

Scores = NDArray[np.float64]
"""Codes of one arithmetic, of any shape."""
Functions = Mapping[str, int]
"""How often each scalar function of hardware runs."""


class Arithmetic(ABC):
    """Probabilities as codes, and how to multiply, add and compare them."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits of one stored score."""

    @property
    @abstractmethod
    def zero(self) -> float:
        """The code of probability 0, below all others."""

    @abstractmethod
    def encode(self, log_probs: NDArray[np.float64]) -> Scores:
        """Return the codes nearest to natural log-probabilities."""

    @abstractmethod
    def log_prob(self, scores: Scores) -> NDArray[np.float64]:
        """Return the natural log-probabilities that codes stand for."""

    @abstractmethod
    def multiply(self, a: Scores, b: Scores) -> Scores:
        """Return the product of probabilities; what is too small becomes zero."""

    @abstractmethod
    def add(self, a: Scores, b: Scores) -> Scores:
        """Return the sum of probabilities; what is too large saturates."""

    multiply_functions: ClassVar[Functions]
    """Scalar functions of hardware that a product takes."""
    encode_functions: ClassVar[Functions] = MappingProxyType({})
    """Those that a log-probability takes to become a code; none where it is one."""
    rescale_functions: ClassVar[Functions] = MappingProxyType({"move": 1})
    """Those that a score takes to be scaled, or to be kept as it is."""

    @property
    @abstractmethod
    def add_functions(self) -> Functions:
        """Those that a sum takes."""

    @abstractmethod
    def rescale(self, scores: Scores, best: float) -> tuple[Scores, float]:
        """Return scores scaled so that the code ``best`` comes to the top of the range.

        The second value is the natural logarithm of the divisor.
        """


@dataclass(frozen=True)
class FloatLog(Arithmetic):
    """Natural log-probabilities in float64; never rescaled."""

    multiply_functions = MappingProxyType({"add": 1})

    @property
    def add_functions(self) -> Functions:
        """``max + log(1 + exp(min - max))``: the larger, a difference, and two additions."""
        return {"maximum": 1, "add": 3, "exp": 1, "log": 1}

    @property
    def bits(self) -> int:
        return 64

    @property
    def zero(self) -> float:
        return -np.inf

    def encode(self, log_probs: NDArray[np.float64]) -> Scores:
        return log_probs

    def log_prob(self, scores: Scores) -> NDArray[np.float64]:
        return scores

    def multiply(self, a: Scores, b: Scores) -> Scores:
        return a + b

    def add(self, a: Scores, b: Scores) -> Scores:
        return np.logaddexp(a, b)

    def rescale(self, scores: Scores, best: float) -> tuple[Scores, float]:
        return scores, 0.0


@dataclass(frozen=True, kw_only=True)
class FixedLog(Arithmetic):
    """Natural log-probabilities as magnitudes in unsigned Q ``integer_bits.fraction_bits``.

    Codes are the magnitudes negated: 0 is probability 1, ``-(2**bits - 1)`` probability 0.
    Products are saturating sums. ``log(a + b) = max + log(1 + exp(-d))``, d the distance of
    the two; the second term comes from a table indexed by d without its lowest
    ``table_skip_bits``, or is left out (``addition="max"``). The best score is rescaled to a
    magnitude of 1.
    """

    integer_bits: int
    fraction_bits: int
    addition: Literal["table", "max"] = "table"
    table_skip_bits: int = 0

    multiply_functions = MappingProxyType({"add": 1, "maximum": 1})
    encode_functions = MappingProxyType({"multiply": 1, "add": 1, "maximum": 2})
    rescale_functions = MappingProxyType({"add": 1, "maximum": 1})

    @property
    def add_functions(self) -> Functions:
        """The larger; with a table a difference, an entry, its addition, and saturation."""
        if self.addition == "max":
            return {"maximum": 1}
        return {"maximum": 2, "add": 2, "move": 1}

    def __post_init__(self) -> None:
        _check_format(self.integer_bits, self.fraction_bits, most=32)
        if self.integer_bits < 1:
            raise InputError(
                "integer_bits: logarithms need >= 1, the best score's magnitude, got 0"
            )
        if self.addition not in {"table", "max"}:
            raise InputError(f"addition: expected 'table' or 'max', got {self.addition!r}")
        if not 0 <= self.table_skip_bits <= self.bits:
            raise InputError(
                f"table_skip_bits: expected 0 to the format's {self.bits} bits, "
                f"got {self.table_skip_bits}"
            )
        if self.addition == "table" and self.fraction_bits - self.table_skip_bits > 16:
            raise InputError(
                f"table_skip_bits: {self.fraction_bits} fraction bits need >= "
                f"{self.fraction_bits - 16} for a table that memory holds, "
                f"got {self.table_skip_bits}"
            )

    @cached_property
    def table(self) -> Scores:
        """Corrections in codes, each at the middle of its entry's distances; the last is zero."""
        if self.addition == "max":
            return np.zeros(1)
        step = 1 << self.table_skip_bits
        # log(1 + exp(-d)) < exp(-d): beyond this distance, in codes, all rounds to zero.
        farthest = np.ldexp((self.fraction_bits + 1) * log(2), self.fraction_bits)
        middles = np.arange(int(farthest / step) + 2) * step + (step - 1) / 2
        exact = np.log1p(np.exp(-np.ldexp(middles, -self.fraction_bits)))
        entries: Scores = np.rint(np.ldexp(exact, self.fraction_bits))
        return entries[: int(np.argmin(entries)) + 1]

    @property
    def table_bits(self) -> int:
        """Bits of the table of corrections; its last entry, zero, is not stored."""
        return (len(self.table) - 1) * int(self.table[0]).bit_length()

    @property
    def bits(self) -> int:
        return self.integer_bits + self.fraction_bits

    @property
    def zero(self) -> float:
        return float(1 - (1 << self.bits))

    def encode(self, log_probs: NDArray[np.float64]) -> Scores:
        return -_nearest_code(-np.minimum(log_probs, 0.0), self.bits, self.fraction_bits)

    def log_prob(self, scores: Scores) -> NDArray[np.float64]:
        return np.where(scores > self.zero, np.ldexp(scores, -self.fraction_bits), -np.inf)

    def multiply(self, a: Scores, b: Scores) -> Scores:
        return np.maximum(a + b, self.zero)

    def add(self, a: Scores, b: Scores) -> Scores:
        larger, smaller = np.maximum(a, b), np.minimum(a, b)
        entry = (larger - smaller).astype(np.int64) >> self.table_skip_bits
        correction = self.table[np.minimum(entry, len(self.table) - 1)]
        total: Scores = np.minimum(larger + np.where(smaller > self.zero, correction, 0), 0.0)
        return total

    def rescale(self, scores: Scores, best: float) -> tuple[Scores, float]:
        # One frame at most doubles a score, log 2 < 1: sums below this top never saturate.
        top = -float(1 << self.fraction_bits)
        scaled = np.where(scores > self.zero, scores + (top - best), self.zero)
        divisor = float(np.ldexp(best - top, -self.fraction_bits))
        return np.maximum(scaled, self.zero), divisor


@dataclass(frozen=True, kw_only=True)
class FixedProbability(Arithmetic):
    """Probabilities in unsigned Q ``integer_bits.fraction_bits``.

    Products are rounded to the nearest code, halves up; sums are exact and saturate. Scores
    are rescaled by the power of two that brings the best into [1/2, 1); one frame at most
    doubles a score, so that no sum saturates with an integer bit.
    """

    integer_bits: int = 1
    fraction_bits: int

    multiply_functions = MappingProxyType({"multiply": 1, "add": 1, "maximum": 1})
    encode_functions = MappingProxyType({"exp": 1, "multiply": 1, "add": 1, "maximum": 2})
    rescale_functions = MappingProxyType({"multiply": 1})

    @property
    def add_functions(self) -> Functions:
        """An addition that saturates."""
        return {"add": 1, "maximum": 1}

    def __post_init__(self) -> None:
        # The product of two codes and a half must be exact in float64.
        _check_format(self.integer_bits, self.fraction_bits, most=26)

    @property
    def bits(self) -> int:
        return self.integer_bits + self.fraction_bits

    @property
    def zero(self) -> float:
        return 0.0

    @property
    def largest(self) -> float:
        """The largest code."""
        return float((1 << self.bits) - 1)

    def encode(self, log_probs: NDArray[np.float64]) -> Scores:
        return _nearest_code(np.exp(log_probs), self.bits, self.fraction_bits)

    def log_prob(self, scores: Scores) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            return np.log(np.ldexp(scores, -self.fraction_bits))

    def multiply(self, a: Scores, b: Scores) -> Scores:
        product = np.floor(np.ldexp(a * b, -self.fraction_bits) + 0.5)
        return np.minimum(product, self.largest)

    def add(self, a: Scores, b: Scores) -> Scores:
        return np.minimum(a + b, self.largest)

    def rescale(self, scores: Scores, best: float) -> tuple[Scores, float]:
        shift = self.fraction_bits - int(best).bit_length()
        return np.floor(np.ldexp(scores, shift)), -shift * log(2)


def _nearest_code(values: NDArray[np.float64], bits: int, fraction_bits: int) -> Scores:
    """Return values >= 0 in codes of 2**-fraction_bits, ties to even, saturating."""
    code = IntegerFormat(f"uint{bits}", bits, signed=False)
    return code.quantize(np.ldexp(values, fraction_bits))


def _check_format(integer_bits: int, fraction_bits: int, most: int) -> None:
    name = f"Q{integer_bits}.{fraction_bits}"
    if integer_bits < 0 or fraction_bits < 1:
        raise InputError(f"a Q format of scores needs a fraction bit, got {name}")
    if not 2 <= integer_bits + fraction_bits <= most:
        raise InputError(f"this Q format of scores holds 2 to {most} bits, got {name}")
