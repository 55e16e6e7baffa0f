"""What lies between two frames of a beam search that is computed by a graph, and what follows.

``ends``, (B, 2), are the scores of B prefixes' paths that end in a blank and of those that end
in a label. ``beam``, (B, 5), has a row per prefix: its node in the tree, the node before it, its
last label, its state of the lexicon, and its row of ``followers``: the states behind each symbol,
or NOWHERE. ``tree``, (nodes, 2), holds the parent and the label of each node, the root's first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workloads.ctc_decoding.arithmetic import Arithmetic, Scores
from workloads.ctc_decoding.constraint import WordsOf
from workloads.ctc_decoding.layouts import NOWHERE
from workloads.ctc_decoding.prefix_tree import ROOT
from workloads.ctc_decoding.search import NO_LABEL, NO_PARENT, BeamSearch
from workloads.ctc_decoding.trace import Decode

NODE, PARENT, LAST, STATE, ROW = range(5)
"""Columns of ``beam``."""
FIELDS = 5
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Extensions:
    """Prefixes of a beam with one more symbol, by prefix, then by symbol."""

    beam: Indices
    slots: Indices
    """The prefix that each extends, as a row of the beam."""
    symbols: Indices
    states: Indices
    """Of the lexicon, behind each."""

    @classmethod
    def of(
        cls, beam: NDArray[np.float64], followers: NDArray[np.float64] | int, blank: int
    ) -> "Extensions":
        """Return all that may follow; without a lexicon ``followers`` is the number of symbols."""
        rows = beam.astype(np.int64)
        if isinstance(followers, int):
            behind = np.zeros((len(rows), followers), dtype=np.int64)
        else:
            behind = followers[rows[:, ROW]].astype(np.int64)
        behind[:, blank] = NOWHERE
        slots, symbols = np.nonzero(behind != NOWHERE)
        return cls(rows, slots, symbols, behind[slots, symbols])

    @property
    def repeats(self) -> NDArray[np.bool_]:
        """Whether each appends its prefix's last label once more."""
        return np.asarray(self.symbols == self.beam[self.slots, LAST])

    @cached_property
    def merged(self) -> tuple[Indices, Indices]:
        """Extensions that are prefixes of the beam, too, and the rows of these."""
        slot_of = {node: slot for slot, node in enumerate(self.beam[:, NODE].tolist())}
        parents = [slot_of.get(node, -1) for node in self.beam[:, PARENT].tolist()]
        children = np.flatnonzero(np.array(parents) >= 0)
        apart = max(self.symbols.max(initial=0), self.beam[:, LAST].max()) + 1
        wanted = np.array(parents)[children] * apart + self.beam[children, LAST]
        return np.searchsorted(self.slots * apart + self.symbols, wanted), children

    def candidates(self, stays: Scores, grown: Scores, arithmetic: Arithmetic) -> "Candidates":
        """Return the different prefixes that are possible: the beam's own, then the new ones."""
        own = arithmetic.add(stays[:, 0], stays[:, 1])
        new = grown[: len(self.slots)].copy()
        new[self.merged[0]] = arithmetic.zero
        scores = np.concatenate([own, new])
        possible = np.flatnonzero(scores > arithmetic.zero)
        return Candidates(possible, scores[possible])


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places among the beam's prefixes and the extensions behind them, and the scores there."""

    places: Indices
    scores: Scores


class Tree:
    """Nodes that a beam refers to, and room for others."""

    def __init__(self, records: NDArray[np.float64], held: Indices) -> None:
        self.records = records.copy()
        self._number: dict[tuple[int, int], int] = {}
        self._live = {ROOT}
        for node in held.tolist():
            while node not in self._live:
                self._live.add(node)
                parent, label = map(int, records[node])
                self._number[parent, label] = node
                node = parent  # noqa: PLW2901  (the way to the root)

    def child(self, parent: int, label: int) -> int:
        """Return the node behind a label, made in the first free place where there is none."""
        node = self._number.get((parent, label))
        if node is None:
            node = next(n for n in range(len(self.records)) if n not in self._live)
            self._live.add(node)
            self._number[parent, label] = node
            self.records[node] = parent, label
        return node


def labels_of(tree: NDArray[np.float64], node: int) -> list[int]:
    """Return a prefix, read back from its last label to its first."""
    found = []
    while node != ROOT:
        parent, label = map(int, tree[node])
        found.append(label)
        node = parent
    return found[::-1]


def decoder_inputs(
    search: BeamSearch, constraint: WordsOf | None, decode: Decode, symbols: int
) -> dict[str, NDArray[np.float64]]:
    """Return what a decoder's graph is given beside log-probabilities."""
    arithmetic = search.arithmetic
    state = 0 if constraint is None else constraint.root
    ends = np.array([[float(arithmetic.encode(np.zeros(1))[0]), arithmetic.zero]])
    values: dict[str, NDArray[np.float64]] = {
        "ends": ends,
        "beam": np.array([[ROOT, NO_PARENT, NO_LABEL, state, 0.0]]),
        "log_divisor": np.zeros(()),
        "tree": np.zeros((decode.most.nodes_peak + 1, 2)),
    }
    if constraint is not None:
        values["lexicon"] = constraint.records.words.astype(np.float64)
        values["followers"] = np.zeros((search.beam_width, symbols))
        values["entered"] = np.zeros(1)
    return values
