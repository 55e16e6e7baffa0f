"""What the machine asks of an engine: to live the tiles of a task."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import simpy

from archsim.machine.stage_log import StageLog
from archsim.schedule.schedule import Task


class Engine(Protocol):
    """A way for tasks to live their tiles; all ways give the same times."""

    def live(self, task: Task) -> simpy.Event:
        """Begin a task now; return what happens when its last tile has arrived."""

    @property
    def logs(self) -> Mapping[str, Sequence[StageLog]]:
        """What each stage did, by task; complete once the task is over."""

    @property
    def passed_bits(self) -> Mapping[str, int]:
        """Bits that passed each contended channel."""
