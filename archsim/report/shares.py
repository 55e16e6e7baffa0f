"""Shares of a run: who had which part of its time and energy."""

from collections import defaultdict
from collections.abc import Mapping

from archsim.results import Result
from archsim.results.metrics import busy_ticks, sum_by_sort

SPLITS = ("phase", "kind", "component")
"""The ways in which reports split a run."""

STATIC = "static"
"""The part of every energy breakdown that no operation caused."""


def largest(parts: Mapping[str, float], limit: int) -> dict[str, float]:
    """Return the parts from the largest down, the small ones beyond ``limit`` as one."""
    ordered = sorted(parts.items(), key=lambda item: -item[1])
    ordered = [(name, value) for name, value in ordered if value > 0]
    if len(ordered) <= limit:
        return dict(ordered)
    rest = ordered[limit - 1 :]
    return {
        **dict(ordered[: limit - 1]),
        f"{len(rest)} others": sum(value for _, value in rest),
    }


def busy_shares(result: Result) -> dict[str, float]:
    """Share of the run that components of each sort were serving tiles, on average."""
    trace = result.trace
    counts = sum_by_sort(trace, {component.name: 1 for component in trace.components})
    busy = sum_by_sort(trace, busy_ticks(trace))
    return {sort: busy[sort] / counts[sort] / result.ticks for sort in busy}


def time_parts(result: Result, split: str) -> dict[str, float]:
    """Seconds by phase or kind, which add up to the run; busy seconds of each component."""
    if split == "component":
        return {sort: share * result.latency_s for sort, share in busy_shares(result).items()}
    return result.breakdown["time_s"][split]


def energy_parts(result: Result, split: str) -> dict[str, float]:
    """Joules by phase, kind, component or action, which add up to the dynamic energy."""
    parts = result.breakdown["energy_j"][split]
    return {name: joules for name, joules in parts.items() if name != STATIC}


def static_energy_j(result: Result) -> float:
    """Joules that the machine drew by being switched on."""
    return result.breakdown["energy_j"]["component"][STATIC]


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
