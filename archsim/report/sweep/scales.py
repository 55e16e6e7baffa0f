"""What the figures of a sweep have in common: their frame, and axes that read well."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from archsim.report.frame import new_figure
from archsim.report.sweep.study import SweepStudy

STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))
"""Ticks in a decade of a logarithmic axis, from few to many."""
FEWEST_TICKS, MOST_TICKS = 4, 7
MOST_EVEN = 12
"""The end of a logarithmic axis over its start up to which evenly spaced ticks read better."""


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
    ticks = _decades(low, high) if high / low > MOST_EVEN else _even(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axis.set_minor_locator(NullLocator())


def _decades(low: float, high: float) -> list[float]:
    """Return ticks at the same places of every decade."""
    ticks: list[float] = []
    for steps in STEPS:
        decades = range(floor(log10(low)), ceil(log10(high)) + 1)
        ticks = [step * 10.0**n for n in decades for step in steps if low <= step * 10.0**n <= high]
        if len(ticks) >= FEWEST_TICKS:
            break
    return ticks


def _even(low: float, high: float) -> list[float]:
    """Return ticks a round step apart."""
    unit = 10.0 ** floor(log10((high - low) / MOST_TICKS))
    step = next(n * unit for n in (1, 2, 2.5, 5, 10, 20) if (high - low) / (n * unit) <= MOST_TICKS)
    return [step * n for n in range(ceil(low / step), floor(high / step) + 1)]
