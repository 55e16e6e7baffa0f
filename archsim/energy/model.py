"""Energy: what happened, times what each action costs, plus power times time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import fsum

from archsim.energy.table import EnergyTable
from archsim.errors import EnergyError
from archsim.results.energy import Energy, EnergyKey
from archsim.results.trace import Activity, Trace


def dynamic_energy(activities: Iterable[Activity], table: EnergyTable) -> dict[EnergyKey, float]:
    """Return picojoules by component, action and operation.

    Counts are added before they are priced, so neither the order of activities nor
    their splitting changes a digit.

    Raises:
        EnergyError: for an action without a price; nothing is free by omission.
    """
    counts: Counter[tuple[EnergyKey, str, str]] = Counter()
    for activity in activities:
        assert activity.count >= 0, f"{activity} ran a negative number of times"
        key = (activity.component, activity.action, activity.operation)
        counts[key, activity.component_kind, activity.number_format] += activity.count
    energies: defaultdict[EnergyKey, list[float]] = defaultdict(list)
    for (key, kind, number_format), count in counts.items():
        component, action, operation = key
        try:
            energies[key].append(count * table.price(kind, action, number_format))
        except EnergyError as error:
            raise EnergyError(
                f"operation {operation!r} on component {component!r}: {error}"
            ) from error
    return {key: fsum(parts) for key, parts in energies.items()}


def static_energy(table: EnergyTable, latency_s: float) -> float:
    """Return picojoules that the machine draws by being switched on for ``latency_s``."""
    return table.static_power * latency_s * 1e12


def account(trace: Trace, table: EnergyTable) -> Energy:
    """Price a whole run.

    Raises:
        EnergyError: for an action without a price.
    """
    latency_s = trace.makespan / trace.tick_rate_hz
    return Energy(
        dynamic_pj=dynamic_energy(trace.activities, table),
        static_pj=static_energy(table, latency_s),
    )
