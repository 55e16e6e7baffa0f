"""fixed_point_loss: the error rate of each format beside that of float64."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import random_log_probs
from workloads.ctc_decoding import (
    BeamSearch,
    FixedLog,
    FixedProbability,
    FloatLog,
    error_rate,
    fixed_point_loss,
)
from workloads.ctc_decoding.fixed_point import edit_distance

UTTERANCES = [random_log_probs(seed, 40, 8) for seed in range(4)]
SEARCH = BeamSearch(beam_width=8)


def recursive_edit_distance(a, b):
    @cache
    def distance(i, j):
        if not i or not j:
            return i + j
        change = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(change, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(a), len(b))


labels = st.lists(st.integers(1, 3), max_size=8)


@given(found=labels, reference=labels)
def test_an_edit_distance_is_the_recursive_one(found, reference):
    assert edit_distance(found, reference) == recursive_edit_distance(found, reference)


def test_an_error_rate_counts_edits_per_reference_label():
    # One substitution, one insertion and one deletion on 3 + 2 + 3 labels.
    assert error_rate([(1, 9, 3), (1, 2, 2), (1, 3)], [(1, 2, 3), (1, 2), (1, 2, 3)]) == 3 / 8


def test_float64_loses_nothing_to_itself():
    (loss,) = fixed_point_loss(UTTERANCES, [FloatLog()], SEARCH)

    assert (loss.bits, loss.error_rate, loss.loss) == (64, 0.0, 0.0)


@pytest.mark.parametrize("family", ["log", "probability"])
def test_bits_buy_accuracy(family):
    formats = {
        "log": [FixedLog(integer_bits=5, fraction_bits=f) for f in (1, 4, 14)],
        "probability": [FixedProbability(fraction_bits=f) for f in (4, 8, 24)],
    }[family]

    few, some, many = fixed_point_loss(UTTERANCES, formats, SEARCH)

    assert few.bits < some.bits < many.bits
    assert few.loss > many.loss
    assert few.loss >= some.loss >= many.loss
    assert many.loss == 0.0


def test_references_are_what_is_compared_with():
    truths = [(1,) * 10] * 4

    (loss,) = fixed_point_loss(UTTERANCES, [FixedProbability(fraction_bits=6)], SEARCH, truths)

    best = [SEARCH.decode(utterance).hypotheses[0][0] for utterance in UTTERANCES]
    assert loss.float_error_rate == error_rate(best, truths)
    assert loss.loss == loss.error_rate - loss.float_error_rate


def test_references_must_be_as_many_as_utterances():
    with pytest.raises(InputError, match="references: expected one per utterance, 4, got 1"):
        fixed_point_loss(UTTERANCES, [], SEARCH, [(1,)])


def test_an_error_rate_of_silence_is_refused():
    with pytest.raises(InputError, match="references: all are empty"):
        fixed_point_loss([np.empty((0, 3))], [FloatLog()], SEARCH)
