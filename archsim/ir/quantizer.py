"""Symmetric quantisation of whole tensors: what whole numbers stand for one, times what scale.

With q bits per number, a tensor x becomes ``clip(round(x / s), -L, L)`` with L = 2^(q-1) - 1,
ties to even. The scale s is ``max |x| / L`` (``absmax``), or the next power of two above that
(``pow2``), which divides by shifting.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from archsim import formats
from archsim.formats import IntegerFormat, NumberFormat
from archsim.ir.operation import Array

Scheme = Literal["absmax", "pow2"]
LEAST = 1e-30
"""Stands for the largest magnitude of a tensor of zeros, whose scale may be anything but 0."""


@dataclass(frozen=True)
class Quantizer:
    """How products are computed on whole numbers: formulas for a graph, and their values."""

    scheme: Scheme

    @property
    def format(self) -> IntegerFormat:
        """What operands are held in."""
        found = formats.parse("int8")
        assert isinstance(found, IntegerFormat)
        return found

    @property
    def accumulator(self) -> NumberFormat:
        """What sums of products are held in."""
        return formats.parse("int32")

    @property
    def largest(self) -> int:
        """L: the range is symmetric, the smallest number of the format is not used."""
        return self.format.largest

    @property
    def scale_formula(self) -> str:
        """The scale, given the largest magnitude a."""
        scale = f"maximum(a, {LEAST!r}) / {self.largest}"
        return f"exp2(ceil(log2({scale})))" if self.scheme == "pow2" else scale

    @property
    def divides(self) -> bool:
        """Whether numbers are divided by the scale, or multiplied by its exact inverse."""
        return self.scheme != "pow2"

    @property
    def formula(self) -> str:
        """The whole number of a, given the scale b or its inverse."""
        way = "/" if self.divides else "*"
        return f"maximum(minimum(rint(a {way} b), {self.largest}), -{self.largest})"

    def quantize(self, array: ArrayLike) -> tuple[Array, float]:
        """Return the whole numbers that stand for an array, as float64, and their scale."""
        values = np.asarray(array, dtype=np.float64)
        scale = max(float(np.abs(values).max()), LEAST) / self.largest
        if self.scheme == "pow2":
            scale = float(np.exp2(np.ceil(np.log2(scale))))
        return np.clip(np.rint(values / scale), -self.largest, self.largest) + 0.0, scale
