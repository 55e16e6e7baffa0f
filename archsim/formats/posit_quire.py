"""The quire: a fixed-point sum of products wide enough to be exact.

The sum is held in words of 32 bits, each in a signed word of 64, so that 2**31 terms add up
before a carry has to move.
"""

import numpy as np
from numpy.typing import NDArray

from archsim.formats.posit_fields import LEAD, Unpacked, bit_length

_WORD = 32
_MASK = np.uint64((1 << _WORD) - 1)


def summed(terms: Unpacked, n: int, es: int) -> Unpacked:
    """Add products of posits along the last axis, exactly."""
    lowest = -2 * ((n - 2) << es) - LEAD  # the weight of bit 0 of the smallest product
    highest = 2 * ((n - 2) << es) + 1
    words = -(-(highest - lowest + 1) // _WORD) + 2  # one for carries of 2**31 terms, one for signs
    held = _accumulated(terms, lowest, words)
    _carry(held)
    negative = held[..., -1] < 0
    held = np.where(negative[..., None], -held, held)
    _carry(held)
    scale, significand = _leading(held.astype(np.uint64))
    return Unpacked(
        negative=negative,
        scale=lowest + scale,
        significand=significand,
        nar=np.asarray(terms.nar.any(axis=-1)),
    )


def _accumulated(terms: Unpacked, lowest: int, words: int) -> NDArray[np.int64]:
    """Add every term into the three words that it touches."""
    *outer, count = terms.significand.shape
    rows = int(np.prod(outer, dtype=np.int64))
    held = np.zeros((rows, words), dtype=np.int64)
    if count == 0:
        return held.reshape(*outer, words)
    live = terms.significand != 0
    position = np.where(live, terms.scale - LEAD - lowest, 0).reshape(rows, count)
    significand = terms.significand.reshape(rows, count)
    sign = np.where(terms.negative, -1, 1).reshape(rows, count)
    word, offset = position // _WORD, (position % _WORD).astype(np.uint64)
    low = (significand & _MASK) << offset
    high = (significand >> np.uint64(_WORD)) << offset
    middle = (low >> np.uint64(_WORD)) + (high & _MASK)
    parts = (low & _MASK, middle, high >> np.uint64(_WORD))
    row = np.broadcast_to(np.arange(rows)[:, None], word.shape)
    for step, part in enumerate(parts):
        np.add.at(held, (row, word + step), sign * part.astype(np.int64))
    return held.reshape(*outer, words)


def _carry(held: NDArray[np.int64]) -> None:
    """Leave 32 bits in every word but the last, which keeps the sign."""
    for word in range(held.shape[-1] - 1):
        held[..., word + 1] += held[..., word] >> _WORD
        held[..., word] &= int(_MASK)


def _leading(held: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the leading bit's place and the significand; its bit 0 stands for what lies below."""
    words = held.shape[-1]
    used = held != 0
    top = np.where(used.any(axis=-1), words - 1 - np.argmax(used[..., ::-1], axis=-1), 0)

    def at(step: int) -> NDArray[np.uint64]:
        index = top - step
        word = np.take_along_axis(held, np.maximum(index, 0)[..., None], axis=-1)[..., 0]
        return np.where(index >= 0, word, np.uint64(0))

    below = (used & (np.arange(words) < (top - 2)[..., None])).any(axis=-1)
    length = bit_length(at(0))
    up = (np.uint64(_WORD) - length.astype(np.uint64)) % np.uint64(_WORD)
    first = ((at(0) << up) | ((at(1) << up) >> np.uint64(_WORD))) & _MASK
    second = ((at(1) << up) | ((at(2) << up) >> np.uint64(_WORD))) & _MASK
    below |= (at(2) << up) & _MASK != 0
    both = (first << np.uint64(_WORD)) | second
    size = (both >> np.uint64(1)) | (both & np.uint64(1)) | below
    return top * _WORD + length - 1, size
