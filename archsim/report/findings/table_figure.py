"""A finding's table as a figure: text in columns, numbers to the right."""

from collections.abc import Sequence
from textwrap import wrap

from matplotlib.figure import Figure

from archsim.ir.findings import Table
from archsim.report.findings.origin import Origin
from archsim.report.findings.rows import cell_text, number_columns
from archsim.report.frame import GRID, INK, LETTER, LINE, TEXT, new_figure, plain

WIDTH = 11.0
"""Inches."""
ROOM = int(WIDTH / LETTER)
"""Letters across it."""
SPACE, LEAST = 3, 8
"""Letters between columns, and of the narrowest column that others leave no room for."""
BETWEEN = 0.5
"""Lines between rows."""
MOST_ROWS = 40
"""Rows that are drawn; all are in the CSV."""


def table_figure(finding: Table, origin: Origin) -> Figure:
    """Draw a table's head and its first rows."""
    shown = finding.rows[:MOST_ROWS]
    texts = [[cell_text(cell) for cell in row] for row in (finding.columns, *shown)]
    widths = _widths(texts)
    rows = [[wrap(text, width) for text, width in zip(row, widths, strict=True)] for row in texts]
    heights = [max(1, *map(len, row)) + BETWEEN for row in rows]
    told = f" The first {len(shown)} of {len(finding.rows)} rows."
    left_out = told if len(shown) < len(finding.rows) else ""
    figure = new_figure(
        title=finding.title,
        subtitle=finding.caption + left_out,
        width=WIDTH,
        height=LINE * sum(heights) + 0.1,
        config_hash=origin.config_hash,
        command=origin.command,
    )
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, ROOM)
    axes.set_ylim(sum(heights), 0)
    numeric = number_columns(finding)
    below = 0.0
    for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
        across = 0.0
        for lines, width, is_number in zip(row, widths, numeric, strict=True):
            axes.text(
                across + width * is_number,
                below + BETWEEN / 2,
                plain("\n".join(lines)),
                ha="right" if is_number else "left",
                va="top",
                fontsize=TEXT,
                fontweight="normal" if place else "bold",
                color=INK,
            )
            across += width + SPACE
        below += height
        axes.plot([0, across - SPACE], [below, below], color=GRID if place else INK, linewidth=1)
    return figure


def _widths(texts: Sequence[Sequence[str]]) -> list[int]:
    """Return the letters of each column's lines: as many as fit the figure together."""
    longest = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    most = max(longest)
    while most > LEAST and sum(min(most, letters) + SPACE for letters in longest) > ROOM:
        most -= 1
    return [max(1, min(most, letters)) for letters in longest]
