"""One spin: the sheet's closed forms CF1 to CF4 and tables R1, R2 and R5."""

from math import pi

import numpy as np
import pytest

from tests.workloads.spin_dynamics.reference import SIGMA_A, table
from workloads.spin_dynamics import free_induction_decay, hahn_echo
from workloads.spin_dynamics.pair import propagator
from workloads.spin_dynamics.single_spin import (
    dephasing,
    echo_flip,
    fid_flip,
    flip_probability,
    rabi_mhz,
)

DETUNINGS = np.array([-40.0, -7.5, 0.0, 3.3, 20.0, 117.53])
DELAYS_US = np.array([0.0, 0.013, 0.071, 0.15])
RABI = rabi_mhz(15)
SX, SZ = np.array([[0, 0.5], [0.5, 0]]), np.diag([0.5, -0.5])


def turn(duration_us, phase=0.0):
    """Propagators of a pulse at every detuning, from the Hamiltonian."""
    rotated = np.diag(np.exp([-0.5j * phase, 0.5j * phase]))
    h = DETUNINGS[:, None, None] * SZ + RABI * (rotated @ SX @ rotated.conj())
    return propagator(h, duration_us)


def gap(time_us):
    return propagator(DETUNINGS[:, None, None] * SZ, time_us)


def flipped(*steps):
    total = np.eye(2)
    for step in steps:
        total = step @ total
    return np.abs(total[:, 1, 0]) ** 2


@pytest.mark.parametrize("duration_us", [0.004, 0.015, 0.03])
def test_cf1_a_pulse_flips_what_its_hamiltonian_says(duration_us):
    np.testing.assert_allclose(
        flip_probability(DETUNINGS, RABI, duration_us), flipped(turn(duration_us)), atol=1e-14
    )


@pytest.mark.parametrize("phase", [0.0, 0.7, pi])
def test_cf2_the_fid_is_exact_at_every_detuning(phase):
    expected = [flipped(turn(0.015), gap(t), turn(0.015, phase)) for t in DELAYS_US]

    np.testing.assert_allclose(
        fid_flip(DELAYS_US, DETUNINGS, RABI, phase), np.transpose(expected), atol=1e-14
    )


def test_cf2_in_its_other_form():
    """``4 nx^2 s^2 (c cos(pi D T) - nz s sin(pi D T))^2``."""
    effective = np.hypot(RABI, DETUNINGS)
    angle = pi * effective * 0.015
    nx, nz, c, s = RABI / effective, DETUNINGS / effective, np.cos(angle), np.sin(angle)
    turned = pi * np.multiply.outer(DELAYS_US, DETUNINGS)
    form = 4 * nx**2 * s**2 * (c * np.cos(turned) - nz * s * np.sin(turned)) ** 2

    np.testing.assert_allclose(fid_flip(DELAYS_US, DETUNINGS, RABI), form.T, atol=1e-14)


def test_cf2_near_resonance_pulses_lengthen_the_gap():
    """By 4 tp / pi = 19.10 ns: within 4e-4 at the line's centre, 0.118 off without it."""
    delays = np.arange(0.0, 151, 10)
    finite = free_induction_decay(delays, 0, SIGMA_A, 15)

    longer = free_induction_decay(delays + 4 * 15 / pi, 0, SIGMA_A, 15, finite_pulses=False)
    plain = free_induction_decay(delays, 0, SIGMA_A, 15, finite_pulses=False)

    assert np.abs(finite - longer).max() == pytest.approx(4e-4, abs=1e-5)
    assert np.abs(finite - plain).max() == pytest.approx(0.118, abs=5e-4)


@pytest.mark.parametrize("detuning", [0.0, 10.0, -20.0])
def test_cf3_hard_pulses_leave_a_fringe_and_a_gaussian(detuning):
    delays = np.arange(0.0, 151, 10)
    t = delays / 1000
    x = np.linspace(-8, 8, 2001)
    weights = np.exp(-(x**2) / 2)
    fringes = np.cos(2 * pi * np.multiply.outer(t, detuning + SIGMA_A * x))

    found = free_induction_decay(delays, detuning, SIGMA_A, 15, finite_pulses=False)

    np.testing.assert_allclose(found, (1 + fringes @ weights / weights.sum()) / 2, atol=1e-13)


def test_very_short_pulses_are_hard():
    delays = np.arange(0.0, 151, 10)
    short = free_induction_decay(delays, 10, SIGMA_A, 0.01)
    hard = free_induction_decay(delays, 10, SIGMA_A, 0.01, finite_pulses=False)

    np.testing.assert_allclose(short, hard, atol=2e-3)


@pytest.mark.parametrize("phase", [0.0, 1.1, pi])
def test_the_echo_is_exact_at_every_detuning(phase):
    steps = turn(0.015), gap(0.3), turn(0.03)
    expected = [flipped(*steps, gap(t), turn(0.015, phase)) for t in DELAYS_US]

    found = echo_flip(DELAYS_US, 0.3, DETUNINGS, RABI, phase)

    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-14)


def test_cf4_the_hard_echo_is_zero_where_both_delays_are_equal():
    t2 = np.arange(200.0, 401, 20)
    late = (t2 - 300) / 1000

    found = hahn_echo(t2, 300, 20, SIGMA_A, 15, finite_pulses=False)

    fringe = np.exp(-((2 * pi * SIGMA_A * late) ** 2) / 2) * np.cos(2 * pi * 20 * late)
    np.testing.assert_allclose(found, (1 - fringe) / 2, atol=1e-15)
    assert found[5] == 0


@pytest.mark.parametrize(("first", "second"), [(100, 170), (300, 40), (250, 251)])
def test_cf4b_the_echo_may_be_read_backwards(first, second):
    forth = hahn_echo([second], first, 20, SIGMA_A, 15)

    np.testing.assert_allclose(forth, hahn_echo([first], second, 20, SIGMA_A, 15), atol=1e-14)


@pytest.mark.parametrize("finite_pulses", [False, True])
def test_cf4c_the_lock_in_difference_of_the_hard_echo_is_the_fringe(finite_pulses):
    t2 = np.arange(200.0, 401, 20)
    late = (t2 - 300) / 1000
    length = 1e-3 if finite_pulses else 15  # pulses of 1 ps do what hard ones do
    plus = hahn_echo(t2, 300, 8, SIGMA_A, length, finite_pulses, projection_phase_deg=180)
    minus = hahn_echo(t2, 300, 8, SIGMA_A, length, finite_pulses)

    fringe = dephasing(late, SIGMA_A) * np.cos(2 * pi * 8 * late)
    np.testing.assert_allclose(plus - minus, fringe, atol=1e-3 if finite_pulses else 1e-14)


@pytest.mark.parametrize("detuning", [0, 10, 20])
def test_r1_the_fid_is_the_references(detuning):
    expected = table(f"R1_{detuning}")
    delays = expected["T_ns"]

    finite = free_induction_decay(delays, detuning, SIGMA_A, 15)
    hard = free_induction_decay(delays, detuning, SIGMA_A, 15, finite_pulses=False)

    np.testing.assert_allclose(finite, expected["finite"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(hard, expected["hard"], atol=1e-8, rtol=0)


@pytest.mark.parametrize("detuning", [0, 20])
def test_r2_the_echo_is_the_references(detuning):
    expected = table(f"R2_{detuning}")
    t2 = expected["T2_ns"]

    finite = hahn_echo(t2, 300, detuning, SIGMA_A, 15)
    hard = hahn_echo(t2, 300, detuning, SIGMA_A, 15, finite_pulses=False)

    np.testing.assert_allclose(finite, expected["finite"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(hard, expected["hard"], atol=1e-8, rtol=0)


def test_r5_the_map_over_the_field_is_the_references():
    delays = np.arange(0.0, 151, 10)
    rows = np.array([free_induction_decay(delays, d, SIGMA_A, 15) for d in range(-40, 41, 2)])

    assert rows.sum() == pytest.approx(table("R5_map")["checksum"], abs=1e-8)
    np.testing.assert_allclose(rows, rows[::-1], atol=1e-13)
    np.testing.assert_allclose(rows[30], table("R5_map")["row_d0_20"], atol=1e-8, rtol=0)


def test_a_line_of_no_width_is_one_spin():
    delays = [0.0, 40, 80]

    found = free_induction_decay(delays, 12, 0, 15)

    one = fid_flip(np.array(delays) / 1000, np.array([12.0]), RABI)[0]
    np.testing.assert_allclose(found, one, atol=1e-15)
    assert found.dtype == np.float64
