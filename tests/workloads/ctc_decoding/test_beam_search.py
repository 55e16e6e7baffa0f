"""beam_search and greedy_search against every path, the forward algorithm and a dictionary."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.ctc_decoding.oracles import (
    dictionary_beam_search,
    every_labelling,
    forward_log_prob,
    log_softmax,
    prefixes,
    random_log_probs,
    spelled,
)
from workloads.ctc_decoding import BeamSearch, beam_search, greedy_search

UNLIMITED = 10_000

# Few values, so that probabilities tie and some are zero.
logit = st.sampled_from([0.0, 1.0, 2.5, -np.inf])
logits = st.integers(2, 3).flatmap(
    lambda symbols: st.lists(
        st.lists(logit, min_size=symbols - 1, max_size=symbols - 1).map(lambda v: [0.5, *v]),
        min_size=0,
        max_size=5,
    ).map(lambda rows: np.array(rows).reshape(-1, symbols))
)


@settings(max_examples=60, deadline=None)
@given(logits=logits, data=st.data())
def test_a_wide_beam_finds_every_labelling_with_its_exact_probability(logits, data):
    blank = data.draw(st.integers(0, logits.shape[1] - 1))
    log_probs = log_softmax(logits) if len(logits) else logits
    expected = {k: p for k, p in every_labelling(log_probs, blank).items() if p > 0}

    found = beam_search(log_probs, UNLIMITED, blank=blank, n_best=UNLIMITED)

    assert {labels for labels, _ in found} == expected.keys()
    for labels, log_prob in found:
        assert np.exp(log_prob) == pytest.approx(expected[labels], rel=1e-12)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    frames=st.integers(1, 25),
    symbols=st.integers(2, 7),
    width=st.integers(1, 12),
    spread=st.sampled_from([0.5, 2.0, 5.0]),
)
def test_a_narrow_beam_keeps_what_the_textbook_keeps(seed, frames, symbols, width, spread):
    log_probs = random_log_probs(seed, frames, symbols, spread)
    expected = dictionary_beam_search(log_probs, width)

    found = beam_search(log_probs, width, n_best=width)

    assert [labels for labels, _ in found] == [labels for labels, _ in expected]
    assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_no_labelling_is_scored_above_all_its_paths(seed):
    log_probs = random_log_probs(seed, 40, 6)

    found = beam_search(log_probs, 50)

    assert len(found) == 5
    for labels, log_prob in found:
        assert log_prob <= forward_log_prob(log_probs, labels) + 1e-9


def test_the_forward_algorithm_of_these_tests_sums_all_paths():
    log_probs = random_log_probs(7, 5, 3)

    for labels, probability in every_labelling(log_probs).items():
        assert np.exp(forward_log_prob(log_probs, labels)) == pytest.approx(probability)


def test_a_prefix_that_left_the_beam_and_came_back_meets_its_old_continuation():
    """Random inputs at narrow beams lose and regain prefixes: the trees must stay prefix trees."""
    for seed in range(30):
        log_probs = random_log_probs(seed, 60, 4, spread=0.7)

        found = beam_search(log_probs, 6, n_best=6)

        expected = dictionary_beam_search(log_probs, 6)
        assert [labels for labels, _ in found] == [labels for labels, _ in expected]


def test_no_frames_decode_to_the_empty_labelling():
    assert beam_search(np.empty((0, 29)), 100) == [((), 0.0)]
    assert greedy_search(np.empty((0, 29))) == ((), 0.0)


def test_greedy_spells_the_most_likely_path():
    log_probs = np.log([[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])  # a a - a

    labels, log_prob = greedy_search(log_probs)

    assert labels == (1, 1)
    assert np.exp(log_prob) == pytest.approx(0.9 * 0.8 * 0.7 * 0.6)


@pytest.mark.parametrize("blank", [0, 2, 4])
def test_greedy_is_a_beam_where_each_frame_is_nearly_sure(blank):
    path = np.random.default_rng(3).integers(5, size=30)
    log_probs = log_softmax(20.0 * np.eye(5)[path])

    labels, _ = greedy_search(log_probs, blank)

    assert labels == spelled(path.tolist(), blank)
    assert beam_search(log_probs, 4, blank=blank)[0][0] == labels


def test_of_equal_prefixes_those_that_stay_go_first_then_the_order_of_the_symbols():
    found = beam_search(np.full((1, 4), np.log(0.25)), 3)

    assert [labels for labels, _ in found] == [(), (1,), (2,)]


def test_impossible_symbols_leave_fewer_labellings_than_asked_for():
    with np.errstate(divide="ignore"):
        log_probs = np.log([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]])

    found = beam_search(log_probs, 100)

    assert found == [((1,), pytest.approx(0.0, abs=1e-15))]


class TestFrames:
    """What a decode counts, frame by frame."""

    def test_two_frames_by_hand(self):
        """Frame 1: -, a, b; frame 2: the three stay, each grows by two."""
        decode = BeamSearch(beam_width=3).decode(np.log([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]))

        first, second = decode.frames
        assert (first.beams, first.candidates, first.merges, first.survivors) == (1, 3, 0, 3)
        assert (first.nodes_made, first.nodes_peak, first.nodes_live) == (2, 2, 2)
        # -: 0.10; a: 0.06 + 0.15 + 0.5 * 0.5 = 0.46; b: 0.04 + 0.06 + 0.5 * 0.3 = 0.25;
        # ab: 0.3 * 0.3 = 0.09; ba: 0.2 * 0.5 = 0.10; aa and bb: no blank came before.
        assert [labels for labels, _ in decode.hypotheses] == [(1,), (2,), ()]
        assert (second.beams, second.candidates, second.merges) == (3, 5, 2)
        assert (second.nodes_made, second.nodes_peak, second.nodes_live) == (0, 2, 2)
        assert (second.lookups, second.records_read) == (0, 0)

    def test_an_impossible_extension_is_no_merge(self):
        with np.errstate(divide="ignore"):
            log_probs = np.log([[0.5, 0.5], [1.0, 0.0]])

        *_, last = BeamSearch(beam_width=3).decode(log_probs).frames

        assert (last.beams, last.candidates, last.merges) == (2, 2, 0)

    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**32), width=st.integers(1, 10))
    def test_live_nodes_are_the_different_prefixes_of_the_beam(self, seed, width):
        log_probs = random_log_probs(seed, 20, 4, spread=1.0)
        decode = BeamSearch(beam_width=width).decode(log_probs)

        for time, frame in enumerate(decode.frames, start=1):
            beam = [labels for labels, _ in dictionary_beam_search(log_probs[:time], width)]
            assert frame.survivors == len(beam)
            assert frame.nodes_live == len(prefixes(beam))
            assert frame.nodes_live <= frame.nodes_peak

    def test_the_most_of_no_frames_is_nothing(self):
        assert BeamSearch(beam_width=3).decode(np.empty((0, 4))).most.beams == 0


def test_a_long_decode_repeats_itself():
    decode = partial(beam_search, random_log_probs(1, 400, 29), 100)

    assert decode() == decode()
