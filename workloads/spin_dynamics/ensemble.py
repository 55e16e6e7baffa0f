"""Gaussian ensembles: nodes and weights that average a signal over a spectral line exactly.

A signal of spins is band-limited in a detuning: as a function of the standard normal
variable x it holds frequencies up to ``omega = 2 pi sigma t``, t being the length of the
whole sequence, pulses included, since each propagator is entire in the Hamiltonian. Both
rules below then miss less than 1e-13 of full scale.
"""

from math import ceil, lgamma, log, pi

import numpy as np

from workloads.spin_dynamics.checks import Floats

TOLERANCE = 1e-14
REACH = 8.0
"""Standard deviations to both sides; what lies beyond weighs 1e-15."""
MOST_HERMITE = 96
MOST_NODES = 1 << 14
"""Beyond these a rule is not offered, or an ensemble a slip."""


def gauss_hermite(nodes: int) -> tuple[Floats, Floats]:
    """Return nodes x and weights w for a standard normal variable: ``sum w f(x)``."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points.astype(np.float64), (weights / weights.sum()).astype(np.float64)


def normal_nodes(omega: float) -> tuple[Floats, Floats]:
    """Return nodes and weights for signals of frequencies up to omega, as few as it takes.

    Gauss-Hermite with n nodes misses ``n! omega^2n / (2n)!`` of ``cos(omega x)``; n evenly
    spaced nodes at distance h miss ``2 exp(-(2 pi / h - omega)^2 / 2)``.

    Raises:
        ValueError: if the line dephases so often that no rule is short.
    """
    if omega == 0:
        return np.zeros(1), np.ones(1)
    few = _hermite_nodes(omega)
    spacing = 2 * pi / (omega + REACH + 0.2)
    half = ceil(REACH / spacing)
    if few <= min(2 * half + 1, MOST_HERMITE):
        return gauss_hermite(few)
    if 2 * half + 1 > MOST_NODES:
        raise ValueError(
            f"the line dephases by {omega:,.0f} rad a standard deviation, which takes more than "
            f"{MOST_NODES} nodes; shorten the delays or narrow the line"
        )
    points: Floats = spacing * np.arange(-half, half + 1, dtype=np.float64)
    weights: Floats = np.exp(-(points**2) / 2)
    return points, np.asarray(weights / weights.sum())


def _hermite_nodes(omega: float) -> int:
    for nodes in range(1, MOST_HERMITE + 1):
        missed = lgamma(nodes + 1) + 2 * nodes * log(omega) - lgamma(2 * nodes + 1)
        if missed < log(TOLERANCE) and nodes > omega**2 / 4:
            return nodes
    return MOST_HERMITE + 1
