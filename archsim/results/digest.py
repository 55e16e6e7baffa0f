"""A run in plain values: what comparisons keep of it, in memory and on disk.

All of :meth:`Result.to_dict`, what the time went to, who was busy when, and the two numbers
that make a roofline.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from archsim.results.metrics import IDLE, time_by
from archsim.results.result import Result
from archsim.results.trace import Trace

SHAPING = ("permute",)
"""Kinds of operation that only put a tensor into another order."""
PARTS = ("compute", "fill and drain", "shaping", "network", "memory")
"""What time goes to, in the order of figures."""
LOST = ("conflict_passes", "blocked_passes")
"""Passes of a network beyond one for each beat: the price of the order words are wanted in."""
USEFUL = ("stream_cycles", "cycles")
"""Parts of a unit's cycles in which it does what it is for."""
BINS = 160
"""Slices of time in a timeline."""


def digest(result: Result) -> dict[str, Any]:
    """Return a run in plain values, ready for JSON."""
    units = [c for c in result.trace.components if c.is_unit]
    return {
        **result.to_dict(),
        "time_parts_s": time_parts_s(result.trace),
        "timeline": timeline(result.trace),
        "peak_macs_per_s": sum(unit.peak_per_s for unit in units),
        "dram_peak_bytes_per_s": sum(
            use.peak_bits_per_s * use.instances / 8
            for use in result.components.values()
            if use.is_off_chip
        ),
    }


def time_parts_s(trace: Trace) -> dict[str, float]:
    """Split the makespan, in seconds, into the ``PARTS`` and, where nothing runs, idle time.

    An operation has its even share of each moment (:func:`~archsim.results.metrics.time_by`).
    All of it is ``shaping`` where the operation only reorders a tensor. Otherwise

    * the share of its life in which its units serve tiles is split by the parts of their
      cycles: those that stream operands are ``compute``, the rest (filling, draining, loading
      what is stationary, launches) ``fill and drain``;
    * the rest, in which its units serve nothing, is split in proportion to the service that its
      tiles had elsewhere. Off-chip channels are ``memory``; links and networks on the chip
      ``network``, but for the share of their passes that are ``LOST``: that is ``shaping``, and
      what a network costs that absorbs permutes. Where its tiles pass no channel, a unit waits
      for the others of its operation, or for its own pipeline: ``fill and drain``.

    Assumptions: waits are shared out by service, whichever stage was the slowest at a moment;
    a link that waits for busy banks of its memory serves meanwhile, and counts as network.
    """
    shares = time_by(trace, lambda record: record.name)
    busy, useful, waits = _busy(trace), _useful(trace), _waits(trace)
    parts = dict.fromkeys(PARTS, 0.0)
    for record in trace.operations:
        share = shares.get(record.name, 0.0)
        if record.kind in SHAPING:
            parts["shaping"] += share
            continue
        served = share * busy[record.name]
        parts["compute"] += served * useful[record.name]
        parts["fill and drain"] += served * (1 - useful[record.name])
        for part, portion in waits[record.name].items():
            parts[part] += (share - served) * portion
    if shares.get(IDLE):
        parts[IDLE] = shares[IDLE]
    return parts


def _waits(trace: Trace) -> dict[str, dict[str, float]]:
    """Return what each operation's units wait for while they serve nothing, in shares of one."""
    components = {component.name: component for component in trace.components}
    lost = _lost(trace)
    ticks: dict[str, dict[str, float]] = {record.name: {} for record in trace.operations}
    for interval in trace.intervals:
        component, found = components[interval.component], ticks[interval.operation]
        if component.is_unit:
            continue
        if component.is_off_chip:
            found["memory"] = found.get("memory", 0.0) + interval.busy
            continue
        shaping = interval.busy * lost.get((component.sort, interval.operation), 0.0)
        found["shaping"] = found.get("shaping", 0.0) + shaping
        found["network"] = found.get("network", 0.0) + interval.busy - shaping
    return {name: _portions(found) for name, found in ticks.items()}


def _portions(ticks: Mapping[str, float]) -> dict[str, float]:
    total = sum(ticks.values())
    if not total:
        return {"fill and drain": 1.0}
    return {part: count / total for part, count in ticks.items()}


def _lost(trace: Trace) -> dict[tuple[str, str], float]:
    """Return the share of passes that were lost, by sort of network and operation."""
    passes: dict[tuple[str, str], int] = defaultdict(int)
    lost: dict[tuple[str, str], int] = defaultdict(int)
    for tally in trace.tallies:
        place = (tally.component, tally.operation)
        passes[place] += tally.count if tally.name == "passes" else 0
        lost[place] += tally.count if tally.name in LOST else 0
    return {place: lost[place] / count for place, count in passes.items() if count}


def _busy(trace: Trace) -> dict[str, float]:
    """Return the share of each operation's life in which its units served tiles, on average."""
    units = {component.name for component in trace.components if component.is_unit}
    ticks: dict[str, int] = defaultdict(int)
    for interval in trace.intervals:
        if interval.component in units:
            ticks[interval.operation] += interval.busy
    return {
        record.name: ticks[record.name] / max(1, (record.finish - record.start) * len(record.units))
        for record in trace.operations
    }


def _useful(trace: Trace) -> dict[str, float]:
    """Return the share of each operation's cycles in which its unit streamed operands."""
    sorts = {component.sort for component in trace.components if component.is_unit}
    cycles: dict[str, int] = defaultdict(int)
    useful: dict[str, int] = defaultdict(int)
    for tally in trace.tallies:
        if tally.component in sorts and tally.name.endswith("cycles"):
            cycles[tally.operation] += tally.count
            useful[tally.operation] += tally.count if tally.name in USEFUL else 0
    return {
        record.name: useful[record.name] / cycles[record.name] if cycles[record.name] else 1.0
        for record in trace.operations
    }


def timeline(trace: Trace) -> dict[str, dict[str, list[float]]]:
    """Return, by sort of unit or shared channel and phase, the share of each slice it was busy.

    An interval's service is spread evenly over it; units of one sort are averaged.
    """
    phases = {record.name: record.phase for record in trace.operations}
    shown = {c.name: c.sort for c in trace.components if c.is_unit or c.name == c.sort}
    alike: dict[str, int] = defaultdict(int)
    for sort in shown.values():
        alike[sort] += 1
    width = trace.makespan / BINS
    found: dict[str, dict[str, list[float]]] = {sort: {} for sort in shown.values()}
    for interval in trace.intervals:
        if interval.component not in shown:
            continue
        sort = shown[interval.component]
        bins = found[sort].setdefault(str(phases[interval.operation]), [0.0] * BINS)
        length = max(1, interval.end - interval.start)
        first, last = int(interval.start / width), min(BINS - 1, int(interval.end / width))
        for number in range(first, last + 1):
            here = min(interval.end, (number + 1) * width) - max(interval.start, number * width)
            bins[number] += max(0.0, here) / width * interval.busy / length / alike[sort]
    return found
