"""What a decode is given, checked: log-probabilities and whole numbers."""

from operator import index
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import InputError

SUM_TOLERANCE = 1e-3
"""How far a frame's probabilities may sum from one: what float16 costs, no more."""


def checked_log_probs(log_probs: ArrayLike) -> NDArray[np.float64]:
    """Return natural log-probabilities, frames by symbols, as float64; no frames are fine.

    Raises:
        InputError: for another shape, no symbols, NaN, or a frame that does not sum to one.
    """
    try:
        values = np.asarray(log_probs)
    except ValueError as error:
        raise InputError("log_probs: expected frames x symbols, got rows that differ") from error
    if values.dtype.kind not in "fiu":
        raise InputError(f"log_probs: expected real numbers, got an array of {values.dtype}")
    if values.ndim != 2 or values.shape[1] < 1:
        raise InputError(
            f"log_probs: expected frames x symbols, got shape {values.shape}; "
            "decode one utterance at a time"
        )
    values = values.astype(np.float64)
    if np.isnan(values).any():
        frame, symbol = np.argwhere(np.isnan(values))[0]
        raise InputError(
            f"log_probs: frame {frame}, symbol {symbol} is NaN; "
            "write -inf for an impossible symbol, and look for overflow in the acoustic model"
        )
    with np.errstate(over="ignore"):
        sums = np.exp(values).sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(sums - 1) <= SUM_TOLERANCE))
    if wrong.size:
        raise InputError(
            f"log_probs: the probabilities of frame {wrong[0]} sum to {sums[wrong[0]]:.6g}, "
            f"not to 1 within {SUM_TOLERANCE}; pass the log_softmax of the logits"
        )
    return values


def checked_blank(blank: SupportsIndex, symbols: int) -> int:
    """Return the blank's index.

    Raises:
        InputError: if it is not one of the symbols.
    """
    if not 0 <= index(blank) < symbols:
        raise InputError(
            f"blank: expected the index of one of {symbols} symbols, "
            f"0 to {symbols - 1}, got {index(blank)}"
        )
    return index(blank)


def checked_count(name: str, count: SupportsIndex) -> int:
    """Return a whole number >= 1.

    Raises:
        InputError: for anything else.
    """
    try:
        whole = index(count)
    except TypeError as error:
        raise InputError(f"{name}: expected a whole number >= 1, got {count!r}") from error
    if whole < 1:
        raise InputError(f"{name}: expected a whole number >= 1, got {whole}")
    return whole
