"""Fixed point: codes, sums and products against their definitions; many bits decode as float64."""

from fractions import Fraction
from math import exp, log, log1p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import InputError
from tests.workloads.ctc_decoding.oracles import log_softmax, random_log_probs
from workloads.ctc_decoding import (
    BeamSearch,
    FixedLog,
    FixedProbability,
    FloatLog,
    PackedLexicon,
    greedy_search,
)

LOG = FixedLog(integer_bits=4, fraction_bits=6)  # magnitudes 0 to 1023, in 1/64
PROBABILITY = FixedProbability(integer_bits=1, fraction_bits=7)  # 0 to 255, in 1/128
log_codes = st.integers(-1023, 0)
codes = st.integers(0, 255)


def code(number):
    return np.array([float(number)])


class TestFixedLog:
    def test_codes_are_nearest_and_the_largest_magnitude_is_zero(self):
        encoded = LOG.encode(np.array([0.0, -1.0, -0.02, -15.98, -100.0, -np.inf]))

        assert encoded.tolist() == [0, -64, -1, -1023, -1023, -1023]
        assert LOG.log_prob(encoded).tolist() == [0.0, -1.0, -1 / 64, *[-np.inf] * 3]
        assert LOG.bits == 10

    @given(a=log_codes, b=log_codes)
    def test_a_product_is_a_saturating_sum(self, a, b):
        assert LOG.multiply(code(a), code(b)) == max(a + b, -1023)

    @given(a=log_codes, b=log_codes)
    def test_a_sum_by_table_is_the_nearest_code_to_the_exact_one(self, a, b):
        exact = max(a, b)
        if min(a, b) > -1023:
            exact += round(log1p(exp(-abs(a - b) / 64)) * 64)

        assert LOG.add(code(a), code(b)) == min(exact, 0)

    @pytest.mark.parametrize("number", [0, -500, -1022, -1023])
    def test_zero_adds_nothing(self, number):
        assert LOG.add(code(number), code(-1023)) == number

    @given(a=log_codes, b=log_codes)
    def test_a_sum_by_maximum_is_the_maximum(self, a, b):
        maximum = FixedLog(integer_bits=4, fraction_bits=6, addition="max")

        assert maximum.add(code(a), code(b)) == max(a, b)
        assert maximum.table_bits == 0

    @given(a=log_codes, b=log_codes)
    def test_a_short_table_is_right_at_the_middle_of_its_entries(self, a, b):
        short = FixedLog(integer_bits=4, fraction_bits=6, table_skip_bits=3)
        middle = abs(a - b) // 8 * 8 + 3.5
        exact = max(a, b)
        if min(a, b) > -1023:
            exact += round(log1p(exp(-middle / 64)) * 64)

        assert short.add(code(a), code(b)) == min(exact, 0)

    def test_the_bits_of_the_table(self):
        """They are not zero to ln(2 * 64) = 4.85, codes 0 to 310; the largest is 44, 6 bits."""
        assert LOG.table_bits == 311 * 6
        assert FixedLog(integer_bits=4, fraction_bits=6, table_skip_bits=3).table_bits == 39 * 6

    @pytest.mark.parametrize("best", [-10, -64, -96])
    def test_rescaling_brings_the_best_to_a_magnitude_of_one(self, best):
        scores = np.array([best, best - 36, -1000, -1023.0])

        scaled, log_divisor = LOG.rescale(scores, best)

        assert scaled.tolist() == [-64, -100, max(-1000 - 64 - best, -1023), -1023]
        assert log_divisor == best / 64 + 1


class TestFixedProbability:
    def test_codes_are_nearest(self):
        with np.errstate(divide="ignore"):
            encoded = PROBABILITY.encode(np.log([1.0, 0.5, 0.01, 0.001, 0.0]))

        assert encoded.tolist() == [128, 64, 1, 0, 0]
        values = np.exp(PROBABILITY.log_prob(encoded))
        assert values == pytest.approx([1.0, 0.5, 1 / 128, 0.0, 0.0])

    @given(a=codes, b=codes)
    def test_a_product_rounds_halves_up(self, a, b):
        exact = int(Fraction(a * b, 128) + Fraction(1, 2))

        assert PROBABILITY.multiply(code(a), code(b)) == min(exact, 255)

    @given(a=codes, b=codes)
    def test_a_sum_saturates(self, a, b):
        assert PROBABILITY.add(code(a), code(b)) == min(a + b, 255)

    @pytest.mark.parametrize(("best", "shift"), [(1, 6), (64, 0), (127, 0), (128, -1), (255, -1)])
    def test_rescaling_shifts_the_best_into_the_upper_half(self, best, shift):
        scaled, log_divisor = PROBABILITY.rescale(np.array([float(best), 1.0]), float(best))

        assert scaled.tolist() == [best * 2**shift // 1, 2**shift // 1]
        assert 64 <= scaled[0] < 128
        assert log_divisor == pytest.approx(-shift * log(2))


@pytest.mark.parametrize(
    "arithmetic",
    [
        FixedLog(integer_bits=8, fraction_bits=16),
        FixedLog(integer_bits=10, fraction_bits=20, table_skip_bits=8),
        FixedProbability(fraction_bits=25),
    ],
    ids=str,
)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_many_bits_decode_as_float64_does(arithmetic, seed):
    log_probs = random_log_probs(seed, 30, 6)
    exact = BeamSearch(beam_width=8).decode(log_probs).hypotheses
    margin = exact[0][1] - exact[1][1]

    search = BeamSearch(beam_width=8, arithmetic=arithmetic)
    found = search.decode(log_probs).hypotheses

    assert found[0][1] == pytest.approx(exact[0][1], abs=2e-3)
    if margin > 5e-3:
        assert found[0][0] == exact[0][0]


@pytest.mark.parametrize(
    "arithmetic",
    [FixedLog(integer_bits=5, fraction_bits=3), FixedProbability(fraction_bits=9)],
    ids=str,
)
def test_few_bits_do_not_run_dry_in_a_long_utterance(arithmetic):
    """The best prefix is brought back to the top of the range after every frame."""
    path = np.repeat(np.random.default_rng(0).permutation(np.arange(400) % 29), 2)
    log_probs = log_softmax(6.0 * np.eye(29)[path])

    decode = BeamSearch(beam_width=10, arithmetic=arithmetic).decode(log_probs)

    assert all(frame.survivors for frame in decode.frames)
    assert decode.hypotheses[0][0] == greedy_search(log_probs)[0]


def test_fixed_point_obeys_the_lexicon():
    lexicon = PackedLexicon.from_words(["ab", "ba"], "ab")
    search = BeamSearch(
        beam_width=5, lexicon=lexicon, arithmetic=FixedLog(integer_bits=6, fraction_bits=6)
    )

    found = search.decode(random_log_probs(3, 6, 3)).hypotheses

    assert {labels for labels, _ in found} <= {(), (1, 2), (2, 1)}


def test_greedy_in_fixed_point_takes_the_first_of_equal_codes():
    log_probs = np.log([[0.1, 0.4501, 0.4499]])

    assert greedy_search(log_probs, arithmetic=FixedProbability(fraction_bits=4))[0] == (1,)
    assert greedy_search(log_probs, arithmetic=FloatLog())[0] == (1,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedLog(integer_bits=-1, fraction_bits=4), "needs a fraction bit, got Q-1.4"),
        (lambda: FixedProbability(fraction_bits=0), "needs a fraction bit, got Q1.0"),
        (lambda: FixedProbability(fraction_bits=26), "holds 2 to 26 bits, got Q1.26"),
        (lambda: FixedLog(integer_bits=20, fraction_bits=13), "holds 2 to 32 bits, got Q20.13"),
        (
            lambda: FixedLog(integer_bits=0, fraction_bits=13),
            "integer_bits: logarithms need >= 1, the best score's magnitude, got 0",
        ),
        (
            lambda: FixedLog(integer_bits=4, fraction_bits=4, addition="sum"),
            "addition: expected 'table' or 'max', got 'sum'",
        ),
        (
            lambda: FixedLog(integer_bits=4, fraction_bits=4, table_skip_bits=9),
            "table_skip_bits: expected 0 to the format's 8 bits, got 9",
        ),
        (
            lambda: FixedLog(integer_bits=4, fraction_bits=20),
            "table_skip_bits: 20 fraction bits need >= 4 for a table that memory holds, got 0",
        ),
    ],
)
def test_an_impossible_format_is_refused(make, message):
    with pytest.raises(InputError) as caught:
        make()

    assert message in str(caught.value)
