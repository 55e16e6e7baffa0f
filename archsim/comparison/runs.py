"""Runs the cases of a comparison, several at a time, and goes on where it was stopped.

Cases on one machine are run in bunches by one process, which maps what they have in common
once. What a case gave is kept in a folder until all are done, under the hash of its
configuration, so that a comparison that was stopped has only the rest to do.

What makes tables and figures is loaded when they are made: no process that only runs needs it.
"""

# ruff: noqa: PLC0415  (see above)

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim import config
from archsim.comparison.plan import CasePlan, ComparisonPlan, read_plan
from archsim.errors import ArchsimError, ConfigError
from archsim.experiment import provenance_of, read, simulate_experiment
from archsim.hardware import Architecture
from archsim.mapping import Tilings
from archsim.results import Case, Comparison, digest
from archsim.results.comparison import COMPARED

if TYPE_CHECKING:
    from archsim.report.comparison.table import Frame

Progress = Callable[[int, int], None]
"""Told how many cases are done, and how many there are."""
BUNCH = 6
"""Cases that a process runs before it tells how they went."""
KEPT = ".runs"
"""The folder, inside that of the report, with what has been run so far."""


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison that has been made, and its documents."""

    comparison: Comparison

    @property
    def table(self) -> "Frame":
        """One row per experiment: what it was, what came out, how it stands to its baseline."""
        from archsim.report.comparison.table import comparison_frame

        return comparison_frame(self.comparison)

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML file."""
        from archsim.report.comparison.files import write_html

        return write_html(self.comparison, Path(path))

    def write(self, folder: str | Path) -> list[Path]:
        """Write all documents and figures into a folder."""
        from archsim.report.comparison.files import write_comparison

        return write_comparison(self.comparison, Path(folder))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        from archsim.report.comparison.words import answer

        made = self.comparison
        return {
            "name": made.name,
            "title": made.title,
            "answer": answer(made),
            "baseline": dict(made.baseline),
            "cases": [
                {
                    "name": case.name,
                    "labels": dict(case.labels),
                    "error": case.error,
                    "command": case.command,
                    "times_better": {metric: made.ratio(case, metric) for metric in COMPARED},
                    "result": case.digest,
                }
                for case in made.cases
            ],
            "geometric_means": [
                {
                    "labels": dict(rival),
                    **{metric: made.geometric_mean(rival, metric) for metric in COMPARED},
                    "ranges": {metric: _ends(made.ratios(rival, metric)) for metric in COMPARED},
                }
                for rival in made.rivals
            ],
            "published": [
                {**asdict(value), "simulated": made.simulated(value)} for value in made.published
            ],
            "config_hash": made.config_hash,
            "command": made.command,
        }


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
    found = dict(_all(plan, kept, workers or os.cpu_count() or 1, progress))
    comparison = replace(
        plan.comparison,
        cases=tuple(found[number] for number in range(len(plan.cases))),
        command=_command(path, out),
        versions={"archsim": version("archsim")},
    )
    report = ComparisonReport(comparison)
    if kept is not None:
        report.write(kept.parent)
        shutil.rmtree(kept, ignore_errors=True)
    return report


def _ends(ratios: Sequence[float]) -> list[float] | None:
    """Return the least and the largest; none where there are none."""
    return [min(ratios), max(ratios)] if ratios else None


def _command(path: str | Path, out: str | Path | None) -> str:
    """Return what makes a comparison again, in the caller's own words for files."""
    words = ["archsim", "compare", str(path)]
    return shlex.join(words if out is None else [*words, "--out", str(out)])


Numbered = tuple[int, CasePlan]
"""A case and its place in the comparison."""


def _all(
    plan: ComparisonPlan, kept: Path | None, workers: int, progress: Progress | None
) -> Iterator[tuple[int, Case]]:
    """Yield the cases as they are done, with their places."""
    bunches = list(_bunches(plan))
    done, total = 0, len(plan.cases)
    if progress:
        progress(done, total)
    for cases in _results(bunches, kept, min(workers, len(bunches))):
        yield from cases
        done += len(cases)
        if progress:
            progress(done, total)


def _bunches(plan: ComparisonPlan) -> Iterator[list[Numbered]]:
    """Yield cases that are run by one process, those on one machine together."""

    def machine(numbered: Numbered) -> str:
        changes = numbered[1].overrides
        return json.dumps({k: v for k, v in changes.items() if k.startswith("architecture")})

    for _, members in groupby(sorted(enumerate(plan.cases), key=machine), key=machine):
        alike = list(members)
        for start in range(0, len(alike), BUNCH):
            yield alike[start : start + BUNCH]


def _results(
    bunches: list[list[Numbered]], kept: Path | None, workers: int
) -> Iterator[list[tuple[int, Case]]]:
    if workers == 1:
        yield from (_run(bunch, kept) for bunch in bunches)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        futures: list[Future[list[tuple[int, Case]]]] = [
            pool.submit(_run, bunch, kept) for bunch in bunches
        ]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_MACHINES: list[Architecture] = []
"""The machines that this process met last, with all that they worked out."""
MOST_MACHINES = 2
_TILINGS: Tilings = {}
"""How this process mapped operations; machines that differ elsewhere have mappings in common."""
MOST_TILINGS = 10_000
"""Beyond so many, a case begins with none: each takes some ten KiB."""


def _run(bunch: list[Numbered], kept: Path | None) -> list[tuple[int, Case]]:
    """Run some cases one after the other.

    Raises:
        ConfigError: if the file of one is wrong.
    """
    return [(number, _case(plan, kept)) for number, plan in bunch]


def _met(architecture: Architecture) -> Architecture:
    """Return a machine as it was met before, with all that it worked out."""
    found = next((machine for machine in _MACHINES if machine == architecture), None)
    if found is None:
        found = architecture
        _MACHINES.append(found)
        del _MACHINES[:-MOST_MACHINES]
    return found


def _case(plan: CasePlan, kept: Path | None) -> Case:
    document, experiment = read(plan.experiment, plan.overrides)
    provenance = provenance_of(document, config.label_of(plan.experiment), plan.overrides)
    file = kept / f"{provenance.config_hash}.json" if kept else None
    found: Mapping[str, Any] | None = None
    error = ""
    if file is not None and file.exists():
        found = json.loads(file.read_text())
    else:
        experiment = replace(experiment, architecture=_met(experiment.architecture))
        if len(_TILINGS) > MOST_TILINGS:
            _TILINGS.clear()
        try:
            found = digest(simulate_experiment(experiment, provenance, known=_TILINGS))
        except ConfigError:
            raise
        except ArchsimError as problem:
            error = str(problem)
    if file is not None and found is not None:
        _keep(file, found)
    return Case(
        name=plan.name,
        labels=plan.labels,
        digest=found,
        error=error,
        command=provenance.command,
    )


def _keep(file: Path, found: Mapping[str, Any]) -> None:
    """Write a result under a temporary name first, so that none is ever half there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(found))
    part.replace(file)
