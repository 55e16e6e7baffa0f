"""How the hardware behaves in time: SimPy processes, and the engines that run a schedule."""

from archsim.machine.alone import alone_on, alone_ticks
from archsim.machine.simulator import (
    DEFAULT_ENGINE,
    ENGINES,
    Progress,
    activities,
    component_kind,
    simulate,
)

__all__ = [
    "DEFAULT_ENGINE",
    "ENGINES",
    "Progress",
    "activities",
    "alone_on",
    "alone_ticks",
    "component_kind",
    "simulate",
]
