"""What an algorithm shows by itself, on no machine: curves, maps, bars and tables of a workload.

A workload that has more to say than operations offers ``findings()``; reports draw them beside
what the machine did. They are plain values: how they look is the report's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Axis:
    """What is along an axis, in which unit ("" where it has none)."""

    label: str
    unit: str = ""
    log: bool = False


@dataclass(frozen=True)
class Curve:
    """``y`` against ``x``, ascending; ``low`` and ``high`` bound ``y`` where it is uncertain."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _same_lengths(self.name, len(self.x), y=self.y, low=self.low, high=self.high)


@dataclass(frozen=True)
class Bars:
    """A value per category of a chart; ``low`` and ``high`` bound it where it is uncertain."""

    name: str
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _same_lengths(self.name, len(self.values), low=self.low, high=self.high)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Has a name for files, a title that says what is seen, and a caption that says how."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class CurveChart(Finding):
    """Curves over one pair of axes."""

    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class MapChart(Finding):
    """A value over a plane: ``values[i][j]`` at ``ys[i]`` and ``xs[j]``, both ascending."""

    x: Axis
    y: Axis
    value: Axis
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        _same_lengths(self.name, len(self.ys), values=self.values)
        for row in self.values:
            _same_lengths(self.name, len(self.xs), row=row)


@dataclass(frozen=True, kw_only=True)
class BarChart(Finding):
    """Bars side by side in each category."""

    value: Axis
    categories: tuple[str, ...]
    bars: tuple[Bars, ...]

    def __post_init__(self) -> None:
        for bars in self.bars:
            _same_lengths(bars.name, len(self.categories), values=bars.values)


Cell = str | int | float


@dataclass(frozen=True, kw_only=True)
class Table(Finding):
    """Rows of cells; a column's head names the unit of its numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            _same_lengths(self.name, len(self.columns), row=row)


def _same_lengths(name: str, length: int, **series: Sequence[object] | None) -> None:
    for word, values in series.items():
        if values is not None and len(values) != length:
            raise ValueError(f"{name}: {word} has {len(values)} values, not {length}")


@runtime_checkable
class HasFindings(Protocol):
    """A workload that shows something by itself."""

    def findings(self) -> tuple[Finding, ...]:
        """Return what to show, in the order a reader asks; may take its time."""
        ...
