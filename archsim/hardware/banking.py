"""Banks of an on-chip memory: what a read in any order costs, from where the words lie.

A memory of B banks of p ports gives p words of each bank a cycle. Whoever reads asks for a
beat, as many numbers as all banks can give, and for the next one when the beat is complete: it
takes as many cycles as its busiest bank. Numbers lie in words, and words in banks as
:mod:`archsim.hardware.interleave` says.
"""

from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import get_args

import numpy as np

from archsim.errors import did_you_mean
from archsim.hardware.component import Transfer, at_least_one, ceil_div
from archsim.hardware.interleave import (
    MOST_ENUMERATED,
    Addresses,
    Interleave,
    addresses,
    bank_of,
)
from archsim.ir.tile import Layout


@dataclass(frozen=True, kw_only=True)
class Banking:
    """``banks`` of words side by side."""

    banks: int
    word_bits: int
    ports: int = 1
    """Words that each bank gives or takes in a cycle."""
    interleave: Interleave = "plain"

    def __post_init__(self) -> None:
        at_least_one(banks=self.banks, word_bits=self.word_bits, ports=self.ports)
        if self.interleave not in get_args(Interleave):
            hint = did_you_mean(str(self.interleave), get_args(Interleave))
            raise ValueError(f"interleave: no interleave {self.interleave!r}; {hint}")
        if self.interleave == "xor" and self.banks & (self.banks - 1):
            raise ValueError(
                f"banks: must be a power of two to interleave by xor, got {self.banks}"
            )

    def per_word(self, number_bits: int) -> int:
        """Numbers in a word; a longer number takes words of its own."""
        return max(1, self.word_bits // number_bits)

    def words_per_number(self, number_bits: int) -> int:
        """Words that a number takes."""
        return ceil_div(number_bits, self.word_bits)

    def beat(self, number_bits: int) -> int:
        """Numbers that all banks give in a cycle at best."""
        words = self.banks * self.ports
        return max(1, words // self.words_per_number(number_bits)) * self.per_word(number_bits)

    def cycles(self, transfer: Transfer) -> int:
        """Cycles of a transfer: conflicts make it longer than :meth:`cycles_in_order`."""
        numbers, run = self._numbers(transfer), transfer.run_bits // transfer.word_bits
        stride = transfer.stride_bits // transfer.word_bits
        if transfer.layout is not None:
            return _enumerated(self, transfer.word_bits, numbers, run, stride, transfer.layout)
        if run >= numbers:
            return self.cycles_in_order(transfer)
        if transfer.is_scattered or not stride:
            # Runs that lie anywhere are taken one by one: two of them may share every bank.
            runs, rest = divmod(numbers, run)
            last = self._in_order(rest, transfer.word_bits) if rest else 0
            return runs * self._in_order(run, transfer.word_bits) + last
        if run == 1:
            return self._strided(numbers, stride, transfer.word_bits)
        return _enumerated(self, transfer.word_bits, numbers, run, stride, None)

    def cycles_in_order(self, transfer: Transfer) -> int:
        """Cycles of as many numbers that are wanted as they lie."""
        return self._in_order(self._numbers(transfer), transfer.word_bits)

    def _numbers(self, transfer: Transfer) -> int:
        return ceil_div(transfer.bits, transfer.word_bits)

    def _in_order(self, numbers: int, bits: int) -> int:
        """Beats that are whole rows of words; where numbers straddle rows, as the banks do."""
        wide, words = self.words_per_number(bits), self.banks * self.ports
        if words % wide and wide % words:
            return _enumerated(self, bits, numbers, numbers, 0, None)
        return ceil_div(ceil_div(numbers, self.per_word(bits)) * wide, words)

    def _strided(self, numbers: int, stride: int, bits: int) -> int:
        """Numbers a stride apart: ``s`` words apart they meet ``B / gcd(s, B)`` banks in turn.

        The closed form holds for plain interleaving and strides of whole words.
        """
        per_word, wide = self.per_word(bits), self.words_per_number(bits)
        if self.interleave != "plain" or stride % per_word or wide > 1:
            return _enumerated(self, bits, numbers, 1, stride, None)
        met = self.banks // gcd(stride // per_word, self.banks)
        beats, rest = divmod(numbers, self.beat(bits))
        whole = ceil_div(ceil_div(self.beat(bits), met), self.ports)
        return beats * whole + ceil_div(ceil_div(rest, met), self.ports)

    def lived(self, addresses: Addresses, number_bits: int) -> int:
        """Cycles of numbers at any addresses, beat by beat."""
        per_word, wide = self.per_word(number_bits), self.words_per_number(number_bits)
        size = self.beat(number_bits)
        beats = ceil_div(len(addresses), size)
        first_words = addresses // per_word * wide
        rows = np.pad(first_words, (0, beats * size - len(addresses)), mode="edge")
        rows = np.sort(rows.reshape(beats, size), axis=1)
        # A word that several numbers of a beat lie in is read once.
        is_new = np.diff(rows, axis=1, prepend=-1) != 0
        words = rows[is_new][:, None] + np.arange(wide)
        beat_of = np.repeat(np.arange(beats), is_new.sum(axis=1))[:, None]
        load = np.bincount(
            (beat_of * self.banks + bank_of(words, self.banks, self.interleave)).ravel(),
            minlength=beats * self.banks,
        )
        busiest = load.reshape(beats, self.banks).max(axis=1)
        return int((-(-busiest // self.ports)).sum())


@cache
def _enumerated(
    banking: Banking, bits: int, numbers: int, run: int, stride: int, layout: Layout | None
) -> int:
    beat = banking.beat(bits)
    seen = numbers if numbers <= MOST_ENUMERATED else max(1, MOST_ENUMERATED // beat) * beat
    return ceil_div(banking.lived(addresses(seen, run, stride, layout), bits) * numbers, seen)
