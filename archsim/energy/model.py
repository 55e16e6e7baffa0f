"""Energy: what happened, times what each action costs, plus power times time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import fsum

import numpy as np

from archsim.energy.table import EnergyTable
from archsim.errors import EnergyError
from archsim.results.energy import Energy, EnergyKey
from archsim.results.trace import Activity, Trace

PriceName = tuple[str, str, str]
"""Kind of component, action and number format: what a price is of."""


@dataclass(frozen=True)
class ActionCounts:
    """How often each action ran, added up once, so that many tables can price it.

    Counts are added before they are priced, so neither the order of activities nor
    their splitting changes a digit.
    """

    names: tuple[PriceName, ...]
    counts: tuple[tuple[EnergyKey, int, int], ...]
    """What ran, the place of its price among the names, and how often."""
    repeated: frozenset[EnergyKey]
    """What ran in several number formats: one key, several prices."""

    @classmethod
    def of(cls, activities: Iterable[Activity]) -> "ActionCounts":
        """Add up the activities of a run."""
        places: dict[PriceName, int] = {}
        counts: dict[tuple[EnergyKey, int], int] = {}
        for activity in activities:
            assert activity.count >= 0, f"{activity} ran a negative number of times"
            key = (activity.component, activity.action, activity.operation)
            name = (activity.component_kind, activity.action, activity.number_format)
            entry = (key, places.setdefault(name, len(places)))
            counts[entry] = counts.get(entry, 0) + activity.count
        times = Counter(key for key, _ in counts)
        return cls(
            names=tuple(places),
            counts=tuple((key, place, count) for (key, place), count in counts.items()),
            repeated=frozenset(key for key, number in times.items() if number > 1),
        )

    def priced(self, table: EnergyTable) -> dict[EnergyKey, float]:
        """Return picojoules by component, action and operation.

        Raises:
            EnergyError: for an action without a price; nothing is free by omission.
        """
        prices = [self._price(table, place) for place in range(len(self.names))]
        energies = {key: count * prices[place] for key, place, count in self.counts}
        parts: defaultdict[EnergyKey, list[float]] = defaultdict(list)
        if self.repeated:
            for key, place, count in self.counts:
                if key in self.repeated:
                    parts[key].append(count * prices[place])
        return energies | {key: fsum(several) for key, several in parts.items()}

    def total_pj(self, table: EnergyTable) -> float:
        """Return the picojoules of all together: to the last digit the sum of :meth:`priced`.

        Raises:
            EnergyError: for an action without a price.
        """
        if self.repeated:
            return fsum(self.priced(table).values())
        prices = np.array([self._price(table, place) for place in range(len(self.names))])
        return fsum((self._numbers * prices[self._places]).tolist())

    @cached_property
    def _places(self) -> "np.typing.NDArray[np.int64]":
        return np.array([place for _, place, _ in self.counts], np.int64)

    @cached_property
    def _numbers(self) -> "np.typing.NDArray[np.float64]":
        return np.array([count for _, _, count in self.counts], np.float64)

    def _price(self, table: EnergyTable, place: int) -> float:
        try:
            return table.price(*self.names[place])
        except EnergyError as error:
            component, _, operation = next(key for key, at, _ in self.counts if at == place)
            raise EnergyError(
                f"operation {operation!r} on component {component!r}: {error}"
            ) from error


def dynamic_energy(activities: Iterable[Activity], table: EnergyTable) -> dict[EnergyKey, float]:
    """Return picojoules by component, action and operation.

    Raises:
        EnergyError: for an action without a price; nothing is free by omission.
    """
    return ActionCounts.of(activities).priced(table)


def static_energy(table: EnergyTable, latency_s: float) -> float:
    """Return picojoules that the machine draws by being switched on for ``latency_s``."""
    return table.static_power * latency_s * 1e12


def account(trace: Trace, table: EnergyTable, counts: ActionCounts | None = None) -> Energy:
    """Price a whole run; ``counts`` are those of its activities, where they are known.

    Raises:
        EnergyError: for an action without a price.
    """
    latency_s = trace.makespan / trace.tick_rate_hz
    known = counts or ActionCounts.of(trace.activities)
    return Energy(dynamic_pj=known.priced(table), static_pj=static_energy(table, latency_s))
