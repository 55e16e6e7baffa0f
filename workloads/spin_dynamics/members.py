"""The ensemble of pairs: nodes of line, partner's line, distance, angle and nuclear spin."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workloads.spin_dynamics.checks import Floats
from workloads.spin_dynamics.coupling import dipolar_mhz, exchange_mhz
from workloads.spin_dynamics.ensemble import gauss_hermite

HYPERFINE_MHZ = 117.53
"""Between the two lines of 31P in silicon."""
AXES = ("line", "donor", "partner", "distance", "cosine")
"""The ensemble's axes, the slowest first: a member is a point of their grid."""


@dataclass(frozen=True)
class Nodes:
    """A value and a weight for each node of an axis; the weights of an axis sum to 1."""

    values: Mapping[str, Floats]
    weights: Mapping[str, Floats]

    @property
    def extents(self) -> dict[str, int]:
        """Nodes of each axis."""
        return {axis: len(self.values[axis]) for axis in AXES}


@dataclass(frozen=True)
class Members:
    """What the Hamiltonian needs of each pair, in MHz, and its weight: vectors."""

    detuning_a: Floats
    detuning_b: Floats
    exchange: Floats
    dipolar: Floats
    weight: Floats


def ensemble_nodes(extents: Mapping[str, int], nearest_nm: float, farthest_nm: float) -> Nodes:
    """Return Gauss-Hermite nodes of both lines, Gauss-Legendre ones of distance and cosine.

    Distances are even from ``nearest_nm`` to ``farthest_nm``, directions over the sphere;
    of the lines, the addressed one comes first.
    """
    x, weights_x = gauss_hermite(extents["donor"])
    y, weights_y = gauss_hermite(extents["partner"])
    middle, half = (nearest_nm + farthest_nm) / 2, (farthest_nm - nearest_nm) / 2
    distance, weights_distance = np.polynomial.legendre.leggauss(extents["distance"])
    cosine, weights_cosine = np.polynomial.legendre.leggauss(extents["cosine"])
    lines = extents["line"]
    return Nodes(
        {
            "line": HYPERFINE_MHZ * np.arange(lines, dtype=np.float64),
            "donor": x,
            "partner": y,
            "distance": np.asarray(middle + half * distance),
            "cosine": np.asarray((1 + cosine) / 2),
        },
        {
            "line": np.full(lines, 1 / lines),
            "donor": weights_x,
            "partner": weights_y,
            "distance": weights_distance / 2,
            "cosine": weights_cosine / 2,
        },
    )


def members(
    nodes: Nodes,
    detuning_mhz: float,
    partner_offset_mhz: float,
    sigma_a_mhz: float,
    sigma_b_mhz: float,
) -> Members:
    """Return every pair of the grid of nodes."""
    grid = dict(
        zip(AXES, np.meshgrid(*(nodes.values[a] for a in AXES), indexing="ij"), strict=True)
    )
    shares = np.meshgrid(*(nodes.weights[a] for a in AXES), indexing="ij")
    return Members(
        detuning_a=(detuning_mhz + grid["line"] + sigma_a_mhz * grid["donor"]).ravel(),
        detuning_b=(detuning_mhz + partner_offset_mhz + sigma_b_mhz * grid["partner"]).ravel(),
        exchange=exchange_mhz(grid["distance"]).ravel(),
        dipolar=dipolar_mhz(grid["distance"], grid["cosine"]).ravel(),
        weight=np.prod(shares, axis=0).ravel(),
    )
