"""How far apart two spins are, how strongly they couple, and what a signal shows of it.

Signals here are those of selective pulses of no length on spin A, under secular coupling
``J' = J + d`` (MHz): each is a fringe times ``cos(pi J' t)`` of some time t.
"""

from math import ceil, exp, log, pi

import numpy as np
from numpy.typing import ArrayLike

from workloads.spin_dynamics.checks import (
    Floats,
    check_frequency,
    check_linewidth,
    checked_delays,
    checked_distances,
)
from workloads.spin_dynamics.single_spin import US_PER_NS, dephasing

EXCHANGE_MHZ = 3.0
EXCHANGE_NM = 14.0
EXCHANGE_DECAY_NM = 6 / log(120)
"""J falls from 3 MHz at 14 nm to 25 kHz at 20 nm.

Source: those two points are of arXiv 1306.6258 (31P and Pb0); that it falls as an
exponential between them is assumed.
"""
DIPOLAR_MHZ_NM3 = 52.04
"""Of two electrons with g = 2."""
Modulation = Floats | float
"""What a coupling leaves of a fringe, for each delay or for all."""


def exchange_mhz(distance_nm: ArrayLike) -> Floats:
    """Return ``J = 3 MHz exp(-(r - 14 nm) / l)``, l = 1.253 nm.

    Raises:
        ValueError: for a distance that is not above zero, or in another unit.
    """
    distance = checked_distances("distance_nm", distance_nm)
    return np.asarray(EXCHANGE_MHZ * np.exp(-(distance - EXCHANGE_NM) / EXCHANGE_DECAY_NM))


def dipolar_mhz(distance_nm: ArrayLike, cos_angle: ArrayLike = 0.0) -> Floats:
    """Return ``d = 52.04 MHz nm^3 (1 - 3 cos^2 theta) / r^3``, theta from the field.

    Raises:
        ValueError: for a distance that is not above zero, or in another unit.
    """
    distance = checked_distances("distance_nm", distance_nm)
    cosine = np.asarray(cos_angle, dtype=np.float64)
    if np.any(np.abs(cosine) > 1):
        raise ValueError(f"cos_angle: must be in [-1, 1], got {cosine}")
    return np.asarray(DIPOLAR_MHZ_NM3 * (1 - 3 * cosine**2) / distance**3)


def selective_fid(
    delays_ns: ArrayLike, detuning_mhz: float, sigma_mhz: float, modulation: Modulation
) -> Floats:
    """Return ``(1 + g(T) cos(2 pi D T) m) / 2``, m = cos(pi J' T) or its mean over pairs."""
    delays = checked_delays("delays_ns", delays_ns) * US_PER_NS
    _check_line(detuning_mhz, sigma_mhz)
    fringe = dephasing(delays, sigma_mhz) * np.cos(2 * pi * detuning_mhz * delays)
    return np.asarray((1 + fringe * modulation) / 2)


def selective_echo(
    t2_ns: ArrayLike, t1_ns: float, detuning_mhz: float, sigma_mhz: float, modulation: Modulation
) -> Floats:
    """Return ``(1 - g cos(2 pi D (T2 - T1)) m) / 2``, m = cos(pi J' (T2 - T1)).

    Where T2 is T1 the coupling does not show.
    """
    second = checked_delays("t2_ns", t2_ns) * US_PER_NS
    late = second - float(checked_delays("t1_ns", [t1_ns])[0]) * US_PER_NS
    _check_line(detuning_mhz, sigma_mhz)
    fringe = dephasing(late, sigma_mhz) * np.cos(2 * pi * detuning_mhz * late)
    return np.asarray((1 - fringe * modulation) / 2)


def double_resonance(
    pump_ns: ArrayLike,
    t1_ns: float,
    t2_ns: float,
    detuning_mhz: float,
    sigma_mhz: float,
    modulation: Modulation,
) -> Floats:
    """Return the echo with a pi pulse on B at ``pump_ns`` after the first pulse, up to T1.

    ``(1 + g cos(2 pi D (T2 - T1)) m) / 2`` with ``m = cos(pi J' (2 tau + T2 - T1))``: the
    pumped spin counts as antiparallel, which turns the sign.

    Raises:
        ValueError: for a pump pulse after T1.
    """
    pump = checked_delays("pump_ns", pump_ns)
    first = float(checked_delays("t1_ns", [t1_ns])[0])
    late = (float(checked_delays("t2_ns", [t2_ns])[0]) - first) * US_PER_NS
    if pump[-1] > first:
        raise ValueError(f"pump_ns: must be <= t1_ns = {first:g} ns, got {pump[-1]:g} ns")
    _check_line(detuning_mhz, sigma_mhz)
    fringe = dephasing(late, sigma_mhz) * np.cos(2 * pi * detuning_mhz * late)
    return np.asarray((1 + fringe * np.broadcast_to(modulation, pump.shape)) / 2)


def _check_line(detuning_mhz: float, sigma_mhz: float) -> None:
    check_frequency("detuning_mhz", detuning_mhz)
    check_linewidth("sigma_mhz", sigma_mhz)


def mean_over_distances(times_us: ArrayLike, nearest_nm: float, farthest_nm: float) -> Floats:
    """Return ``<cos(pi J t)>`` of pairs spread evenly over a range of distances.

    It is ``(Ci(pi J_max t) - Ci(pi J_min t)) / ln(J_max / J_min)``; the integral of
    ``cos(u) / u`` is taken over a few radians at a time, with Gauss-Legendre in ln u.

    Raises:
        ValueError: for distances that are not above zero, in another unit or in no order.
    """
    checked_distances("nearest_nm", nearest_nm)
    checked_distances("farthest_nm", farthest_nm)
    if nearest_nm >= farthest_nm:
        raise ValueError(f"nearest_nm: must be < farthest_nm = {farthest_nm}, got {nearest_nm}")
    times = np.asarray(times_us, dtype=np.float64)
    largest, smallest = float(exchange_mhz(nearest_nm)), float(exchange_mhz(farthest_nm))
    means = np.vectorize(lambda t: _mean_cosine(pi * t * largest, log(largest / smallest)))(times)
    return np.asarray(means, dtype=np.float64)


def _mean_cosine(highest: float, logarithms: float) -> float:
    """Mean of ``cos(u)`` over ``ln u``, from so many e-folds below the highest u up to it."""
    if highest == 0:
        return 1.0
    lowest = highest * exp(-logarithms)
    pieces = ceil(max(logarithms, (highest - lowest) / 2))
    # Even steps in ln u where u is short, in u where it is long: no piece turns by over 2 rad.
    even_in_logarithm = np.linspace(log(lowest), log(highest), pieces + 1)
    even = np.log(np.linspace(lowest, highest, pieces + 1))
    edges = np.union1d(even_in_logarithm, even)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    points, weights = np.polynomial.legendre.leggauss(24)
    u = np.exp(middle[:, None] + half[:, None] * points)
    return float((half[:, None] * weights * np.cos(u)).sum() / logarithms)


def mean_over_angles(times_us: ArrayLike, dipolar: float) -> Floats:
    """Return ``<cos(pi d (1 - 3 z^2) t)>`` of pairs in all directions, z even in [0, 1].

    With x = pi d t and k = sqrt(6 x / pi) it is ``(C(k) cos x + S(k) sin x) / k``, C and S
    the Fresnel integrals; taken by Gauss-Legendre over z.
    """
    x = pi * dipolar * np.asarray(times_us, dtype=np.float64)
    nodes = 24 + ceil(3 * float(np.max(np.abs(x), initial=0.0)))
    points, weights = np.polynomial.legendre.leggauss(nodes)
    z = (points + 1) / 2
    return np.asarray(np.cos(np.multiply.outer(x, 1 - 3 * z**2)) @ weights / 2)


def largest_change(exchange: float, sigma_mhz: float, longest_ns: float) -> float:
    """Return the most that J changes the selective FID's envelope within a time.

    ``max over T of g(T) (1 - cos(pi J T)) / 2``.
    """
    check_frequency("exchange", exchange)
    check_linewidth("sigma_mhz", sigma_mhz)
    times = checked_delays("longest_ns", [longest_ns])[0] * US_PER_NS * np.linspace(0, 1, 4001)
    change = dephasing(times, sigma_mhz) * (1 - np.cos(pi * exchange * times)) / 2
    return float(change.max())
