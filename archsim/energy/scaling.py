"""Technology scaling: the energy of the same circuit in another process, by a published fit.

Source: A. Stillmaker and B. Baas, "Scaling equations for the accurate prediction of CMOS
device performance from 180 nm to 7 nm", Integration, the VLSI Journal 58 (2017), 74-81,
doi:10.1016/j.vlsi.2017.02.002: the energy equation and its table of coefficients
(high-performance devices from 45 nm down).
"""

from dataclasses import dataclass

from archsim.units import Nanometres, Volts

COEFFICIENTS = {
    180: (0.0, 24.64, -17.98),
    130: (7.171, -6.709, 2.904),
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}
"""``a2, a1, a0`` of the fit, by node in nanometres."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A CMOS process at a supply voltage."""

    node: Nanometres
    voltage: Volts

    def __post_init__(self) -> None:
        if self.node not in COEFFICIENTS:
            nodes = ", ".join(map(str, sorted(COEFFICIENTS)))
            raise ValueError(f"no scaling fit at {self.node} nm; fitted nodes: {nodes} nm")
        if not self.lowest_voltage < self.voltage <= 2:
            raise ValueError(
                f"voltage must be in ({self.lowest_voltage:.2f}, 2] V for the fit at "
                f"{self.node} nm, got {self.voltage:g} V"
            )

    @property
    def lowest_voltage(self) -> float:
        """Volts below which the fit is no circuit: energy would fall as the voltage rises.

        The vertex of the parabola; the root of the straight line fitted at 180 nm.
        """
        a2, a1, a0 = COEFFICIENTS[self.node]
        return -a1 / (2 * a2) if a2 else -a0 / a1

    @property
    def energy(self) -> float:
        """Energy of an operation, ``a2 V^2 + a1 V + a0``, in the fit's own unit."""
        a2, a1, a0 = COEFFICIENTS[self.node]
        return a2 * self.voltage**2 + a1 * self.voltage + a0


def energy_factor(source: Process, target: Process) -> float:
    """Return what an operation's energy in ``source`` is multiplied by in ``target``."""
    return target.energy / source.energy
