"""What the figures of a sweep have in common: their frame, and axes that read well."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from archsim.report.frame import new_figure
from archsim.report.sweep.study import SweepStudy

STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), tuple(1 + n / 5 for n in range(45)))
"""Ticks in a decade of a logarithmic axis, from few to many."""
MOST_TICKS = 9


def sweep_figure(
    study: SweepStudy,
    *,
    title: str,
    subtitle: str,
    width: float,
    height: float,
    legend: Sequence[Artist] = (),
) -> Figure:
    """Return a figure that says whose points it shows."""
    return new_figure(
        title=title,
        subtitle=subtitle,
        width=width,
        height=height,
        config_hash=study.sweep.config_hash,
        command=study.sweep.command,
        legend=legend,
    )


def log_axis(axis: Axis, values: Iterable[float], room: float = 1.12) -> None:
    """Make an axis logarithmic, with ticks that people read, also within one decade."""
    known = [value for value in values if value > 0]
    low, high = min(known) / room, max(known) * room
    panel = axis.axes
    if axis is panel.xaxis:
        panel.set(xscale="log", xlim=(low, high))
    else:
        panel.set(yscale="log", ylim=(low, high))
    ticks: list[float] = []
    for steps in STEPS:
        decades = range(floor(log10(low)), ceil(log10(high)) + 1)
        found = [step * 10.0**n for n in decades for step in steps if low <= step * 10.0**n <= high]
        if len(found) > MOST_TICKS and ticks:
            break
        ticks = found
        if len(ticks) >= 4:
            break
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axis.set_minor_locator(NullLocator())
