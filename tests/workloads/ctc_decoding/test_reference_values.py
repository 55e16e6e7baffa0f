"""The decoder, lexicons and storage against reference values of independent implementations."""

import csv

import numpy as np
import pytest

from tests.workloads.ctc_decoding.oracles import (
    LETTERS,
    REFERENCE,
    american_english,
    log_softmax,
    needs_american_english,
    needs_reference,
    reference,
)
from workloads.ctc_decoding import (
    BeamSearch,
    BeamStorage,
    PackedLexicon,
    beam_search,
    greedy_search,
    lexicon_sizes,
)

pytestmark = needs_reference
TASKS = ("tiny", "str", "asr")


def rows(name):
    with (REFERENCE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def decodes():
    """Every decode of the beam reference, with its counts, by case and beam width."""
    logits = np.load(REFERENCE / "ctc_logits.npz")
    return {
        (case["key"], int(width)): (
            expected,
            BeamSearch(beam_width=int(width)).decode(log_softmax(logits[case["key"]])),
        )
        for case in reference("ctc_beam.json")["cases"]
        for width, expected in case["beam"].items()
    }


@pytest.fixture(scope="module")
def lexicons():
    return {
        task: PackedLexicon.from_words(case["lexicon"], case["symbols"])
        for task, case in reference("ctc_lexicon.json").items()
        if task in TASKS
    }


def test_labels_and_log_probabilities_of_the_beam(decodes):
    assert len(decodes) == 185
    for case, (expected, decode) in decodes.items():
        top = expected["top"]
        if expected["margin"] >= 1e-6:
            assert list(decode.hypotheses[0][0]) == top[0]["labels"], case
        found = [log_prob for _, log_prob in decode.hypotheses]
        assert found == pytest.approx([one["logp"] for one in top], abs=1e-9), case
        # At a finite beam some paths are pruned.
        assert found[0] <= expected["forward_logp"] + 1e-9, case


def test_greedy_labels():
    logits = np.load(REFERENCE / "ctc_logits.npz")
    for case in reference("ctc_beam.json")["cases"]:
        assert list(greedy_search(log_softmax(logits[case["key"]]))[0]) == case["greedy"]


def test_tiny_cases_are_exact():
    for case in reference("ctc_tiny_exact.json")["cases"]:
        found = beam_search(log_softmax(case["logits"]), 10_000, blank=case["blank"], n_best=8)

        for (labels, log_prob), expected in zip(found, case["top"], strict=False):
            assert list(labels) == expected["labels"]
            assert np.exp(log_prob) == pytest.approx(expected["p"], abs=1e-12)


@pytest.mark.parametrize(("kind", "last_word"), [("strict", "complete"), ("open", "open")])
def test_tiny_sentences_are_exact(lexicons, kind, last_word):
    search = BeamSearch(beam_width=10_000, lexicon=lexicons["tiny"], last_word=last_word)
    for case in reference("ctc_lexicon.json")["tiny"]["cases"]:
        labels, log_prob = search.decode(log_softmax(case["logits"])).hypotheses[0]

        assert list(labels) == case[kind]["labels"]
        assert np.exp(log_prob) == pytest.approx(case[kind]["p"], abs=1e-12)


def test_single_words_are_the_best_of_all_words_at_a_beam_of_100(lexicons):
    logits, task = np.load(REFERENCE / "ctc_lexicon_logits.npz"), reference("ctc_lexicon.json")
    symbols = task["str"]["symbols"]
    for case in task["str"]["cases"]:
        log_probs = log_softmax(logits[case["key"]])
        for width, expected in case["beam"].items():
            found = beam_search(log_probs, int(width), lexicon=lexicons["str"])
            words = ["".join(symbols[label] for label in labels) for labels, _ in found]

            assert words[:1] == ([expected["word"]] if expected else [])
            if expected:
                assert found[0][1] == pytest.approx(expected["logp"], abs=1e-9)
        assert words[0] == case["exact_best"]  # the last width is 100


@pytest.mark.parametrize(("kind", "last_word"), [("strict", "complete"), ("open", "open")])
def test_sentences_at_every_beam_width(lexicons, kind, last_word):
    logits, task = np.load(REFERENCE / "ctc_lexicon_logits.npz"), reference("ctc_lexicon.json")
    symbols = task["asr"]["symbols"]
    for case in task["asr"]["cases"]:
        for width, expected in case["beam"].items():
            search = BeamSearch(beam_width=int(width), lexicon=lexicons["asr"], last_word=last_word)
            labels, log_prob = search.decode(log_softmax(logits[case["key"]])).hypotheses[0]

            assert "".join(symbols[label] for label in labels) == expected[kind]["text"]
            assert log_prob == pytest.approx(expected[kind]["logp"], abs=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_states_and_edges_of_small_lexicons(lexicons, task):
    counts, case = reference("lexicon_small_counts.json")[task], reference("ctc_lexicon.json")[task]
    trie = PackedLexicon.from_words(case["lexicon"], case["symbols"], layout="packed_trie")

    assert trie.states == counts["trie_nodes_incl_root"]
    assert lexicons[task].states == counts["dawg_states_incl_root"]
    assert lexicons[task].edges == counts["dawg_edges"]


def test_storage_and_live_nodes_of_every_decode(decodes):
    """The reference counts the root among the live nodes; here it takes no storage."""
    compared = 0
    for row in rows("beam_storage.csv"):
        case = row["key"], int(row["W"])
        if case not in decodes:
            continue
        most = decodes[case][1].most
        storage = BeamStorage(
            frames=int(row["T"]), symbols=int(row["V"]), beams=int(row["W"]), score_bits=16
        )
        compared += 1
        assert most.candidates == int(row["max_candidates"])
        assert most.nodes_live + 1 == int(row["max_live_nodes"])
        assert storage.candidate_strings_bits == int(row["naive_bits"])
        assert storage.survivor_strings_bits == int(row["two_buffer_bits"])
        assert storage.growing_tree_bits == int(row["tree_worst_bits"])
        assert storage.live_tree_bits(most.nodes_live + 1) == int(row["tree_live_bits"])
    assert compared > 100


@pytest.mark.slow
@needs_american_english
def test_sizes_of_the_american_english_list():
    (expected,) = (
        row
        for row in rows("lexicon_sizes.csv")
        if (row["file"], row["mode"]) == ("american-english", "ci")
    )
    sizes = {size.layout: size for size in lexicon_sizes(american_english(), LETTERS)}

    assert sizes["packed_dawg"].records == int(expected["dawg_edges"])
    assert sizes["packed_dawg"].record_bits == int(expected["dawg_edge_bits"])
    assert sizes["packed_dawg"].size_bytes == int(expected["dawg_bytes"])
    assert sizes["packed_trie"].size_bytes == int(expected["trie_bfs_bytes"])
    assert sizes["bitmap_trie"].size_bytes == int(expected["trie_childmap_bytes"])
    assert sizes["pointer_trie"].size_bytes == int(expected["trie_ptr_array_bytes_28x4"])
