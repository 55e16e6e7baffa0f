"""A comparison that has been made, and its documents.

What makes tables and figures is loaded when they are made: no process that only runs needs it.
"""

# ruff: noqa: PLC0415  (see above)

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.comparison.findings import Shown, all_distinct
from archsim.ir.findings import Finding
from archsim.results import Comparison
from archsim.results.comparison import COMPARED

if TYPE_CHECKING:
    from archsim.report.comparison.table import Frame


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison that has been made, and its documents."""

    comparison: Comparison
    shown: tuple[Shown, ...] = ()
    """Experiments whose findings stand in the documents."""
    found: tuple[Finding, ...] | None = None
    """What they show, where that is known already."""

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the algorithm shows by itself; found when it is first asked for."""
        if self.found is not None:
            return all_distinct(self.found)
        return all_distinct(tuple(chain.from_iterable(each.findings() for each in self.shown)))

    @property
    def table(self) -> "Frame":
        """One row per experiment: what it was, what came out, how it stands to its baseline."""
        from archsim.report.comparison.table import comparison_frame

        return comparison_frame(self.comparison)

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML file."""
        from archsim.report.comparison.files import write_html

        return write_html(self.comparison, Path(path), self.findings)

    def write(self, folder: str | Path) -> list[Path]:
        """Write all documents and figures into a folder."""
        from archsim.report.comparison.files import write_comparison

        return write_comparison(self.comparison, Path(folder), self.findings)

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
            "findings": [
                {"name": finding.name, "title": finding.title, "caption": finding.caption}
                for finding in self.found or ()
            ],
            "config_hash": made.config_hash,
            "command": made.command,
        }


def _ends(ratios: Sequence[float]) -> list[float] | None:
    """Return the least and the largest; none where there are none."""
    return [min(ratios), max(ratios)] if ratios else None
