"""Laws that every run keeps; a breach is a bug of ours, reported with the numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence

from archsim.errors import ConservationError
from archsim.machine.stage_log import StageLog
from archsim.mapping.stream import StageKind
from archsim.results.trace import Trace
from archsim.schedule.schedule import Schedule

Logs = Mapping[str, Sequence[StageLog]]
"""What each stage did, by task."""


def check_conservation(
    trace: Trace, schedule: Schedule, logs: Logs, passed_bits: Mapping[str, int]
) -> None:
    """Check that the run did the work, moved the data and took the time it had to.

    Raises:
        ConservationError: naming the law and the numbers.
    """
    _each_tile_once(schedule, logs)
    _bits_in_are_bits_out(schedule, logs, passed_bits)
    _no_one_starts_early(trace)
    _busy_within_makespan(trace)


def _each_tile_once(schedule: Schedule, logs: Logs) -> None:
    points: Counter[str] = Counter()
    for task in schedule.tasks:
        for log in logs[task.name]:
            if log.tiles != task.stream.tiles:
                raise ConservationError(
                    f"{task.name}: {log.tiles} tiles passed {log.component}, "
                    f"the stream has {task.stream.tiles}"
                )
            points[task.operation] += log.points
    for operation in schedule.graph.operations:
        if points[operation.name] != operation.space.points:
            raise ConservationError(
                f"{operation.name}: computed {points[operation.name]} points "
                f"of {operation.space.points}"
            )


def _bits_in_are_bits_out(schedule: Schedule, logs: Logs, passed_bits: Mapping[str, int]) -> None:
    asked: Counter[str] = Counter()
    for task in schedule.tasks:
        stages = task.stream.stages
        for stage, log, bits in zip(stages, logs[task.name], task.stream.bits, strict=True):
            if stage.kind is not StageKind.COMPUTE and log.bits != bits:
                raise ConservationError(
                    f"{task.name}: {log.bits} bits passed {log.component} of {bits}"
                )
            asked[log.component] += bits
    for name, bits in passed_bits.items():
        if bits != asked[name]:
            raise ConservationError(f"{name}: passed {bits} bits, was handed {asked[name]}")


def _no_one_starts_early(trace: Trace) -> None:
    finish = {record.name: record.finish for record in trace.operations}
    for record in trace.operations:
        for before in record.predecessors:
            if finish[before] > record.start:
                raise ConservationError(
                    f"{record.name} started at tick {record.start}, before {before} "
                    f"finished at {finish[before]}"
                )
        if record.finish - record.start < record.uncontended:
            raise ConservationError(
                f"{record.name} took {record.finish - record.start} ticks, "
                f"its closed form is {record.uncontended}"
            )


def _busy_within_makespan(trace: Trace) -> None:
    busy: Counter[str] = Counter()
    for interval in trace.intervals:
        busy[interval.component] += interval.busy
    for component, ticks in busy.items():
        if ticks > trace.makespan:
            raise ConservationError(f"{component} was busy for {ticks} ticks of {trace.makespan}")
