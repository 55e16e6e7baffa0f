"""Families of lines: metrics along one axis, a line for each value of another."""

from math import isnan, nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from archsim.report.frame import GRID, TEXT, plain
from archsim.report.palette import COMPONENTS, NEUTRAL
from archsim.report.quantities import Scale, ellipsize
from archsim.report.sweep.scales import log_axis, sweep_figure
from archsim.report.sweep.study import METRICS, SweepStudy
from archsim.results.sweep import SweptAxis

MOST_LINES = 9
MARKERS = "osD^vP*Xh"


def families(study: SweepStudy) -> tuple[SweptAxis, SweptAxis | None] | None:
    """Return the axis along which lines go, and that whose values they are; none without one.

    Lines go along numbers if there are any, of those the ones with most values.
    """
    if not study.ranked:
        return None
    along = max(study.ranked, key=lambda axis: (bool(axis.numbers), len(axis.labels)))
    others = [axis for axis in study.ranked if axis is not along]
    few = [axis for axis in others if len(axis.labels) <= MOST_LINES]
    return along, few[0] if few else None


def line_families(study: SweepStudy) -> Figure:
    """Draw latency, energy and EDP along an axis, a line for each value of another."""
    chosen = families(study)
    assert chosen is not None
    along, by = chosen
    rest = [axis.name for axis in study.varied if axis not in (along, by)]
    words = "logarithmic scales; a gap: no feasible point"
    if rest:
        words += f"; each mark is the best over {', '.join(rest)}"
    legend = [] if by is None else _legend(by)
    title = f"Along {along.name}" + (f", by {by.name}" if by else "")
    figure = sweep_figure(study, title=title, subtitle=words, width=12, height=4.2, legend=legend)
    for axes, metric in zip(figure.subplots(1, len(METRICS)), METRICS, strict=True):
        _draw(axes, study, metric, along, by)
    return figure


def _legend(by: SweptAxis) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            color=COMPONENTS[place % len(COMPONENTS)],
            marker=MARKERS[place % len(MARKERS)],
            label=plain(ellipsize(f"{by.name} {label}", 26)),
        )
        for place, label in enumerate(by.labels)
    ]


def _draw(
    axes: Axes, study: SweepStudy, metric: str, along: SweptAxis, by: SweptAxis | None
) -> None:
    frame = study.feasible
    noun, unit = METRICS[metric]
    scale = Scale.of(float(frame[metric].max()), unit)
    places = list(along.numbers) or [float(place) for place in range(len(along.labels))]
    order = sorted(range(len(places)), key=places.__getitem__)
    drawn: list[float] = []
    for turn, value in enumerate(by.settings if by else [None]):
        chosen = frame if by is None else frame[frame[by.name] == value]
        heights = _best(chosen, metric, along, scale)
        axes.plot(
            [places[at] for at in order],
            [heights[at] for at in order],
            color=COMPONENTS[turn % len(COMPONENTS)] if by else NEUTRAL,
            marker=MARKERS[turn % len(MARKERS)],
            markersize=5,
            linewidth=1.4,
        )
        drawn += [height for height in heights if not isnan(height)]
    log_axis(axes.yaxis, drawn)
    if along.numbers and min(places) > 0 and max(places) / min(places) > 8:
        axes.set_xscale("log")
        axes.minorticks_off()
    step = -(-len(places) // 8)
    turn = 30 if max(map(len, along.labels)) > 6 else 0
    labels = [plain(ellipsize(label, 16)) for label in along.labels]
    axes.set_xticks(places[::step], labels[::step], rotation=turn)
    axes.set_xlabel(plain(along.name), fontsize=TEXT)
    axes.set_title(f"{noun} [{scale.symbol}]", fontsize=TEXT + 1, loc="left")
    axes.grid(color=GRID, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TEXT - 1)
    axes.spines[["top", "right"]].set_visible(False)


def _best(frame: pd.DataFrame, metric: str, along: SweptAxis, scale: Scale) -> list[float]:
    """Return the least of a metric for each value on an axis; not a number where there is none."""
    least = frame.groupby(along.name)[metric].min() / scale.factor
    return [float(least.get(value, nan)) for value in along.settings]
