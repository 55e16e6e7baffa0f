"""Who wins by how much: how many times better than the baseline each rival is."""

from collections.abc import Sequence
from math import ceil, floor, log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from archsim.report.comparison.rivals import (
    baseline_name,
    name_of,
    subject,
    what_is_missing,
)
from archsim.report.comparison.rows import (
    NAME,
    ROW,
    SHORT_NAME,
    comparison_figure,
    name_rows,
    shown_rivals,
)
from archsim.report.comparison.words import METRIC_WORDS, range_text
from archsim.report.frame import GREY, GRID, INK, TEXT
from archsim.report.palette import BETTER, WORSE
from archsim.report.quantities import ellipsize, ratio_text
from archsim.results import Comparison
from archsim.results.comparison import geometric_mean

EDGE, BOLD_LETTER = 6, 7.2
"""Points beside a panel, and of a bold letter, roughly."""


def ratios(comparison: Comparison, metric: str) -> Figure:
    """Draw how many times better than the baseline each rival is: every group, and the mean."""
    noun = METRIC_WORDS[metric][0]
    baseline = baseline_name(comparison)
    rivals, left_out = shown_rivals(comparison)
    found = {rival: comparison.ratios(rival, metric) for rival in rivals}
    is_single = len(comparison.groups) == 1
    words = f"how many times less {noun} than {baseline} (1 is as much; right is better)"
    if not is_single:
        words += "; a dot per group, a bar at the geometric mean; on the right it and the range"
    if left_out:
        words += f"; the best {len(rivals)} of {len(rivals) + left_out} rivals"
    title = ratio_in_words(comparison, metric)
    height = max(1.6, ROW * 1.1 * len(rivals) + 0.75)
    figure = comparison_figure(comparison, title=title, subtitle=words, height=height)
    axes = figure.subplots()
    axes.set_xscale("log")
    _log_limits(axes, [ratio for known in found.values() for ratio in known])
    axes.axvline(1, color=INK, linewidth=1.2, zorder=1)
    beside: list[tuple[str, str]] = []
    for place, (rival, known) in enumerate(found.items()):
        _draw_ratios(axes, place, known, is_single=is_single)
        mean = comparison.geometric_mean(rival, metric)
        spread = comparison.spread(rival, metric)
        notes = ["" if spread is None else range_text(spread), what_is_missing(comparison, rival)]
        note = "; ".join(filter(None, notes))
        beside.append(("" if mean is None else times(mean), note))
    _write_beside(axes, beside)
    name_rows(axes, [name_of(comparison, rival) for rival in rivals])
    axes.set_xlabel(f"times better than {ellipsize(baseline, NAME)} in {noun} [×]", fontsize=TEXT)
    axes.grid(axis="x", color=GRID, zorder=0)
    axes.set_axisbelow(True)
    return figure


def ratio_in_words(comparison: Comparison, metric: str) -> str:
    """Say how the best rival, or the one asked about, stands in a metric, over how many groups."""
    noun, better, worse = METRIC_WORDS[metric]
    baseline = ellipsize(baseline_name(comparison), SHORT_NAME)
    rival = subject(comparison, metric)
    mean = None if rival is None else comparison.geometric_mean(rival, metric)
    if rival is None or mean is None:
        return f"No {noun} to compare with that of {baseline}"
    groups = len(comparison.ratios(rival, metric))
    name = ellipsize(name_of(comparison, rival), SHORT_NAME)
    said = times(max(mean, 1 / mean))
    over = f" (geometric mean of {groups})" if groups > 1 else ""
    if said == times(1.0):
        best = "" if comparison.subject else ", the best,"
        return f"{name}{best} is as good as {baseline} in {noun}{over}"
    if mean > 1:
        return f"{name} {better.format(said)} {baseline}{over}"
    if comparison.subject:
        return f"{name} {worse.format(said)} {baseline}{over}"
    return f"None beats {baseline}: {name} {worse.format(said)} it{over}"


def times(ratio: float) -> str:
    """Write a ratio with its sign."""
    return ratio_text(ratio).replace(" x", " ×")


def _draw_ratios(axes: Axes, place: int, known: Sequence[float], *, is_single: bool) -> None:
    mean = geometric_mean(known)
    if mean is None:
        return
    if is_single:
        color = BETTER if mean >= 1 else WORSE
        axes.barh(place, mean - 1, left=1, height=0.6, color=color, zorder=2)
        return
    # The golden ratio's multiples never come close to each other: a jitter without chance.
    rows = [place + 0.5 * ((number * 0.618034) % 1 - 0.5) for number in range(len(known))]
    axes.scatter(known, rows, s=26, color=BETTER, alpha=0.45, linewidths=0)
    axes.plot([mean, mean], [place - 0.38, place + 0.38], color=INK, linewidth=2.5, zorder=3)


def _write_beside(axes: Axes, rows: Sequence[tuple[str, str]]) -> None:
    """Write each row's ratio, and notes on it, on the right of the panel."""
    letters = max((len(ratio) for ratio, _ in rows), default=0)
    for place, (ratio, note) in enumerate(rows):
        for text, across, weight, color in (
            (ratio, EDGE, "bold", INK),
            (note, 2 * EDGE + letters * BOLD_LETTER if letters else EDGE, "normal", GREY),
        ):
            if text:
                axes.annotate(
                    text,
                    (1, place),
                    xycoords=("axes fraction", "data"),
                    xytext=(across, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=TEXT,
                    fontweight=weight,
                    color=color,
                )


def _log_limits(axes: Axes, values: Sequence[float]) -> None:
    """Set limits around values and 1, and round numbers as ticks."""
    low, high = min([*values, 0.95]), max([*values, 1.05])
    room = (high / low) ** 0.06
    low, high = low / room, high * room
    axes.set_xlim(low, high)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    choices = (
        [1 + step / 50 for step in range(450)],
        [1 + step / 20 for step in range(180)],
        [1 + step / 10 for step in range(90)],
        [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8],
        [1, 1.5, 2, 3, 5, 7],
        [1, 2, 5],
        [1],
    )
    ticks: list[float] = []
    for steps in choices:
        ticks = [x * 10.0**n for n in decades for x in steps if low <= x * 10.0**n <= high]
        if len(ticks) <= 9:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks[:: ceil(len(ticks) / 9) or 1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _ratio_tick(x)))
    axes.xaxis.set_minor_locator(NullLocator())


def _ratio_tick(ratio: float) -> str:
    return f"{ratio:,.0f}" if 1000 <= ratio < 10**6 else f"{ratio:.3g}"
