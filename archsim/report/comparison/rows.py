"""The rows that figures of a comparison share: cases while they are few, rivals otherwise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archsim.report.comparison.rivals import is_baseline, name_of
from archsim.report.frame import INK, TEXT, new_figure, plain
from archsim.report.quantities import ellipsize
from archsim.results import Case, Comparison, Labels

WIDTH = 11.0
"""Inches."""
ROW = 0.36
"""Inches of a row of bars."""
NAME = 30
"""Letters of a name beside a row."""
SHORT_NAME = 28
"""Letters of a name in a title or a legend."""
MOST_OF_A_GROUP = 12
"""Cases of one group that are drawn one by one."""
MOST_CASES = 24
"""Cases that are drawn one by one."""
SAME_SCALE = 12
"""Bars and timelines share an axis if the longest is at most this many times the shortest."""
MOST_ROWS = 40
"""Rivals that are drawn; the best of more."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a figure: a case, or a rival averaged over its cases."""

    name: str
    group: Labels
    cases: tuple[Case, ...]
    """Those with a result."""
    asked: int
    """Cases that there should be."""

    @property
    def missing(self) -> str:
        """Say what has no result; nothing where all have one."""
        if len(self.cases) == self.asked:
            return ""
        return f"{len(self.cases)} of {self.asked}" if self.cases else "failed"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a figure, and whether each is one case."""

    rows: tuple[Row, ...]
    is_each: bool
    left_out: int
    """Rivals that there was no room for."""

    def words(self, how: str) -> str:
        """Say what a row is; ``how`` says what is done with the cases of a rival."""
        words = "one bar per case" if self.is_each else f"one bar per rival: {how}"
        if self.left_out:
            words += f"; the best {len(self.rows)} of {len(self.rows) + self.left_out} rivals"
        return words


def comparison_figure(
    comparison: Comparison,
    *,
    title: str,
    subtitle: str,
    height: float,
    legend: Sequence[Artist] = (),
) -> Figure:
    """Return a figure with its words and how to make it again."""
    return new_figure(
        title=title,
        subtitle=subtitle,
        width=WIDTH,
        height=height,
        config_hash=comparison.config_hash,
        command=comparison.command,
        legend=legend,
    )


def table_of(comparison: Comparison) -> Table:
    """Return the rows of a figure: cases while they are few, rivals otherwise."""
    sizes: dict[Labels, int] = defaultdict(int)
    for case in comparison.cases:
        sizes[comparison.group(case)] += 1
    if len(comparison.cases) <= MOST_CASES and max(sizes.values(), default=0) <= MOST_OF_A_GROUP:
        rows = [
            Row(
                name=name_of(comparison, comparison.rival(case)),
                group=group,
                cases=() if case.has_failed else (case,),
                asked=1,
            )
            for group in comparison.groups
            for case in comparison.cases
            if comparison.group(case) == group
        ]
        return Table(rows=tuple(rows), is_each=True, left_out=0)
    rivals, left_out = shown_rivals(comparison)
    of_rival: dict[Labels, list[Case]] = defaultdict(list)
    for case in comparison.cases:
        of_rival[comparison.rival(case)].append(case)
    rows = [
        Row(
            name=name_of(comparison, rival),
            group=(),
            cases=tuple(case for case in of_rival[rival] if not case.has_failed),
            asked=len(comparison.groups),
        )
        for rival in rivals
    ]
    return Table(rows=tuple(rows), is_each=False, left_out=left_out)


def shown_rivals(comparison: Comparison) -> tuple[list[Labels], int]:
    """Return the rivals that there is room for, the baseline among them, and how many are not."""
    return best_rivals(comparison, comparison.rivals, MOST_ROWS)


def best_rivals(
    comparison: Comparison, rivals: Sequence[Labels], room: int
) -> tuple[list[Labels], int]:
    """Return the best of some rivals, and the baseline, in order; and how many are left out."""
    if len(rivals) <= room:
        return list(rivals), 0
    means = {rival: comparison.geometric_mean(rival, "edp_js") or 0.0 for rival in rivals}
    rated = sorted(rivals, key=lambda r: (not is_baseline(comparison, r), -means[r]))
    chosen = set(rated[:room])
    return [rival for rival in rivals if rival in chosen], len(rivals) - room


def places_of(comparison: Comparison, table: Table) -> tuple[list[float], dict[float, str]]:
    """Return where rows stand from the top down, and headings of groups between them."""
    if not table.is_each or len(comparison.groups) == 1:
        return [float(place) for place in range(len(table.rows))], {}
    places: list[float] = []
    headings: dict[float, str] = {}
    below = 0.0
    for number, row in enumerate(table.rows):
        if not number or row.group != table.rows[number - 1].group:
            headings[below] = name_of(comparison, row.group)
            below += 0.9
        places.append(below)
        below += 1
    return places, headings


def name_rows(axes: Axes, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Write names beside rows, the first on top."""
    at = list(range(len(names))) if places is None else list(places)
    labels = [plain(ellipsize(name, NAME)) for name in names]
    axes.set_yticks(at, labels, fontsize=TEXT)
    top = -0.6 if not at or at[0] < 0.5 else -0.5
    axes.set_ylim(max(at, default=0) + 0.6, top)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)


def head_groups(axes: Axes, headings: Mapping[float, str]) -> None:
    """Write the names of groups above their rows."""
    for place, heading in headings.items():
        words = plain(ellipsize(heading, 3 * NAME))
        axes.annotate(
            words,
            (0, place + 0.08),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=TEXT,
            fontweight="bold",
            color=INK,
        )


def digests(comparison: Comparison) -> list[Mapping[str, Any]]:
    """Return what is known of every case that has a result."""
    return [case.digest for case in comparison.cases if case.digest is not None]
