"""The steps of a beam search as operations of a graph; :mod:`beams` says what they pass on.

How many prefixes, extensions and look-ups a frame has is known from a decode of the same
log-probabilities, and fixes shapes and costs; all else is computed from the inputs. Steps are
worked on whole. Assumed: a child in the tree is found at once, as in a content-addressed
memory (see :class:`~workloads.ctc_decoding.storage.BeamStorage`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.operation import Array, Operation
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access, Axis, Tile
from workloads.ctc_decoding.arithmetic import Arithmetic, Functions
from workloads.ctc_decoding.beams import LAST, NODE, ROW, Extensions, Tree


@dataclass(frozen=True, kw_only=True)
class DecoderStep(Operation):
    """A step of a frame: ``points`` numbers, each at the cost of the functions it takes."""

    kind: ClassVar[str] = "elementwise"

    arithmetic: Arithmetic
    score_format: NumberFormat
    points: int
    blank: int = 0
    touched: Mapping[str, int]
    """Elements read or written of each tensor, where that is not all of them."""

    @property
    def space(self) -> Tile:
        return Tile(m=self.points)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ()

    @property
    def number_format(self) -> NumberFormat:
        return self.score_format

    def _access(self, tensor: TensorSpec) -> Access:
        touched = self.touched.get(tensor.name, tensor.elements)
        return Access(tensor, (), min(touched, tensor.elements))

    @property
    def reads(self) -> tuple[Access, ...]:
        return tuple(map(self._access, self.inputs))

    @property
    def writes(self) -> tuple[Access, ...]:
        return tuple(map(self._access, self.outputs))

    def extensions(self, beam: Array, followers: tuple[Array, ...], symbols: int) -> Extensions:
        """Return what may follow the prefixes of a beam."""
        return Extensions.of(beam, followers[0] if followers else symbols, self.blank)


@dataclass(frozen=True, kw_only=True)
class Encode(DecoderStep):
    """Log-probabilities as scores of the decoder's arithmetic."""

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m",)

    @property
    def functions(self) -> Mapping[str, int]:
        return self.arithmetic.encode_functions

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    def _access(self, tensor: TensorSpec) -> Access:
        return Access(tensor, ("m",))

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return (self.arithmetic.encode(arrays[0]),)


@dataclass(frozen=True, kw_only=True)
class Stay(DecoderStep):
    """The prefixes as they are: one more blank, or the last label once more.

    Inputs are (scores of all frames, ends, beam); outputs the sums of both ends, and new ends.
    """

    frame: int

    @property
    def functions(self) -> Mapping[str, int]:
        return _sum(self.arithmetic.add_functions, *[self.arithmetic.multiply_functions] * 2)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        scores, ends, beam = arrays
        frame, multiply = scores[self.frame], self.arithmetic.multiply
        total = self.arithmetic.add(ends[:, 0], ends[:, 1])
        # The empty prefix has no last label: its second score is zero whatever it is times.
        again = multiply(ends[:, 1], frame[beam[:, LAST].astype(np.int64)])
        return total, np.stack([multiply(total, frame[self.blank]), again], axis=1)


@dataclass(frozen=True, kw_only=True)
class Extend(DecoderStep):
    """The prefixes with each symbol appended that may follow.

    Inputs are (scores of all frames, ends, beam, sums of both ends), and the followers where a
    lexicon says what may.
    """

    frame: int

    @property
    def functions(self) -> Mapping[str, int]:
        return self.arithmetic.multiply_functions

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        scores, ends, beam, total, *followers = arrays
        found = self.extensions(beam, tuple(followers), scores.shape[1])
        before = np.where(found.repeats, ends[found.slots, 0], total[found.slots])
        grown = np.full(self.output.shape, self.arithmetic.zero)
        grown[: len(before)] = self.arithmetic.multiply(before, scores[self.frame, found.symbols])
        return (grown,)


@dataclass(frozen=True, kw_only=True)
class Merge(DecoderStep):
    """Extensions that are prefixes of the beam are added to these.

    Inputs are (new ends, extensions' scores, beam), and followers; the ends are overwritten.
    """

    symbols: int

    @property
    def functions(self) -> Mapping[str, int]:
        return self.arithmetic.add_functions

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        stays, grown, beam, *followers = arrays
        extensions, slots = self.extensions(beam, tuple(followers), self.symbols).merged
        stays = stays.copy()
        stays[slots, 1] = self.arithmetic.add(stays[slots, 1], grown[extensions])
        return (stays,)


@dataclass(frozen=True, kw_only=True)
class Score(DecoderStep):
    """The scores of all different prefixes that are possible.

    Inputs are (new ends, extensions' scores, beam), and followers.
    """

    symbols: int

    @property
    def functions(self) -> Mapping[str, int]:
        return self.arithmetic.add_functions

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        stays, grown, beam, *followers = arrays
        found = self.extensions(beam, tuple(followers), self.symbols)
        scores = found.candidates(stays, grown, self.arithmetic).scores
        if len(scores) != self.output.elements:
            raise self.fail(
                f"{len(scores)} prefixes are possible, not {self.output.elements} as in the decode "
                "that was lowered; execute it on the same log-probabilities and words"
            )
        return (scores,)


@dataclass(frozen=True, kw_only=True)
class Keep(DecoderStep):
    """The survivors become the beam: back pointers are written, scores are scaled.

    Inputs are (tree, survivors' places, new ends, extensions' scores, beam, logarithm of what
    scores were divided by), and followers. Outputs are the tree, which is overwritten, where
    nodes are made; then ends, beam, the logarithm, and, where a lexicon is to be searched for
    them, the rows of prefixes that were not in the beam before.
    """

    symbols: int
    makes_nodes: bool

    @property
    def functions(self) -> Mapping[str, int]:
        """Both scores are scaled, five fields moved."""
        return _sum(*[self.arithmetic.rescale_functions] * 2, {"move": 5})

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        records, top, stays, grown, beam, log_divisor, *followers = arrays
        found = self.extensions(beam, tuple(followers), self.symbols)
        candidates = found.candidates(stays, grown, self.arithmetic)
        places = candidates.places[top.astype(np.int64)]
        is_new = places >= len(stays)
        tree = Tree(records, found.beam[:, NODE])
        new = np.empty((len(places), beam.shape[1]))
        new[~is_new] = beam[places[~is_new]]
        free = iter(sorted(set(range(len(new))) - set(new[~is_new, ROW].astype(int).tolist())))
        for slot, extension in zip(
            np.flatnonzero(is_new), places[is_new] - len(stays), strict=True
        ):
            parent = int(found.beam[found.slots[extension], NODE])
            symbol = int(found.symbols[extension])
            node = tree.child(parent, symbol)
            new[slot] = node, parent, symbol, found.states[extension], next(free)
        grown_ends = np.stack([np.full(len(grown), self.arithmetic.zero), grown], axis=1)
        ends, divisor = self.arithmetic.rescale(
            np.concatenate([stays, grown_ends])[places].T, float(candidates.scores[int(top[0])])
        )
        entered = (np.flatnonzero(is_new).astype(np.float64),) if followers else ()
        made = (tree.records,) if self.makes_nodes else ()
        outputs = (*made, ends.T, new, log_divisor + divisor, *entered)
        return outputs[: len(self.outputs)]


@dataclass(frozen=True, kw_only=True)
class Total(DecoderStep):
    """The scores of the last beam: the sums of both ends."""

    @property
    def functions(self) -> Mapping[str, int]:
        return self.arithmetic.add_functions

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return (self.arithmetic.add(arrays[0][:, 0], arrays[0][:, 1]),)


def _sum(*functions: Functions) -> Functions:
    total: Counter[str] = Counter()
    for one in functions:
        total.update(one)
    return dict(total)
