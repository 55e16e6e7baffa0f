"""What cannot be decoded is refused with one message: where, which value, what to do."""

import numpy as np
import pytest

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import random_log_probs
from workloads.ctc_decoding import BeamSearch, beam_search, greedy_search

GOOD = random_log_probs(0, 3, 4)
LOGITS = GOOD.copy()
LOGITS[1] += 0.5
WITH_NAN = GOOD.copy()
WITH_NAN[2, 1] = np.nan


@pytest.mark.parametrize(
    ("log_probs", "message"),
    [
        (
            LOGITS,
            "log_probs: the probabilities of frame 1 sum to 1.64872, not to 1 within 0.001; "
            "pass the log_softmax of the logits",
        ),
        (np.full((1, 4), 1e4), "log_probs: the probabilities of frame 0 sum to inf, "),
        (np.full((2, 4), -np.inf), "log_probs: the probabilities of frame 0 sum to 0, "),
        (np.exp(GOOD), "log_probs: the probabilities of frame 0 sum to "),
        (
            WITH_NAN,
            "log_probs: frame 2, symbol 1 is NaN; write -inf for an impossible symbol, "
            "and look for overflow in the acoustic model",
        ),
        (
            GOOD[None],
            "log_probs: expected frames x symbols, got shape (1, 3, 4); "
            "decode one utterance at a time",
        ),
        (np.empty((3, 0)), "log_probs: expected frames x symbols, got shape (3, 0); "),
        ([[0.0], [0.0, 1.0]], "log_probs: expected frames x symbols, got rows that differ"),
        ([["a"]], "log_probs: expected real numbers, got an array of <U1"),
    ],
)
@pytest.mark.parametrize("search", [lambda x: beam_search(x, 4), greedy_search])
def test_log_probabilities(search, log_probs, message):
    with pytest.raises(InputError) as caught:
        search(log_probs)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_short_floats_cost_is_no_mistake(dtype):
    assert beam_search(random_log_probs(1, 20, 29).astype(dtype), 4)


@pytest.mark.parametrize("blank", [-1, 4])
def test_a_blank_that_is_no_symbol(blank):
    message = f"blank: expected the index of one of 4 symbols, 0 to 3, got {blank}"
    with pytest.raises(InputError, match=message):
        beam_search(GOOD, 4, blank=blank)
    with pytest.raises(InputError, match=message):
        greedy_search(GOOD, blank)


@pytest.mark.parametrize("count", [0, -3, 2.5])
def test_counts_below_one(count):
    with pytest.raises(InputError, match=f"beam_width: expected a whole number >= 1, got {count}"):
        beam_search(GOOD, count)
    with pytest.raises(InputError, match=f"n_best: expected a whole number >= 1, got {count}"):
        beam_search(GOOD, 4, n_best=count)


def test_another_end_of_the_last_word():
    with pytest.raises(InputError, match="last_word: expected 'complete' or 'open', got 'strict'"):
        BeamSearch(beam_width=4, last_word="strict")
