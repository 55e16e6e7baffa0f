"""BeamStorage: bits of each layout, by hand and from measured live nodes."""

import numpy as np
import pytest

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import log_softmax
from workloads.ctc_decoding import PUBLISHED_RATIOS, BeamSearch, BeamStorage

SMALL = BeamStorage(frames=50, symbols=29, beams=8, score_bits=16)


def test_the_layouts_by_hand():
    """b = 5, l = 6, a string 50 * 5 + 6 + 2 * 16 = 288; 65 nodes are numbered in n = 7 bits."""
    assert SMALL.layouts(nodes=65) == {
        "strings of all candidates": 8 * 30 * 288,
        "strings of the survivors, two buffers": 2 * 8 * 288,
        "tree, nothing reclaimed": 400 * (9 + 5) + 2 * 8 * (9 + 32),
        "tree of live nodes, searched by content": 65 * (7 + 5 + 4) + 2 * 8 * (7 + 32),
        "tree of live nodes, child and sibling pointers": 65 * (3 * 7 + 5 + 4) + 2 * 8 * (7 + 32),
    }


@pytest.mark.parametrize(("symbols", "ratio"), [(29, 15.0), (37, 19.0)])
def test_strings_of_survivors_save_half_of_the_symbols_and_the_stay(symbols, ratio):
    storage = BeamStorage(frames=100, symbols=symbols, beams=32, score_bits=16)

    assert storage.candidate_strings_bits / storage.survivor_strings_bits == ratio


@pytest.mark.parametrize(
    ("frames", "symbols", "unsure", "sure"),
    [(200, 29, 23.5, 51.7), (25, 37, 33.6, 49.4)],  # published: 29.49 and 17.95
)
def test_the_surer_the_input_the_fewer_nodes_live(frames, symbols, unsure, sure):
    """Live nodes are measured, and nothing is tuned to the published ratios."""
    random = np.random.default_rng(6)
    path = np.repeat(random.integers(symbols, size=frames // 5), 5)
    noise = random.normal(size=(frames, symbols))
    storage = BeamStorage(frames=frames, symbols=symbols, beams=32, score_bits=16)
    ratios = []
    for sureness in (0.0, 8.0):
        log_probs = log_softmax(noise + sureness * np.eye(symbols)[path])
        nodes = BeamSearch(beam_width=32).decode(log_probs).most.nodes_live
        ratios.append(storage.candidate_strings_bits / storage.live_tree_bits(nodes))

    assert ratios == pytest.approx([unsure, sure], abs=0.1)
    assert PUBLISHED_RATIOS == {"speech": 29.49, "scene text": 17.95}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": -1}, "frames: expected >= 0, got -1"),
        ({"symbols": 0}, "symbols: expected a whole number >= 1, got 0"),
        ({"beams": 0}, "beams: expected a whole number >= 1, got 0"),
        ({"score_bits": 0}, "score_bits: expected a whole number >= 1, got 0"),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    sizes = {"frames": 50, "symbols": 29, "beams": 8, "score_bits": 16}
    with pytest.raises(InputError, match=message):
        BeamStorage(**{**sizes, **change})
