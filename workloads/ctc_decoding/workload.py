"""The workload: an utterance, or a word in an image, through its network and a beam search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from archsim import formats
from archsim.errors import InputError
from archsim.ir import WORKLOADS, GraphBuilder, OperationGraph, Role, TensorSpec, execute
from archsim.ir.findings import Finding
from archsim.ir.operation import Array
from workloads.ctc_decoding.acoustic import LOG_PROBS, Sizes, acoustic_model
from workloads.ctc_decoding.beams import decoder_inputs
from workloads.ctc_decoding.constraint import WordsOf
from workloads.ctc_decoding.decoder import DecoderGraph
from workloads.ctc_decoding.fields import CtcFields
from workloads.ctc_decoding.files import read_log_probs, read_words
from workloads.ctc_decoding.findings import fixed_point_chart, lexicon_table, storage_table
from workloads.ctc_decoding.lexicon import PackedLexicon
from workloads.ctc_decoding.search import BeamSearch
from workloads.ctc_decoding.storage import BeamStorage
from workloads.ctc_decoding.synthetic import (
    BADLY_HEARD,
    FRAMES_PER_LABEL,
    PEAK,
    made_words,
    spoken_log_probs,
    spoken_text,
)
from workloads.ctc_decoding.trace import Decode

TRIED_FRAMES = 1200
"""Frames that fixed point is tried on, in utterances of a hundred at most."""
TRIED_BEAMS = 16
"""Beams that it is tried with at most: what it loses hardly depends on them."""
LEAST_LOG_PROB = -60.0
"""Stands for minus infinity in what weights are fitted to."""


@WORKLOADS.register("ctc_decoding")
@dataclass(frozen=True, kw_only=True)
class CtcDecoding(CtcFields):
    """Connectionist temporal classification: an acoustic model, then a prefix beam search.

    The search is that of a decode which lowering runs: every frame has as many beams,
    candidates, merges and look-ups as it had there. Log-probabilities come from a file, or are
    made up: a text that is heard badly.

    Source: Graves et al. (ICML 2006) for the method; arXiv 1905.03175 for decoders in hardware.
    """

    @cached_property
    def word_list(self) -> tuple[str, ...]:
        """The words of the lexicon; none where labels follow as they like."""
        if self.lexicon is not None:
            return read_words(self.lexicon, set(self.alphabet) if self.plain_words else None)
        return _words(self.alphabet.replace(" ", ""), self.words, self.seed)

    @cached_property
    def packed(self) -> PackedLexicon | None:
        """The lexicon in its layout."""
        if not self.words and self.lexicon is None:
            return None
        return _packed(self.word_list, self.alphabet, self.layout)

    @cached_property
    def spoken(self) -> NDArray[np.float64]:
        """The log-probabilities, frames by symbols: what the acoustic model says.

        Raises:
            InputError: for a file that holds no such array.
        """
        if self.log_probs is not None:
            return read_log_probs(self.log_probs, self.array, self.symbols)
        return self.utterance(self.frames, np.random.default_rng(self.seed + 1))[1]

    def utterance(
        self, frames: int, rng: np.random.Generator, peak: float = PEAK
    ) -> tuple[list[int], NDArray[np.float64]]:
        """Return a text of the lexicon's words, or of made-up ones, and log-probabilities of it."""
        separator = self._symbol(" ") if " " in self.alphabet else None
        letters = self.alphabet.replace(" ", "")
        words: Sequence[str] = self.word_list
        if self.packed is None:
            words = made_words(letters, 50, np.random.default_rng(self.seed))
        coded = [[self._symbol(letter) for letter in word] for word in words]
        text = spoken_text(coded, separator, frames // FRAMES_PER_LABEL, rng)
        return text, spoken_log_probs(text, frames, self.symbols, self.blank, rng, peak)

    def _symbol(self, letter: str) -> int:
        place = self.alphabet.index(letter)
        return place if place < self.blank else place + 1

    @property
    def search(self) -> BeamSearch:
        """The search, as it runs in numpy."""
        return BeamSearch(
            beam_width=self.beam_width,
            blank=self.blank,
            lexicon=self.packed,
            arithmetic=self.arithmetic,
            last_word=self.last_word,
        )

    @cached_property
    def decode(self) -> Decode:
        """The labellings, and what each frame took."""
        return self.search.decode(self.spoken, self.n_best)

    def lower(self) -> OperationGraph:
        """Return the graph; its outputs ``labels`` and ``log_probs.decoded`` are the labellings.

        Raises:
            InputError: for files that hold no log-probabilities or no words.
        """
        builder = GraphBuilder(f"CTC, {self.acoustic}", {}, formats.parse(self.number_format))
        log_probs = self._log_probs(builder)
        decoder = DecoderGraph(
            builder,
            self.search,
            self._constraint,
            self.decode,
            formats.parse(self.score_format),
            self.symbols,
        )
        decoder.append(log_probs)
        return builder.graph()

    def inputs(self) -> dict[str, Array]:
        """Return values of every input of the graph.

        A network's weights are random, but for the last ones: these are fitted so that it says
        the log-probabilities that were decoded.

        Raises:
            InputError: if the network is too small to say them.
        """
        values = decoder_inputs(self.search, self._constraint, self.decode, self.symbols)
        values |= {LOG_PROBS: self.spoken} if self.acoustic == "none" else self._network_inputs()
        return {name: values[name] for name in self.lower().inputs}

    def _network_inputs(self) -> dict[str, Array]:
        frames = len(self.spoken)
        builder = GraphBuilder("network", {}, formats.parse(self.number_format))
        self._log_probs(builder)
        network = builder.graph()
        values = _random_inputs(network, np.random.default_rng(self.seed + 2))
        states = network["logits"].inputs[0].name
        readout = values["readout.weight"].shape
        if readout[0] < frames:
            raise InputError(
                f"hidden: {readout[0]} numbers a frame cannot be read out to {frames} given "
                f"frames; raise hidden to {-(-frames // 2)}"
            )
        features = execute(network, values, keep=[states])[states].reshape(frames, -1)
        wanted = np.maximum(self.spoken, LEAST_LOG_PROB)
        values["readout.weight"] = np.linalg.lstsq(features, wanted, rcond=None)[0]
        return values

    def findings(self) -> tuple[Finding, ...]:
        """Return sizes of lexicon and beams beside published ones, and what fixed point loses.

        The latter is of utterances that are heard badly.
        """
        published = "scene text" if self.acoustic == "scene_text" else "speech"
        storage = BeamStorage(
            frames=len(self.spoken),
            symbols=self.symbols,
            beams=self.beam_width,
            score_bits=formats.parse(self.score_format).bits,
        )
        search = replace(self.search, beam_width=min(TRIED_BEAMS, self.beam_width))
        rng = np.random.default_rng(self.seed + 3)
        frames = min(100, max(2, len(self.spoken)))
        heard = [self.utterance(frames, rng, BADLY_HEARD) for _ in range(TRIED_FRAMES // frames)]
        return (
            *([lexicon_table(self.word_list, self.alphabet)] if self.packed else []),
            storage_table(storage, self.decode.most.nodes_peak, published),
            fixed_point_chart([scores for _, scores in heard], [t for t, _ in heard], search),
        )

    def _log_probs(self, builder: GraphBuilder) -> TensorSpec | None:
        """Append the acoustic model; return the log-probabilities, none of no frames."""
        frames, scores = len(self.spoken), formats.parse("fp32")
        if self.acoustic == "none":
            shape = (frames, self.symbols)
            return builder.tensor(LOG_PROBS, shape, Role.DATA, scores) if frames else None
        if not frames:
            raise InputError(
                f"frames: a {self.acoustic} model needs one at least; "
                "acoustic: none decodes no frames"
            )
        sizes = Sizes(
            frames=frames,
            symbols=self.symbols,
            features=self.features,
            channels=self.channels,
            layers=self.layers,
            hidden=self.hidden,
        )
        return acoustic_model(builder, self.acoustic, sizes, scores)

    @cached_property
    def _constraint(self) -> WordsOf | None:
        if self.packed is None:
            return None
        return self.packed.constraint(self.symbols, self.blank, self.last_word)


def _random_inputs(graph: OperationGraph, rng: np.random.Generator) -> dict[str, Array]:
    """Return values of a network's inputs: weights as large as keep numbers alike, no states."""
    values = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        fan_in = tensor.elements // tensor.shape[-1]
        scale = 1.0 if name == "x" else 0.0 if tensor.role is Role.DATA else fan_in**-0.5
        values[name] = scale * rng.standard_normal(tensor.shape)
    return values


@lru_cache(maxsize=4)
def _words(letters: str, count: int, seed: int) -> tuple[str, ...]:
    """Return made-up words; whoever compares layouts and beams asks for the same ones."""
    return tuple(made_words(letters, count, np.random.default_rng(seed)))


@lru_cache(maxsize=4)
def _packed(words: tuple[str, ...], alphabet: str, layout: str) -> PackedLexicon:
    """Return a lexicon, which searches of any width share."""
    return PackedLexicon.from_words(words, alphabet, layout=layout)
