"""What the current does after the pulses: pairs recombine, each eigenstate at its own rate."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from workloads.spin_dynamics.checks import Floats


def recombination_rates(
    singlet_weights: ArrayLike, singlet_rate: float, triplet_rate: float
) -> Floats:
    """Return ``r = r_S s + r_T (1 - s)`` for eigenstates of singlet weight s.

    Raises:
        ValueError: for a weight outside [0, 1] or a rate that is not above zero.
    """
    weights = np.asarray(singlet_weights, dtype=np.float64)
    if np.any((weights < 0) | (weights > 1)):
        raise ValueError(f"singlet_weights: must be in [0, 1], got {weights}")
    for name, rate in {"singlet_rate": singlet_rate, "triplet_rate": triplet_rate}.items():
        if not rate > 0:
            raise ValueError(f"{name}: must be > 0, got {rate}")
    return np.asarray(singlet_rate * weights + triplet_rate * (1 - weights))


def current(times_us: ArrayLike, changes: Sequence[float], rates: Sequence[float]) -> Floats:
    """Return the change of the current, ``I(t) = -sum_i r_i dn_i exp(-r_i t)``.

    ``changes`` are the populations' changes by the pulses, ``rates`` are per microsecond.
    Pairs are generated evenly into all states; nothing else relaxes.
    """
    times = np.asarray(times_us, dtype=np.float64)
    decay = np.exp(-np.multiply.outer(times, np.asarray(rates, dtype=np.float64)))
    return np.asarray(-(decay @ np.multiply(rates, changes)))


def charge(times_us: ArrayLike, changes: Sequence[float], rates: Sequence[float]) -> Floats:
    """Return the charge up to a time, ``Q(t) = -sum_i dn_i (1 - exp(-r_i t))``: 0 in the end."""
    times = np.asarray(times_us, dtype=np.float64)
    done = -np.expm1(-np.multiply.outer(times, np.asarray(rates, dtype=np.float64)))
    return np.asarray(-(done @ np.asarray(changes, dtype=np.float64)))


def sign_change_us(antiparallel_us: float, parallel_us: float) -> float:
    """Return when the current of two kinds of pairs with these lifetimes crosses zero.

    ``ln(tau_p / tau_ap) / (1 / tau_ap - 1 / tau_p)``.

    Raises:
        ValueError: for a lifetime that is not above zero, or two that are equal.
    """
    for name, value in {"antiparallel_us": antiparallel_us, "parallel_us": parallel_us}.items():
        if not value > 0:
            raise ValueError(f"{name}: must be > 0, got {value}")
    if antiparallel_us == parallel_us:
        raise ValueError(f"parallel_us: equals antiparallel_us, {parallel_us}: nothing crosses")
    ratio = np.log(parallel_us / antiparallel_us)
    return float(ratio / (1 / antiparallel_us - 1 / parallel_us))
