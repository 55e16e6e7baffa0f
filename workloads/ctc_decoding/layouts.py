"""Layouts of a lexicon in memory: packed records, and how a word is followed through them.

A state is a whole number that a look-up can go on from; what it means is the layout's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import copy
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from workloads.ctc_decoding.automaton import Automaton
from workloads.ctc_decoding.bits import PackedRecords, bits_for

NOWHERE = -1
"""What a letter leads to that cannot follow."""


class Layout(ABC):
    """An automaton over ``letters`` letters as an image of packed records."""

    name: str
    root = 0
    _records: PackedRecords

    @property
    def records(self) -> PackedRecords:
        """The image."""
        return self._records

    def reading(self, words: ArrayLike) -> Self:
        """Return the layout over an image of other words, records by words."""
        other = copy(self)
        other._records = self._records.with_words(words)
        return other

    @abstractmethod
    def follow(self, state: int, letter: int) -> int:
        """Return the state behind one letter, or NOWHERE."""

    @abstractmethod
    def successors(self, state: int) -> Iterator[tuple[int, int]]:
        """Yield the letters that can follow and the states behind them, by rising letter."""

    @abstractmethod
    def is_word(self, state: int) -> bool:
        """Return whether a word ends in a state."""

    @abstractmethod
    def records_read(self, state: int) -> int:
        """Return how many records the look-up of all successors of a state reads."""


class PointerTable(Layout):
    """Per state one pointer for each letter and one word that says whether a word ends.

    Pointers take 32 bits; 0 is none, as nothing leads back to the root. A state is its record.
    """

    name = "pointer table"

    def __init__(self, automaton: Automaton, letters: int) -> None:
        table = np.zeros((automaton.states, letters), dtype=np.int64)
        source = np.repeat(np.arange(automaton.states), np.diff(automaton.first))
        table[source, automaton.letters] = automaton.targets
        self._letters = letters
        self._records = PackedRecords.pack([32] * (letters + 1), [*table.T, automaton.is_word])

    def follow(self, state: int, letter: int) -> int:
        return self._records.read(state, letter) or NOWHERE

    def successors(self, state: int) -> Iterator[tuple[int, int]]:
        for letter in range(self._letters):
            target = self._records.read(state, letter)
            if target:
                yield letter, target

    def is_word(self, state: int) -> bool:
        return bool(self._records.read(state, self._letters))

    def records_read(self, state: int) -> int:
        return 1


class SiblingList(Layout):
    """Left child, right sibling: per node its letter, whether a word ends, and two pointers.

    Only a tree has such a layout. Pointer 0 is none. A state is its record.
    """

    name = "left child, right sibling"
    LETTER, IS_WORD, CHILD, SIBLING = range(4)

    def __init__(self, automaton: Automaton, letters: int) -> None:
        assert automaton.is_tree
        states, first = automaton.states, automaton.first
        letter, child, sibling = np.zeros((3, states), dtype=np.int64)
        letter[automaton.targets] = automaton.letters
        inner = np.diff(first) > 0
        child[inner] = automaton.targets[first[:-1][inner]]
        has_next = np.ones(automaton.edges, dtype=bool)
        has_next[first[1:][inner] - 1] = False
        next_edge = np.flatnonzero(has_next) + 1
        sibling[automaton.targets[next_edge - 1]] = automaton.targets[next_edge]
        pointer = bits_for(states - 1)
        self._records = PackedRecords.pack(
            [bits_for(letters - 1), 1, pointer, pointer],
            [letter, automaton.is_word, child, sibling],
        )

    def follow(self, state: int, letter: int) -> int:
        return next((child for found, child in self.successors(state) if found == letter), NOWHERE)

    def successors(self, state: int) -> Iterator[tuple[int, int]]:
        child = self._records.read(state, self.CHILD)
        while child:
            yield self._records.read(child, self.LETTER), child
            child = self._records.read(child, self.SIBLING)

    def is_word(self, state: int) -> bool:
        return bool(self._records.read(state, self.IS_WORD))

    def records_read(self, state: int) -> int:
        return 1 + sum(1 for _ in self.successors(state))


class BitmapTrie(Layout):
    """Per node one bit for each letter, whether a word ends, and a pointer to its children.

    Children lie in order of their letters, so the bits below a letter count up to its child.
    Only a tree has such a layout. A state is its record.
    """

    name = "bitmap"

    def __init__(self, automaton: Automaton, letters: int) -> None:
        assert automaton.is_tree
        order = _by_breadth(automaton)
        degrees = np.diff(automaton.first)
        source = np.repeat(np.arange(automaton.states), degrees)
        bitmap = np.zeros((automaton.states, letters), dtype=np.int64)
        bitmap[source, automaton.letters] = 1
        children = 1 + np.cumsum([0, *degrees[order][:-1]])
        self._letters = letters
        pointer = bits_for(automaton.states)
        self._records = PackedRecords.pack(
            [*[1] * letters, 1, pointer],
            [*bitmap[order].T, automaton.is_word[order], children],
        )

    def follow(self, state: int, letter: int) -> int:
        record = self._records.whole(state)
        if not record >> letter & 1:
            return NOWHERE
        below = record & ((1 << letter) - 1)
        return self._records.read(state, self._letters + 1) + below.bit_count()

    def successors(self, state: int) -> Iterator[tuple[int, int]]:
        bitmap = self._records.whole(state) & ((1 << self._letters) - 1)
        child = self._records.read(state, self._letters + 1)
        for letter in range(self._letters):
            if bitmap >> letter & 1:
                yield letter, child
                child += 1

    def is_word(self, state: int) -> bool:
        return bool(self._records.read(state, self._letters))

    def records_read(self, state: int) -> int:
        return 1


class EdgeList(Layout):
    """Per edge its letter, whether it is its state's last, whether a word ends behind it, a target.

    The target is the first edge of the state behind, 0 where that has none: edge 0 is the
    root's. The edges of a state lie side by side, those of the root first. A state is its first
    edge, or one past the last, times two, plus one where a word ends.
    """

    name = "edge list"
    LETTER, LAST, ENDS_WORD, TARGET = range(4)

    def __init__(self, automaton: Automaton, letters: int) -> None:
        first, targets = automaton.first, automaton.targets
        inner = np.diff(first) > 0
        last = np.zeros(automaton.edges, dtype=np.int64)
        last[first[1:][inner] - 1] = 1
        target = np.where(inner[targets], first[targets], 0)
        self._records = PackedRecords.pack(
            [bits_for(letters - 1), 1, 1, bits_for(int(target.max()))],
            [automaton.letters, last, automaton.is_word[targets], target],
        )
        self._letter_bits = self._records.widths[self.LETTER]
        self._letter_mask = (1 << self._letter_bits) - 1

    def follow(self, state: int, letter: int) -> int:
        for record in self._edges(state):
            found = record & self._letter_mask
            if found >= letter:
                return self._behind(record) if found == letter else NOWHERE
        return NOWHERE

    def successors(self, state: int) -> Iterator[tuple[int, int]]:
        for record in self._edges(state):
            yield record & self._letter_mask, self._behind(record)

    def _edges(self, state: int) -> Iterator[int]:
        whole, is_last = self._records.whole, self._letter_mask + 1
        for edge in range(state >> 1, self._records.count):
            record = whole(edge)
            yield record
            if record & is_last:
                return

    def _behind(self, record: int) -> int:
        rest = record >> (self._letter_bits + 1)
        return (rest >> 1 or self._records.count) << 1 | rest & 1

    def is_word(self, state: int) -> bool:
        return bool(state & 1)

    def records_read(self, state: int) -> int:
        return sum(1 for _ in self.successors(state))


def _by_breadth(automaton: Automaton) -> list[int]:
    """Return a tree's states level by level, so that those of one parent are neighbours."""
    order = [0]
    for state in order:
        order.extend(
            automaton.targets[automaton.first[state] : automaton.first[state + 1]].tolist()
        )
    return order
