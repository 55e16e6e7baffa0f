"""The list scheduler: whenever a unit is free, the ready operation with the longest way to go."""

from collections.abc import Mapping
from heapq import heappop, heappush

from archsim.hardware.architecture import Architecture
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Operation
from archsim.mapping import Alone, Mapper, Plan, Tilings
from archsim.schedule.memory_plan import MemoryPlan
from archsim.schedule.schedule import Schedule, Task


def schedule(
    graph: OperationGraph,
    architecture: Architecture,
    memory: MemoryPlan,
    known: Tilings | None = None,
    alone: Alone | None = None,
    workers: int = 1,
) -> Schedule:
    """Map every operation and order all of them on the units.

    The order is made with the closed-form times of :class:`TileStream`; what contention
    does to it is for the simulation to find. Tilings that are ``known`` are used
    again, and those found are added; so many ``workers``, processes, search for them.

    Raises:
        MappingError: if an operation cannot run on the architecture.
    """
    mapper = Mapper(architecture, memory.memory_of(), known, alone)
    if workers > 1:
        mapper.learn(graph.operations, workers)
    options = {
        operation.name: tuple(mapper.plan(operation, unit) for unit in mapper.candidates(operation))
        for operation in graph.operations
    }
    waiting = {
        operation.name: dict.fromkeys(graph.predecessors(operation.name))
        for operation in graph.operations
    }
    for before, after in sorted(memory.waits):
        waiting[after].setdefault(before)
    waits = {name: tuple(befores) for name, befores in waiting.items()}
    return Schedule(graph, _place(graph, architecture, options, waits), waits, memory)


def _ways_to_end(
    graph: OperationGraph,
    options: Mapping[str, tuple[Plan, ...]],
    waits: Mapping[str, tuple[str, ...]],
) -> dict[str, int]:
    """Ticks from each operation's start to the end along the longest chain."""
    way = {name: min(p.uncontended_ticks for p in plans) for name, plans in options.items()}
    after: dict[str, int] = dict.fromkeys(way, 0)
    for operation in reversed(graph.operations):
        way[operation.name] += after[operation.name]
        for before in waits[operation.name]:
            after[before] = max(after[before], way[operation.name])
    return way


def _place(
    graph: OperationGraph,
    architecture: Architecture,
    options: Mapping[str, tuple[Plan, ...]],
    waits: Mapping[str, tuple[str, ...]],
) -> tuple[Task, ...]:
    """Live through the schedule with closed-form times, starting what can be started."""
    board = _Board(graph, architecture, options, waits)
    tasks: list[Task] = []
    now: int | None = 0
    while now is not None:
        tasks.extend(board.start_what_can(now))
        now = board.next_time(now)
    return tuple(tasks)


class _Board:
    """Which operations are ready, which units are free, and when the next one will be."""

    def __init__(
        self,
        graph: OperationGraph,
        architecture: Architecture,
        options: Mapping[str, tuple[Plan, ...]],
        waits: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.graph = graph
        self.architecture = architecture
        self.options = options
        self.waits = waits
        self.order = {operation.name: n for n, operation in enumerate(graph.operations)}
        self.ways = _ways_to_end(graph, options, waits)
        self.missing = {name: len(before) for name, before in waits.items()}
        self.successors: dict[str, list[str]] = {name: [] for name in waits}
        for name, before in waits.items():
            for other in before:
                self.successors[other].append(name)
        self.free = {i: 0 for u in architecture.units for i in architecture.instances(u)}
        self.finish: dict[str, int] = {}
        self.coming = [(0, name) for name, count in self.missing.items() if not count]
        """A heap of operations by the time at which they will be ready."""
        self.ready: dict[tuple[str, ...], list[tuple[int, int, str]]] = {}
        """Operations that wait for a unit, by the sorts of unit that can do them: heaps, the
        most urgent first."""

    def start_what_can(self, now: int) -> list[Task]:
        """Return the tasks of all operations that find a unit free now."""
        while self.coming and self.coming[0][0] <= now:
            _, name = heappop(self.coming)
            sorts = tuple(plan.unit for plan in self.options[name])
            heappush(self.ready.setdefault(sorts, []), (-self.ways[name], self.order[name], name))
        started: list[Task] = []
        waiting: list[tuple[tuple[str, ...], tuple[int, int, str]]] = []
        while (urgent := self._most_urgent(now)) is not None:
            entry = heappop(self.ready[urgent])
            plan, units = _choose(self.architecture, self.options[entry[2]], self.free, now)
            if self.free[units[0]] > now:
                waiting.append((urgent, entry))
            else:
                started.extend(self._start(entry[2], plan, units, now))
        for sorts, entry in waiting:
            heappush(self.ready[sorts], entry)
        return started

    def _most_urgent(self, now: int) -> tuple[str, ...] | None:
        """The sorts of unit that the most urgent operation asks for that might find one free."""
        heads = [
            (queue[0], sorts)
            for sorts, queue in self.ready.items()
            if queue and self._any_free(sorts, now)
        ]
        return min(heads)[1] if heads else None

    def _any_free(self, sorts: tuple[str, ...], now: int) -> bool:
        instances = self.architecture.instances
        return any(self.free[unit] <= now for sort in sorts for unit in instances(sort))

    def _start(self, name: str, plan: Plan, units: tuple[str, ...], now: int) -> list[Task]:
        tasks = _tasks(self.graph[name], plan, units, self.order[name])
        for task in tasks:
            begin = max(self.free[task.unit], now)
            self.free[task.unit] = begin + task.stream.uncontended_ticks
        self.finish[name] = max(self.free[task.unit] for task in tasks)
        for later in self.successors[name]:
            self.missing[later] -= 1
            if not self.missing[later]:
                ready = max(self.finish[before] for before in self.waits[later])
                heappush(self.coming, (ready, later))
        return tasks

    def next_time(self, now: int) -> int | None:
        """When a unit becomes free or an operation ready; None when nothing is left to do."""
        is_waiting = any(self.ready.values())
        times = [time for time in self.free.values() if time > now] if is_waiting else []
        if self.coming:
            times.append(self.coming[0][0])
        return min(times) if times else None


def _choose(
    architecture: Architecture, plans: tuple[Plan, ...], free: Mapping[str, int], at: int
) -> tuple[Plan, tuple[str, ...]]:
    """The plan and units that finish first; parts of an operation go to different units."""

    def option(plan: Plan) -> tuple[int, tuple[str, ...]]:
        units = sorted(architecture.instances(plan.unit), key=free.__getitem__)
        chosen = tuple(units[: len(plan.parts)])
        ends = (
            max(free[unit], at) + part.uncontended_ticks
            for unit, part in zip(chosen, plan.parts, strict=True)
        )
        return max(ends), chosen

    found = [(option(plan), plan) for plan in plans]
    (_, instances), plan = min(found, key=lambda entry: entry[0][0])
    return plan, instances


def _tasks(operation: Operation, plan: Plan, instances: tuple[str, ...], place: int) -> list[Task]:
    single = len(plan.parts) == 1
    return [
        Task(
            operation.name if single else f"{operation.name}[{number}]",
            operation.name,
            unit,
            stream,
            (place, number),
        )
        for number, (unit, stream) in enumerate(zip(instances, plan.parts, strict=True))
    ]
