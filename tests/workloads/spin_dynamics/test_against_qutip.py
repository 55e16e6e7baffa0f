"""The signals beside QuTiP's, at parameters of our own: operators, integration, averages."""

from math import pi

import numpy as np
import pytest

from workloads.spin_dynamics import free_induction_decay, hahn_echo, pair_signal
from workloads.spin_dynamics.ensemble import gauss_hermite

qutip = pytest.importorskip("qutip")
pytestmark = pytest.mark.reference
SPIN = {axis: qutip.jmat(0.5, axis) for axis in "xyz"}
TIGHT = {"atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000}
RABI = 1 / (4 * 0.012)  # MHz, for pi/2 in 12 ns


def step(hamiltonian, time_us, states):
    """States after a time, by integrating Schrödinger's equation."""
    if time_us == 0:
        return states
    turning = 2 * pi * hamiltonian
    return [
        qutip.sesolve(turning, state, [0, time_us], options=TIGHT).final_state for state in states
    ]


def averaged(centre, sigma, signal, nodes):
    points, weights = gauss_hermite(nodes)
    return sum(w * signal(centre + sigma * x) for x, w in zip(points, weights, strict=True))


def flipped(detuning, *gaps):
    """P of a sequence with gaps; a pi pulse stands between two of them."""
    still = detuning * SPIN["z"]
    driven = still + RABI * SPIN["x"]
    states = step(driven, 0.012, [qutip.basis(2, 0)])
    for number, gap in enumerate(gaps):
        states = step(driven, 0.024, states) if number else states
        states = step(still, gap, states)
    (state,) = step(driven, 0.012, states)
    return abs(state.overlap(qutip.basis(2, 1))) ** 2


def test_a_free_induction_decay_of_one_spin():
    delays = [0.0, 17, 64]

    found = free_induction_decay(delays, -13, 2.4, 12)

    expected = [averaged(-13, 2.4, lambda d, t=t: flipped(d, t / 1000), 20) for t in delays]
    np.testing.assert_allclose(found, expected, atol=1e-8, rtol=0)


def test_an_echo_of_one_spin():
    found = hahn_echo([80.0, 150], 120, 9, 1.9, 12)

    expected = [averaged(9, 1.9, lambda d, t=t: flipped(d, 0.12, t), 30) for t in (0.08, 0.15)]
    np.testing.assert_allclose(found, expected, atol=1e-8, rtol=0)


@pytest.mark.parametrize("observable", ["antiparallel", "singlet"])
def test_a_pair_with_exchange_and_dipolar_coupling(observable):
    a = {axis: qutip.tensor(spin, qutip.qeye(2)) for axis, spin in SPIN.items()}
    b = {axis: qutip.tensor(qutip.qeye(2), spin) for axis, spin in SPIN.items()}
    dot = sum((a[axis] * b[axis] for axis in "xyz"), start=0 * a["x"])
    coupling = 6 * dot + 1.5 * (3 * a["z"] * b["z"] - dot)  # J = 6, d = 3 MHz
    basis = {
        key: qutip.tensor(*(qutip.basis(2, "ud".index(s)) for s in key))
        for key in ("uu", "ud", "du", "dd")
    }
    singlet = (basis["ud"] - basis["du"]).unit()
    read = {"antiparallel": [basis["ud"], basis["du"]], "singlet": [singlet]}[observable]

    def signal(detuning_a, detuning_b, delay):
        still = detuning_a * a["z"] + detuning_b * b["z"] + coupling
        driven = still + RABI * (a["x"] + b["x"])
        states = step(driven, 0.012, [basis["uu"], basis["dd"]])
        states = step(driven, 0.012, step(still, delay, states))
        return sum(abs(r.overlap(s)) ** 2 for r in read for s in states) / 2

    found = pair_signal([0.0, 35], 8, 33, 6, 3, 0.4, 0.5, 12, observable)

    expected = [
        averaged(
            8,
            0.4,
            lambda da, t=t: averaged(33, 0.5, lambda db: signal(da, db, t), 7),
            7,
        )
        for t in (0.0, 0.035)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-8, rtol=0)
