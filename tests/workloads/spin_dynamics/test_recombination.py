"""CF12: the current after the pulses, and the charge that it carries."""

import numpy as np
import pytest

from workloads.spin_dynamics.recombination import (
    charge,
    current,
    recombination_rates,
    sign_change_us,
)

RATES = [1 / 16, 1 / 1000]
CHANGES = [0.3, -0.3]


def test_the_charge_is_the_currents_integral_and_vanishes_in_the_end():
    times = np.linspace(0, 200, 20001)
    moved = current(times, CHANGES, RATES)

    done = np.concatenate([[0], np.cumsum((moved[1:] + moved[:-1]) / 2 * np.diff(times))])

    np.testing.assert_allclose(charge(times, CHANGES, RATES), done, atol=1e-6)
    assert charge(1e6, CHANGES, RATES) == pytest.approx(0, abs=1e-12)


def test_one_state_alone_loses_its_pairs_for_good():
    found = charge([0.0, 16.0], [0.3], [1 / 16])

    np.testing.assert_allclose(found, [0, -0.3 * (1 - np.exp(-1))])


def test_the_current_changes_its_sign_once():
    """Pairs of 16 us and 1000 us: at 67.2385 us."""
    crossing = sign_change_us(16, 1000)

    assert crossing == pytest.approx(67.2385, abs=5e-5)
    before, after = current([crossing - 1, crossing + 1], CHANGES, RATES)
    assert before < 0 < after


def test_rates_lie_between_those_of_singlet_and_triplet():
    np.testing.assert_allclose(recombination_rates([0, 0.25, 1], 4, 1), [1, 1.75, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recombination_rates([1.2], 4, 1), r"singlet_weights: must be in \[0, 1\]"),
        (lambda: recombination_rates([0.5], 0, 1), "singlet_rate: must be > 0"),
        (lambda: recombination_rates([0.5], 1, -1), "triplet_rate: must be > 0"),
        (lambda: sign_change_us(-16, 1000), "antiparallel_us: must be > 0"),
        (lambda: sign_change_us(16, 0), "parallel_us: must be > 0"),
        (lambda: sign_change_us(16, 16), "nothing crosses"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
