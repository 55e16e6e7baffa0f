"""A second process lives the later half of a schedule ahead, and tells what it lived.

It takes the earlier half for done. So it begins at another time than the run itself, and with
units that are idle; but domains are known by how they stand from now on, and after a few
operations they stand as they will in the run. What it was told, the run only adds up; what it
was not, it lives as if there was nobody else.

Lanes are sent as plain numbers: both processes have the same tasks.
"""

import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from typing import Any, Self

from archsim.machine.channel import Timing
from archsim.machine.course import Place
from archsim.machine.domain import Domain
from archsim.machine.experience import Experience
from archsim.machine.lane import Lane, Way
from archsim.processes import can_fork, leave_interrupts_to_parent
from archsim.schedule.schedule import Task

FEW = 2_000
"""Tasks that are over before another process would be of any help."""

_LaneState = tuple[int, list[int], list[int], bool, dict[str, Any]]
"""The number of its task; its place: rounds, steps, whether it turned; everything else."""
_DomainState = tuple[int, dict[str, int], list[_LaneState]]
_PLAIN = tuple(name for name in Lane.__slots__ if name not in ("way", "place"))


class Foresight:
    """A process ahead of a run; used as a context, so that it ends with it."""

    def __init__(
        self,
        tasks: Sequence[Task],
        experience: Experience,
        timings: Mapping[str, Timing],
        live: Callable[[int], object],
    ) -> None:
        """Prepare a process that will ``live`` the tasks from a number on."""
        self._tasks = tasks
        self._experience = experience
        self._timings = timings
        self._contended = frozenset(timings)
        self._numbers = {id(task): number for number, task in enumerate(tasks)}
        fork = get_context("fork")
        self._heard, self._told = fork.Pipe(duplex=False)
        self._process = fork.Process(target=self._ahead, args=(live,), daemon=True)

    @classmethod
    def helps(cls, tasks: Sequence[Task], workers: int) -> bool:
        """Whether there is so much to do, and a way for another process to know it all."""
        return workers > 1 and len(tasks) >= FEW and can_fork()

    def __enter__(self) -> Self:
        self._process.start()
        self._told.close()
        self._experience.hear = self._hear
        return self

    def __exit__(self, *_: object) -> None:
        self._experience.hear = None
        self._process.kill()
        self._process.join()
        self._heard.close()

    def _ahead(self, live: Callable[[int], object]) -> None:
        """Live the later half, in the process ahead. Whoever runs ends it at the latest."""
        leave_interrupts_to_parent()
        self._heard.close()  # so that telling fails once nobody hears any more
        self._experience.tell = self._tell
        # If it comes to nothing, the run does it all by itself, and says what is wrong.
        with suppress(Exception):
            live(2 * len(self._tasks) // 5)  # the run goes over all of it once more
        os._exit(0)

    def _tell(self, domain: Domain, until: int | None, future: Domain) -> None:
        told = until, self._state(domain), self._state(future)
        self._told.send_bytes(pickle.dumps(told, pickle.HIGHEST_PROTOCOL))

    def _hear(self) -> bool:
        """Learn what the process ahead has told by now; say whether there was anything."""
        is_new = False
        try:
            while self._heard.poll():
                until, domain, future = pickle.loads(self._heard.recv_bytes())  # noqa: S301 - ours
                self._experience.keep(
                    self._domain(domain), self._timings, until, self._domain(future)
                )
                is_new = True
        except EOFError:
            self._experience.hear = None
        return is_new

    def _state(self, domain: Domain) -> _DomainState:
        return domain.now, domain.free, [self._lane_state(lane) for lane in domain.lanes]

    def _lane_state(self, lane: Lane) -> _LaneState:
        place = lane.place
        rest = {name: getattr(lane, name) for name in _PLAIN}
        number = self._numbers[id(lane.way.task)]
        return number, place.rounds, place.steps, place.has_turned, rest

    def _domain(self, state: _DomainState) -> Domain:
        now, free, lanes = state
        return Domain(now, [self._lane(lane) for lane in lanes], free)

    def _lane(self, state: _LaneState) -> Lane:
        number, rounds, steps, has_turned, rest = state
        task = self._tasks[number]
        course = self._experience.course(task.stream)
        lane = Lane(Way.of(task, course, self._contended), 0)
        lane.place = Place.at(course, rounds, steps, has_turned=has_turned)
        for name, value in rest.items():
            setattr(lane, name, value)
        return lane
