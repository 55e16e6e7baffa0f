"""How full memories were: the peak of every memory of a comparison's cases."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from archsim.report.comparison.parts import machine_colors
from archsim.report.comparison.rivals import name_of
from archsim.report.comparison.rows import (
    ROW,
    SHORT_NAME,
    Row,
    Table,
    comparison_figure,
    head_groups,
    name_rows,
    places_of,
    table_of,
)
from archsim.report.frame import GREY, LINE, SOFT, TEXT, plain
from archsim.report.palette import NEUTRAL
from archsim.report.quantities import ellipsize, percent
from archsim.results import Comparison

MOST_MEMORIES = 4
"""Memories that are drawn; the fullest of more."""
NEARLY_EMPTY = 0.02
"""A memory that is never fuller than this is told of in words."""


def memory(comparison: Comparison) -> Figure:
    """Draw how full each memory was at its peak, data and waste apart."""
    table = table_of(comparison)
    peaks = [_peaks(row) for row in table.rows]
    fullest: dict[str, float] = defaultdict(float)
    for found in peaks:
        for name, (taken, _) in found.items():
            fullest[name] = max(fullest[name], taken)
    names = _shown(fullest)
    words = f"share of the capacity taken when most of it was, {table.words('its fullest case')}"
    words += _left_out_in_words({n: share for n, share in fullest.items() if n not in names})
    places, headings = places_of(comparison, table)
    title = _memory_in_words(comparison, table, peaks, names)
    figure = comparison_figure(
        comparison,
        title=title,
        subtitle=words,
        height=ROW * (max(places, default=0.0) + 1) + 0.85 + LINE,
        legend=_legend_of_memory(),
    )
    panels = figure.subplots(1, max(1, len(names)), sharey=True, squeeze=False)[0]
    colors = machine_colors(comparison)
    for axes, name in zip(panels, names, strict=False):
        shares = {places[n]: peak[name] for n, peak in enumerate(peaks) if name in peak}
        _draw_memory(axes, shares, colors[name])
        _mark_absent(axes, [places[n] for n, row in enumerate(table.rows) if _lacks(row, name)])
        axes.set_title(plain(ellipsize(name, SHORT_NAME)), fontsize=TEXT + 1, loc="left")
    name_rows(panels[0], [row.name for row in table.rows], places)
    head_groups(panels[0], headings)
    for axes in panels:
        axes.set_xlabel("peak [% of capacity]", fontsize=TEXT)
        axes.tick_params(axis="x", labelsize=TEXT)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right"]].set_visible(False)
    for place, row in zip(places, table.rows, strict=True):
        if not row.cases:
            panels[0].text(1, place, row.missing, va="center", fontsize=TEXT, color=GREY)
    return figure


def _shown(fullest: Mapping[str, float]) -> list[str]:
    """Return the memories that are drawn: the fullest, if it is but one, and the next few."""
    ordered = sorted(fullest, key=lambda name: -fullest[name])[:MOST_MEMORIES]
    return [name for n, name in enumerate(ordered) if not n or fullest[name] >= NEARLY_EMPTY]


def _left_out_in_words(others: Mapping[str, float]) -> str:
    """Say how full the memories that are not drawn ever were."""
    if not others:
        return ""
    if len(others) > MOST_MEMORIES:
        return f"; {len(others)} others were at most {_share(max(others.values()))} full"
    told = [f"{ellipsize(name, SHORT_NAME)} {_share(share)}" for name, share in others.items()]
    return f"; others at most: {', '.join(told)}"


def _peaks(row: Row) -> dict[str, tuple[float, float]]:
    """Return the shares of each memory that were taken and used, of a row's fullest case."""
    found: dict[str, tuple[float, float]] = {}
    for case in row.cases:
        assert case.digest is not None
        for name, peak in case.digest["memories"].items():
            if capacity := peak["capacity_bytes"]:
                shares = (peak["taken_bytes"] / capacity, peak["used_bytes"] / capacity)
                found[name] = max(found.get(name, (0.0, 0.0)), shares)
    return found


def _lacks(row: Row, name: str) -> bool:
    """Whether a row has results, and none of them a memory of this name."""
    return bool(row.cases) and name not in _peaks(row)


def _mark_absent(axes: Axes, places: Sequence[float]) -> None:
    for place in places:
        axes.text(2, place, "–", va="center", fontsize=TEXT, color=GREY)


def _draw_memory(axes: Axes, found: Mapping[float, tuple[float, float]], color: str) -> None:
    data = [100 * used for _, used in found.values()]
    waste = [100 * (taken - used) for taken, used in found.values()]
    axes.barh(list(found), data, height=0.72, color=color, label="data")
    axes.barh(list(found), waste, left=data, height=0.72, color=color, alpha=0.35, label="waste")
    for place, (taken, _) in found.items():
        axes.annotate(
            _share(taken),
            (100 * taken, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=TEXT,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 1},
        )
    axes.axvline(100, color=SOFT, linestyle="--", linewidth=1.2, zorder=0)
    axes.set_xlim(0, 132)
    axes.set_xticks([0, 50, 100])


def _share(share: float) -> str:
    return percent(share) if share >= 0.001 or not share else "< 0.1 %"


def _legend_of_memory() -> list[Artist]:
    return [
        Patch(color=NEUTRAL, label="data", linewidth=0),
        Patch(color=NEUTRAL, alpha=0.35, label="waste", linewidth=0),
        Line2D([], [], color=SOFT, linestyle="--", linewidth=1.2, label="capacity"),
    ]


def _memory_in_words(
    comparison: Comparison,
    table: Table,
    peaks: Sequence[Mapping[str, tuple[float, float]]],
    names: Sequence[str],
) -> str:
    """Say which memory was fullest, and whose."""
    if not names:
        return "No case has a memory to show"
    name = names[0]
    place = max(range(len(peaks)), key=lambda n: peaks[n].get(name, (0.0, 0.0)))
    row = table.rows[place]
    whose = ellipsize(row.name, SHORT_NAME)
    if table.is_each and len(comparison.groups) > 1:
        whose += f", {ellipsize(name_of(comparison, row.group), SHORT_NAME)}"
    share = percent(peaks[place][name][0])
    return f"The fullest memory is {ellipsize(name, SHORT_NAME)}: {share} taken ({whose})"
