"""Jobs dealt to processes: each goes on with what it has begun to know.

Jobs of one sort have much in common, and a process remembers. So one that has nothing to do is
given the next job of the sort it did last; failing that, one of a sort that nobody is at, and
only in the end one that another process would do quicker.
"""

import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from types import ModuleType
from typing import Generic, TypeVar

from archsim.processes import collect_rarely, leave_at_once

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Job(Generic[Answer]):
    """What a process does in one go; it is sent there."""

    sort: Hashable
    work: Callable[[], Answer]


class _Table(Generic[Answer]):
    """Jobs that are left, by their sort."""

    def __init__(self, jobs: Iterable[Job[Answer]]) -> None:
        self._left: dict[Hashable, deque[Job[Answer]]] = {}
        for job in jobs:
            self._left.setdefault(job.sort, deque()).append(job)

    def take(self, last: Hashable, of_others: set[Hashable]) -> Job[Answer] | None:
        """Return the next job for a process, given the sort it did last, and what others do."""
        if not self._left:
            return None
        untouched = (sort for sort in self._left if sort not in of_others)
        longest = max(self._left, key=lambda sort: len(self._left[sort]))
        sort = last if last in self._left else next(untouched, longest)
        job = self._left[sort].popleft()
        if not self._left[sort]:
            del self._left[sort]
        return job


@contextmanager
def _no_main() -> Iterator[None]:
    """Let processes start without the caller's main module.

    They would run it first, and a script that compares as it is read would begin anew in each.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin() -> None:
    """Prepare a process for a long row of runs."""
    collect_rarely()
    leave_at_once()


def deal(jobs: list[Job[Answer]], workers: int) -> Iterator[Answer]:
    """Yield what the jobs give, as they are done, by so many processes."""
    if workers == 1:
        yield from (job.work() for job in jobs)
        return
    table = _Table(jobs)
    # A pool of one each: who of a larger pool does a job is left to chance.
    pools = [
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)
        for _ in range(min(workers, len(jobs)))
    ]
    busy: dict[Future[Answer], tuple[ProcessPoolExecutor, Hashable]] = {}

    def give(pool: ProcessPoolExecutor, last: Hashable) -> None:
        job = table.take(last, {sort for _, sort in busy.values()})
        if job is not None:
            busy[pool.submit(job.work)] = pool, job.sort

    try:
        with _no_main():
            for pool in pools:
                give(pool, None)
        while busy:
            done, _ = wait(busy, return_when=FIRST_COMPLETED)
            for future in done:
                pool, sort = busy.pop(future)
                give(pool, sort)
                yield future.result()
    finally:
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)
