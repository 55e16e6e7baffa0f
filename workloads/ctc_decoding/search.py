"""Greedy and prefix beam search for connectionist temporal classification (CTC).

A path spells a labelling once repeats and then blanks are removed. A prefix is scored by its
paths that end in a blank and by those that do not, as only the former can repeat the last label.

Source: Graves et al., "Connectionist Temporal Classification" (ICML 2006); Hannun et al.,
"First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs"
(2014), algorithm 1, without a language model.
"""

from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import InputError
from workloads.ctc_decoding.arithmetic import Arithmetic, FloatLog, Scores
from workloads.ctc_decoding.constraint import Constraint, LastWord, Unconstrained
from workloads.ctc_decoding.inputs import checked_blank, checked_count, checked_log_probs
from workloads.ctc_decoding.layouts import NOWHERE
from workloads.ctc_decoding.lexicon import PackedLexicon
from workloads.ctc_decoding.prefix_tree import ROOT, PrefixTree
from workloads.ctc_decoding.trace import Decode, FrameCounts, Hypothesis

NO_LABEL = -1
"""The last label of the empty prefix."""
NO_PARENT = -1
"""The node before it, which no prefix is."""


def beam_search(
    log_probs: ArrayLike,
    beam_width: int,
    blank: int = 0,
    lexicon: PackedLexicon | None = None,
    n_best: int = 5,
) -> list[Hypothesis]:
    """Return the most likely labellings found and their log-probabilities, best first.

    ``log_probs`` are natural logarithms, frames by symbols. With a lexicon only whole words of
    it are found, joined by its separator; none at all where no path of the beam spells them.

    Raises:
        InputError: for what are no log-probabilities, counts < 1, or a blank or lexicon
            that does not suit the symbols.
    """
    search = BeamSearch(beam_width=beam_width, blank=blank, lexicon=lexicon)
    return list(search.decode(log_probs, n_best).hypotheses)


def greedy_search(
    log_probs: ArrayLike, blank: int = 0, arithmetic: Arithmetic | None = None
) -> Hypothesis:
    """Return what the most likely path spells, and the log-probability of that path alone.

    Raises:
        InputError: for what are no log-probabilities, or a blank that is no symbol.
    """
    arithmetic = arithmetic or FloatLog()
    values = checked_log_probs(log_probs)
    blank = checked_blank(blank, values.shape[1])
    codes = arithmetic.encode(values)
    path = codes.argmax(axis=1)
    labels = tuple(int(label) for label, _ in groupby(path) if label != blank)
    return labels, float(arithmetic.log_prob(codes.max(axis=1)).sum())


@dataclass(frozen=True, kw_only=True)
class BeamSearch:
    """Prefix beam search that keeps the ``beam_width`` most likely prefixes of each frame.

    Of equally likely prefixes those that stay go before those that grow, then the order of
    the beam and of the symbols decides. ``last_word="open"`` also takes labellings whose last
    word is only begun.
    """

    beam_width: int
    blank: int = 0
    lexicon: PackedLexicon | None = None
    arithmetic: Arithmetic = FloatLog()  # noqa: RUF009  # frozen, without state
    last_word: LastWord = "complete"

    def __post_init__(self) -> None:
        checked_count("beam_width", self.beam_width)
        if self.last_word not in {"complete", "open"}:
            raise InputError(f"last_word: expected 'complete' or 'open', got {self.last_word!r}")

    def decode(self, log_probs: ArrayLike, n_best: int = 5) -> Decode:
        """Return the ``n_best`` labellings and the counts of every frame.

        Raises:
            InputError: for what are no log-probabilities, n_best < 1, or a blank or lexicon
                that does not suit the symbols.
        """
        checked_count("n_best", n_best)
        values = checked_log_probs(log_probs)
        blank = checked_blank(self.blank, values.shape[1])
        run = _Run(self, blank, self._constraint(values.shape[1], blank))
        frames = tuple(run.step(frame) for frame in self.arithmetic.encode(values))
        return Decode(tuple(run.hypotheses(n_best)), frames)

    def _constraint(self, symbols: int, blank: int) -> Constraint:
        if self.lexicon is None:
            return Unconstrained(symbols)
        return self.lexicon.constraint(symbols, blank, self.last_word)


@dataclass(frozen=True)
class _Beam:
    """Prefixes between two frames, best first; every field has one entry per prefix."""

    nodes: list[int]
    parents: list[int]
    last: NDArray[np.int64]
    states: list[int]
    ending_blank: Scores
    ending_label: Scores


class _Run:
    """One decode: the beam between two frames and the tree of its prefixes."""

    def __init__(self, search: BeamSearch, blank: int, constraint: Constraint) -> None:
        self.width, self.blank = search.beam_width, blank
        self.arithmetic, self.constraint = search.arithmetic, constraint
        self.tree = PrefixTree()
        self.beam = _Beam(
            nodes=[ROOT],
            parents=[NO_PARENT],
            last=np.array([NO_LABEL]),
            states=[constraint.root],
            ending_blank=self.arithmetic.encode(np.zeros(1)),
            ending_label=np.full(1, self.arithmetic.zero),
        )
        self.entered = [constraint.root]
        self.log_divisor = 0.0

    def step(self, frame: Scores) -> FrameCounts:
        """Score what the beam becomes in one frame and keep the best of it."""
        beam, nodes_before = self.beam, self.tree.live
        lookups = self.constraint.lookups(self.entered)
        successors = self.constraint.successors(beam.states)
        grown = self._grow(frame, successors)
        blank, label = self._stay(frame)
        merges = self._merge(grown, label)

        scores = np.concatenate([self.arithmetic.add(blank, label), grown.ravel()])
        possible = np.flatnonzero(scores > self.arithmetic.zero)
        kept = _largest(scores, possible, self.width)
        ending_blank = np.concatenate([blank, np.full(grown.size, self.arithmetic.zero)])[kept]
        ending_label = np.concatenate([label, grown.ravel()])[kept]
        if kept.size:
            both = np.stack([ending_blank, ending_label])
            (ending_blank, ending_label), log_divisor = self.arithmetic.rescale(
                both, float(scores[kept[0]])
            )
            self.log_divisor += log_divisor
        self._move(kept, successors, ending_blank, ending_label)

        nodes_peak = self.tree.live
        self.tree.replace(beam.nodes, self.beam.nodes)
        return FrameCounts(
            beams=len(beam.nodes),
            extensions=int((np.delete(successors, self.blank, axis=1) != NOWHERE).sum()),
            candidates=len(possible),
            merges=merges,
            survivors=len(kept),
            lookups=len(lookups),
            records_read=sum(lookups),
            longest_lookup=max(lookups, default=0),
            nodes_made=nodes_peak - nodes_before,
            nodes_peak=nodes_peak,
            nodes_live=self.tree.live,
        )

    def _stay(self, frame: Scores) -> tuple[Scores, Scores]:
        """Score the prefixes as they are: one more blank, or the last label once more."""
        beam, multiply = self.beam, self.arithmetic.multiply
        total = self.arithmetic.add(beam.ending_blank, beam.ending_label)
        # The empty prefix has no last label: its second score is zero whatever it is times.
        return multiply(total, frame[self.blank]), multiply(beam.ending_label, frame[beam.last])

    def _grow(self, frame: Scores, successors: NDArray[np.int64]) -> Scores:
        """Score the prefixes with each symbol appended, prefixes by symbols."""
        beam, multiply = self.beam, self.arithmetic.multiply
        total = self.arithmetic.add(beam.ending_blank, beam.ending_label)
        grown = multiply(total[:, None], frame)
        repeating = np.flatnonzero(beam.last != NO_LABEL)
        last = beam.last[repeating]
        grown[repeating, last] = multiply(beam.ending_blank[repeating], frame[last])
        grown[:, self.blank] = self.arithmetic.zero
        return np.where(successors == NOWHERE, self.arithmetic.zero, grown)

    def _merge(self, grown: Scores, label: Scores) -> int:
        """Move what grows into a prefix of the beam to it, and return how many did."""
        slots = {node: slot for slot, node in enumerate(self.beam.nodes)}
        parents = np.array([slots.get(parent, -1) for parent in self.beam.parents], dtype=int)
        children = np.flatnonzero(parents >= 0)
        source = parents[children], self.beam.last[children]
        label[children] = self.arithmetic.add(label[children], grown[source])
        merges = int((grown[source] > self.arithmetic.zero).sum())
        grown[source] = self.arithmetic.zero
        return merges

    def _move(
        self,
        kept: NDArray[np.int64],
        successors: NDArray[np.int64],
        ending_blank: Scores,
        ending_label: Scores,
    ) -> None:
        """Make the beam of the candidates kept, in their order."""
        beam, symbols = self.beam, successors.shape[1]
        nodes, parents, last, states = [], [], [], []
        self.entered = []
        old_last = beam.last.tolist()
        for candidate in kept.tolist():
            slot, symbol = divmod(candidate - len(beam.nodes), symbols)
            if slot < 0:
                nodes.append(beam.nodes[candidate])
                parents.append(beam.parents[candidate])
                last.append(old_last[candidate])
                states.append(beam.states[candidate])
                continue
            nodes.append(self.tree.child(beam.nodes[slot], symbol))
            parents.append(beam.nodes[slot])
            last.append(symbol)
            states.append(int(successors[slot, symbol]))
            self.entered.append(states[-1])
        self.beam = _Beam(
            nodes, parents, np.array(last, dtype=int), states, ending_blank, ending_label
        )

    def hypotheses(self, n_best: int) -> list[Hypothesis]:
        """Return the best labellings that may end here."""
        beam = self.beam
        total = self.arithmetic.add(beam.ending_blank, beam.ending_label)
        log_probs = self.arithmetic.log_prob(total) + self.log_divisor
        ending = (
            (self.tree.labels(node), log_prob)
            for node, state, log_prob in zip(
                beam.nodes, beam.states, log_probs.tolist(), strict=True
            )
            if self.constraint.may_end(state)
        )
        return list(islice(ending, n_best))


def _largest(scores: Scores, candidates: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return ``count`` candidates of the largest scores, best first; of equal ones the first."""
    if candidates.size > count:
        # Only few of thousands need to be put in order.
        last = np.partition(scores[candidates], -count)[-count]
        candidates = candidates[scores[candidates] >= last]
    return candidates[np.argsort(-scores[candidates], kind="stable")[:count]]
