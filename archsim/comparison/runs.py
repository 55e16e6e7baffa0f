"""Runs the cases of a comparison, several at a time, and goes on where it was stopped.

Cases on one machine are run in bunches by one process, which maps what they have in common
once; findings that stand in the report are computed beside them. What a case gave is kept in a
folder until all are done, under the hash of its configuration, so that a comparison that was
stopped has only the rest to do.
"""

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import chain, groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from archsim import config
from archsim.comparison.comparison_report import ComparisonReport
from archsim.comparison.findings import Shown
from archsim.comparison.kept import keep
from archsim.comparison.plan import CasePlan, ComparisonPlan, read_plan
from archsim.errors import ArchsimError, ConfigError
from archsim.experiment import provenance_of, read, simulate_experiment
from archsim.ir.findings import Finding
from archsim.results import Case, digest

Progress = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""
BUNCH = 6
"""Cases that a process runs before it tells how they went."""
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
    plan = read_plan(path)
    kept = None if out is None else Path(out) / KEPT
    jobs: list[Job] = [partial(_run, bunch, kept) for bunch in _bunches(plan)]
    if kept is not None:
        # They take long, and only documents have them.
        shows = [partial(_show, place, kept) for place in enumerate(plan.shown)]
        jobs = [*shows, *jobs]
    done = _done(jobs, len(plan.cases), workers or os.cpu_count() or 1, progress)
    comparison = replace(
        plan.comparison,
        cases=tuple(done.cases[number] for number in range(len(plan.cases))),
        command=_command(path, out),
        versions={"archsim": version("archsim")},
    )
    found = [done.findings[number] for number in sorted(done.findings)]
    report = ComparisonReport(
        comparison, plan.shown, None if kept is None else tuple(chain.from_iterable(found))
    )
    if kept is not None:
        report.write(kept.parent)
        shutil.rmtree(kept, ignore_errors=True)
    return report


def _command(path: str | Path, out: str | Path | None) -> str:
    """Return what makes a comparison again, in the caller's own words for files."""
    words = ["archsim", "compare", str(path)]
    return shlex.join(words if out is None else [*words, "--out", str(out)])


Numbered = tuple[int, CasePlan]
"""A case and its place in the comparison."""


@dataclass(frozen=True)
class Done:
    """Results by their places: of cases in the comparison, of findings in the file's list."""

    cases: Mapping[int, Case] = field(default_factory=dict)
    findings: Mapping[int, tuple[Finding, ...]] = field(default_factory=dict)


Job = Callable[[], Done]
"""What a process does in one go."""


def _done(jobs: list[Job], cases: int, workers: int, progress: Progress | None) -> Done:
    """Return what all jobs gave."""
    found, shown = dict[int, Case](), dict[int, tuple[Finding, ...]]()
    if progress:
        progress(0, cases)
    for done in _results(jobs, min(workers, len(jobs))):
        found |= done.cases
        shown |= done.findings
        if progress:
            progress(len(found), cases)
    return Done(found, shown)


def _bunches(plan: ComparisonPlan) -> Iterator[list[Numbered]]:
    """Yield cases that are run by one process, those on one machine together."""

    def machine(numbered: Numbered) -> str:
        changes = numbered[1].overrides
        return json.dumps({k: v for k, v in changes.items() if k.startswith("architecture")})

    for _, members in groupby(sorted(enumerate(plan.cases), key=machine), key=machine):
        alike = list(members)
        for start in range(0, len(alike), BUNCH):
            yield alike[start : start + BUNCH]


def _results(jobs: list[Job], workers: int) -> Iterator[Done]:
    if workers == 1:
        yield from (job() for job in jobs)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        for future in as_completed([pool.submit(job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _show(numbered: tuple[int, Shown], kept: Path) -> Done:
    """Find what an experiment shows by itself."""
    number, shown = numbered
    return Done(findings={number: shown.findings(kept)})


def _run(bunch: list[Numbered], kept: Path | None) -> Done:
    """Run some cases one after the other.

    Raises:
        ConfigError: if the file of one is wrong.
    """
    return Done(cases={number: _case(plan, kept) for number, plan in bunch})


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
