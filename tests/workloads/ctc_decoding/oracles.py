"""Second sources for the decoder: every path enumerated, the forward algorithm, dictionaries."""

import json
from collections import defaultdict
from itertools import groupby, product
from math import inf
from pathlib import Path

import numpy as np
import pytest

BLANK = 0
REFERENCE = Path(__file__).parents[4] / "shared" / "refdata" / "ctc"
AMERICAN_ENGLISH = Path("/usr/share/dict/american-english")
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="no reference values beside this checkout"
)
needs_american_english = pytest.mark.skipif(
    not AMERICAN_ENGLISH.exists(), reason="the Debian package wamerican is not installed"
)


def reference(name):
    return json.loads((REFERENCE / name).read_text(encoding="utf-8"))


def log_softmax(logits):
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def random_log_probs(seed, frames, symbols, spread=2.0):
    return log_softmax(spread * np.random.default_rng(seed).normal(size=(frames, symbols)))


def spelled(path, blank=BLANK):
    return tuple(label for label, _ in groupby(path) if label != blank)


def every_labelling(log_probs, blank=BLANK):
    """The probability of each labelling, summed over all paths that spell it."""
    frames, symbols = log_probs.shape
    found = defaultdict(float)
    for path in product(range(symbols), repeat=frames):
        found[spelled(path, blank)] += np.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
    return found


def forward_log_prob(log_probs, labels, blank=BLANK):
    """The forward algorithm over labels with blanks between them (Graves et al. 2006)."""
    padded = [blank, *(symbol for label in labels for symbol in (label, blank))]
    alpha = np.full(len(padded), -inf)
    alpha[0] = 0.0  # before the first frame, nothing is said
    for time, frame in enumerate(log_probs):
        before, alpha = alpha, np.full(len(padded), -inf)
        for place, symbol in enumerate(padded):
            ways = [before[place]]
            if place > 0 and time > 0:
                ways.append(before[place - 1])
            if place > 1 and time > 0 and symbol not in {blank, padded[place - 2]}:
                ways.append(before[place - 2])
            if time == 0 and place < 2:
                ways = [0.0]
            alpha[place] = np.logaddexp.reduce(ways) + frame[symbol]
    return np.logaddexp.reduce(alpha[-2:])


def dictionary_beam_search(log_probs, width, blank=BLANK, follows=lambda prefix, label: True):
    """Prefix beam search as the textbook has it: whole prefixes as keys of a dictionary."""
    beam = {(): (1.0, 0.0)}
    for frame in np.exp(log_probs):
        ending = defaultdict(lambda: [0.0, 0.0])
        for prefix, (blank_ends, label_ends) in beam.items():
            ending[prefix][0] += (blank_ends + label_ends) * frame[blank]
            for label, probability in enumerate(frame):
                if label == blank:
                    continue
                if prefix and label == prefix[-1]:
                    ending[prefix][1] += label_ends * probability
                    if follows(prefix, label):
                        ending[(*prefix, label)][1] += blank_ends * probability
                elif follows(prefix, label):
                    ending[(*prefix, label)][1] += (blank_ends + label_ends) * probability
        best = sorted(ending.items(), key=lambda item: -sum(item[1]))[:width]
        beam = {prefix: tuple(scores) for prefix, scores in best if sum(scores) > 0}
    return [(prefix, np.log(sum(scores))) for prefix, scores in beam.items()]


def prefixes(labellings):
    return {labels[:end] for labels in labellings for end in range(1, len(labels) + 1)}


def right_languages(words):
    """States of the smallest automaton: the different sets of endings that prefixes have."""
    endings = defaultdict(set)
    for word in words:
        for end in range(len(word) + 1):
            endings[word[:end]].add(word[end:])
    return {frozenset(found) for found in endings.values()}


SYLLABLES = [c + v for c in ("b", "ch", "d", "k", "l", "m", "pr", "st", "t", "") for v in "aeiou"]
SUFFIXES = ["", "s", "ed", "ing", "er", "ness", "'s"]
LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def made_words(count, seed):
    """Words of one to three syllables with common endings, as many as asked for."""
    random = np.random.default_rng(seed)
    found = set()
    while len(found) < count:
        stem = "".join(random.choice(SYLLABLES, size=random.integers(1, 4)))
        found.add(stem + random.choice(SUFFIXES))
    return sorted(found)


def american_english():
    """The words of [a-z'] that remain in lower case."""
    words = {word.lower() for word in AMERICAN_ENGLISH.read_text(encoding="utf-8").split()}
    return sorted(word for word in words if set(word) <= set(LETTERS))


def mutated(words, count, seed):
    """Words with one letter changed, dropped, doubled or two exchanged; some are words again."""
    random = np.random.default_rng(seed)
    for word in random.choice(words, size=count):
        at, letter = random.integers(len(word)), random.choice(list(LETTERS))
        changed = word[:at] + letter + word[at + 1 :]
        dropped = word[:at] + word[at + 1 :]
        doubled = word[: at + 1] + word[at:]
        exchanged = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
        yield str(random.choice([changed, dropped, doubled, exchanged]))
