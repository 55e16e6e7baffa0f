"""A pair of coupled spins A and B, numerically: Hamiltonian, propagators, signals.

Basis uu, ud, du, dd with A first; frequencies in MHz, times in microseconds, spin
operators of eigenvalues +-1/2. In the rotating frame ::

    H0 = dA SzA + dB SzB + J SA.SB + (d / 2)(3 SzA SzB - SA.SB)
    H1 = f1 (cos(ph) (SxA + SxB) + sin(ph) (SyA + SyB))       during a pulse

Pairs start parallel, ``rho = (|uu><uu| + |dd><dd|) / 2``, since antiparallel ones have
recombined. What is read is the weight of antiparallel pairs, or of the singlet.
"""

from functools import reduce
from math import pi, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from workloads.spin_dynamics.checks import (
    Floats,
    Rotations,
    check_frequency,
    check_linewidth,
    check_pulse,
    check_word,
    checked_delays,
)
from workloads.spin_dynamics.ensemble import normal_nodes
from workloads.spin_dynamics.single_spin import US_PER_NS, rabi_mhz

Observable = Literal["antiparallel", "singlet"]
Spins = Literal["a", "b", "both"]
READ: dict[Observable, Floats] = {
    "antiparallel": np.array([[0.0, 1, 0, 0], [0, 0, 1, 0]]),
    "singlet": np.array([[0.0, 1 / sqrt(2), -1 / sqrt(2), 0]]),
}
"""The states whose weight is read, one a row."""
MOST_MEMBERS = 1 << 20
BLOCK = 1 << 18
"""Members times delays that are worked on at once."""
_X = np.array([[0, 0.5], [0.5, 0]])
_Y = np.array([[0, -0.5j], [0.5j, 0]])
_ONE = np.eye(2)
_SPINS: dict[Spins, tuple[Rotations, Rotations]] = {
    "a": (np.kron(_X, _ONE), np.kron(_Y, _ONE)),
    "b": (np.kron(_ONE, _X), np.kron(_ONE, _Y)),
    "both": (np.kron(_X, _ONE) + np.kron(_ONE, _X), np.kron(_Y, _ONE) + np.kron(_ONE, _Y)),
}


def static_hamiltonian(
    detuning_a_mhz: ArrayLike,
    detuning_b_mhz: ArrayLike,
    exchange_mhz: ArrayLike,
    dipolar_mhz: ArrayLike,
) -> Floats:
    """Return H0 of each member, (..., 4, 4): real and symmetric.

    ``J' = J + d`` shifts, ``kappa = J - d / 2`` flips ud to du.
    """
    a, b, exchange, dipolar = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (detuning_a_mhz, detuning_b_mhz, exchange_mhz, dipolar_mhz))
    )
    secular, flip = exchange + dipolar, exchange - dipolar / 2
    h = np.zeros((*a.shape, 4, 4))
    h[..., 0, 0] = (a + b) / 2 + secular / 4
    h[..., 1, 1] = (a - b) / 2 - secular / 4
    h[..., 2, 2] = (b - a) / 2 - secular / 4
    h[..., 3, 3] = -(a + b) / 2 + secular / 4
    h[..., 1, 2] = h[..., 2, 1] = flip / 2
    return h


def propagator(hamiltonian: Floats | Rotations, duration_us: float) -> Rotations:
    """Return ``exp(-2 pi i H t)`` of hermitian matrices (..., n, n)."""
    energies, states = np.linalg.eigh(hamiltonian)
    phases = np.exp(-2j * pi * energies * duration_us)
    return np.asarray((states * phases[..., None, :]) @ states.conj().swapaxes(-1, -2))


def pulse(
    static: Floats, rabi: float, duration_us: float, phase_rad: float = 0.0, spins: Spins = "both"
) -> Rotations:
    """Return the propagator of a pulse during which the static part goes on acting."""
    along_x, along_y = _SPINS[spins]
    drive = np.cos(phase_rad) * along_x + np.sin(phase_rad) * along_y
    return propagator(static + rabi * drive, duration_us)


def hard_pulse(angle_rad: float, spins: Spins, phase_rad: float = 0.0) -> Rotations:
    """Return a rotation in no time, of one spin alone if it is selective."""
    along_x, along_y = _SPINS[spins]
    drive = np.cos(phase_rad) * along_x + np.sin(phase_rad) * along_y
    return propagator(drive, angle_rad / (2 * pi))


def weight_after(propagators: list[Rotations], observable: Observable) -> Floats:
    """Return what is read after propagators in order of time, from parallel pairs."""
    total = reduce(lambda done, step: step @ done, propagators)
    amplitudes = READ[observable] @ total[..., [0, 3]]
    return np.asarray((np.abs(amplitudes) ** 2).sum(axis=(-2, -1)) / 2)


def fid_of_members(
    delays_us: Floats, static: Floats, rabi: float, observable: Observable = "antiparallel"
) -> Floats:
    """Return the signal of pi/2 - T - pi/2 of each member, (members, delays).

    In the eigenstates s of H0 a delay is four phases: the amplitude from start column c to
    outcome row r is ``sum_s R[r, s] exp(-2 pi i l_s T) C[s, c]``.
    """
    energies, states = np.linalg.eigh(static)
    turn = pulse(static, rabi, 1 / (4 * rabi))
    columns = states.swapaxes(-1, -2) @ turn[..., [0, 3]]
    rows = READ[observable] @ turn @ states
    lines = rows[:, :, None, :] * columns.swapaxes(-1, -2)[:, None, :, :]  # e r c s
    phases = np.exp(-2j * pi * energies[:, :, None] * delays_us)  # e s t
    amplitudes = lines.reshape(len(static), -1, 4) @ phases
    return np.asarray((np.abs(amplitudes) ** 2).sum(axis=1) / 2)


def pair_signal(
    delays_ns: ArrayLike,
    detuning_a_mhz: float,
    detuning_b_mhz: float,
    exchange_mhz: float,
    dipolar_mhz: float,
    sigma_a_mhz: float,
    sigma_b_mhz: float,
    half_pi_ns: float,
    observable: Observable = "antiparallel",
) -> Floats:
    """Return the signal of pi/2 - T - pi/2 on both spins, averaged over both Gaussian lines.

    The whole H0, flip-flops included, acts in the gap and during the pulses.

    Raises:
        ValueError: for a value outside what is physical, see :mod:`.checks`, or lines so
            broad for the delays that the average takes over a million pairs.
    """
    delays = checked_delays("delays_ns", delays_ns) * US_PER_NS
    for name, value in {
        "detuning_a_mhz": detuning_a_mhz,
        "detuning_b_mhz": detuning_b_mhz,
        "exchange_mhz": exchange_mhz,
        "dipolar_mhz": dipolar_mhz,
    }.items():
        check_frequency(name, value)
    check_linewidth("sigma_a_mhz", sigma_a_mhz)
    check_linewidth("sigma_b_mhz", sigma_b_mhz)
    check_pulse("half_pi_ns", half_pi_ns)
    check_word("observable", observable, get_args(Observable))
    length = delays[-1] + 2 * half_pi_ns * US_PER_NS
    x, weights_a = normal_nodes(2 * pi * sigma_a_mhz * length)
    y, weights_b = normal_nodes(2 * pi * sigma_b_mhz * length)
    if x.size * y.size > MOST_MEMBERS:
        raise ValueError(
            f"delays_ns: up to {delays[-1] / US_PER_NS:g} ns, these lines take {x.size} x {y.size} "
            f"pairs, more than {MOST_MEMBERS}; shorten the delays or narrow the lines"
        )
    a, b = np.meshgrid(detuning_a_mhz + sigma_a_mhz * x, detuning_b_mhz + sigma_b_mhz * y)
    weights = np.multiply.outer(weights_b, weights_a).ravel()
    static = static_hamiltonian(a.ravel(), b.ravel(), exchange_mhz, dipolar_mhz)
    total = np.zeros(delays.size)
    step = max(1, BLOCK // delays.size)
    for start in range(0, weights.size, step):
        part = slice(start, start + step)
        signals = fid_of_members(delays, static[part], rabi_mhz(half_pi_ns), observable)
        total += weights[part] @ signals
    return total
