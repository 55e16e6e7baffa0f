"""Energy tables: picojoules for everything that hardware does, and watts for being there.

Arithmetic is priced per scalar function and number format, moved data per bit. A factor
per kind of component then says what that kind adds to the bare circuit: a systolic array
the registers between its units, an FPGA its programmable wires. Prices may be written in
one process and used in another.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from math import isfinite

from archsim.energy.scaling import Process, energy_factor
from archsim.errors import EnergyError, did_you_mean
from archsim.ir.expression import FUNCTIONS
from archsim.units import Picojoules, Watts


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """``price = written price x factor of the component kind x technology scaling``."""

    name: str
    description: str
    process: Process
    """The process in which prices are written."""
    functions: dict[str, dict[str, Picojoules]]
    """Energy of one scalar function: function -> number format -> price."""
    traffic: dict[str, dict[str, Picojoules]]
    """Energy of moving one bit: component kind -> action -> price."""
    computing: tuple[str, ...]
    """Component kinds that run scalar functions."""
    factors: dict[str, float]
    """What each component kind's prices are multiplied by."""
    static_power: Watts
    """Drawn for as long as the run lasts, whatever it does; never scaled."""
    scale_to: Process | None = None
    """The process in which prices are used, if another."""
    unscaled: tuple[str, ...] = ()
    """Component kinds that ``scale_to`` leaves alone: off-chip, or wires."""

    def __post_init__(self) -> None:
        for function in self.functions:
            if function not in FUNCTIONS:
                hint = did_you_mean(function, FUNCTIONS)
                raise ValueError(f"functions.{function}: no such scalar function; {hint}")
        for kind in (*self.traffic, *self.computing, *self.unscaled):
            if kind not in self.factors:
                hint = did_you_mean(kind, self.factors)
                raise ValueError(f"component kind {kind!r} has no factor; {hint}")
        for path, price in self._written().items():
            if not (isfinite(price) and price >= 0):
                raise ValueError(f"{path} must be finite and >= 0 pJ, got {price}")
        for kind, factor in self.factors.items():
            if not (isfinite(factor) and factor > 0):
                raise ValueError(f"factors.{kind} must be finite and > 0, got {factor}")
        if not (isfinite(self.static_power) and self.static_power >= 0):
            raise ValueError(f"static_power must be finite and >= 0 W, got {self.static_power}")

    def price(self, component_kind: str, action: str, number_format: str = "") -> float:
        """Return picojoules for one scalar function or, without a format, for one bit moved.

        Raises:
            EnergyError: if the table does not price it; nothing is free by omission.
        """
        key = ".".join(filter(None, (component_kind, action, number_format)))
        if key not in self.prices:
            problem = f"no price for action {action!r}"
            if number_format:
                problem += f" in {number_format!r}"
            nearest = get_close_matches(key, self.prices, n=1, cutoff=0)
            raise EnergyError(
                f"energy table {self.name!r}: {problem} on a {component_kind!r} ({key}); "
                + (f"the nearest priced is {nearest[0]!r}" if nearest else "it prices nothing")
            )
        return self.prices[key]

    @cached_property
    def prices(self) -> dict[str, float]:
        """Every price in use, by ``"component_kind.action[.number_format]"``."""
        moved = {
            f"{kind}.{action}": price * self._multiplier(kind)
            for kind, actions in self.traffic.items()
            for action, price in actions.items()
        }
        computed = {
            f"{kind}.{function}.{number_format}": price * self._multiplier(kind)
            for kind in self.computing
            for function, formats in self.functions.items()
            for number_format, price in formats.items()
        }
        return moved | computed

    def _multiplier(self, kind: str) -> float:
        if self.scale_to is None or kind in self.unscaled:
            return self.factors[kind]
        return self.factors[kind] * energy_factor(self.process, self.scale_to)

    def _written(self) -> dict[str, float]:
        """Prices as written, by their path in the table."""
        return {
            f"{field}.{outer}.{inner}": price
            for field, prices in (("functions", self.functions), ("traffic", self.traffic))
            for outer, row in prices.items()
            for inner, price in row.items()
        }
