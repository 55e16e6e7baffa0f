"""What a run costs: price tables with sources, technology scaling, and the sum over a trace."""

from archsim.energy.model import ActionCounts, account, dynamic_energy, static_energy
from archsim.energy.scaling import Process, energy_factor
from archsim.energy.table import EnergyTable

__all__ = [
    "ActionCounts",
    "EnergyTable",
    "Process",
    "account",
    "dynamic_energy",
    "energy_factor",
    "static_energy",
]
