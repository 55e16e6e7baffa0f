"""Look-ups of a decoder, each of which reads where it goes on: in its lexicon and in its tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.ir.operation import Array
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access
from workloads.ctc_decoding.beams import NODE, ROW, STATE, labels_of
from workloads.ctc_decoding.constraint import WordsOf
from workloads.ctc_decoding.operations import DecoderStep


@dataclass(frozen=True, kw_only=True)
class LookUp(DecoderStep):
    """What may follow new prefixes, found in the packed bits of a lexicon, record by record.

    Inputs are (followers, lexicon, beam, rows of the beam that are new); the followers of these
    are written. Points are records. Each look-up knows where its next record lies when it has
    read the last one: all take their steps together, the longest one a step in every round.
    """

    kind: ClassVar[str] = "gather"

    constraint: WordsOf
    longest: int
    """Records of the longest look-up."""

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def rounds(self) -> int:
        return self.longest

    def _access(self, tensor: TensorSpec) -> Access:
        if tensor == self.inputs[1]:
            return Access(tensor, ("m",), tensor.shape[1], is_scattered=True)
        if tensor == self.output:
            return Access(tensor, ("m",), -(-self.touched[tensor.name] // self.points))
        return super()._access(tensor)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        followers, words, beam, rows = arrays
        new = beam[rows.astype(np.int64)].astype(np.int64)
        followers = followers.copy()
        followers[new[:, ROW]] = self.constraint.reading(words).successors(new[:, STATE].tolist())
        return (followers,)


@dataclass(frozen=True, kw_only=True)
class ReadBack(DecoderStep):
    """The best labellings, read back label by label, and their log-probabilities.

    Inputs are (totals, beam, logarithm of what scores were divided by, tree), and the lexicon,
    which says where a labelling may end. Rows of labels end with -1; without any labelling
    there is one row of them, of log-probability minus infinity.
    """

    kind: ClassVar[str] = "gather"

    constraint: WordsOf | None
    longest: int
    """Labels of the longest labelling."""

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def rounds(self) -> int:
        return self.longest

    def _access(self, tensor: TensorSpec) -> Access:
        if tensor == self.inputs[3]:
            return Access(tensor, ("m",), tensor.shape[1], is_scattered=True)
        return super()._access(tensor)

    @property
    def writes(self) -> tuple[Access, ...]:
        labels, log_probs = self.outputs
        return Access(labels, ("m",)), Access(log_probs, (), log_probs.elements)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        totals, beam, log_divisor, tree, *words = arrays
        constraint = self.constraint.reading(words[0]) if self.constraint else None
        labels = np.full(self.outputs[0].shape, -1.0)
        log_probs = np.full(self.outputs[1].shape, -np.inf)
        ending = [
            n for n, row in enumerate(beam) if not constraint or constraint.may_end(int(row[STATE]))
        ]
        for place, n in enumerate(ending[: len(log_probs)]):
            found = labels_of(tree, int(beam[n, NODE]))
            labels[place, : len(found)] = found
            log_probs[place] = self.arithmetic.log_prob(totals[n : n + 1])[0] + log_divisor
        return labels, log_probs
