"""Who wins where: a table of colours, groups by rivals, with the ratio in every cell.

For comparisons of many cases: each is one cell, and a row or a column that stands out is seen
at once.
"""

from collections import Counter
from collections.abc import Sequence
from math import log, radians, sin
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archsim.report.comparison.rivals import baseline_name, is_baseline, name_of
from archsim.report.comparison.rows import (
    MOST_ROWS,
    NAME,
    SHORT_NAME,
    WIDTH,
    best_rivals,
    comparison_figure,
    name_rows,
)
from archsim.report.comparison.words import METRIC_WORDS
from archsim.report.frame import GREY, INK, LETTER, LINE, TEXT, plain
from archsim.report.palette import BETTER, WORSE, mixed
from archsim.report.quantities import ellipsize, ratio_text
from archsim.results import Comparison, Labels

MOST_COLUMNS = 14
"""Rivals that there is room for; the best of more."""
CELL = 0.34
"""Inches of a row."""
HEAD = 3
"""Lines of a column's name."""
SLANT = 35
"""Degrees by which names of columns rise that are too long for lines."""
SAME = 1.0005
"""Ratios up to this are written as 1."""


def group_ratios(comparison: Comparison, metric: str) -> Figure:
    """Draw how many times better than the baseline each rival is in each group."""
    others = [rival for rival in comparison.rivals if not is_baseline(comparison, rival)]
    rivals, left_out = best_rivals(comparison, others, MOST_COLUMNS)
    groups = comparison.groups[:MOST_ROWS]
    words = (
        f"how many times less {METRIC_WORDS[metric][0]} than {baseline_name(comparison)} in each "
        "group; blue is better, orange worse, the best of a group is framed"
    )
    if left_out:
        words += f"; the best {len(rivals)} of {len(others)} rivals"
    if len(groups) < len(comparison.groups):
        words += f"; the first {len(groups)} of {len(comparison.groups)} groups"
    names = [ellipsize(name_of(comparison, rival), NAME) for rival in rivals]
    folded = [_folded(name, len(rivals)) for name in names]
    slant = 0 if all(folded) else SLANT
    rise = max(map(len, names), default=0) * LETTER * sin(radians(SLANT)) + 0.2
    figure = comparison_figure(
        comparison,
        title=_wins_in_words(comparison, metric),
        subtitle=words,
        height=CELL * len(groups) + (rise if slant else HEAD * LINE) + 0.35,
    )
    axes = figure.subplots()
    _draw_cells(axes, comparison, groups, rivals, metric)
    name_rows(axes, [name_of(comparison, group) for group in groups])
    _name_columns(axes, names if slant else folded, slant)
    axes.spines[:].set_visible(False)
    return figure


def _draw_cells(
    axes: Axes,
    comparison: Comparison,
    groups: Sequence[Labels],
    rivals: Sequence[Labels],
    metric: str,
) -> None:
    rows = [[_ratio(comparison, group, rival, metric) for rival in rivals] for group in groups]
    known = [[ratio for ratio in row if ratio is not None] for row in rows]
    strongest = max((abs(log(ratio)) for row in known for ratio in row), default=0.0) or 1.0
    for row, ratios in enumerate(rows):
        best = max(known[row], default=1.0)
        for column, ratio in enumerate(ratios):
            if ratio is None:
                _write_why(axes, comparison, groups[row], rivals[column], (column, row))
                continue
            strength = log(ratio) / strongest
            _draw_cell(axes, row, column, ratio, strength, is_best=ratio == best > SAME)


def _ratio(comparison: Comparison, group: Labels, rival: Labels, metric: str) -> float | None:
    case = comparison.case(group, rival)
    return None if case is None else comparison.ratio(case, metric)


def _write_why(
    axes: Axes, comparison: Comparison, group: Labels, rival: Labels, place: tuple[int, int]
) -> None:
    """Write why a cell has no ratio; nothing where the comparison leaves the case out."""
    case = comparison.case(group, rival)
    if case is not None:
        what = "failed" if case.has_failed else "–"
        axes.text(*place, what, ha="center", va="center", fontsize=TEXT - 1.5, color=GREY)


def _draw_cell(
    axes: Axes, row: int, column: int, ratio: float, strength: float, *, is_best: bool
) -> None:
    """Draw a ratio, the stronger in colour the further it is from 1."""
    color = mixed(BETTER if strength > 0 else WORSE, 0.85 * abs(strength))
    axes.add_patch(
        Rectangle(
            (column - 0.47, row - 0.44),
            0.94,
            0.88,
            facecolor=color,
            edgecolor=INK if is_best else color,
            linewidth=1.6 if is_best else 0,
        )
    )
    axes.text(
        column,
        row,
        ratio_text(ratio).removesuffix(" x"),
        ha="center",
        va="center",
        fontsize=TEXT,
        fontweight="bold" if is_best else "normal",
        color=INK,
    )


def _folded(name: str, columns: int) -> str:
    """Return a name in a few lines that fit a column; nothing where it would have to be cut."""
    letters = int((WIDTH - NAME * LETTER) / max(columns, 1) / LETTER)
    lines = wrap(name, max(letters, 1), break_long_words=False, break_on_hyphens=False)
    fits = len(lines) <= HEAD and max(map(len, lines)) <= letters
    return "\n".join(lines) if fits else ""


def _name_columns(axes: Axes, names: Sequence[str], slant: int) -> None:
    """Write names above columns: across, or aslant where they are long."""
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(names)), [plain(name) for name in names])
    for label in axes.get_xticklabels():
        label.set(
            fontsize=TEXT - 0.5,
            rotation=slant,
            ha="left" if slant else "center",
            rotation_mode="anchor",
        )
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)


def _wins_in_words(comparison: Comparison, metric: str) -> str:
    """Say which rival is the best in how many groups."""
    noun = METRIC_WORDS[metric][0]
    best: Counter[Labels] = Counter()
    for group in comparison.groups:
        ratios = {
            rival: ratio
            for rival in comparison.rivals
            if (ratio := _ratio(comparison, group, rival, metric)) is not None
        }
        if ratios:
            best[max(ratios, key=lambda rival: ratios[rival])] += 1
    if not best:
        return f"No {noun} to compare with that of {baseline_name(comparison)}"
    rival, wins = best.most_common(1)[0]
    name = ellipsize(name_of(comparison, rival), SHORT_NAME)
    return f"{name} has the least {noun} in {wins} of {len(comparison.groups)} groups"
