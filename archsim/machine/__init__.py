"""How the hardware behaves in time: SimPy processes, and the engine that runs a schedule."""

from archsim.machine.simulator import component_kind, simulate

__all__ = ["component_kind", "simulate"]
