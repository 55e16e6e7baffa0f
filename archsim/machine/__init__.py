"""How the hardware behaves in time: SimPy processes, and the engines that run a schedule."""

from archsim.machine.simulator import ENGINES, Progress, component_kind, simulate

__all__ = ["ENGINES", "Progress", "component_kind", "simulate"]
