"""Where points are run: in this process, in several on this machine, or on a Ray cluster.

All of them answer the same: they take groups of numbers and give back outcomes, in any order.
"""

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol, Self

from archsim.errors import InputError, RunError, did_you_mean
from archsim.sweep.evaluate import Evaluator
from archsim.sweep.outcome import Outcome
from archsim.sweep.plan import SweepPlan

Group = tuple[int, ...]
"""Numbers of points that one process runs after each other."""
Answer = tuple[int, Outcome | None]
"""A point's number and what came out; nothing where its process died again and again."""
Say = Callable[[str], None]
"""Told, in words, what went wrong and was mended."""

TRIES = 3
"""How often a point's process may die before the point is left out."""
MOST_DEATHS = 12
"""Deaths in a row after which something else than a point is to blame."""
AHEAD = 2
"""Groups that a process has been given: one that it runs, and the next."""


class Executor(Protocol):
    """Runs groups of points; used as a context, so that processes end with it."""

    done: Counter[str]
    """How often each link of a run was gone through, by all processes."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def run(self, groups: Iterator[Group]) -> Iterator[Answer]:
        """Yield an answer for every point, as they come."""
        ...


class InProcess:
    """Runs points where it is called: for one worker."""

    def __init__(self, plan: SweepPlan) -> None:
        self._evaluator = Evaluator(plan)
        self.done = self._evaluator.done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, groups: Iterator[Group]) -> Iterator[Answer]:
        """Yield an answer for every point, in their order."""
        for group in groups:
            for number in group:
                yield number, self._evaluator.outcome(self._evaluator.plan.point(number))


class Deaths:
    """Which points were running when their process died, and how often."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._times: Counter[int] = Counter()
        self._in_a_row = 0
        self.again: deque[Group] = deque()
        """Groups that are to be run again."""

    def none(self) -> None:
        """Note that a process lives: it has answered."""
        self._in_a_row = 0

    def tell(self, left: list[int], how: str) -> Iterator[Answer]:
        """Note that a process died with these points left, and answer for one that is given up.

        Raises:
            RunError: if one after the other dies, whatever it was to run.
        """
        if not left:
            return
        first, *rest = left
        self._times[first] += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_DEATHS:
            raise RunError(f"{self._in_a_row} workers died ({how}) before any ran a point")
        if self._times[first] == TRIES:
            self._say(f"point {first}: its process died {TRIES} times ({how}); it is left out")
            yield first, None
        else:
            count = "1 point runs" if not rest else f"{len(left)} points run"
            self._say(f"a worker died ({how}); {count} again")
            self.again.append((first,))
        if rest:
            self.again.append(tuple(rest))


class _Worker:
    """A process that runs points, and what it has been given."""

    def __init__(self, plan: bytes, answers: "queue.Queue[tuple[_Worker, str]]") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archsim.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=False,
        )
        self.left: deque[int] = deque()
        """Points not yet answered, in their order."""
        self.groups = 0
        self._send(plan)
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def give(self, group: Group) -> None:
        """Hand over points to run."""
        self.left.extend(group)
        self.groups += 1
        self._send(json.dumps(group).encode() + b"\n")

    def stop(self) -> None:
        """End the process, whatever it does."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):  # what it was sent last, nobody reads any more
                pipe.close()

    @property
    def how_it_died(self) -> str:
        """Its signal or exit code."""
        code = self.process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # the end of its answers tells
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def _listen(self, answers: "queue.Queue[tuple[_Worker, str]]") -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answers.put((self, line.decode()))
        answers.put((self, ""))


class Local:
    """Runs points in several processes; one that dies is replaced, and its points run again."""

    def __init__(self, plan: SweepPlan, workers: int, say: Say) -> None:
        self.done: Counter[str] = Counter()
        self._plan = pickle.dumps(plan)
        self._answers: queue.Queue[tuple[_Worker, str]] = queue.Queue()
        self._workers: list[_Worker] = []
        self._most = workers
        self._deaths = Deaths(say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def run(self, groups: Iterator[Group]) -> Iterator[Answer]:
        """Yield an answer for every point, as they come."""
        self._hand_out(groups)
        while any(worker.groups for worker in self._workers):
            worker, line = self._answers.get()
            if line:
                yield from self._heard(worker, line)
            elif worker in self._workers:
                yield from self._died(worker)
            self._hand_out(groups)

    def _hand_out(self, groups: Iterator[Group]) -> None:
        """Give every process as much as it may hold, and start one more where that helps."""
        again = self._deaths.again
        while True:
            free = min(self._workers, key=lambda worker: worker.groups, default=None)
            may_start = len(self._workers) < self._most
            if not may_start and (free is None or free.groups >= AHEAD):
                return
            group = again.popleft() if again else next(groups, None)
            if group is None:
                return
            if free is None or (free.groups and may_start):
                free = _Worker(self._plan, self._answers)
                self._workers.append(free)
            free.give(group)

    def _heard(self, worker: _Worker, line: str) -> Iterator[Answer]:
        number, told = json.loads(line)
        if number is None:
            worker.groups -= 1
            self.done.update(told)
            return
        assert worker.left[0] == number, (worker.left, number)
        worker.left.popleft()
        self._deaths.none()
        yield number, told

    def _died(self, worker: _Worker) -> Iterator[Answer]:
        self._workers.remove(worker)
        how = worker.how_it_died
        worker.stop()
        yield from self._deaths.tell(list(worker.left), how)


Make = Callable[[SweepPlan, "int | None", Say], Executor]
"""Makes an executor for a plan, of so many processes or as many as there are cores."""


def _local(plan: SweepPlan, workers: int | None, say: Say) -> Executor:
    processes = workers or len(os.sched_getaffinity(0))
    return InProcess(plan) if processes == 1 else Local(plan, processes, say)


def _ray(plan: SweepPlan, workers: int | None, say: Say) -> Executor:
    from archsim.sweep.ray_executor import OnRay  # noqa: PLC0415 - only who asks for it needs it

    return OnRay(plan, workers, say)


EXECUTORS: Mapping[str, Make] = {"local": _local, "ray": _ray}
"""Where points can be run, by name."""


def executor_named(name: str) -> Make:
    """Return what makes an executor.

    Raises:
        InputError: if none has that name.
    """
    if name not in EXECUTORS:
        raise InputError(f"no executor named {name!r}; {did_you_mean(name, EXECUTORS)}")
    return EXECUTORS[name]
