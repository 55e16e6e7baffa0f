"""The energy of a run, and the ways to divide it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import fsum

EnergyKey = tuple[str, str, str]
"""Component, action, operation."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Where the energy of a run went; each ``by_`` divides the same dynamic energy."""

    dynamic_pj: Mapping[EnergyKey, float]
    static_pj: float

    @property
    def dynamic_total_pj(self) -> float:
        """Energy of everything that happened."""
        return fsum(self.dynamic_pj.values())

    @property
    def total_pj(self) -> float:
        """Dynamic and static energy."""
        return self.dynamic_total_pj + self.static_pj

    def by_component(self) -> dict[str, float]:
        """Dynamic picojoules by component."""
        return _sums((component, energy) for (component, _, _), energy in self.dynamic_pj.items())

    def by_action(self) -> dict[str, float]:
        """Dynamic picojoules by action."""
        return _sums((action, energy) for (_, action, _), energy in self.dynamic_pj.items())

    def by_operation(self) -> Mapping[str, float]:
        """Dynamic picojoules by operation."""
        return self._by_operation

    @cached_property
    def _by_operation(self) -> dict[str, float]:
        return _sums((operation, energy) for (_, _, operation), energy in self.dynamic_pj.items())

    def by_label(self, labels: Mapping[str, str]) -> dict[str, float]:
        """Dynamic picojoules by a label of the operations that caused them, e.g. their phase."""
        return _sums((labels[operation], pj) for operation, pj in self._by_operation.items())


def _sums(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for name, energy in parts:
        groups[name].append(energy)
    return {name: fsum(energies) for name, energies in groups.items()}
