"""A run as trace events: what Perfetto and chrome://tracing draw.

Source: "Trace Event Format" (Chromium project): complete events (``X``), counters
(``C``) and metadata (``M``), times in microseconds.
"""

from collections import defaultdict
from collections.abc import Iterable

from archsim.results import ComponentRecord, Interval, MemoryRecord, OperationRecord, Result, Trace

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
"""What JSON can hold."""
Event = dict[str, Json]

GROUPS = {"units": 1, "channels": 2, "memories": 3}
"""The process that each group of tracks is drawn as."""


def chrome_trace(result: Result) -> dict[str, Json]:
    """Return a run in trace event format: components as tracks, memories as counters.

    A channel that serves several operations at once is drawn as several tracks, so that
    slices of one track follow each other.
    """
    provenance = result.provenance
    events = [*_groups(), *_tracks(result), *_counters(result.trace)]
    return {
        "displayTimeUnit": "ns",
        "otherData": {
            "name": result.name,
            "config_hash": provenance.config_hash,
            "command": provenance.command,
        },
        "traceEvents": list[Json](events),
    }


def _groups() -> list[Event]:
    return [
        _metadata(what, number, 0, value)
        for name, number in GROUPS.items()
        for what, value in (("process_name", name), ("process_sort_index", number))
    ]


def _metadata(what: str, process: int, thread: int, value: str | int) -> Event:
    key = "name" if what.endswith("_name") else "sort_index"
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {key: value}}


def _tracks(result: Result) -> list[Event]:
    trace = result.trace
    records = {record.name: record for record in trace.operations}
    critical = set(result.bounds.critical_path)
    served: dict[str, list[Interval]] = defaultdict(list)
    for interval in trace.intervals:
        served[interval.component].append(interval)
    events: list[Event] = []
    thread = 0
    for component in sorted(trace.components, key=lambda component: not component.is_unit):
        process = GROUPS["units" if component.is_unit else "channels"]
        for number, lane in enumerate(lanes(served[component.name])):
            thread += 1
            name = component.name if not number else f"{component.name} ({number + 1})"
            events.append(_metadata("thread_name", process, thread, name))
            events.append(_metadata("thread_sort_index", process, thread, thread))
            for interval in lane:
                args = _arguments(trace, component, interval, records[interval.operation])
                args["on critical path"] = interval.operation in critical
                events.append(_slice(trace, interval, process, thread, args))
    return events


def lanes(intervals: Iterable[Interval]) -> list[list[Interval]]:
    """Deal intervals to as few rows as possible, none of which holds two at once."""
    rows: list[list[Interval]] = []
    for interval in sorted(intervals, key=lambda interval: (interval.start, interval.end)):
        free = next((row for row in rows if row[-1].end <= interval.start), None)
        if free is None:
            rows.append([interval])
        else:
            free.append(interval)
    return rows


def _slice(
    trace: Trace, interval: Interval, process: int, thread: int, args: dict[str, Json]
) -> Event:
    begin = _microseconds(trace, interval.start)
    return {
        "ph": "X",
        "name": interval.operation,
        "cat": str(args["phase"]),
        "pid": process,
        "tid": thread,
        "ts": begin,
        "dur": round(_microseconds(trace, interval.end) - begin, 6),
        "args": args,
    }


def _arguments(
    trace: Trace, component: ComponentRecord, interval: Interval, record: OperationRecord
) -> dict[str, Json]:
    return {
        "phase": record.phase,
        "kind": record.kind,
        "macs": record.macs,
        "tiles": record.tiles,
        "waited_us": _microseconds(trace, record.waited),
        "component": component.kind,
        "busy_us": _microseconds(trace, interval.busy),
    }


def _counters(trace: Trace) -> list[Event]:
    memories = {memory.name: memory for memory in trace.memories}
    events: list[Event] = []
    for sample in trace.occupancy:
        memory = memories[sample.memory]
        blocks = sample.blocks * memory.blocks_per_unit
        time = _microseconds(trace, sample.tick)
        events.append(_counter(time, _blocks_counter(memory), "taken", blocks))
        events.append(_counter(time, _bytes_counter(memory), "data", sample.used_bits / 8))
    return events


def _counter(time: float, name: str, series: str, value: float) -> Event:
    return {
        "ph": "C",
        "name": name,
        "pid": GROUPS["memories"],
        "tid": 0,
        "ts": time,
        "args": {series: value},
    }


def _blocks_counter(memory: MemoryRecord) -> str:
    return f"{memory.name}: {memory.block_name} of {memory.units * memory.blocks_per_unit:g}"


def _bytes_counter(memory: MemoryRecord) -> str:
    return f"{memory.name}: bytes of {memory.units * memory.unit_bits // 8}"


def _microseconds(trace: Trace, ticks: int) -> float:
    return round(ticks * 1e6 / trace.tick_rate_hz, 6)
