"""Runs all points of a sweep, and keeps what came out as it comes.

``outcomes.csv`` in the folder holds what has been run, in the order in which it was; from it
``points.csv``, the table, is made when the sweep ends, whole or stopped.
"""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from archsim.errors import InputError, RunError
from archsim.results.sweep import Sweep
from archsim.sweep.executors import Executor, Group, Say, executor_named
from archsim.sweep.journal import Journal
from archsim.sweep.outcome import Outcome
from archsim.sweep.plan import Point, SweepPlan
from archsim.sweep.read import read_plan
from archsim.sweep.table import frame_of, swept, write_table

TEMPORARY = "archsim-sweep-"
JOURNAL, TABLE = "outcomes.csv", "points.csv"
LARGEST_GROUP = 256
"""Points that share a simulation and are run by one process."""
SOONEST_S = 0.5
"""Between one time that lines are forced to the disk and the next, while there are few."""
MOST_WAITING = 256
"""Outcomes that wait for that at most."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    done: int
    """Points run, in this call or before."""
    most: int
    """Points that there are at most: how many are skipped is not known before."""
    before: int
    """Of those done, the ones that were on disk already."""
    infeasible: int
    best: str
    """The point of least energy-delay product so far, in words."""


Told = Callable[[Progress], None]


@dataclass(frozen=True)
class SweepRun:
    """A sweep that was run, as far as it went."""

    plan: SweepPlan
    sweep: Sweep
    points: int
    """Rows of its table."""
    run_now: int
    """Points run by this call; the others were on disk."""
    left_out: int
    """Points that could not be run, since their process died."""
    done: Counter[str]
    """How often each link of a run was gone through."""

    @property
    def frame(self) -> pd.DataFrame:
        """The table: a row per point."""
        return frame_of(self.sweep)


def sweep(
    path: str | Path,
    *,
    workers: int | None = None,
    out: str | Path | None = None,
    executor: str = "local",
) -> pd.DataFrame:
    """Run every point of a sweep's file and return a table with a row for each.

    Its columns are the axes, ``feasible``, the ``reason`` where it is not, ``latency_s``,
    ``energy_j``, ``edp_js`` and more. With ``out``, results are kept in that folder as they
    come, and a later call goes on where an earlier one was stopped, whatever stopped it.
    ``workers`` are processes, one a core by default; ``executor`` is ``local`` or ``ray``.

    Raises:
        ConfigError: if the file is wrong.
        RunError: if results cannot be written.
    """
    with folder_for(out) as folder:
        return run_sweep(path, folder, workers=workers, executor=executor).frame


@contextmanager
def folder_for(out: str | Path | None) -> Iterator[Path]:
    """Give a folder for results: the caller's, or one that is gone afterwards."""
    if out is not None:
        yield Path(out)
        return
    with TemporaryDirectory(prefix=TEMPORARY) as folder:
        yield Path(folder)


def run_sweep(
    path: str | Path,
    folder: Path,
    *,
    workers: int | None = None,
    executor: str = "local",
    told: Told | None = None,
    say: Say | None = None,
) -> SweepRun:
    """Run a sweep into a folder, or what is left of it.

    ``told`` is told how far it is, ``say`` what went wrong and was mended.

    Raises:
        ConfigError: if the file is wrong.
        RunError: if results cannot be written.
    """
    make = executor_named(executor)
    plan = read_plan(path)
    say = say or _say_nothing
    with Journal(folder / JOURNAL) as journal:
        for repair in journal.repairs:
            say(repair)
        runner = _Runner(plan, journal, told)
        try:
            with make(plan, workers, say) as processes:
                runner.run(processes)
        except KeyboardInterrupt:
            say(f"{len(journal):,} points are kept in {folder}; the same command goes on")
            raise
        finally:
            points = _table(plan, journal, folder / TABLE)
    made = _swept(path, plan, folder)
    return SweepRun(plan, made, points, runner.now, runner.left_out, processes.done)


def made_before(path: str | Path, folder: Path) -> SweepRun:
    """Return a sweep as far as it has been run into a folder, and run nothing.

    Raises:
        InputError: if nothing has.
    """
    plan = read_plan(path)
    if not (folder / JOURNAL).exists():
        raise InputError(f"{folder / JOURNAL}: no such file; run the sweep first")
    with Journal(folder / JOURNAL) as journal:
        points = _table(plan, journal, folder / TABLE)
    return SweepRun(plan, _swept(path, plan, folder), points, 0, 0, Counter())


class _Runner:
    """Runs what is not on disk yet, and puts it there."""

    def __init__(self, plan: SweepPlan, journal: Journal, told: Told | None) -> None:
        self.plan = plan
        self.journal = journal
        self.now = 0
        self.left_out = 0
        self._told = told
        self._before = 0
        self._infeasible = 0
        self._best: tuple[float, str] = (float("inf"), "")
        self._keys: dict[int, tuple[str, Point]] = {}
        """Points handed out and not yet answered."""
        self._waiting: list[tuple[str, Outcome]] = []
        self._written = time.monotonic()

    def run(self, processes: Executor) -> None:
        """Run all points, or all that a search wants."""
        try:
            if self.plan.search is None:
                self._run(processes, self.plan.by_reuse())
            else:
                self._search(processes)
        finally:
            self._write()

    def _search(self, processes: Executor) -> None:
        from archsim.sweep.search import searched  # noqa: PLC0415 - optuna, where it is asked for

        def answers(points: Sequence[Point]) -> dict[int, Outcome | None]:
            self._run(processes, sorted(points, key=self.plan.reuse_key))
            self._write()
            return {point.number: self.journal.get(self.plan.key(point)) for point in points}

        for _ in searched(self.plan, answers):
            pass

    def _run(self, processes: Executor, points: Iterable[Point]) -> None:
        for number, outcome in processes.run(self._groups(points)):
            key, point = self._keys.pop(number)
            if outcome is None:
                self.left_out += 1
                continue
            self.now += 1
            self._note(point, outcome)
            self._waiting.append((key, outcome))
            is_time = time.monotonic() - self._written > SOONEST_S
            if is_time or len(self._waiting) >= MOST_WAITING:
                self._write()
            self._tell()

    def _groups(self, points: Iterable[Point]) -> Iterator[Group]:
        """Yield points that one simulation serves together, less those on disk already."""
        group: list[int] = []
        shared: tuple[int, ...] = ()
        for point in points:
            key = self.plan.key(point)
            if key in self.journal:
                self._before += 1
                outcome = self.journal.get(key)
                assert outcome is not None
                self._note(point, outcome)
                continue
            alike = self.plan.simulation_of(point)
            if group and (alike != shared or len(group) == LARGEST_GROUP):
                yield tuple(group)
                group = []
            shared = alike
            group.append(point.number)
            self._keys[point.number] = (key, point)
        self._tell()
        if group:
            yield tuple(group)

    def _note(self, point: Point, outcome: Outcome) -> None:
        if not outcome["feasible"]:
            self._infeasible += 1
        elif outcome["edp_js"] < self._best[0]:
            labels = (value.label for value in point.settings if value is not None)
            self._best = (outcome["edp_js"], ", ".join(labels))

    def _tell(self) -> None:
        if self._told:
            done = self._before + self.now
            most = max(done, self.plan.most_points)
            self._told(Progress(done, most, self._before, self._infeasible, self._best[1]))

    def _write(self) -> None:
        """Force what came out to the disk."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.journal.append(waiting)
        self._written = time.monotonic()


def _table(plan: SweepPlan, journal: Journal, file: Path) -> int:
    try:
        return write_table(plan, journal, file)
    except OSError as error:
        raise RunError(
            f"{file}: {error.strerror}. What was run is kept in {journal.file}; make room, and the "
            "same command goes on"
        ) from error


def _say_nothing(words: str) -> None:
    del words


def _swept(path: str | Path, plan: SweepPlan, folder: Path) -> Sweep:
    """Return what reports need to know, with what makes it again in the caller's own words."""
    words = ["archsim", "sweep", str(path)]
    is_temporary = folder.name.startswith(TEMPORARY)
    command = shlex.join(words if is_temporary else [*words, "--out", str(folder)])
    return swept(plan, folder / TABLE, command, {"archsim": version("archsim")})
