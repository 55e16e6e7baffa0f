"""A beam search as a graph: executed it gives what the algorithm gives, and counts what it did."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim import formats
from archsim.errors import GraphError, InputError
from archsim.ir import GraphBuilder, Role, TopK, execute
from tests.workloads.ctc_decoding.oracles import dictionary_beam_search, random_log_probs
from workloads.ctc_decoding import (
    LAYOUTS,
    BeamSearch,
    FixedLog,
    FixedProbability,
    FloatLog,
    PackedLexicon,
)
from workloads.ctc_decoding.beams import decoder_inputs
from workloads.ctc_decoding.decoder import DecoderGraph
from workloads.ctc_decoding.lookups import LookUp, ReadBack
from workloads.ctc_decoding.operations import Extend, Keep, Merge, Score, Stay

WORDS = ("a", "ab", "abc", "bca", "cab", "cb", "ccc")
ARITHMETICS = {
    "fp32": FloatLog(),
    "int16": FixedLog(integer_bits=6, fraction_bits=9),
    "int8": FixedLog(integer_bits=5, fraction_bits=2, addition="max"),
    "int32": FixedProbability(fraction_bits=24),
}


class Decoded:
    """A decode by the algorithm, and by its graph."""

    def __init__(self, log_probs, search, score_format="fp32"):
        frames, symbols = log_probs.shape
        lexicon = search.lexicon
        constraint = lexicon.constraint(symbols, search.blank) if lexicon else None
        self.decode = search.decode(log_probs, n_best=search.beam_width)
        builder = GraphBuilder("decode", {}, formats.parse("fp32"))
        made = DecoderGraph(
            builder, search, constraint, self.decode, formats.parse(score_format), symbols
        )
        made.append(builder.tensor("log_probs", (frames, symbols), Role.DATA) if frames else None)
        self.graph = builder.graph()
        values = decoder_inputs(search, constraint, self.decode, symbols)
        values["log_probs"] = log_probs
        self.values = {name: values[name] for name in self.graph.inputs}

    def found(self, **inputs):
        made = execute(self.graph, self.values | inputs)
        labels = [tuple(int(n) for n in row if n >= 0) for row in made["labels"]]
        return list(zip(labels, made["log_probs.decoded"].tolist(), strict=True))

    def points(self, kind):
        return [one.points for one in self.graph.operations if isinstance(one, kind)]


def lexicon_of(layout, words=WORDS, alphabet="abc "):
    return PackedLexicon.from_words(words, alphabet, layout=layout)


def assert_the_same(found, wanted):
    if not wanted:
        assert found == [((), -np.inf)]
        return
    assert [labels for labels, _ in found] == [labels for labels, _ in wanted]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in wanted], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    frames=st.integers(0, 12),
    width=st.integers(1, 9),
    blank=st.integers(0, 4),
    spread=st.sampled_from([0.5, 3.0, 8.0]),
    layout=st.sampled_from([None, *LAYOUTS]),
    score_format=st.sampled_from(list(ARITHMETICS)),
)
def test_the_graph_gives_what_the_algorithm_gives(
    seed, frames, width, blank, spread, layout, score_format
):
    log_probs = random_log_probs(seed, max(1, frames), 5, spread)[:frames]
    search = BeamSearch(
        beam_width=width,
        blank=blank,
        lexicon=lexicon_of(layout) if layout else None,
        arithmetic=ARITHMETICS[score_format],
    )

    try:
        decoded = Decoded(log_probs, search, score_format)
    except InputError as error:  # so few bits that nothing is possible any more
        assert "no prefix is possible any more" in str(error)  # noqa: PT017
        return

    assert_the_same(decoded.found(), decoded.decode.hypotheses)


def test_the_graph_gives_what_the_textbook_gives():
    log_probs = random_log_probs(3, 20, 5, 2.0)

    found = Decoded(log_probs, BeamSearch(beam_width=8)).found()

    assert_the_same(found, dictionary_beam_search(log_probs, 8))


def test_the_graph_depends_on_its_inputs():
    """Numbers are computed, not remembered: all of a frame shifted by one, so are all scores."""
    log_probs = random_log_probs(3, 6, 5, 2.0)
    decoded = Decoded(log_probs, BeamSearch(beam_width=4))
    other = log_probs.copy()
    other[5] -= 1

    before, after = decoded.found(), decoded.found(log_probs=other)

    assert_the_same(after, [(labels, log_prob - 1) for labels, log_prob in before])


def test_look_ups_read_the_packed_bits():
    """With a and b exchanged in words and log-probabilities they are so in what is found."""
    log_probs = random_log_probs(1, 8, 5, 0.5)
    first, second = lexicon_of("packed_dawg", ["ab"]), lexicon_of("packed_dawg", ["ba"])
    decoded = Decoded(log_probs, BeamSearch(beam_width=6, lexicon=first))
    exchanged = log_probs[:, [0, 2, 1, 3, 4]]

    before = decoded.found()
    after = decoded.found(log_probs=exchanged, lexicon=second.layout.records.words)

    other = {1: 2, 2: 1}
    assert_the_same(after, [(tuple(other.get(n, n) for n in labels), p) for labels, p in before])


def test_an_input_that_is_decoded_otherwise_is_refused():
    log_probs = random_log_probs(1, 8, 5, 0.5)
    decoded = Decoded(log_probs, BeamSearch(beam_width=6, lexicon=lexicon_of("packed_dawg")))

    with pytest.raises(GraphError, match=r"prefixes are possible, not \d+ as in the decode"):
        decoded.found(log_probs=log_probs[::-1])


@pytest.mark.parametrize("layout", [None, "sibling_trie", "packed_dawg"])
def test_every_step_has_as_many_points_as_the_decode_had_things(layout):
    log_probs = random_log_probs(7, 25, 5, 3.0)
    lexicon = lexicon_of(layout) if layout else None
    decoded = Decoded(log_probs, BeamSearch(beam_width=8, lexicon=lexicon))
    counts = decoded.decode.frames

    assert decoded.points(Stay) == [frame.beams for frame in counts]
    assert decoded.points(Extend) == [frame.extensions for frame in counts]
    assert decoded.points(Merge) == [frame.merges for frame in counts if frame.merges]
    assert decoded.points(Score) == [frame.beams for frame in counts]
    assert decoded.points(Keep) == [frame.survivors for frame in counts]
    # A state that nothing follows needs no read; a step takes one.
    assert decoded.points(LookUp) == [max(1, f.records_read) for f in counts if f.lookups]
    tops = [one for one in decoded.graph.operations if isinstance(one, TopK)]
    assert [(one.space.k, one.output.elements) for one in tops] == [
        (frame.candidates, frame.survivors) for frame in counts
    ]
    assert max(frame.merges for frame in counts) > 0


def test_no_step_but_a_look_up_touches_more_than_there_is():
    decoded = Decoded(random_log_probs(7, 25, 5, 3.0), BeamSearch(beam_width=8))

    for one in decoded.graph.operations:
        for access in (*one.reads, *one.writes):
            if not one.rounds:
                assert 0 < access.elements(one.space) <= access.tensor.elements


def test_every_node_made_is_written_once_to_the_tree():
    log_probs = random_log_probs(7, 25, 5, 3.0)
    decoded = Decoded(log_probs, BeamSearch(beam_width=8))

    written = [
        access.elements(one.space)
        for one in decoded.graph.operations
        if isinstance(one, Keep) and one.makes_nodes
        for access in one.writes[:1]
    ]

    made = [frame.nodes_made for frame in decoded.decode.frames if frame.nodes_made]
    assert written == [2 * count for count in made]  # a parent and a label
    assert decoded.graph.tensors["tree"].shape == (decoded.decode.most.nodes_peak + 1, 2)


@pytest.mark.parametrize(
    ("layout", "reads", "longest", "bits"),
    [
        ("pointer_trie", 1, 1, 5 * 32),  # one row of pointers, and whether a word ends
        ("sibling_trie", 4, 4, 2 + 1 + 4 + 4),  # the root's record and three children
        ("bitmap_trie", 1, 1, 4 + 1 + 4),
        ("packed_dawg", 3, 3, 2 + 1 + 1 + 4),  # three edges: a, b and c
    ],
)
def test_the_root_is_looked_up_as_its_layout_is_walked(layout, reads, longest, bits):
    search = BeamSearch(beam_width=4, lexicon=lexicon_of(layout))
    first = Decoded(random_log_probs(0, 2, 5), search).graph["frame0.followers"]

    table = first.reads[1]

    assert (first.space.m, first.rounds) == (reads, longest)
    assert table.size_bits(first.space) == reads * bits
    assert table.is_scattered


def test_labels_are_read_back_one_after_the_other():
    decoded = Decoded(random_log_probs(5, 12, 5, 4.0), BeamSearch(beam_width=4))
    (read,) = [one for one in decoded.graph.operations if isinstance(one, ReadBack)]
    lengths = [len(labels) for labels, _ in decoded.decode.hypotheses]

    assert read.points == sum(lengths)
    assert read.rounds == max(lengths)


def test_a_frame_that_nothing_survives_is_named():
    impossible = np.log(np.full((3, 3), 1e-30))
    impossible[:, 1] = 0.0  # "a" three times, in a lexicon of "b" alone
    search = BeamSearch(
        beam_width=4,
        lexicon=PackedLexicon.from_words(["b"], "ab"),
        arithmetic=FixedProbability(fraction_bits=8),
    )

    with pytest.raises(InputError, match=r"^frame 0: no prefix is possible any more"):
        Decoded(impossible, search, "int16")
