"""How the hardware behaves in time: SimPy processes, and the engine that runs a schedule."""

from archsim.machine.simulator import Progress, component_kind, simulate

__all__ = ["Progress", "component_kind", "simulate"]
