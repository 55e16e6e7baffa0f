"""Made-up inputs of a decoder: words, and the log-probabilities of a text that is heard badly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PEAK = 7.0
"""Logit of the true symbol above the mean of the others, whose deviation is :data:`NOISE`.

Assumed: acoustic models are sure of most frames, and of few labels wrong.
"""
BADLY_HEARD = 6.0
"""Such a logit where words are heard so badly that a decoder errs."""
NOISE = 2.0
FRAMES_PER_LABEL = 4
"""Assumed: at 20 ms a frame, 12.5 letters a second, as in fast speech."""
ENDINGS = ("", "s", "ed", "ing", "er", "ness")


def made_words(letters: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """Return as many different words as asked for, in order: syllables, and common endings.

    Words grow as needed, so that few letters suffice for many. Endings of other letters than
    the given ones are left out.
    """
    endings = [ending for ending in ENDINGS if set(ending) <= set(letters)]
    found: set[str] = set()
    syllables, tried = 2, 0
    made = [
        "".join(letters[n] for n in rng.integers(len(letters), size=rng.integers(1, 4)))
        for _ in range(max(8, 8 * len(letters)))
    ]
    while len(found) < count:
        parts = rng.integers(len(made), size=rng.integers(1, syllables + 1))
        found.add("".join(made[n] for n in parts) + endings[rng.integers(len(endings))])
        tried += 1
        if tried % (4 * count + 64) == 0:
            syllables += 1
    return sorted(found)


def spoken_text(
    words: Sequence[Sequence[int]], separator: int | None, labels: int, rng: np.random.Generator
) -> list[int]:
    """Return as many labels of words drawn at random; without a separator of one word, or fewer."""
    text = list(words[int(rng.integers(len(words)))])
    while separator is not None and len(text) < labels:
        text += [separator, *words[int(rng.integers(len(words)))]]
    return text[:labels]


def spoken_log_probs(
    text: Sequence[int],
    frames: int,
    symbols: int,
    blank: int,
    rng: np.random.Generator,
    peak: float = PEAK,
) -> NDArray[np.float64]:
    """Return log-probabilities, frames by symbols, that peak where a path spells the text.

    Labels, at most one for two frames, stand in order at frames drawn at random.
    """
    path = np.full(frames, blank)
    places = 2 * np.sort(rng.choice(max(1, frames // 2), size=len(text), replace=False))
    path[places] = text
    logits = NOISE * rng.standard_normal((frames, symbols))
    logits[np.arange(frames), path] += peak
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
