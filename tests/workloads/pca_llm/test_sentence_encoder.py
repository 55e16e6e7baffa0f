"""A real sentence encoder compressed on real sentences: similarity kept, ranks by importance.

Sentences are those of Python's own manual, as its help system ships it.
"""

import re
from pydoc_data.topics import topics

import numpy as np
import pytest

from tests.workloads.pca_llm.sentence_encoder import (
    PACKAGE,
    SentenceEncoder,
    embedded,
    folder,
)
from workloads.pca_llm.compression import compress

pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(folder() is None, reason=f"{PACKAGE} is not installed"),
]
CALIBRATION, HELD_OUT = 96, 48
RATIOS = (0.9, 0.7, 0.5)


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


@pytest.fixture(scope="module")
def kept(encoder, data):
    """Mean cosine of each held-out sentence with itself uncompressed, by ratio and ranks."""
    (x, mask), held_out = data
    whole = embedded(encoder.network, *held_out)
    found = {}
    for ratio in RATIOS:
        for ranks, importance in {"importance": None, "uniform": [1.0] * 6}.items():
            made = compress(encoder.network, x, ratio, importance=importance, mask=mask)
            small = embedded(made.network, *held_out)
            found[ranks, ratio] = float((whole * small).sum(axis=1).mean())
    print(
        "\n".join(
            f"{ranks:>10} {ratio:.1f} {cosine:.4f}" for (ranks, ratio), cosine in found.items()
        )
    )
    return found


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


def test_all_ranks_keep_every_sentence(encoder, data):
    (x, mask), held_out = data

    made = compress(encoder.network, x, 1.0, mask=mask)

    assert np.array_equal(embedded(made.network, *held_out), embedded(encoder.network, *held_out))


@pytest.mark.parametrize("ranks", ["importance", "uniform"])
def test_more_ranks_keep_more(kept, ranks):
    cosines = [kept[ranks, ratio] for ratio in RATIOS]

    assert cosines == sorted(cosines, reverse=True)
    assert cosines[0] > 0.9
