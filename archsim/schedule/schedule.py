"""A schedule: tasks, what each must wait for, and the order of tasks on every unit."""

from dataclasses import dataclass

from archsim.ir.graph import OperationGraph
from archsim.mapping.stream import TileStream
from archsim.schedule.memory_plan import MemoryPlan


@dataclass(frozen=True, slots=True)
class Task:
    """An operation, or one of its parts, on one unit."""

    name: str
    operation: str
    unit: str
    """The unit's instance, e.g. ``tensor0``."""
    stream: TileStream
    priority: tuple[int, int]
    """The operation's place in program order, and the part's within the operation: equal
    requests are served in this order."""


@dataclass(frozen=True)
class Schedule:
    """A partial order of tasks over all operations."""

    graph: OperationGraph
    tasks: tuple[Task, ...]
    """In the order in which the scheduler started them."""
    predecessors: dict[str, tuple[str, ...]]
    """Operations that each operation waits for: data, overwritten tensors, reused blocks."""
    memory: MemoryPlan

    def queue(self, unit: str) -> tuple[Task, ...]:
        """The tasks of one unit, in order."""
        return tuple(task for task in self.tasks if task.unit == unit)
