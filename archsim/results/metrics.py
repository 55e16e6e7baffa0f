"""Metrics of a trace: where the time went, how busy components were, how full memories."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from archsim.results.trace import MemoryRecord, OperationRecord, Trace

IDLE = "idle"
"""The share of time in which no operation runs."""


def time_by(trace: Trace, label: Callable[[OperationRecord], str]) -> dict[str, float]:
    """Split the makespan, in seconds, by a label of operations; the largest share first.

    Where several operations run at once, they share the time evenly, so that the parts add
    up to the whole.
    """
    labels = {record.name: label(record) for record in trace.operations}
    edges: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for record in trace.operations:
        edges[record.start].append((record.name, 1))
        edges[record.finish].append((record.name, -1))
    edges.setdefault(0, [])
    shares: dict[str, float] = defaultdict(float)
    running: set[str] = set()
    times = sorted(edges)
    for now, later in pairwise(times):
        for name, change in edges[now]:
            (running.add if change > 0 else running.discard)(name)
        length = (later - now) / trace.tick_rate_hz
        for name in running:
            shares[labels[name]] += length / len(running)
        if not running:
            shares[IDLE] += length
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def busy_ticks(trace: Trace) -> dict[str, int]:
    """Ticks that each unit and channel was serving tiles."""
    busy = {component.name: 0 for component in trace.components}
    for interval in trace.intervals:
        busy[interval.component] += interval.busy
    return busy


def sum_by_sort(trace: Trace, values: Mapping[str, int]) -> dict[str, int]:
    """Add up values of components that are alike."""
    sums: dict[str, int] = defaultdict(int)
    for component in trace.components:
        sums[component.sort] += values[component.name]
    return dict(sums)


def traffic_bits(trace: Trace) -> dict[str, int]:
    """Bits read from, written to and passed by each memory and channel."""
    moved: dict[str, int] = defaultdict(int)
    for activity in trace.activities:
        if activity.action in ("read", "write", "transfer"):
            moved[f"{activity.component}.{activity.action}"] += activity.count
    return dict(sorted(moved.items()))


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """A memory at the moment when most of it was taken."""

    name: str
    block_name: str
    capacity_blocks: float
    blocks: float
    capacity_bytes: int
    taken_bytes: int
    """Bytes of the blocks taken."""
    used_bytes: int
    """Bytes of the tensors in them."""
    is_off_chip: bool

    @property
    def waste_bytes(self) -> int:
        """Bytes of the blocks taken that hold nothing."""
        return self.taken_bytes - self.used_bytes

    @property
    def free_blocks(self) -> float:
        """Room left."""
        return self.capacity_blocks - self.blocks


def memory_peaks(trace: Trace) -> dict[str, MemoryPeak]:
    """How full each memory ever was."""
    return {memory.name: _peak(trace, memory) for memory in trace.memories}


def _peak(trace: Trace, memory: MemoryRecord) -> MemoryPeak:
    samples = [sample for sample in trace.occupancy if sample.memory == memory.name]
    fullest = max(samples, key=lambda sample: sample.blocks, default=None)
    units, bits = (fullest.blocks, fullest.used_bits) if fullest else (0, 0)
    return MemoryPeak(
        name=memory.name,
        block_name=memory.block_name,
        capacity_blocks=memory.units * memory.blocks_per_unit,
        blocks=units * memory.blocks_per_unit,
        capacity_bytes=memory.units * memory.unit_bits // 8,
        taken_bytes=units * memory.unit_bits // 8,
        used_bytes=-(-bits // 8),
        is_off_chip=memory.is_off_chip,
    )


def layer(name: str) -> str:
    """The part of a model that an operation belongs to: its name up to the first dot."""
    return name.partition(".")[0]


def critical_path(trace: Trace) -> tuple[int, tuple[str, ...]]:
    """The chain of operations with the longest uncontended time, and that time in ticks."""
    length: dict[str, int] = {}
    before: dict[str, str] = {}
    for record in _in_order(trace.operations):
        best = max(record.predecessors, key=lambda name: length[name], default="")
        length[record.name] = record.uncontended + (length[best] if best else 0)
        before[record.name] = best
    end = max(length, key=lambda name: length[name])
    path = [end]
    while before[path[-1]]:
        path.append(before[path[-1]])
    return length[end], tuple(reversed(path))


def _in_order(records: Iterable[OperationRecord]) -> list[OperationRecord]:
    """Records in an order in which every predecessor comes first."""
    return sorted(records, key=lambda record: (record.start, record.finish))
