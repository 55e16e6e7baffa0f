"""Which ports the words of a permuted tensor come from, beat by beat.

A beat is the next words in the order in which they are wanted, one for each port of a network.
Beats are counted by sort: a tensor of regular shape has few. Assumption: of a tile of more than
two million numbers, which no unit's buffer holds, the first ones are like the others.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from archsim.hardware.component import Transfer, ceil_div
from archsim.hardware.interleave import MOST_ENUMERATED, Interleave, addresses, bank_of
from archsim.hardware.routing import Request
from archsim.ir.tile import Layout

Beat = tuple[int, ...]
"""For each output ``2 x`` the port of its word, and one more where that is another word
than the output before has. The last beat of a tensor may be shorter."""
Tokens = NDArray[np.int32]
"""Beats, one in a row."""


@dataclass(frozen=True, slots=True)
class Order:
    """The words of a tile in the order in which they are wanted."""

    layout: Layout
    words: int
    run: int
    """Numbers that are wanted one after the other, and then those a stride further."""
    stride: int
    packed: int
    """Neighbouring numbers that travel as a word."""
    copies: int
    """Neighbouring outputs that each word goes to."""
    interleave: Interleave


def order_of(transfer: Transfer, layout: Layout, packed: int) -> Order:
    """Return the order of a tile at the start of a tensor, ``packed`` numbers to a word."""
    bits = transfer.word_bits
    return Order(
        layout,
        words=ceil_div(transfer.bits, bits * packed),
        run=transfer.run_bits // bits,
        stride=transfer.stride_bits // bits,
        packed=packed,
        copies=transfer.copies,
        interleave=transfer.interleave,
    )


def packings(transfer: Transfer, layout: Layout, most: int) -> list[int]:
    """Return how many numbers may travel together as a word: they stay neighbours."""
    inner = len(layout.shape) - 1
    runs = gcd(transfer.run_bits // transfer.word_bits, transfer.stride_bits // transfer.word_bits)
    together = gcd(layout.shape[inner], runs) if layout.order[inner] == inner else 1
    return [packed for packed in range(1, most + 1) if together % packed == 0]


def requests_of(beat: Beat) -> tuple[Request, ...]:
    """Return what the outputs ask for in a beat."""
    requests, word = [], 0
    for target, token in enumerate(beat):
        word += token & 1
        requests.append(Request(token >> 1, target, word))
    return tuple(requests)


@lru_cache(maxsize=1024)
def count_beats(order: Order, ports: int) -> dict[Beat, int]:
    """Return how often each sort of beat occurs.

    Sorts that differ in a mask over all ports, by which every network looks the same, are one.
    """
    beats, rest = divmod(order.words * order.copies, ports)
    seen = order.words
    if order.words * order.packed > MOST_ENUMERATED:
        seen, rest = MOST_ENUMERATED // order.packed // ports * ports, 0
    numbers = addresses(seen * order.packed, order.run, order.stride, order.layout)
    words = numbers[:: order.packed] // order.packed
    tokens = np.repeat(2 * bank_of(words, ports, order.interleave), order.copies).astype(np.int32)
    tokens[:: order.copies] |= 1
    found = _scaled(_sorts(tokens[: len(tokens) - rest].reshape(-1, ports)), beats)
    if rest:
        found.update(_sorts(tokens[len(tokens) - rest :].reshape(1, -1)))
    return dict(found)


def _scaled(counted: Counter[Beat], total: int) -> Counter[Beat]:
    """Return so many beats in the same shares; what is left over is of the commonest sort."""
    have = counted.total()
    found = Counter({beat: times * total // have for beat, times in counted.items()})
    if counted:
        found[counted.most_common(1)[0][0]] += total - found.total()
    return found


def _sorts(rows: Tokens) -> Counter[Beat]:
    """Count rows that are alike, but for a mask over all ports."""
    if not len(rows):
        return Counter()
    masked = np.ascontiguousarray(rows ^ (rows[:, :1] & ~1))
    masked[:, 0] |= 1
    keys = masked.view(np.dtype((np.void, masked.dtype.itemsize * masked.shape[1]))).ravel()
    _, where, times = np.unique(keys, return_index=True, return_counts=True)
    beats = (tuple(masked[row].tolist()) for row in where)
    return Counter(dict(zip(beats, times.tolist(), strict=True)))
