"""A run in plain values: what comparisons keep of it, in memory and on disk.

All of :meth:`Result.to_dict`, what the time went to, who was busy when, and the two numbers
that make a roofline.
"""

from collections import defaultdict
from typing import Any

from archsim.results.metrics import IDLE, time_by
from archsim.results.result import Result
from archsim.results.trace import Trace

SHAPING = ("permute",)
"""Kinds of operation that only put a tensor into another order."""
PARTS = ("compute", "fill and drain", "shaping", "memory")
"""What time goes to, in the order of figures."""
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

    An operation has its even share of each moment. ``shaping`` is all of it where it only
    reorders a tensor. Otherwise its unit's service is split by the parts of the unit's cycles:
    those that stream operands are ``compute``, the rest (filling, draining, loading what is
    stationary, launches) ``fill and drain``; while the unit serves nothing, tiles are on their
    way, or wait for others: ``memory``.
    """
    shares = time_by(trace, lambda record: record.name)
    busy, useful = _busy(trace), _useful(trace)
    parts = dict.fromkeys(PARTS, 0.0)
    for record in trace.operations:
        share = shares.get(record.name, 0.0)
        if record.kind in SHAPING:
            parts["shaping"] += share
            continue
        served = share * busy[record.name]
        parts["compute"] += served * useful[record.name]
        parts["fill and drain"] += served * (1 - useful[record.name])
        parts["memory"] += share - served
    if shares.get(IDLE):
        parts[IDLE] = shares[IDLE]
    return parts


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
