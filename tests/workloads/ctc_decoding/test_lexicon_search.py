"""beam_search with a lexicon: only its words, joined by the separator."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import (
    LETTERS,
    dictionary_beam_search,
    every_labelling,
    forward_log_prob,
    log_softmax,
    made_words,
    random_log_probs,
)
from workloads.ctc_decoding import LAYOUTS, BeamSearch, PackedLexicon, beam_search

UNLIMITED = 10_000
SENTENCES = "_ab "
WORDS = made_words(200, seed=5)
word_sets = st.sets(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=6)


def is_sentence(text, words, *, complete):
    """No word at all, or words with one separator between them and perhaps one at the end."""
    *whole, last = text.split(" ")
    if any(word not in words for word in whole):
        return False
    if last == "" or last in words:
        return True
    return not complete and any(word.startswith(last) for word in words)


@settings(max_examples=50, deadline=None)
@given(
    words=word_sets,
    seed=st.integers(0, 2**32),
    frames=st.integers(0, 5),
    layout=st.sampled_from(sorted(LAYOUTS)),
    last_word=st.sampled_from(["complete", "open"]),
)
def test_a_wide_beam_finds_every_sentence(words, seed, frames, layout, last_word):
    log_probs = random_log_probs(seed, frames, 4)
    lexicon = PackedLexicon.from_words(words, SENTENCES, layout=layout)
    spelled = {
        labels: ("".join(SENTENCES[label] for label in labels), probability)
        for labels, probability in every_labelling(log_probs).items()
    }
    expected = {
        labels: probability
        for labels, (text, probability) in spelled.items()
        if is_sentence(text, words, complete=last_word == "complete")
    }

    search = BeamSearch(beam_width=UNLIMITED, lexicon=lexicon, last_word=last_word)
    found = dict(search.decode(log_probs, UNLIMITED).hypotheses)

    assert found.keys() == expected.keys()
    assert {k: np.exp(p) for k, p in found.items()} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("alphabet", ["_" + LETTERS, LETTERS])
def test_the_best_of_single_words_is_the_best_of_all_of_them(alphabet):
    """The blank may stand in the alphabet or not."""
    lexicon = PackedLexicon.from_words(WORDS, alphabet)
    labels_of = {word: tuple(1 + LETTERS.index(letter) for letter in word) for word in WORDS}
    for seed in range(3):
        path = [label for label in labels_of[WORDS[50 * seed]] for _ in range(2)]
        noise = np.random.default_rng(seed).normal(size=(len(path), 28))
        log_probs = log_softmax(noise + 3 * np.eye(28)[path])
        exact = {word: forward_log_prob(log_probs, labels_of[word]) for word in WORDS}
        best = max(exact, key=exact.get)

        (labels, log_prob), *_ = beam_search(log_probs, 2000, lexicon=lexicon)

        assert labels == labels_of[best]
        assert log_prob == pytest.approx(exact[best], abs=1e-9)


@pytest.mark.parametrize("blank", [0, 3, 27])
def test_the_blank_may_stand_anywhere(blank):
    symbols = LETTERS[:blank] + "_" + LETTERS[blank:]
    word = max(WORDS, key=len)
    path = [symbols.index(symbol) for letter in word for symbol in (letter, "_")]
    log_probs = log_softmax(9 * np.eye(28)[path])
    for alphabet in (symbols, LETTERS):
        lexicon = PackedLexicon.from_words(WORDS, alphabet)

        (labels, _), *_ = beam_search(log_probs, 10, blank=blank, lexicon=lexicon)

        assert "".join(symbols[label] for label in labels) == word


def test_a_narrow_beam_keeps_what_the_textbook_keeps():
    words = {"ab", "aba", "ba", "bb"}
    lexicon = PackedLexicon.from_words(words, SENTENCES)

    def follows(prefix, label):
        text = "".join(SENTENCES[i] for i in (*prefix, label))
        return not text.startswith(" ") and is_sentence(text, words, complete=False)

    for seed in range(20):
        log_probs = random_log_probs(seed, 30, 4, spread=1.0)
        search = BeamSearch(beam_width=7, lexicon=lexicon, last_word="open")

        found = search.decode(log_probs, 7).hypotheses

        expected = dictionary_beam_search(log_probs, 7, follows=follows)
        assert [labels for labels, _ in found] == [labels for labels, _ in expected]
        assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=1e-9)


def test_every_layout_decodes_alike_and_reads_its_own_records():
    log_probs = random_log_probs(2, 30, 28)
    decodes = {
        layout: BeamSearch(
            beam_width=20, lexicon=PackedLexicon.from_words(WORDS, LETTERS, layout=layout)
        ).decode(log_probs)
        for layout in LAYOUTS
    }
    first = decodes["packed_dawg"]

    for layout, decode in decodes.items():
        assert decode.hypotheses == first.hypotheses, layout
        assert [f.lookups for f in decode.frames] == [f.lookups for f in first.frames]
    reads = {
        layout: sum(frame.records_read for frame in decode.frames)
        for layout, decode in decodes.items()
    }
    lookups = sum(frame.lookups for frame in first.frames)
    assert reads["pointer_trie"] == reads["pointer_dawg"] == reads["bitmap_trie"] == lookups
    assert reads["packed_trie"] == reads["packed_dawg"]
    assert reads["sibling_trie"] == lookups + reads["packed_trie"]


def test_what_entered_the_beam_is_looked_up_and_its_edges_are_read():
    log_probs = random_log_probs(4, 20, 28)
    lexicon = PackedLexicon.from_words(WORDS, LETTERS)
    search = BeamSearch(beam_width=15, lexicon=lexicon, last_word="open")
    beams = [set(), *(dict(search.decode(log_probs[:time], 15).hypotheses) for time in range(20))]
    spelled = {"".join(LETTERS[label - 1] for label in labels) for beam in beams for labels in beam}
    following = {text: {w[len(text)] for w in WORDS if w.startswith(text) and w != text}
                 for text in spelled}  # fmt: skip

    frames = search.decode(log_probs).frames

    assert len(frames) == 20
    for frame, (before, beam) in zip(frames, pairwise(beams), strict=True):
        entered = [
            "".join(LETTERS[label - 1] for label in labels) for labels in set(beam) - set(before)
        ]
        assert frame.lookups == len(entered)
        assert frame.records_read == sum(len(following[text]) for text in entered)


def test_no_frames_decode_to_silence_with_a_lexicon_too():
    lexicon = PackedLexicon.from_words(["a"], "ab")

    assert beam_search(np.empty((0, 3)), 10, lexicon=lexicon) == [((), 0.0)]


def test_nothing_is_found_where_no_word_is_possible():
    lexicon = PackedLexicon.from_words(["aa"], "ab")
    with np.errstate(divide="ignore"):
        log_probs = np.log([[0.0, 0.0, 1.0], [0.5, 0.25, 0.25]])

    assert beam_search(log_probs, 10, lexicon=lexicon) == []


class TestBadInput:
    def test_an_alphabet_of_another_size(self):
        lexicon = PackedLexicon.from_words(["a"], "abc")

        with pytest.raises(InputError) as caught:
            beam_search(random_log_probs(0, 2, 29), 4, lexicon=lexicon)

        assert str(caught.value) == (
            "lexicon: its alphabet lists 3 symbols, but log_probs have 29; "
            "list them all, in their order, with or without the blank"
        )

    def test_words_that_contain_the_blank(self):
        lexicon = PackedLexicon.from_words(["ab"], "abc")

        with pytest.raises(InputError, match="words contain 'a', which stands for the blank at"):
            beam_search(random_log_probs(0, 2, 3), 4, lexicon=lexicon)
