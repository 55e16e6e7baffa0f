"""Figures of findings: curves with bands, maps with a colour bar, bars, and tables.

A finding's title says what is seen, its caption how, and the footer how to make it again.
"""

from collections.abc import Sequence
from functools import singledispatch
from itertools import pairwise
from math import isfinite, log10

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis as Drawn
from matplotlib.collections import QuadMesh
from matplotlib.colors import CenteredNorm, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from archsim.ir.findings import Axis, BarChart, Bars, Curve, CurveChart, Finding, MapChart, Table
from archsim.report.findings.origin import Origin
from archsim.report.findings.rows import named
from archsim.report.findings.table_figure import table_figure
from archsim.report.frame import GREY, GRID, INK, PAPER, TEXT, folded, new_figure, plain
from archsim.report.palette import AROUND_ZERO, DASHES, LOW_TO_HIGH, REST, SERIES
from archsim.report.quantities import ellipsize, number

WIDTH, HEIGHT = 11.0, 4.4
"""Inches."""
BAR, GAP = 0.27, 0.6
"""Inches of a bar; bars' widths between categories."""
LEGEND = 26
"""Letters of a line of the legend."""
LABEL = 44
"""Letters of a line beside an axis."""
CATEGORY = 30
"""Letters of a category's name."""
FEW = 20
"""Points of a curve that are marked one by one."""
FEW_CELLS = 150
"""Cells of a map that have their values written in."""
DARK = 0.5
"""Colours of less light than this are written on in white."""
FEW_DECADES = 3
"""So many of an axis have more ticks than one each."""
NOTHING = "no number"
"""Stands where a bar has no value."""


@singledispatch
def finding_figure(finding: Finding, origin: Origin) -> Figure:
    """Draw a finding."""
    raise TypeError(f"no report draws a {type(finding).__name__}, made by {origin.command}")


finding_figure.register(Table, table_figure)


@finding_figure.register
def _(finding: CurveChart, origin: Origin) -> Figure:
    figure = _framed(finding, origin, HEIGHT)
    axes = figure.subplots()
    for place, curve in enumerate(finding.curves):
        _draw_curve(axes, curve, place)
    xs = [x for curve in finding.curves for x in curve.x]
    ys = [y for curve in finding.curves for y in curve.y]
    _set_axes(axes, finding.x, xs, finding.y, ys)
    axes.grid(color=GRID, zorder=0)
    axes.margins(x=0.01)
    _legend(axes, len(finding.curves))
    return figure


def _draw_curve(axes: Axes, curve: Curve, place: int) -> None:
    color = SERIES[place % len(SERIES)]
    axes.plot(
        curve.x,
        curve.y,
        color=color,
        linestyle=DASHES[place % len(DASHES)],
        linewidth=2,
        marker="o" if len(curve.x) <= FEW else "",
        markersize=5,
        label=folded(curve.name, LEGEND),
    )
    if curve.low or curve.high:
        low, high = curve.low or curve.y, curve.high or curve.y
        axes.fill_between(curve.x, low, high, color=color, alpha=0.18, linewidth=0)


@finding_figure.register
def _(finding: MapChart, origin: Origin) -> Figure:
    figure = _framed(finding, origin, HEIGHT)
    axes = figure.subplots()
    values = [value for row in finding.values for value in row]
    norm = _norm(values, finding.value)
    colors = AROUND_ZERO if isinstance(norm, CenteredNorm) else LOW_TO_HIGH
    mesh = axes.pcolormesh(
        _edges(finding.xs, finding.x),
        _edges(finding.ys, finding.y),
        finding.values,
        norm=norm,
        cmap=colormaps[colors].with_extremes(bad=REST),
        rasterized=True,
    )
    _set_axes(axes, finding.x, finding.xs, finding.y, finding.ys)
    bar = figure.colorbar(mesh, ax=axes, pad=0.015)
    _tick(bar.ax.yaxis, finding.value, values)
    if len(values) <= FEW_CELLS:
        _write_cells(axes, finding, mesh)
    else:
        _draw_levels(axes, finding, [float(tick) for tick in bar.get_ticks()])
    return figure


def _write_cells(axes: Axes, finding: MapChart, mesh: QuadMesh) -> None:
    """Write the value of each cell, in the ink that its colour can be read under."""
    for y, row in zip(finding.ys, finding.values, strict=True):
        for x, value, (red, green, blue, _) in zip(
            finding.xs, row, mesh.to_rgba(np.asarray(row)), strict=True
        ):
            if isfinite(value):
                ink = INK if 0.3 * red + 0.59 * green + 0.11 * blue > DARK else PAPER
                text = number(value)
                axes.text(x, y, text, ha="center", va="center", fontsize=TEXT - 1, color=ink)


def _draw_levels(axes: Axes, finding: MapChart, ticks: Sequence[float]) -> None:
    """Draw a line, with its value, through each level that the colour bar has a tick for."""
    known = [value for row in finding.values for value in row if isfinite(value)]
    levels = [tick for tick in ticks if known and min(known) < tick < max(known)]
    if levels and min(len(finding.xs), len(finding.ys)) > 1:
        lines = axes.contour(
            finding.xs, finding.ys, finding.values, levels, colors=PAPER, linewidths=1.0
        )
        # Read on light and on dark alike.
        edged: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground=INK)]
        lines.set_path_effects(edged)
        for label in axes.clabel(lines, fmt=_tick_text, fontsize=TEXT - 1):
            label.set_path_effects(edged)


def _norm(values: Sequence[float], axis: Axis) -> Normalize:
    """Return how values become colours: in proportion, by their logarithm, or around zero."""
    known = [value for value in values if isfinite(value) and (value > 0 or not axis.log)]
    least, most = min(known, default=1.0), max(known, default=1.0)
    if axis.log:
        return LogNorm(least, most)
    return CenteredNorm(0) if least < 0 < most else Normalize(least, most)


def _edges(places: Sequence[float], axis: Axis) -> list[float]:
    """Return where cells around places begin and end: in the middle between two."""
    if axis.log:
        inner = Axis(axis.label, axis.unit)
        return [10**edge for edge in _edges([log10(place) for place in places], inner)]
    middles = [(a + b) / 2 for a, b in pairwise(places)]
    if not middles:
        return [places[0] - 0.5, places[0] + 0.5]
    return [2 * places[0] - middles[0], *middles, 2 * places[-1] - middles[-1]]


@finding_figure.register
def _(finding: BarChart, origin: Origin) -> Figure:
    each = len(finding.bars) + GAP
    figure = _framed(finding, origin, BAR * each * len(finding.categories) + 0.7)
    axes = figure.subplots()
    axes.set_xlim(_span(finding))
    for place, bars in enumerate(finding.bars):
        _draw_bars(axes, bars, place, [each * n + place for n in range(len(bars.values))])
    middle = (len(finding.bars) - 1) / 2
    axes.set_yticks(
        [each * n + middle for n in range(len(finding.categories))],
        [plain(ellipsize(name, CATEGORY)) for name in finding.categories],
        fontsize=TEXT,
    )
    axes.set_ylim(each * len(finding.categories) - GAP, -GAP)
    _set_axes(axes, finding.value, [value for bars in finding.bars for value in bars.values])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID, zorder=0)
    axes.set_axisbelow(True)
    _legend(axes, len(finding.bars))
    return figure


def _span(finding: BarChart) -> tuple[float, float]:
    """Return where bars begin and how far the panel goes, with room for numbers behind them."""
    ends = [
        end
        for bars in finding.bars
        for end in (*bars.values, *(bars.low or ()), *(bars.high or ()))
        if isfinite(end) and (end > 0 or not finding.value.log)
    ]
    if not finding.value.log:
        least, most = min([0.0, *ends]), max([0.0, *ends])
        room = 0.14 * (most - least or 1.0)
        return least - room * (least < 0), most + room
    least, most = min(ends, default=1.0) / 2, max(ends, default=1.0)
    return least, most * (most / least) ** 0.14


def _draw_bars(axes: Axes, bars: Bars, place: int, rows: Sequence[float]) -> None:
    color = SERIES[place % len(SERIES)]
    start, _ = axes.get_xlim()
    floor = max(start, 0.0)
    drawn = [max(value, start) if isfinite(value) else floor for value in bars.values]
    lengths = [value - floor for value in drawn]
    label = folded(bars.name, LEGEND)
    axes.barh(rows, lengths, left=floor, height=0.86, color=color, label=label, zorder=2)
    low, high = bars.low or bars.values, bars.high or bars.values
    if bars.low or bars.high:
        below = [value - end for value, end in zip(drawn, low, strict=True)]
        above = [end - value for value, end in zip(drawn, high, strict=True)]
        axes.errorbar(
            drawn,
            rows,
            xerr=[below, above],
            fmt="none",
            ecolor=INK,
            elinewidth=1.2,
            capsize=3,
            zorder=3,
        )
    for row, value, end, top in zip(rows, bars.values, drawn, high, strict=True):
        is_known = isfinite(value)
        axes.annotate(
            number(value) if is_known else NOTHING,
            (max(end, top) if is_known else floor, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=TEXT - 1,
            color=INK if is_known else GREY,
        )


def _framed(finding: Finding, origin: Origin, height: float) -> Figure:
    return new_figure(
        title=finding.title,
        subtitle=finding.caption,
        width=WIDTH,
        height=height,
        config_hash=origin.config_hash,
        command=origin.command,
    )


def _set_axes(
    axes: Axes, x: Axis, xs: Sequence[float], y: Axis | None = None, ys: Sequence[float] = ()
) -> None:
    """Name, scale and tick the axes of a panel; without ``y`` its rows have names already."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xscale("log" if x.log else "linear")
    _tick(axes.xaxis, x, xs)
    if y is not None:
        axes.set_yscale("log" if y.log else "linear")
        _tick(axes.yaxis, y, ys)


def _tick(drawn: Drawn, axis: Axis, values: Sequence[float]) -> None:
    """Name an axis and write its ticks as people write numbers."""
    drawn.set_label_text(plain(folded(named(axis), LABEL)), fontsize=TEXT)
    drawn.set_tick_params(labelsize=TEXT)
    if axis.log:
        known = [value for value in values if isfinite(value) and value > 0]
        decades = log10(max(known, default=1.0) / min(known, default=1.0))
        drawn.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < FEW_DECADES else (1,)))
        drawn.set_minor_locator(NullLocator())
    drawn.set_major_formatter(FuncFormatter(lambda tick, _: _tick_text(tick)))


def _tick_text(value: float) -> str:
    text = f"{value:g}".replace("e-0", "e-").replace("e+0", "e")
    return text.replace("-", "\N{MINUS SIGN}")


def _legend(axes: Axes, series: int) -> None:
    """Name series on the right of a panel, where nothing is drawn; one alone needs no name."""
    if series > 1:
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.02),
            frameon=False,
            fontsize=TEXT,
            handlelength=2.6,
            labelspacing=0.7,
        )
