"""A real sentence encoder compressed on real sentences: similarity kept, ranks by importance.

Sentences are those of Python's own manual, as its help system ships it.
"""

import re
from dataclasses import replace
from pydoc_data.topics import topics

import numpy as np
import pytest

from tests.workloads.pca_llm.sentence_encoder import (
    PACKAGE,
    SentenceEncoder,
    embedded,
    folder,
)
from workloads.pca_llm.compression import compress, compress_heads, measured_importance

pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(folder() is None, reason=f"{PACKAGE} is not installed"),
]
CALIBRATION, HELD_OUT = 240, 40
FEW = 60
"""Sentences that suffice for heads alone, which have 32 directions and not 1,536 channels."""


def sentences(count):
    """Sentences of eight words at least, of all topics in turn."""
    by_topic = [
        [
            sentence
            for sentence in re.split(r"(?<=[.?!])\s+", re.sub(r"\s+", " ", text))
            if len(sentence.split()) >= 8 and re.fullmatch(r"[A-Z][a-z][^*=|_]*", sentence)
        ]
        for _, text in sorted(topics.items())
    ]
    found = [s[n] for n in range(20) for s in by_topic if len(s) > n]
    return list(dict.fromkeys(found))[:count]


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder(folder())


@pytest.fixture(scope="module")
def data(encoder):
    found = sentences(CALIBRATION + HELD_OUT)
    assert len(found) == CALIBRATION + HELD_OUT
    # Every fourth or so is held out, so that both sets have all topics.
    held = set(np.linspace(0, len(found) - 1, HELD_OUT).astype(int).tolist())
    calibration = [s for n, s in enumerate(found) if n not in held]
    return encoder.states(calibration), encoder.states([found[n] for n in sorted(held)])


def similarity(encoder, network, held_out):
    """Mean cosine of each held-out sentence with itself uncompressed."""
    pair = (embedded(each, *held_out) for each in (encoder.network, network))
    return float(np.multiply(*pair).sum(axis=1).mean())


def with_narrow_heads(network, x, mask, rank):
    blocks = []
    for block in network.blocks:
        _, taps = network.run(block, x, mask)
        blocks.append(compress_heads(block, taps.values, rank))
        x, _ = network.run(blocks[-1], x, mask)
    return replace(network, blocks=tuple(blocks))


def test_it_is_the_encoder(encoder):
    said = [
        "A man is playing a guitar on stage.",
        "Someone performs music with a guitar.",
        "The stock market fell sharply today.",
    ]

    similar = embedded(encoder.network, *encoder.states(said))
    similar = similar @ similar.T

    assert similar[0, 1] > 0.6
    assert similar[0, 2] < 0.2


def test_similarity_kept_grows_with_the_rank_of_heads(encoder, data):
    (x, mask), held_out = data
    x, mask = x[:FEW], mask[:FEW]

    kept = {
        rank: similarity(encoder, with_narrow_heads(encoder.network, x, mask, rank), held_out)
        for rank in (8, 16, 24, 28, 32)
    }

    print(*(f"rank {rank} of 32 {cosine:.4f}" for rank, cosine in kept.items()), sep="\n")
    assert list(kept.values()) == sorted(kept.values())
    assert kept[32] == pytest.approx(1, abs=1e-9)
    assert kept[28] > 0.97
    assert kept[16] > 0.85


def test_whole_blocks_by_importance_and_by_uniform_ranks(encoder, data):
    """On this encoder uniform ranks keep more: its last layer counts most and needs least."""
    (x, mask), held_out = data
    importance = measured_importance(encoder.network, x, mask)
    ways = {"importance": importance, "uniform": [1.0] * 6}

    kept = {
        (way, ratio): similarity(
            encoder,
            compress(encoder.network, x, ratio, importance=given, mask=mask).network,
            held_out,
        )
        for way, given in ways.items()
        for ratio in (0.9, 0.6)
    }

    print(*(f"{way} {ratio} {cosine:.4f}" for (way, ratio), cosine in kept.items()), sep="\n")
    for way in ways:
        assert 0.5 < kept[way, 0.6] < kept[way, 0.9]
    assert kept["uniform", 0.9] > 0.75
    # The shares differ, and neither way is far from the other.
    assert abs(kept["importance", 0.9] - kept["uniform", 0.9]) < 0.1
