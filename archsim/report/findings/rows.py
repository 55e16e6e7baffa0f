"""A finding in rows: a head and its numbers, for CSV and for tables."""

import csv
from collections.abc import Sequence
from functools import singledispatch
from io import StringIO

from archsim.ir.findings import (
    Axis,
    BarChart,
    Bars,
    Cell,
    Curve,
    CurveChart,
    Finding,
    MapChart,
    Table,
)
from archsim.report.quantities import number

Row = tuple[Cell, ...]
BOUNDS = ("low", "high")
"""Heads of what bounds an uncertain value."""


def named(axis: Axis) -> str:
    """Write what is along an axis, with its unit where it has one."""
    return f"{axis.label} [{axis.unit}]" if axis.unit else axis.label


@singledispatch
def rows_of(finding: Finding) -> tuple[Row, list[Row]]:
    """Return a head and all numbers of a finding; bounds stand beside what is uncertain."""
    raise TypeError(f"no report knows a {type(finding).__name__}")


@rows_of.register
def _(finding: CurveChart) -> tuple[Row, list[Row]]:
    head, cells = _with_bounds(named(finding.y), [(c, c.y) for c in finding.curves])
    rows = [
        (curve.name, x, *values)
        for curve, column in zip(finding.curves, cells, strict=True)
        for x, values in zip(curve.x, column, strict=True)
    ]
    return ("curve", named(finding.x), *head), rows


@rows_of.register
def _(finding: MapChart) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (x, y, value)
        for y, values in zip(finding.ys, finding.values, strict=True)
        for x, value in zip(finding.xs, values, strict=True)
    ]
    return (named(finding.x), named(finding.y), named(finding.value)), rows


@rows_of.register
def _(finding: BarChart) -> tuple[Row, list[Row]]:
    head, cells = _with_bounds(named(finding.value), [(b, b.values) for b in finding.bars])
    rows = [
        (category, bars.name, *column[place])
        for place, category in enumerate(finding.categories)
        for bars, column in zip(finding.bars, cells, strict=True)
    ]
    return ("category", "bar", *head), rows


@rows_of.register
def _(finding: Table) -> tuple[Row, list[Row]]:
    return finding.columns, list(finding.rows)


def _with_bounds(
    name: str, series: Sequence[tuple[Curve | Bars, tuple[float, ...]]]
) -> tuple[Row, list[list[Row]]]:
    """Return the heads of a value and, where any series has them, of its bounds; and all cells."""
    if not any(each.low or each.high for each, _ in series):
        return (name,), [[(value,) for value in values] for _, values in series]
    return (name, *BOUNDS), [
        list(
            zip(
                values, *(ends or [""] * len(values) for ends in (each.low, each.high)), strict=True
            )
        )
        for each, values in series
    ]


def finding_csv(finding: Finding) -> str:
    """Return a finding as CSV of RFC 4180, a header first, each number with all its digits."""
    head, rows = rows_of(finding)
    text = StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


def cell_text(cell: Cell) -> str:
    """Write a cell as people read it."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return cell if isinstance(cell, str) else number(cell)


def number_columns(table: Table) -> list[bool]:
    """Say of each column whether it holds nothing but numbers."""
    return [
        all(not isinstance(row[column], str) for row in table.rows)
        for column in range(len(table.columns))
    ]
