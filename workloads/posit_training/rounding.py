"""Rounding of whole tensors to a number format, in float32 and fast enough to train with."""

from collections.abc import Callable
from enum import Enum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from archsim.formats import NumberFormat, Posit, parse

Array = NDArray[np.float32]
"""Tensors between roundings; products are summed in float32, which stands for the wide
accumulator of the paper's MAC."""

_DROPPED = 15
"""Low bits of a float32 of which a format of 8 bits sees only whether one is set."""


class Scaling(Enum):
    """By which power of two, or number, a tensor is divided before it is rounded."""

    NONE = "none"
    CENTRE = "centre"
    """The paper's: ``2**(round(mean(log2|x|)) + 2)``, x clipped to minpos and maxpos."""
    LARGEST = "largest"
    """The largest element becomes the format's largest number."""


MARGIN = 2
"""The paper's sigma: the mean magnitude lies at 2**-2, where large elements find more bits."""


def rounded(values: Array, name: str, scaling: Scaling) -> Array:
    """Round to the format called ``name``: ``P(x / S) S``."""
    if name == "fp32":
        return values
    number_format = parse(name)
    scale = np.float32(factor(values, number_format, scaling))
    found: Array = _rounding(name)(values / scale) * scale
    return found


def factor(values: Array, number_format: NumberFormat, scaling: Scaling) -> float:
    """Return S; a tensor of zeros has 1. Zeros, exact under any scale, do not count.

    Raises:
        ValueError: for the centre of a format that is no posit.
    """
    size = np.abs(values[values != 0])
    if scaling is Scaling.NONE or size.size == 0:
        return 1.0
    if scaling is Scaling.LARGEST:
        return float(size.max()) / largest(number_format)
    if not isinstance(number_format, Posit):
        raise ValueError(  # noqa: TRY004  (a choice among formats, not among types)
            f"scaling by the centre is for posits, not {number_format.name}"
        )
    clipped = np.clip(size, number_format.minpos, number_format.maxpos)
    return float(2.0 ** (np.rint(np.log2(clipped).mean()) + MARGIN))


@cache
def largest(number_format: NumberFormat) -> float:
    """Return the largest number of a format of few bits."""
    values = number_format.decode(np.arange(2**number_format.bits))
    return float(values[np.isfinite(values)].max())


@cache
def _rounding(name: str) -> Callable[[Array], Array]:
    number_format = parse(name)
    if number_format.bits > 8:
        return lambda values: number_format.quantize(values).astype(np.float32)
    table = _table(number_format)

    def look_up(values: Array) -> Array:
        bits = np.ascontiguousarray(values).view(np.uint32)
        lost = bits & np.uint32((1 << _DROPPED) - 1) != 0
        found: Array = table[(bits >> np.uint32(_DROPPED)) | lost]
        return found

    return look_up


def _table(number_format: NumberFormat) -> Array:
    """The rounded value for the upper bits of each float32, the lowest of them jammed.

    Exact for up to six bits of fraction: eight are kept, the last stands for all below.
    """
    upper = np.arange(1 << (32 - _DROPPED), dtype=np.uint32) << np.uint32(_DROPPED)
    with np.errstate(invalid="ignore"):  # signalling NaN
        values = upper.view(np.float32).astype(np.float64)
    finite = np.isfinite(values)
    found = np.full(values.shape, np.nan)
    found[finite] = number_format.quantize(values[finite])
    return found.astype(np.float32)
