"""Two coupled spins, numerically: the Hamiltonian, CF5 to CF7, CF10, CF11, CF13, table R3."""

from math import pi, sqrt

import numpy as np
import pytest

from tests.workloads.spin_dynamics.reference import SIGMA_A, SIGMA_B, pairs, table
from workloads.spin_dynamics import free_induction_decay, pair_signal
from workloads.spin_dynamics.coupling import double_resonance, selective_echo, selective_fid
from workloads.spin_dynamics.pair import (
    fid_of_members,
    hard_pulse,
    propagator,
    pulse,
    static_hamiltonian,
    weight_after,
)

PAULI = [np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
A = [np.kron(m / 2, np.eye(2)) for m in PAULI]
B = [np.kron(np.eye(2), m / 2) for m in PAULI]
LATE = np.array([-0.11, -0.02, 0.0, 0.04, 0.13])  # T2 - T1 in us


def test_the_hamiltonian_is_that_of_spin_operators():
    exchange, dipolar = 7.0, -3.0
    dot = sum(a @ b for a, b in zip(A, B, strict=True))
    full = 12 * A[2] + 95 * B[2] + exchange * dot + dipolar / 2 * (3 * A[2] @ B[2] - dot)

    h = static_hamiltonian(12, 95, exchange, dipolar)

    np.testing.assert_allclose(h, full, atol=1e-13)
    # Energies: +-(dA + dB) / 2 + J' / 4 and -J' / 4 +- Om / 2.
    secular, om = 4, sqrt(83**2 + 8.5**2)
    expected = [107 / 2 + secular / 4, -107 / 2 + secular / 4] + [
        -secular / 4 + sign * om / 2 for sign in (1, -1)
    ]
    np.testing.assert_allclose(np.linalg.eigvalsh(h), sorted(expected), atol=1e-13)


def test_a_phase_turns_a_pulse_about_z():
    static = static_hamiltonian(12, 95, 7, 3)
    turned = np.diag(np.exp(-0.9j * np.diag(A[2] + B[2]).real))

    found = pulse(static, 16.7, 0.015, 0.9)

    plain = pulse(static, 16.7, 0.015)
    np.testing.assert_allclose(found, turned @ plain @ turned.conj(), atol=1e-13)
    np.testing.assert_allclose(plain, plain.T, atol=1e-14)


def selective(*steps):
    """Average over the line of A; d = 2 J leaves J' = 3 J and no flip-flop."""
    x = np.linspace(-8, 8, 161)
    weights = np.exp(-(x**2) / 2)
    static = static_hamiltonian(9 + SIGMA_A * x, 0, 5, 10)
    made = [propagator(static, s) if isinstance(s, float) else s for s in steps]
    return weights @ weight_after(made, "antiparallel") / weights.sum()


HALF_A, FULL_A, FULL_B = hard_pulse(pi / 2, "a"), hard_pulse(pi, "a"), hard_pulse(pi, "b")


def test_cf5_a_coupling_modulates_the_selective_fid():
    times = np.array([0.0, 0.03, 0.09, 0.15])
    found = [selective(HALF_A, t, HALF_A) for t in times]

    expected = selective_fid(1000 * times, 9, SIGMA_A, np.cos(pi * 15 * times))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_cf6_the_selective_echo_refocuses_the_coupling():
    found = [selective(HALF_A, 0.3, FULL_A, 0.3 + late, HALF_A) for late in LATE]

    expected = selective_echo(300 + 1000 * LATE, 300, 9, SIGMA_A, np.cos(pi * 15 * LATE))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[2] == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("pump", [0.05, 0.17, 0.3])
def test_cf7_a_pump_pulse_on_the_other_spin_brings_the_coupling_back(pump):
    for late in LATE:
        steps = HALF_A, pump, FULL_B, 0.3 - pump, FULL_A, 0.3 + late, HALF_A
        modulation = np.cos(pi * 15 * (2 * pump + late))

        expected = double_resonance([1000 * pump], 300, 300 + 1000 * late, 9, SIGMA_A, modulation)
        assert selective(*steps) == pytest.approx(expected[0], abs=1e-12)


def test_cf10_hard_pulses_on_both_spins_hide_a_secular_coupling():
    both = hard_pulse(pi / 2, "both")
    for exchange in (0.0, 5.0, 40.0):
        static = static_hamiltonian(7, 31, exchange, 2 * exchange)
        for t in (0.0, 0.03, 0.15):
            found = weight_after([both, propagator(static, t), both], "antiparallel")
            expected = (1 - np.cos(2 * pi * 7 * t) * np.cos(2 * pi * 31 * t)) / 2
            assert found == pytest.approx(expected, abs=1e-13)


def test_cf11_a_coupling_turns_ud_into_singlet_and_back():
    delta, flip, t = 12.0, 9.0, np.linspace(0, 0.2, 7)
    om = sqrt(delta**2 + flip**2)
    static = static_hamiltonian(delta, 0, flip, 0)

    found = [abs(np.array([0, 1, -1, 0]) / sqrt(2) @ propagator(static, s)[:, 1]) ** 2 for s in t]

    expected = 0.5 - delta * flip / (2 * om**2) * (1 - np.cos(2 * pi * om * t))
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize(("exchange", "dipolar"), [(0, 0), (8, 0), (3, -5)])
def test_cf13_equal_spins_never_make_a_singlet(exchange, dipolar):
    static = static_hamiltonian([-30.0, 0, 17], [-30.0, 0, 17], exchange, dipolar)

    singlet = fid_of_members(np.linspace(0, 0.15, 16), static, 16.7, "singlet")

    assert np.abs(singlet).max() < 1e-28


@pytest.mark.parametrize(("name", "pair"), pairs())
def test_r3_the_pair_is_the_references(name, pair):
    expected = table(name)
    fixed = *pair, SIGMA_A, SIGMA_B, 15

    parallel = pair_signal(expected["T_ns"], *fixed)
    singlet = pair_signal(expected["T_ns"], *fixed, observable="singlet")

    np.testing.assert_allclose(parallel, expected["P_ap"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(singlet, expected["P_S"], atol=1e-8, rtol=0)


def test_a_distant_partner_leaves_the_analytical_signal():
    """B 5 GHz away is not turned, so the pair is spin A alone."""
    delays = np.arange(0.0, 151, 30)

    found = pair_signal(delays, 10, 5000, 0, 0, SIGMA_A, 0, 15)

    alone = free_induction_decay(delays, 10, SIGMA_A, 15)
    np.testing.assert_allclose(found, alone, atol=3e-5)


def test_a_long_signal_is_worked_on_in_blocks(monkeypatch):
    fixed = 20, 105, 3, 2, SIGMA_A, SIGMA_B, 15
    whole = pair_signal([0, 60, 150], *fixed)
    monkeypatch.setattr("workloads.spin_dynamics.pair.BLOCK", 100)

    np.testing.assert_allclose(pair_signal([0, 60, 150], *fixed), whole, atol=1e-14)
