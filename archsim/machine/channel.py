"""A shared channel in time: one transfer after the other, in a total order.

Source of the rule: grants are given in a delta cycle, after every other event of the same
time, so that the order in which SimPy happens to run processes decides nothing.
"""

import operator
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.events import EventPriority

from archsim.hardware.architecture import Architecture
from archsim.mapping.stream import StageKind
from archsim.schedule.schedule import Task

END_OF_TICK = EventPriority(2)
"""SimPy priority after all ordinary events of the same time."""

Request = tuple[int, int, tuple[int, int]]
"""When asked; 0 for a write or 1 for a read; the task's priority. No two are equal: a task
asks a channel for one transfer at a time in each direction."""


Finish = Callable[[int, int], int]
"""The tick at which a transfer is over, given its start and its service: a DRAM's refreshes,
in which nobody is served, may come between."""


READS = (StageKind.FETCH, StageKind.DISTRIBUTE)
"""Stages that ask to read; those behind the unit ask to write."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How the transfers of a channel take time, in ticks."""

    finish: Finish = operator.add
    rhythm: tuple[int, int] | None = None
    """From when on ``finish`` repeats itself, and its period; None if it adds the service."""

    @classmethod
    def of(cls, architecture: Architecture, channel: str) -> "Timing":
        """Return that of one sort of channel."""
        spec, cycle = architecture.channels[channel], architecture.ticks(channel, 1)
        if spec.rhythm is None:
            return cls()  # what is the same at all times is part of the service
        first, period = spec.rhythm
        return cls(partial(spec.finish, cycle=cycle), (first * cycle, period * cycle))


def contended(tasks: Iterable[Task]) -> dict[str, str]:
    """Return the channels for which stages of tasks wait, with their sort.

    Those of all units, and a unit's own used both ways.
    """
    found: dict[str, str] = {}
    for task in tasks:
        names: set[str] = set()
        for stage in task.stream.stages:
            name = stage.instance(task.unit)
            if not stage.private or name in names:
                found[name] = stage.component
            names.add(name)
    return found


class EndOfTick(simpy.Event):
    """Calls back when nothing else is left to happen at this time."""

    def __init__(self, env: simpy.Environment, callback: Callable[[simpy.Event], None]) -> None:
        super().__init__(env)
        self.callbacks = [callback]
        self._ok, self._value = True, None
        env.schedule(self, priority=END_OF_TICK)


class Channel:
    """A non-preemptive server of transfers: a link or a DRAM that several units share."""

    def __init__(self, env: simpy.Environment, finish: Finish = operator.add) -> None:
        self.env = env
        self.finish = finish
        self.busy_ticks = 0
        self.passed_bits = 0
        self._waiting: list[tuple[Request, simpy.Event]] = []
        self._is_held = False
        self._is_deciding = False

    def transfer(
        self, ticks: int, bits: int, *, is_read: bool, priority: tuple[int, int]
    ) -> Generator[simpy.Event, Any, int]:
        """Process: wait for a turn and hold the channel; return the ticks waited."""
        asked = int(self.env.now)
        granted = self.env.event()
        heappush(self._waiting, ((asked, int(is_read), priority), granted))
        self._decide_soon()
        yield granted
        waited = int(self.env.now) - asked
        begun = int(self.env.now)
        yield self.env.timeout(self.finish(begun, ticks) - begun)
        self.busy_ticks += ticks
        self.passed_bits += bits
        self._is_held = False
        self._decide_soon()
        return waited

    def _decide_soon(self) -> None:
        if self._waiting and not (self._is_deciding or self._is_held):
            self._is_deciding = True
            EndOfTick(self.env, self._grant)

    def _grant(self, _: simpy.Event) -> None:
        self._is_deciding = False
        self._is_held = True
        heappop(self._waiting)[1].succeed()
