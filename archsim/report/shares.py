"""Shares of a run: who had which part of its time and energy."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from archsim.report.quantities import count, quantity
from archsim.results import MemoryPeak, Result
from archsim.results.metrics import busy_ticks, sum_by_sort

SPLITS = ("phase", "kind", "component")
"""The ways in which reports split a run."""

STATIC = "static"
"""The part of every energy breakdown that no operation caused."""

SMALLEST_BLOCK = 1024
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A total, such as a run's time, divided in one way."""

    title: str
    by: str
    unit: str
    total: float
    parts: Mapping[str, float]
    """Parts of the total; components' busy times overlap, other splits add up to it."""

    def largest(self, limit: int) -> dict[str, float]:
        """Return the parts from the largest down; those beyond ``limit`` are added up.

        Where parts overlap, their sum would mean nothing, and the small ones are left out.
        """
        ordered = sorted(self.parts.items(), key=lambda item: -item[1])
        ordered = [(name, value) for name, value in ordered if value > 0]
        if len(ordered) <= limit:
            return dict(ordered)
        if self.overlaps:
            return dict(ordered[:limit])
        rest = [value for _, value in ordered[limit - 1 :]]
        return {**dict(ordered[: limit - 1]), f"{len(rest)} others": sum(rest)}

    @property
    def overlaps(self) -> bool:
        """Whether parts may run at the same time, and so add up to more than the total."""
        return self.unit == "s" and self.by == "component"


def busy_shares(result: Result) -> dict[str, float]:
    """Share of the run that components of each sort were serving tiles, on average."""
    trace = result.trace
    counts = sum_by_sort(trace, {component.name: 1 for component in trace.components})
    busy = sum_by_sort(trace, busy_ticks(trace))
    return {sort: busy[sort] / counts[sort] / result.ticks for sort in busy}


def time_split(result: Result, by: str) -> Split:
    """Divide the time of a run by phase, kind or layer, or say how long components were busy."""
    if by != "component":
        parts = result.time_parts[by]
        return Split(title="time", by=by, unit="s", total=result.latency_s, parts=parts)
    busy = {sort: share * result.latency_s for sort, share in busy_shares(result).items()}
    return Split(title="busy time", by=by, unit="s", total=result.latency_s, parts=busy)


def energy_split(result: Result, by: str) -> Split:
    """Divide the dynamic energy of a run by phase, kind, layer, component or action."""
    joules = result.energy_parts[by]
    parts = {name: value for name, value in joules.items() if name != STATIC}
    total = sum(parts.values())
    return Split(title="dynamic energy", by=by, unit="J", total=total, parts=parts)


def static_energy_j(result: Result) -> float:
    """Joules that the machine drew by being switched on."""
    return result.energy_parts["component"][STATIC]


def chain_shares(result: Result) -> dict[tuple[str, str], float]:
    """Shares of the critical path, the largest first, by sort of unit and kind of operation."""
    records = {record.name: record for record in result.trace.operations}
    sorts = {component.name: component.sort for component in result.trace.components}
    ticks: dict[tuple[str, str], int] = defaultdict(int)
    for name in result.bounds.critical_path:
        record = records[name]
        ticks[sorts[record.units[0]], record.kind] += record.uncontended
    total = max(1, sum(ticks.values()))
    ordered = sorted(ticks.items(), key=lambda item: -item[1])
    return {key: value / total for key, value in ordered}


def arithmetic_share(result: Result, sort: str) -> float | None:
    """Share of its peak multiply-accumulates that a sort of unit did while it was busy."""
    components = {c.name: c for c in result.trace.components if c.sort == sort and c.is_unit}
    peaks = {component.peak_per_s for component in components.values()}
    busy_s = sum(busy_ticks(result.trace)[name] for name in components) / result.trace.tick_rate_hz
    if not busy_s or peaks == {0} or len(peaks) != 1:
        return None
    macs = sum(r.macs for r in result.trace.operations if set(r.units) <= components.keys())
    return macs / (peaks.pop() * busy_s)


def is_counted_in_blocks(peak: MemoryPeak) -> bool:
    """Whether people count a memory's blocks; bursts and lines are too small and too many."""
    return peak.capacity_bytes / peak.capacity_blocks >= SMALLEST_BLOCK


def room(peak: MemoryPeak, blocks: float) -> str:
    """Write a number of a memory's blocks, as such or in bytes."""
    if is_counted_in_blocks(peak):
        return count(blocks, peak.block_name)
    return quantity(blocks * peak.capacity_bytes / peak.capacity_blocks, "B")


def room_taken(peak: MemoryPeak) -> str:
    """Write how much of a memory is taken, of how much: ``"3 of 4 BRAM36"``."""
    taken = count(peak.blocks) if is_counted_in_blocks(peak) else room(peak, peak.blocks)
    return f"{taken} of {room(peak, peak.capacity_blocks)}"
