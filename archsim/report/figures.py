"""Figures of one run: where time and energy went.

Every function returns a ``Figure`` of its own; nothing is drawn on a screen.
"""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archsim.report.explain import bound_in_words, where_energy_goes
from archsim.report.frame import TEXT, new_figure, plain
from archsim.report.palette import NEUTRAL, REST, component_colors, phase_colors
from archsim.report.quantities import Scale, count, ellipsize, percent, quantity
from archsim.report.shares import SPLITS, Split, energy_split, time_split
from archsim.results import Result

BARS = 7
"""Bars of one panel."""


def run_figure(result: Result, *, width: float, height: float, subtitle: str) -> Figure:
    """Return a figure that says whose run it shows; ``height`` inches are for what is drawn."""
    return new_figure(
        title=title(result),
        subtitle=subtitle,
        width=width,
        height=height,
        config_hash=result.provenance.config_hash,
        command=result.provenance.command,
    )


def title(result: Result) -> str:
    """Return a run's name and the two numbers that everyone asks for."""
    numbers = f"{quantity(result.latency_s, 's')} and {quantity(result.energy_j, 'J')}"
    steps = result.steps_per_epoch
    per = f" per step, {count(steps)} steps per epoch" if steps else ""
    return f"{ellipsize(result.name, 40)}: {numbers}{per}"


def breakdown(result: Result) -> Figure:
    """Draw the time (left) and dynamic energy (right) by phase, kind and component."""
    words = f"{bound_in_words(result)} {where_energy_goes(result)}"
    figure = run_figure(result, width=12, height=6.6, subtitle=words)
    grid = figure.subplots(len(SPLITS), 2, squeeze=False)
    for column, divide in enumerate((time_split, energy_split)):
        splits = [divide(result, by) for by in SPLITS]
        longest = max(max(split.largest(BARS).values(), default=0.0) for split in splits)
        for row, split in enumerate(splits):
            draw_split(grid[row, column], split, split_colors(result, split), longest)
    return figure


def draw_split(axes: Axes, split: Split, colors: Mapping[str, str], longest: float) -> None:
    """Draw the parts of a total as bars, the largest on top, with values and shares.

    ``longest`` is the largest value of all panels that should have the same scale.
    """
    scale = Scale.of(split.total, split.unit, decimals=1)
    parts = split.largest(BARS)
    places = range(len(parts))
    values = [value / scale.factor for value in parts.values()]
    axes.barh(places, values, color=[colors.get(name, REST) for name in parts], height=0.74)
    axes.set_yticks(places, [plain(ellipsize(name, 18)) for name in parts], fontsize=TEXT)
    axes.invert_yaxis()
    for place, (value, shown) in enumerate(zip(parts.values(), values, strict=True)):
        text = f" {scale.text(value)}  ({percent(value / split.total)})"
        axes.text(shown, place, text, va="center", fontsize=TEXT)
    axes.set_xlim(0, 1.42 * longest / scale.factor or 1.0)
    axes.set_xlabel(f"{split.title} [{scale.symbol}]", fontsize=TEXT)
    heading = f"{split.title} by {split.by}"
    if split.overlaps:
        heading += " (they overlap; share of the run)"
    axes.set_title(heading, fontsize=TEXT + 1, loc="left")
    axes.tick_params(axis="x", labelsize=TEXT - 1)
    axes.spines[["top", "right"]].set_visible(False)


def split_colors(result: Result, split: Split) -> dict[str, str]:
    """Return the colour of every part of a split."""
    if split.by == "phase":
        return phase_colors(split.parts)
    if split.by == "component":
        return component_colors(component_names(result))
    return dict.fromkeys(split.parts, NEUTRAL)


def component_names(result: Result) -> set[str]:
    """Return what reports call the components of a machine."""
    trace = result.trace
    names = {component.sort for component in trace.components}
    names |= {memory.name for memory in trace.memories}
    return names | energy_split(result, "component").parts.keys()
