"""Which symbols may follow a prefix: all, or those that a lexicon knows.

A constraint is a deterministic automaton over the symbols of a decode; a prefix carries its
state along.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.ctc_decoding.bits import PackedRecords
from workloads.ctc_decoding.layouts import NOWHERE, Layout

LastWord = Literal["complete", "open"]
"""Whether a labelling must end with a whole word, or may end within one."""


class Constraint(ABC):
    """States of prefixes and the symbols that may follow them."""

    root: int

    @abstractmethod
    def successors(self, states: Sequence[int]) -> NDArray[np.int64]:
        """Return the state behind each symbol, states by symbols; NOWHERE where none may come."""

    @abstractmethod
    def lookups(self, states: Sequence[int]) -> list[int]:
        """Return how many records each look-up reads that finds the successors of states."""

    @abstractmethod
    def may_end(self, state: int) -> bool:
        """Return whether a labelling may end in a state."""


class Unconstrained(Constraint):
    """Every symbol may follow every prefix."""

    root = 0

    def __init__(self, symbols: int) -> None:
        self._any = np.zeros(symbols, dtype=np.int64)

    def successors(self, states: Sequence[int]) -> NDArray[np.int64]:
        return np.broadcast_to(self._any, (len(states), self._any.size))

    def lookups(self, states: Sequence[int]) -> list[int]:
        return []

    def may_end(self, state: int) -> bool:
        return True


class WordsOf(Constraint):
    """Words of a lexicon, joined by the separator where the symbols have one.

    Words do not touch without a separator and separators not each other; none stands first.
    The empty labelling, no word at all, is one.
    """

    def __init__(
        self,
        layout: Layout,
        symbol_of_letter: Sequence[int],
        symbols: int,
        *,
        separator: int | None,
        last_word: LastWord,
    ) -> None:
        self.root = layout.root
        self._layout, self._symbol_of_letter, self._symbols = layout, symbol_of_letter, symbols
        self._separator, self._last_word = separator, last_word
        self._rows: dict[int, NDArray[np.int64]] = {}

    def reading(self, words: ArrayLike) -> "WordsOf":
        """Return the same constraint, its lexicon read from an image of these words."""
        other = copy(self)
        other._layout, other._rows = self._layout.reading(words), {}
        return other

    @property
    def records(self) -> PackedRecords:
        """The lexicon's image."""
        return self._layout.records

    def successors(self, states: Sequence[int]) -> NDArray[np.int64]:
        rows = [self._row(state) for state in states]
        return np.array(rows, dtype=np.int64).reshape(len(rows), self._symbols)

    def _row(self, state: int) -> NDArray[np.int64]:
        # Prefixes stay in the beam for many frames, and many words share a state.
        row = self._rows.get(state)
        if row is None:
            row = np.full(self._symbols, NOWHERE)
            for letter, target in self._layout.successors(state):
                row[self._symbol_of_letter[letter]] = target
            if self._separator is not None and self._layout.is_word(state):
                row[self._separator] = self.root
            self._rows[state] = row
        return row

    def lookups(self, states: Sequence[int]) -> list[int]:
        return [self._layout.records_read(state) for state in states]

    def may_end(self, state: int) -> bool:
        return self._last_word == "open" or state == self.root or self._layout.is_word(state)
