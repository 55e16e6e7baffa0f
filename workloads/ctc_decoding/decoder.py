"""A beam search as a graph: the steps of every frame, as many of each thing as a decode had.

Inputs are the log-probabilities, the beam before the first frame and empty memories
(:func:`~workloads.ctc_decoding.beams.decoder_inputs`); outputs ``labels`` and
``log_probs.decoded`` hold the labellings found.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archsim import formats
from archsim.errors import InputError
from archsim.formats import NumberFormat
from archsim.ir import GraphBuilder, Phase, Role, TensorSpec, TopK
from workloads.ctc_decoding.beams import FIELDS
from workloads.ctc_decoding.bits import bits_for
from workloads.ctc_decoding.constraint import WordsOf
from workloads.ctc_decoding.lookups import LookUp, ReadBack
from workloads.ctc_decoding.operations import (
    DecoderStep,
    Encode,
    Extend,
    Keep,
    Merge,
    Score,
    Stay,
    Total,
)
from workloads.ctc_decoding.search import BeamSearch
from workloads.ctc_decoding.trace import Decode, FrameCounts


@dataclass(frozen=True)
class _Beam:
    """The tensors that pass from frame to frame."""

    ends: TensorSpec
    beam: TensorSpec
    log_divisor: TensorSpec
    tree: TensorSpec
    followers: TensorSpec | None
    entered: TensorSpec | None
    """Rows of the beam whose followers have yet to be looked up."""


class DecoderGraph:
    """Appends the operations of one decode to a graph."""

    def __init__(
        self,
        builder: GraphBuilder,
        search: BeamSearch,
        constraint: WordsOf | None,
        decode: Decode,
        score_format: NumberFormat,
        symbols: int,
    ) -> None:
        self.symbols = symbols
        self.builder, self.search, self.constraint = builder, search, constraint
        self.decode, self.score_format = decode, score_format
        self.lexicon: TensorSpec | None = None
        if constraint is not None:
            words = constraint.records.record_bits // constraint.records.word_bits
            self.lexicon = builder.tensor(
                "lexicon",
                (constraint.records.count, words),
                Role.TABLE,
                formats.parse(f"uint{constraint.records.word_bits}"),
            )

    def append(self, log_probs: TensorSpec | None) -> None:
        """Append the steps of every frame, none without any, and the reading back at the end."""
        beam = self._first()
        if log_probs is not None:
            scores = self._encoded(log_probs)
            for number, counts in enumerate(self.decode.frames):
                beam = self._frame(number, counts, scores, beam)
        self._read_back(beam)

    def _encoded(self, log_probs: TensorSpec) -> TensorSpec:
        if not self.search.arithmetic.encode_functions:
            return log_probs
        made = self._tensor("scores", log_probs.shape, self.score_format)
        return self._add(Encode, "scores", (log_probs,), (made,), points=made.elements)

    def _first(self) -> _Beam:
        """Return the beam before the first frame."""
        tensor, state = self.builder.tensor, self._index_format
        followers = entered = None
        if self.constraint is not None:
            shape = (self.search.beam_width, self.symbols)
            followers = tensor("followers", shape, Role.DATA, state)
            entered = tensor("entered", (1,), Role.DATA, state)
        tree_shape = (self.decode.most.nodes_peak + 1, 2)
        return _Beam(
            ends=tensor("ends", (1, 2), Role.DATA, self.score_format),
            beam=tensor("beam", (1, FIELDS), Role.DATA, state),
            log_divisor=tensor("log_divisor", (), Role.DATA, self.score_format),
            tree=tensor("tree", tree_shape, Role.DATA, self._node_format),
            followers=followers,
            entered=entered,
        )

    def _frame(self, number: int, counts: FrameCounts, scores: TensorSpec, beam: _Beam) -> _Beam:
        """Append a frame's steps and return the beam after it."""
        if not counts.survivors:
            raise InputError(
                f"frame {number}: no prefix is possible any more, nothing is left to simulate; "
                "widen the beam, give scores more bits, or look at the lexicon"
            )
        name, width = f"frame{number}", counts.beams
        followers = self._looked_up(f"{name}.followers", counts, beam)
        given = () if followers is None else (followers,)
        few = {} if followers is None else {followers.name: max(1, counts.extensions)}
        row = {scores.name: self.symbols}
        stay = self._tensor(f"{name}.stay", (width, 2), self.score_format)
        total = self._tensor(f"{name}.total", (width,), self.score_format)
        self._add(
            Stay,
            f"{name}.stay",
            (scores, beam.ends, beam.beam),
            (total, stay),
            points=width,
            touched={**row, beam.beam.name: width},
            frame=number,
        )
        grown = self._add(
            Extend,
            f"{name}.extend",
            (scores, beam.ends, beam.beam, total, *given),
            (self._tensor(f"{name}.extend", (max(1, counts.extensions),), self.score_format),),
            points=max(1, counts.extensions),
            touched={**row, **few, beam.ends.name: width, beam.beam.name: 2 * width},
            frame=number,
        )
        if counts.merges:
            merged = self._tensor(f"{name}.merge", stay.shape, self.score_format)
            some = {tensor.name: counts.merges for tensor in (stay, merged, grown, *given)}
            stay = self._add(
                Merge,
                f"{name}.merge",
                (stay, grown, beam.beam, *given),
                (merged,),
                points=counts.merges,
                touched={**some, beam.beam.name: 3 * width},
                symbols=self.symbols,
                overwrites=stay.name,
            )
        score = self._add(
            Score,
            f"{name}.score",
            (stay, grown, beam.beam, *given),
            (self._tensor(f"{name}.score", (counts.candidates,), self.score_format),),
            points=width,
            touched={**few, beam.beam.name: 3 * width},
            symbols=self.symbols,
        )
        places = formats.parse(f"uint{bits_for(counts.candidates)}")
        top = self.builder.add(
            TopK(
                name=f"{name}.top",
                phase=Phase.INFERENCE,
                inputs=(score,),
                outputs=(self._tensor(f"{name}.top", (counts.survivors,), places),),
            )
        )
        return self._kept(name, number, counts, beam, (top, stay, grown), followers)

    def _kept(
        self,
        name: str,
        number: int,
        counts: FrameCounts,
        before: _Beam,
        scored: tuple[TensorSpec, TensorSpec, TensorSpec],
        followers: TensorSpec | None,
    ) -> _Beam:
        """Append what makes the survivors the beam."""
        top, stay, grown = scored
        count, last = counts.survivors, number + 1 == len(self.decode.frames)
        ends = self._tensor(f"{name}.ends", (count, 2), self.score_format)
        beam = self._tensor(f"{name}.beam", (count, FIELDS), self._index_format)
        divisor = self._tensor(f"{name}.log_divisor", (), self.score_format)
        tree = before.tree
        if counts.nodes_made:
            tree = self._tensor(f"{name}.tree", tree.shape, tree.format)
        made = (tree,) if counts.nodes_made else ()
        looked_up = 0 if last else self.decode.frames[number + 1].lookups
        entered = None
        if looked_up:
            entered = self._tensor(f"{name}.entered", (looked_up,), self._index_format)
        given = () if followers is None else (followers,)
        written = 2 * counts.nodes_made
        read = {tensor.name: count for tensor in (*given, stay, grown, before.beam)}
        self._add(
            Keep,
            f"{name}.keep",
            (before.tree, top, stay, grown, before.beam, before.log_divisor, *given),
            (*made, ends, beam, divisor, *([entered] if entered else [])),
            points=count,
            touched={**read, before.tree.name: max(1, written), tree.name: max(1, written)},
            symbols=self.symbols,
            makes_nodes=bool(made),
            overwrites=before.tree.name if made else "",
        )
        return _Beam(ends, beam, divisor, tree, followers, entered)

    def _looked_up(self, name: str, counts: FrameCounts, beam: _Beam) -> TensorSpec | None:
        """Return the followers of all prefixes, looked up for those that are new."""
        if self.constraint is None or beam.followers is None or beam.entered is None:
            return beam.followers
        assert self.lexicon is not None
        made = self._tensor(name, beam.followers.shape, beam.followers.format)
        return self._add(
            LookUp,
            name,
            (beam.followers, self.lexicon, beam.beam, beam.entered),
            (made,),
            points=max(1, counts.records_read),
            touched={
                beam.followers.name: 1,
                made.name: counts.lookups * self.symbols,
                beam.beam.name: 2 * counts.lookups,
            },
            constraint=self.constraint,
            longest=max(1, counts.longest_lookup),
            overwrites=beam.followers.name,
        )

    def _read_back(self, beam: _Beam) -> None:
        """Append the reading of what was found."""
        found = self.decode.hypotheses
        longest = max((len(labels) for labels, _ in found), default=0)
        rows = max(1, len(found))
        label_format = formats.parse(f"int{bits_for(self.symbols) + 1}")
        totals = self._add(
            Total,
            "totals",
            (beam.ends,),
            (self._tensor("totals", beam.ends.shape[:1], self.score_format),),
            points=beam.ends.shape[0],
        )
        lexicon = () if self.lexicon is None else (self.lexicon,)
        words = {one.name: rows * one.shape[1] for one in lexicon}
        self._add(
            ReadBack,
            "labels",
            (totals, beam.beam, beam.log_divisor, beam.tree, *lexicon),
            (
                self._tensor("labels", (rows, max(1, longest)), label_format),
                self._tensor("log_probs.decoded", (rows,), formats.parse("fp32")),
            ),
            points=max(1, sum(len(labels) for labels, _ in found)),
            touched=words,
            constraint=self.constraint,
            longest=max(1, longest),
        )

    @property
    def _node_format(self) -> NumberFormat:
        return formats.parse(f"uint{max(bits_for(self.decode.most.nodes_peak), self._label_bits)}")

    @property
    def _label_bits(self) -> int:
        return bits_for(self.symbols - 1)

    @property
    def _index_format(self) -> NumberFormat:
        """Of nodes, labels, and states of a lexicon, whose edges have two each; none is -1."""
        largest = max(self.decode.most.nodes_peak, self.symbols, self.search.beam_width)
        if self.constraint is not None:
            largest = max(largest, 2 * self.constraint.records.count + 1)
        return formats.parse(f"int{bits_for(largest) + 1}")

    def _tensor(self, name: str, shape: tuple[int, ...], made: NumberFormat) -> TensorSpec:
        return self.builder.tensor(name, shape, number_format=made)

    def _add(
        self,
        step: Callable[..., DecoderStep],
        name: str,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        *,
        points: int,
        touched: Mapping[str, int] | None = None,
        **particular: object,
    ) -> TensorSpec:
        return self.builder.add(
            step(
                name=name,
                phase=Phase.INFERENCE,
                inputs=inputs,
                outputs=outputs,
                arithmetic=self.search.arithmetic,
                score_format=self.score_format,
                points=points,
                blank=self.search.blank,
                touched=touched or {},
                **particular,
            )
        )
