"""What happened in a run: who was busy with what, when, and how often each action ran.

Times are ticks. Names are plain strings, so that this package knows nothing of
workloads or hardware.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Interval:
    """One component's part in one operation: from its first tile's start to its last one's end."""

    component: str
    operation: str
    start: int
    end: int
    busy: int
    """Ticks within [start, end] during which a tile was being served."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How often an action ran on a component for an operation.

    Arithmetic is counted in scalar functions and names its number format; moving data is
    counted in bits and has no format.
    """

    component: str
    component_kind: str
    action: str
    number_format: str
    operation: str
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Something counted about a component that has no price: parts of its time, row hits."""

    component: str
    """The sort of component."""
    name: str
    operation: str
    count: int


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One operation's life."""

    name: str
    kind: str
    phase: str
    units: tuple[str, ...]
    start: int
    finish: int
    waited: int
    """Ticks that its tiles stood in queues for shared components."""
    uncontended: int
    """Ticks it would have taken alone on the machine."""
    tiles: int
    macs: int
    predecessors: tuple[str, ...]
    """The operations it had to wait for: for data, overwritten tensors, reused blocks."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A memory's contents from ``tick`` on."""

    memory: str
    tick: int
    blocks: int
    used_bits: int


@dataclass(frozen=True, slots=True)
class ComponentRecord:
    """A unit or a channel as it stands in the machine."""

    name: str
    """The instance, e.g. ``tensor0`` or ``uram_read[tensor0]``."""
    sort: str
    """What the architecture calls it and all that are like it, e.g. ``tensor``."""
    kind: str
    is_unit: bool
    """Whether it computes; it moves data otherwise."""
    is_off_chip: bool
    peak_per_s: int
    """Multiply-accumulates, in the fastest number format in use, or bits a second at best."""
    conventions: str = ""
    """What the model hides behind what."""


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A memory as it stands in the machine; capacity is counted in its allocation units."""

    name: str
    kind: str
    is_off_chip: bool
    units: int
    unit_bits: int
    block_name: str
    blocks_per_unit: float


@dataclass(frozen=True)
class Trace:
    """A whole run."""

    tick_rate_hz: int
    components: tuple[ComponentRecord, ...]
    memories: tuple[MemoryRecord, ...]
    operations: tuple[OperationRecord, ...]
    intervals: tuple[Interval, ...]
    activities: tuple[Activity, ...]
    occupancy: tuple[Occupancy, ...]
    tallies: tuple[Tally, ...] = ()

    @cached_property
    def makespan(self) -> int:
        """Ticks until the last operation finished."""
        return max(operation.finish for operation in self.operations)
