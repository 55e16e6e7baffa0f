"""Checks of what the algorithms are given: each names the argument, the bound and the value."""

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array


def check_ratio(name: str, value: float) -> None:
    """Check a share that is kept."""
    if not 0 < value <= 1:
        raise ValueError(f"{name}: must be in (0, 1], got {value}")


def check_numbers(name: str, values: ArrayLike, dimensions: int = 0) -> Array:
    """Return numbers as float64, all of them finite, in so many dimensions if any are asked for."""
    array = np.asarray(values, dtype=np.float64)
    if dimensions and array.ndim != dimensions:
        raise ValueError(f"{name}: expected {dimensions} dimensions, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = array.size - int(np.isfinite(array).sum())
        raise ValueError(f"{name}: {bad:,} of {array.size:,} numbers are NaN or infinite")
    return array


def check_count(name: str, value: int, most: int, of: str) -> None:
    """Check how many of something are kept."""
    if not 1 <= value <= most:
        raise ValueError(f"{name}: must be in [1, {most}], the {of}, got {value}")
