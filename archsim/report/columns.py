"""Cells in columns, for the terminal."""

from collections.abc import Sequence
from textwrap import wrap

NARROWEST = 14
"""Letters that the first column has at least, however narrow the terminal is."""


def aligned(rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Align cells in columns, the first to the left and numbers to the right.

    Names of the first column go on in the next line where the ``width`` has no room for them;
    they are never cut, so that they stay apart. A row of one cell stands across all columns.
    """
    full = [row for row in rows if len(row) > 1]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    room = max(widths[:1], default=0)
    if width is not None:
        others = sum(2 + each for each in widths[1:])
        room = min(room, max(NARROWEST, width - others))
    lines: list[str] = []
    for row in rows:
        if len(row) == 1:
            lines += _folded(row[0], width)
            continue
        first, *more = _folded(row[0], room)
        cells = (f"{cell:>{each}}" for cell, each in zip(row[1:], widths[1:], strict=True))
        lines += ["  ".join([f"{first:<{room}}", *cells]).rstrip(), *more]
    return lines


def _folded(text: str, width: int | None) -> list[str]:
    """Return a text in lines, those after the first set in; its own indent is kept."""
    if width is None or len(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    lines = wrap(
        text.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
    )
    return lines or [text]
