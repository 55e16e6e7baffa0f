"""Which axis matters: how much a metric changes while nothing but one axis does."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from archsim.report.frame import GRID, INK, TEXT, plain
from archsim.report.palette import COMPONENTS
from archsim.report.quantities import ellipsize, ratio_text
from archsim.report.sweep.scales import log_axis, sweep_figure
from archsim.report.sweep.study import METRICS, SweepStudy

COLORS = dict(zip(METRICS, (COMPONENTS[1], COMPONENTS[5], COMPONENTS[0]), strict=True))


def sensitivity(study: SweepStudy) -> Figure:
    """Draw the factor by which each axis alone changes latency, energy and EDP."""
    influences, names = study.influences, [axis.name for axis in study.ranked]
    strongest = max(
        (each for each in influences if each.metric == "edp_js"), key=lambda each: each.factor
    )
    title = (
        f"{strongest.axis} matters most: alone it changes the energy-delay product by a "
        f"factor of {ratio_text(strongest.factor).removesuffix(' x')}"
    )
    words = (
        "the largest over the least while only this axis changes; a bar at the geometric mean over "
        "all settings of the others, a line from the least to the largest"
        if strongest.groups
        else "the largest over the least of an axis' values, each averaged over all points that "
        "have it: points are sampled, and hardly two differ in one axis only"
    )
    legend = [Patch(color=COLORS[metric], label=METRICS[metric][0]) for metric in METRICS]
    height = 0.9 + 0.85 * len(names)
    figure = sweep_figure(
        study, title=title, subtitle=words, width=10, height=height, legend=legend
    )
    axes = figure.subplots()
    width = 0.26
    for row, name in enumerate(names):
        for turn, metric in enumerate(METRICS):
            each = next((i for i in influences if (i.axis, i.metric) == (name, metric)), None)
            if each is None:
                continue
            place = row + (turn - 1) * width
            axes.barh(place, each.factor - 1, left=1, height=width * 0.9, color=COLORS[metric])
            if each.groups > 1:
                axes.plot([each.low, each.high], [place, place], color=INK, linewidth=1)
            end = max(each.factor, each.high if each.groups > 1 else 0)
            axes.text(end, place, f"  {ratio_text(each.factor)}", va="center", fontsize=TEXT - 1.5)
    axes.set_yticks(range(len(names)), [plain(ellipsize(name, 24)) for name in names])
    axes.invert_yaxis()
    top = max(max(each.factor, each.high) for each in influences)
    log_axis(axes.xaxis, [1, max(1.05, top)], room=1)
    axes.set_xlim(1, max(1.05, top) ** 1.18)
    axes.axvline(1, color=INK, linewidth=1.2)
    axes.set_xlabel("changes it by a factor of [×]", fontsize=TEXT)
    axes.grid(axis="x", color=GRID, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
