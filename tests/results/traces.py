"""Hand-made traces: what happened, without a machine."""

from archsim.results import (
    Activity,
    ComponentRecord,
    Interval,
    MemoryRecord,
    OperationRecord,
    Trace,
)

RATE = 1000
"""Ticks per second: a tick is a millisecond."""


def operation(
    name, start, finish, *, before=(), uncontended=None, phase="forward", macs=0, kind=""
):
    return OperationRecord(
        name=name,
        kind=kind or ("contraction" if macs else "elementwise"),
        phase=phase,
        units=("pe",),
        start=start,
        finish=finish,
        waited=0,
        uncontended=finish - start if uncontended is None else uncontended,
        tiles=1,
        macs=macs,
        predecessors=tuple(before),
    )


def component(name, sort="", *, is_unit=True, is_off_chip=False, peak_per_s=0):
    kind = "processing_array" if is_unit else "link"
    return ComponentRecord(name, sort or name, kind, is_unit, is_off_chip, peak_per_s)


MEMORY = MemoryRecord("bram", "bram", False, 10, 512 * 36, "BRAM36", 0.5)
DRAM = MemoryRecord("dram", "dram", True, 1000, 512, "burst", 1.0)


def trace(
    *operations,
    components=None,
    intervals=(),
    activities=(),
    occupancy=(),
    memories=(),
    tallies=(),
):
    return Trace(
        tick_rate_hz=RATE,
        components=tuple(components or (component("pe"),)),
        memories=tuple(memories),
        operations=operations,
        intervals=tuple(Interval(*interval) for interval in intervals),
        activities=tuple(Activity(*activity) for activity in activities),
        occupancy=tuple(occupancy),
        tallies=tuple(tallies),
    )
