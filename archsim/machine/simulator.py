"""A machine that runs a schedule: units, operations, memories. An engine lives the tiles."""

from collections.abc import Callable, Generator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import simpy

from archsim.errors import InputError, StalledError, did_you_mean
from archsim.formats import NumberFormat
from archsim.hardware.architecture import Architecture
from archsim.machine.channel import Timing, contended
from archsim.machine.conservation import check_conservation
from archsim.machine.engine import Engine
from archsim.machine.event_engine import EventEngine
from archsim.machine.experience import Experience
from archsim.machine.fast_forward import FastForward
from archsim.machine.foresight import Foresight
from archsim.machine.memory import Memory
from archsim.mapping.stream import StageKind
from archsim.results.trace import (
    Activity,
    ComponentRecord,
    Interval,
    MemoryRecord,
    Occupancy,
    OperationRecord,
    Tally,
    Trace,
)
from archsim.schedule.schedule import Schedule, Task

Progress = Callable[[int, int], None]
"""Told, after each operation, how many are done and how many there are."""

FAST = "fast"
ENGINES: Mapping[str, Callable[[simpy.Environment, Mapping[str, Timing], Experience], Engine]] = {
    FAST: FastForward,
    "event": lambda env, timings, _: EventEngine(env, timings),
}
"""Ways to live the tiles of a schedule."""
DEFAULT_ENGINE = FAST


def simulate(
    schedule: Schedule,
    architecture: Architecture,
    progress: Progress | None = None,
    *,
    engine: str = DEFAULT_ENGINE,
    workers: int = 1,
) -> Trace:
    """Run a schedule on a machine; whichever engine does it, the trace is the same.

    With two ``workers`` or more, a second process lives the later half of a long schedule ahead.

    Raises:
        InputError: if there is no such engine.
        StalledError: if operations wait for each other for ever, saying who for what.
        ConservationError: if the run broke a law that every run must keep.
    """
    if engine not in ENGINES:
        raise InputError(f"no engine named {engine!r}; {did_you_mean(engine, ENGINES)}")
    machine = _Machine(schedule, architecture, progress, engine)
    is_ahead = engine == FAST and Foresight.helps(schedule.tasks, workers)
    with machine.foresight() if is_ahead else nullcontext():
        machine.run()
    trace = machine.trace()
    check_conservation(trace, schedule, machine.engine.logs, machine.engine.passed_bits)
    return trace


@dataclass
class _OperationState:
    """An operation while it waits, runs and is done."""

    done: simpy.Event
    parts_left: int
    start: int = -1
    finish: int = -1


class _Machine:
    def __init__(
        self,
        schedule: Schedule,
        architecture: Architecture,
        progress: Progress | None,
        engine: str,
    ) -> None:
        self.schedule = schedule
        self.progress = progress
        self.finished = 0
        self.latest = 0
        """When the last part of an operation that is over was over."""
        self.architecture = architecture
        self.env = simpy.Environment()
        sorts = contended(schedule.tasks)
        self.experience = experience = Experience.of(architecture)
        self.timings = timings = {
            name: experience.timing(architecture, sort) for name, sort in sorts.items()
        }
        self.engine = ENGINES[engine](self.env, timings, experience)
        self.memories = {
            name: Memory(self.env, name, spec) for name, spec in architecture.memories.items()
        }
        tasks: dict[str, list[Task]] = {}
        for task in schedule.tasks:
            tasks.setdefault(task.operation, []).append(task)
        self.tasks = tasks
        self.states = {
            name: _OperationState(self.env.event(), len(parts)) for name, parts in tasks.items()
        }
        self._uses_left = {root: len(u) for root, u in schedule.memory.users.items()}

    def foresight(self) -> Foresight:
        """Return a process that lives the later half of the schedule ahead."""

        def live(first: int) -> None:
            _Machine(self.schedule, self.architecture, None, FAST).run(first)

        return Foresight(self.schedule.tasks, self.experience, self.timings, live)

    def run(self, first: int = 0) -> None:
        """Live until nothing happens any more, with all tasks before the ``first`` one done."""
        graph = self.schedule.graph
        for reservation in self.schedule.memory.reservations:
            memory = self.memories[reservation.memory]
            memory.hold(reservation.name, reservation.units, reservation.bits)
        for name in graph.inputs:
            self._hold(name)
        for task in self.schedule.tasks[:first]:
            self._begin(task.operation)
            self._end_part(task.operation)
        queues: dict[str, list[Task]] = {}
        for task in self.schedule.tasks[first:]:
            queues.setdefault(task.unit, []).append(task)
        for tasks in queues.values():
            self.env.process(self._unit(tasks))
        self.env.run()
        waiting = [name for name, state in self.states.items() if state.finish < 0]
        if waiting:
            raise StalledError(self._explain(waiting))

    def _unit(self, tasks: list[Task]) -> Generator[simpy.Event, Any, None]:
        """Process: one unit works through its tasks in order."""
        for task in tasks:
            for before in self.schedule.predecessors[task.operation]:
                state = self.states[before]
                if state.finish < 0:
                    yield state.done
            self._begin(task.operation)
            yield self.engine.live(task)
            self._end_part(task.operation)

    def _begin(self, name: str) -> None:
        state = self.states[name]
        if state.start < 0:
            state.start = int(self.env.now)
            for tensor in self.schedule.graph[name].outputs:
                if self.schedule.memory.roots[tensor.name] == tensor.name:
                    self._hold(tensor.name)

    def _end_part(self, name: str) -> None:
        state = self.states[name]
        state.parts_left -= 1
        self.latest = int(self.env.now)
        if state.parts_left:
            return
        state.finish = int(self.env.now)
        for root in self.schedule.memory.storages_of[name]:
            self._uses_left[root] -= 1
            if not self._uses_left[root]:
                self.memories[self.schedule.memory.placements[root].memory].release(root)
        state.done.succeed()
        self.finished += 1
        if self.progress:
            self.progress(self.finished, len(self.states))

    def _hold(self, storage: str) -> None:
        placement = self.schedule.memory.placements[storage]
        bits = self.schedule.graph.tensors[storage].size_bits
        self.memories[placement.memory].hold(storage, placement.units, bits)

    def _explain(self, waiting: list[str]) -> str:
        lines = []
        for name in waiting[:5]:
            missing = [b for b in self.schedule.predecessors[name] if self.states[b].finish < 0]
            units = ", ".join(task.unit for task in self.tasks[name])
            what = ", ".join(repr(other) for other in missing) or f"its turn on {units}"
            lines.append(f"{name!r} waits for {what}")
        more = f" (and {len(waiting) - 5} more)" if len(waiting) > 5 else ""
        return f"nothing can go on at tick {self.latest}: {'; '.join(lines)}{more}"

    def trace(self) -> Trace:
        """Return what happened."""
        intervals = tuple(
            Interval(log.component, task.operation, log.start, log.end, log.busy)
            for task in self.schedule.tasks
            for log in self.engine.logs[task.name]
            if log.busy
        )
        occupancy: tuple[Occupancy, ...] = tuple(
            sample for memory in self.memories.values() for sample in memory.history
        )
        return Trace(
            self.architecture.tick_rate,
            self._components(),
            tuple(_memory_record(memory) for memory in self.memories.values()),
            tuple(self._record(name) for name in self.states),
            intervals,
            activities(self.schedule, self.architecture),
            occupancy,
            self._tallies(),
        )

    def _components(self) -> tuple[ComponentRecord, ...]:
        """Every unit of the machine, and every channel that a tile passed."""
        architecture = self.architecture
        found: dict[str, ComponentRecord] = {}
        formats = self._number_formats()
        for sort, spec in architecture.units.items():
            most = max(map(spec.peak_macs, formats.get(sort, ())), default=spec.peak_macs_per_cycle)
            peak = most * spec.clock
            for unit in architecture.instances(sort):
                found[unit] = ComponentRecord(
                    unit, sort, spec.kind, True, False, peak, spec.conventions
                )
        for task in self.schedule.tasks:
            for stage in task.stream.stages:
                name = stage.instance(task.unit)
                if name not in found:
                    channel = architecture.channels[stage.component]
                    found[name] = ComponentRecord(
                        name=name,
                        sort=stage.component,
                        kind=channel.kind,
                        is_unit=False,
                        is_off_chip=stage.component in architecture.memories,
                        peak_per_s=channel.peak_bits_per_cycle * channel.clock,
                    )
        return tuple(found.values())

    def _number_formats(self) -> dict[str, set[NumberFormat]]:
        """Formats in which each sort of unit multiplied and accumulated."""
        found: dict[str, set[NumberFormat]] = {}
        for task in self.schedule.tasks:
            operation = self.schedule.graph[task.operation]
            for stage in task.stream.stages:
                if stage.kind is StageKind.COMPUTE and operation.macs:
                    found.setdefault(stage.component, set()).add(operation.number_format)
        return found

    def _record(self, name: str) -> OperationRecord:
        operation, state, tasks = self.schedule.graph[name], self.states[name], self.tasks[name]
        return OperationRecord(
            name=name,
            kind=operation.kind,
            phase=operation.phase,
            units=tuple(task.unit for task in tasks),
            start=state.start,
            finish=state.finish,
            waited=sum(log.waited for task in tasks for log in self.engine.logs[task.name]),
            uncontended=max(task.stream.uncontended_ticks for task in tasks),
            tiles=sum(task.stream.tiles for task in tasks),
            macs=operation.macs,
            predecessors=self.schedule.predecessors[name],
        )

    def _tallies(self) -> tuple[Tally, ...]:
        return tuple(
            Tally(component, name, task.operation, count)
            for task in self.schedule.tasks
            for (component, name), count in task.stream.tallies.items()
        )


def _memory_record(memory: Memory) -> MemoryRecord:
    spec = memory.spec
    return MemoryRecord(
        name=memory.name,
        kind=spec.kind,
        is_off_chip=spec.off_chip,
        units=spec.units,
        unit_bits=spec.unit_bits,
        block_name=spec.block_name,
        blocks_per_unit=spec.blocks_per_unit,
    )


def activities(schedule: Schedule, architecture: Architecture) -> tuple[Activity, ...]:
    """Return how often each action runs; no simulation is needed to know it."""
    return tuple(
        Activity(
            component=component,
            component_kind=component_kind(architecture, component),
            action=action,
            number_format=number_format,
            operation=task.operation,
            count=count,
        )
        for task in schedule.tasks
        for (component, action, number_format), count in task.stream.actions.items()
    )


def component_kind(architecture: Architecture, component: str) -> str:
    """Return the kind that prices a component's actions; a unit's own buffer is a ``buffer``."""
    if component in architecture.components:
        return architecture.components[component].kind
    return "buffer"
