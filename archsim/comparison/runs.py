"""Runs the cases of comparisons, several at a time, and goes on where one was stopped.

A process that has run a case on a machine runs the next one there, and maps what both have in
common once; findings that stand in a report are computed beside them. What a case gave is kept
in a folder until all are done, under the hash of its configuration, so that a comparison that
was stopped has only the rest to do.
"""

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from archsim import config
from archsim.comparison.comparison_report import ComparisonReport
from archsim.comparison.dealing import Job, deal
from archsim.comparison.findings import Shown
from archsim.comparison.kept import keep
from archsim.comparison.plan import CasePlan, ComparisonPlan, read_plan
from archsim.errors import ArchsimError, ConfigError, InputError
from archsim.experiment import provenance_of, read, simulate_experiment
from archsim.ir.findings import Finding
from archsim.results import Case, digest

Progress = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""
KEPT = ".runs"
"""The folder, inside that of the report, with what has been run so far."""


def compare(
    path: str | Path,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ComparisonReport:
    """Run every case of a comparison's file; one that fails is told of, and the rest goes on.

    With ``out``, cases that an earlier call had run when it was stopped are not run again.

    Raises:
        ConfigError: if the file, or that of a case, is wrong.
    """
    (report,) = _compared([_Asked(path, out)], workers, progress)
    return report


def compare_all(
    paths: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[ComparisonReport]:
    """Run several comparisons at once: what they have in common is worked out once.

    With ``out``, their reports are in :func:`report_folders`.

    Raises:
        InputError: if two of them would be written to the same folder.
        ConfigError: if a file is wrong.
    """
    folders: Sequence[Path | None] = (
        [None for _ in paths] if out is None else report_folders(paths, out)
    )
    return _compared(list(map(_Asked, paths, folders)), workers, progress)


def report_folders(paths: Sequence[str | Path], out: str | Path) -> list[Path]:
    """Return where the reports of comparisons are: of several, each in a folder of its name.

    Raises:
        InputError: if two of them would be written to the same folder.
    """
    if len(paths) == 1:
        return [Path(out)]
    folders = [Path(out) / Path(path).stem for path in paths]
    for number, folder in enumerate(folders):
        if folder in folders[:number]:
            first = paths[folders.index(folder)]
            raise InputError(f"{first} and {paths[number]} would both be written to {folder}")
    return folders


@dataclass(frozen=True)
class _Asked:
    """A comparison that somebody asked for."""

    path: str | Path
    out: str | Path | None

    @property
    def kept(self) -> Path | None:
        """The folder of what has been run so far."""
        return None if self.out is None else Path(self.out) / KEPT


@dataclass(frozen=True)
class _Done:
    """What a process did: a case, or findings, and their place in which comparison."""

    comparison: int
    place: int
    case: Case | None = None
    findings: tuple[Finding, ...] = ()


def _compared(
    asked: list[_Asked], workers: int | None, progress: Progress | None
) -> list[ComparisonReport]:
    plans = [read_plan(one.path) for one in asked]
    jobs = [
        list(_jobs(number, plan, one.kept))
        for number, (one, plan) in enumerate(zip(asked, plans, strict=True))
    ]
    cases: list[dict[int, Case]] = [{} for _ in plans]
    findings: list[dict[int, tuple[Finding, ...]]] = [{} for _ in plans]
    left = list(map(len, jobs))
    made: dict[int, Future[ComparisonReport]] = {}
    total = sum(len(plan.cases) for plan in plans)
    if progress:
        progress(0, total)
    writer = ThreadPoolExecutor(1)  # processes wait for their next job, and not for documents
    try:
        for done in deal(list(chain(*jobs)), workers or os.cpu_count() or 1):
            number = done.comparison
            if done.case is None:
                findings[number][done.place] = done.findings
            else:
                cases[number][done.place] = done.case
                if progress:
                    progress(sum(map(len, cases)), total)
            left[number] -= 1
            if not left[number]:
                whole = asked[number], plans[number], cases[number], findings[number]
                made[number] = writer.submit(_report, *whole)
        return [made[number].result() for number in range(len(plans))]
    finally:
        writer.shutdown(wait=False, cancel_futures=True)


def _jobs(number: int, plan: ComparisonPlan, kept: Path | None) -> Iterator[Job[_Done]]:
    """Yield what there is to do for a comparison; what takes longest comes first."""
    if kept is not None:  # only documents have them
        for place, shown in enumerate(plan.shown):
            yield Job(("findings", number, place), partial(_show, number, place, shown, kept))
    for place, case in enumerate(plan.cases):
        changes = case.overrides
        machine = {key: value for key, value in changes.items() if key.startswith("architecture")}
        sort = json.dumps(machine or str(case.experiment), default=str)
        yield Job(sort, partial(_run, number, place, case, kept))


def _report(
    asked: _Asked,
    plan: ComparisonPlan,
    cases: Mapping[int, Case],
    findings: Mapping[int, tuple[Finding, ...]],
) -> ComparisonReport:
    comparison = replace(
        plan.comparison,
        cases=tuple(cases[place] for place in range(len(plan.cases))),
        command=_command(asked.path, asked.out),
        versions={"archsim": version("archsim")},
    )
    found = [findings[place] for place in sorted(findings)]
    report = ComparisonReport(
        comparison, plan.shown, None if asked.kept is None else tuple(chain.from_iterable(found))
    )
    if asked.kept is not None:
        report.write(asked.kept.parent)
        shutil.rmtree(asked.kept, ignore_errors=True)
    return report


def _command(path: str | Path, out: str | Path | None) -> str:
    """Return what makes a comparison again, in the caller's own words for files."""
    words = ["archsim", "compare", str(path)]
    return shlex.join(words if out is None else [*words, "--out", str(out)])


def _show(comparison: int, place: int, shown: Shown, kept: Path) -> _Done:
    """Find what an experiment shows by itself."""
    return _Done(comparison, place, findings=shown.findings(kept))


def _run(comparison: int, place: int, plan: CasePlan, kept: Path | None) -> _Done:
    """Run a case.

    Raises:
        ConfigError: if its file is wrong.
    """
    return _Done(comparison, place, case=_case(plan, kept))


def _case(plan: CasePlan, kept: Path | None) -> Case:
    document, experiment = read(plan.experiment, plan.overrides)
    provenance = provenance_of(document, config.label_of(plan.experiment), plan.overrides)
    file = kept / f"{provenance.config_hash}.json" if kept else None
    found: Mapping[str, Any] | None = None
    error = ""
    if file is not None and file.exists():
        found = json.loads(file.read_text())
    else:
        try:
            found = digest(simulate_experiment(experiment, provenance))
        except ConfigError:
            raise
        except ArchsimError as problem:
            error = str(problem)
    if file is not None and found is not None:
        keep(file, json.dumps(found).encode())
    return Case(
        name=plan.name,
        labels=plan.labels,
        digest=found,
        error=error,
        command=provenance.command,
    )
