"""One addressed spin: electrically detected free induction decay and two-pulse echo.

The spin's partner is not touched by the microwave. Electrical detection reads the weight
of antiparallel pairs, P; all pairs start parallel, so that P is the chance that the
sequence flips the spin. A last pulse projects, as only populations are read.

For a detuning D and a Rabi frequency f1, both in MHz, a pulse of tp microseconds is
``[[a, b], [b, a*]]`` with Om1 = sqrt(f1^2 + D^2), nx = f1 / Om1, nz = D / Om1,
c = cos(pi Om1 tp), s = sin(pi Om1 tp), a = c - i s nz, b = -i s nx.

Source: Lu et al., "Electrically detected free induction decay of phosphorus donors in
silicon", arXiv 1102.1550, names the experiment; the formulas here are derived anew.
"""

from math import pi

import numpy as np
from numpy.typing import ArrayLike

from workloads.spin_dynamics.checks import (
    Floats,
    Rotations,
    check_frequency,
    check_linewidth,
    check_pulse,
    checked_delays,
)
from workloads.spin_dynamics.ensemble import normal_nodes

US_PER_NS = 1e-3


def rabi_mhz(half_pi_ns: float) -> float:
    """Return f1, the Rabi frequency whose quarter period is the pulse: 1 / (4 tp)."""
    return 1 / (4 * half_pi_ns * US_PER_NS)


def pulse_elements(
    detuning_mhz: ArrayLike, rabi: float, duration_us: float
) -> tuple[Rotations, Rotations]:
    """Return a and b of a pulse, one for each detuning; b of an x pulse."""
    detuning = np.asarray(detuning_mhz, dtype=np.float64)
    effective = np.hypot(rabi, detuning)
    angle = pi * effective * duration_us
    sine = np.sin(angle) / effective
    return np.asarray(np.cos(angle) - 1j * sine * detuning), np.asarray(-1j * sine * rabi)


def flip_probability(detuning_mhz: ArrayLike, rabi: float, duration_us: float) -> Floats:
    """Return what one pulse flips: ``nx^2 s^2``."""
    _, b = pulse_elements(detuning_mhz, rabi, duration_us)
    return np.asarray(np.abs(b) ** 2)


def fid_flip(
    delays_us: Floats, detuning_mhz: Floats, rabi: float, phase_rad: float = 0.0
) -> Floats:
    """Return P of pi/2 - T - pi/2 for each detuning and delay, exactly.

    ``P = 2 |a|^2 |b|^2 (1 + cos(2 pi D T + 2 psi - ph2))``, psi = -arg a and ph2 the second
    pulse's phase; equal to ``4 nx^2 s^2 (c cos(pi D T) - nz s sin(pi D T))^2`` for ph2 = 0.
    """
    a, b = pulse_elements(detuning_mhz, rabi, 1 / (4 * rabi))
    turn = 2 * pi * np.multiply.outer(detuning_mhz, delays_us)
    offset = (-2 * np.angle(a) - phase_rad)[:, None]
    size = (2 * np.abs(a) ** 2 * np.abs(b) ** 2)[:, None]
    return np.asarray(size * (1 + np.cos(turn + offset)))


def echo_flip(
    second_us: Floats, first_us: float, detuning_mhz: Floats, rabi: float, phase_rad: float = 0.0
) -> Floats:
    """Return P of pi/2 - T1 - pi - T2 - pi/2 for each detuning and T2, exactly.

    The amplitude is ``b' a2 E1 E2 a + ...`` over the four paths through the pi pulse, whose
    a2 and b2 are those of twice the time.
    """
    a, b = pulse_elements(detuning_mhz, rabi, 1 / (4 * rabi))
    a2, b2 = pulse_elements(detuning_mhz, rabi, 1 / (2 * rabi))
    first = np.exp(-1j * pi * detuning_mhz * first_us)
    up, down = a * first, b * first.conj()  # after the first gap
    up, down = a2 * up + b2 * down, b2 * up + a2.conj() * down
    second = np.exp(-1j * pi * np.multiply.outer(detuning_mhz, second_us))
    turned = b * np.exp(1j * phase_rad)  # <down| of the projection pulse at its phase
    amplitude = (turned * up)[:, None] * second + (a.conj() * down)[:, None] * second.conj()
    return np.asarray(np.abs(amplitude) ** 2)


def dephasing(times_us: ArrayLike, sigma_mhz: float) -> Floats:
    """Return what a Gaussian line leaves of a fringe: ``g = exp(-(2 pi sigma T)^2 / 2)``."""
    turn = 2 * pi * sigma_mhz * np.asarray(times_us, dtype=np.float64)
    return np.asarray(np.exp(-(turn**2) / 2))


def free_induction_decay(
    delays_ns: ArrayLike,
    detuning_mhz: float,
    sigma_mhz: float,
    half_pi_ns: float,
    finite_pulses: bool = True,
    *,
    projection_phase_deg: float = 0.0,
) -> Floats:
    """Return P(T) of pi/2 - T - pi/2, averaged over a Gaussian line.

    ``delays_ns`` run from pulse edge to pulse edge, ``detuning_mhz`` is that of the line's
    centre, ``sigma_mhz`` its standard deviation. Pulses of no length give
    ``(1 + g(T) cos(2 pi D T - ph2)) / 2``.

    Raises:
        ValueError: for a value outside what is physical, see :mod:`.checks`.
    """
    delays = checked_delays("delays_ns", delays_ns) * US_PER_NS
    _check_line(detuning_mhz, sigma_mhz, half_pi_ns)
    phase = np.deg2rad(projection_phase_deg)
    if not finite_pulses:
        fringe = np.cos(2 * pi * detuning_mhz * delays - phase)
        return np.asarray((1 + dephasing(delays, sigma_mhz) * fringe) / 2)
    length = delays[-1] + 2 * half_pi_ns * US_PER_NS
    x, weights = normal_nodes(2 * pi * sigma_mhz * length)
    detunings = detuning_mhz + sigma_mhz * x
    return np.asarray(weights @ fid_flip(delays, detunings, rabi_mhz(half_pi_ns), phase))


def hahn_echo(
    t2_ns: ArrayLike,
    t1_ns: float,
    detuning_mhz: float,
    sigma_mhz: float,
    half_pi_ns: float,
    finite_pulses: bool = True,
    *,
    projection_phase_deg: float = 0.0,
) -> Floats:
    """Return P(T2) of pi/2 - T1 - pi - T2 - pi/2, averaged over a Gaussian line.

    Both delays run from pulse edge to pulse edge; the pi pulse is twice as long. Pulses of no
    length give ``(1 - g(T2 - T1) cos(2 pi D (T2 - T1) - ph2)) / 2``: 0 where T2 is T1.

    Raises:
        ValueError: for a value outside what is physical, see :mod:`.checks`.
    """
    second = checked_delays("t2_ns", t2_ns) * US_PER_NS
    first = float(checked_delays("t1_ns", [t1_ns])[0]) * US_PER_NS
    _check_line(detuning_mhz, sigma_mhz, half_pi_ns)
    phase = np.deg2rad(projection_phase_deg)
    if not finite_pulses:
        fringe = np.cos(2 * pi * detuning_mhz * (second - first) - phase)
        return np.asarray((1 - dephasing(second - first, sigma_mhz) * fringe) / 2)
    length = first + second[-1] + 4 * half_pi_ns * US_PER_NS
    x, weights = normal_nodes(2 * pi * sigma_mhz * length)
    detunings = detuning_mhz + sigma_mhz * x
    return np.asarray(weights @ echo_flip(second, first, detunings, rabi_mhz(half_pi_ns), phase))


def _check_line(detuning_mhz: float, sigma_mhz: float, half_pi_ns: float) -> None:
    check_frequency("detuning_mhz", detuning_mhz)
    check_linewidth("sigma_mhz", sigma_mhz)
    check_pulse("half_pi_ns", half_pi_ns)
