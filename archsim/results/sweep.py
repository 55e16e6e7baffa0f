"""A sweep that was run: its axes, and a table with a row per point on disk.

The table is read when it is looked at. All columns are those of ``points.csv``; what is not
known is none.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NUMBERS = ("latency_s", "energy_j", "edp_js", "power_w")
COUNTS = ("macs", "dram_bytes", "on_chip_bytes", "parameter_bytes")
WORDS = ("limited_by",)
METRICS = (*NUMBERS, *COUNTS, *WORDS)
"""What is known of every point that is feasible, in the order of tables."""
POINT, FEASIBLE, REASON, HASH = "point", "feasible", "reason", "config_hash"


@dataclass(frozen=True, kw_only=True)
class SweptAxis:
    """One thing that points differ in."""

    name: str
    labels: tuple[str, ...]
    """Its values as tables show them."""
    settings: tuple[int | float | str, ...]
    """The same as numbers where they are, with a unit as texts."""
    numbers: tuple[float, ...] = ()
    """The same as numbers of one unit; none where they are no numbers."""
    unit: str = ""
    changes: tuple[Mapping[str, Any], ...] = ()
    """What each value changes of the experiment, by dotted path."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What was asked, and where the answer lies."""

    name: str
    title: str
    question: str
    experiment: str
    axes: tuple[SweptAxis, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What all points change of the experiment, by dotted path."""
    table: Path
    derived: Mapping[str, str] = field(default_factory=dict)
    """Columns that follow from others, each with its source."""
    assumptions: tuple[str, ...] = ()
    command: str = ""
    config_hash: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns, in order."""
        axes = tuple(axis.name for axis in self.axes)
        return (POINT, *axes, FEASIBLE, REASON, *METRICS, *self.derived, HASH)

    def read(self) -> dict[str, list[Any]]:
        """Return the table by column, numbers as numbers."""
        with self.table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
        if not rows:
            return {column: [] for column in self.columns}
        found: dict[str, list[Any]] = {}
        for column, cells in zip(self.columns, zip(*rows, strict=True), strict=True):
            convert = self._conversion(column)
            found[column] = [convert(cell) if cell else None for cell in cells]
        found[REASON] = [reason or "" for reason in found[REASON]]
        return found

    def _conversion(self, column: str) -> Callable[[str], Any]:
        axis = next((axis for axis in self.axes if axis.name == column), None)
        if axis is not None:
            return dict(zip(axis.labels, axis.settings, strict=True)).__getitem__
        if column in NUMBERS:
            return float
        if column == FEASIBLE:
            return "true".__eq__
        if column == POINT or column in COUNTS:
            return int
        return _number if column in self.derived else str


def _number(cell: str) -> int | float:
    try:
        return int(cell)
    except ValueError:
        return float(cell)
