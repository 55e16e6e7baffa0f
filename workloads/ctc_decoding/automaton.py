"""Words as an acyclic automaton: a trie, or the smallest graph that shares equal endings.

Built word by word in sorted order: what a new word leaves behind is finished, and looked up
among the finished states before it is kept.

Source: Daciuk et al., "Incremental Construction of Minimal Acyclic Finite-State Automata"
(Computational Linguistics 26, 2000), algorithm 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

State = tuple[bool, tuple[tuple[int, int], ...]]
"""Whether a word ends here, and the edges as (letter, number of the state behind it)."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """States in an order where each comes before what it leads to; state 0 is the root.

    The edges of state s, by rising letter, are ``letters[first[s]:first[s + 1]]``, and lead to
    the ``targets`` there.
    """

    is_word: NDArray[np.bool_]
    first: NDArray[np.int64]
    letters: NDArray[np.int64]
    targets: NDArray[np.int64]

    @property
    def states(self) -> int:
        """States, the root among them."""
        return len(self.is_word)

    @property
    def edges(self) -> int:
        """Edges of all states."""
        return len(self.letters)

    @property
    def is_tree(self) -> bool:
        """Whether no two edges lead to one state."""
        return self.edges == self.states - 1


def trie(words: Iterable[tuple[int, ...]]) -> Automaton:
    """Return the trie of different words in ascending order; letters are whole numbers >= 0."""
    return _Builder(register=None).build(words)


def minimal_automaton(words: Iterable[tuple[int, ...]]) -> Automaton:
    """Return the automaton with the fewest states (DAWG) of different words in ascending order."""
    return _Builder(register={}).build(words)


@dataclass
class _Open:
    """A state of the word read last, which later words may still add edges to."""

    is_word: bool = False
    edges: list[tuple[int, int]] = field(default_factory=list)


class _Builder:
    """Finished states, numbered as they finish, and the path of the last word."""

    def __init__(self, register: dict[State, int] | None) -> None:
        self.finished: list[State] = []
        self.register = register
        self.path = [_Open()]
        self.word: tuple[int, ...] = ()

    def build(self, words: Iterable[tuple[int, ...]]) -> Automaton:
        for word in words:
            assert word > self.word, "words come in ascending order, none twice, none empty"
            pairs = zip(word, self.word, strict=False)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            self._finish_down_to(shared)
            self.path.extend(_Open() for _ in word[shared:])
            self.path[-1].is_word = True
            self.word = word
        self._finish_down_to(0)
        self._finished(self.path[0])
        return _rooted(self.finished)

    def _finish_down_to(self, depth: int) -> None:
        while len(self.path) > depth + 1:
            number = self._finished(self.path.pop())
            self.path[-1].edges.append((self.word[len(self.path) - 1], number))

    def _finished(self, state: _Open) -> int:
        """Return the number of a finished state; states that the register knows are not kept."""
        key = (state.is_word, tuple(state.edges))
        number = len(self.finished)
        if self.register is not None:
            number = self.register.setdefault(key, number)
        if number == len(self.finished):
            self.finished.append(key)
        return number


def _rooted(finished: list[State]) -> Automaton:
    """Number the states from the root, which finishes last, to what finished first."""
    states = finished[::-1]
    degrees = [len(edges) for _, edges in states]
    edges = np.array([edge for _, edges in states for edge in edges], dtype=np.int64)
    letters, targets = edges.reshape(-1, 2).T
    return Automaton(
        is_word=np.array([is_word for is_word, _ in states]),
        first=np.cumsum([0, *degrees]),
        letters=letters,
        targets=len(states) - 1 - targets,
    )
