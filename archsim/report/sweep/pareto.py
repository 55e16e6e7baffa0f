"""Latency against energy: every point, and the front that nothing beats."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from archsim.report.frame import GRID, INK, TEXT, plain
from archsim.report.palette import BETTER, COMPONENTS, NEUTRAL, WORSE
from archsim.report.quantities import Scale, ellipsize, quantity
from archsim.report.sweep.scales import log_axis, sweep_figure
from archsim.report.sweep.study import SweepStudy

MOST_COLORS = 8
"""Values of an axis that are told apart by colour."""


def pareto(study: SweepStudy) -> Figure:
    """Draw a dot per feasible point, the front as a line, and its knee with its name."""
    at, front, frame = study.knee, study.front, study.feasible
    assert at is not None
    by = next((axis for axis in study.ranked if len(axis.labels) <= MOST_COLORS), None)
    words = "a dot per feasible point; towards the lower left is better; the line joins those that "
    words += "no other beats in both"
    if by is not None:
        words += f"; colours tell the {by.name}"
    what = "The knee" if len(front) > 1 else "Best in time and energy"
    title = f"{what}: {ellipsize(study.name_of(at), 80)}"
    figure = sweep_figure(study, title=title, subtitle=words, width=10, height=5.8)
    axes = figure.subplots()
    latency = Scale.of(frame["latency_s"].max(), "s")
    energy = Scale.of(frame["energy_j"].max(), "J")
    xs, ys = frame["latency_s"] / latency.factor, frame["energy_j"] / energy.factor
    size = 34 if len(frame) <= 400 else 12
    if by is None:
        axes.scatter(xs, ys, s=size, color=NEUTRAL, alpha=0.7, linewidths=0)
    else:
        handles = []
        for place, (value, label) in enumerate(zip(by.settings, by.labels, strict=True)):
            chosen = frame[by.name] == value
            color = COMPONENTS[place % len(COMPONENTS)]
            if chosen.any():
                axes.scatter(xs[chosen], ys[chosen], s=size, color=color, linewidths=0, zorder=2)
                name = plain(ellipsize(label, 24))
                handles.append(Line2D([], [], color=color, marker="o", linewidth=0, label=name))
        axes.legend(handles=handles, title=by.name, frameon=False, fontsize=TEXT - 1)
    line_x = (front["latency_s"] / latency.factor).tolist()
    line_y = (front["energy_j"] / energy.factor).tolist()
    axes.plot(line_x, line_y, color=INK, linewidth=1.2, zorder=3, drawstyle="steps-post")
    axes.scatter(line_x, line_y, s=60, facecolors="none", edgecolors=INK, zorder=4)
    x, y = at["latency_s"] / latency.factor, at["energy_j"] / energy.factor
    axes.scatter([x], [y], s=150, marker="*", color=WORSE, edgecolors=INK, zorder=5)
    log_axis(axes.xaxis, xs)
    log_axis(axes.yaxis, ys)
    told = f"{quantity(at['latency_s'], 's')}, {quantity(at['energy_j'], 'J')}"
    axes.annotate(
        plain(told),
        (x, y),
        xytext=(10, 10),
        textcoords="offset points",
        fontsize=TEXT,
        color=BETTER,
        fontweight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        zorder=6,
    )
    axes.set_xlabel(f"latency [{latency.symbol}]", fontsize=TEXT)
    axes.set_ylabel(f"energy [{energy.symbol}]", fontsize=TEXT)
    axes.grid(color=GRID, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TEXT - 1)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
