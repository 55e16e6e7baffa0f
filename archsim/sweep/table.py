"""The table of a sweep: a row per point in the order of its file, however they were run."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from archsim.config import label_of
from archsim.results.sweep import COUNTS, FEASIBLE, HASH, METRICS, POINT, REASON, Sweep, SweptAxis
from archsim.sweep.axes import Axis
from archsim.sweep.journal import Journal, cell_of
from archsim.sweep.outcome import Outcome
from archsim.sweep.plan import Point, SweepPlan
from archsim.sweep.quantities import magnitude, scale, split

COLUMN_TYPES = {FEASIBLE: "bool", **dict.fromkeys(COUNTS, "Int64")}


def swept(plan: SweepPlan, table: Path, command: str, versions: Mapping[str, str]) -> Sweep:
    """Return what reports need to know of a sweep."""
    return Sweep(
        name=plan.name,
        title=plan.title,
        question=plan.question,
        experiment=label_of(plan.experiment),
        axes=tuple(map(_swept_axis, plan.axes)),
        changes=plan.changes,
        table=table,
        derived={each.name: each.source for each in plan.derived},
        assumptions=plan.assumptions,
        command=command,
        config_hash=plan.config_hash,
        versions=versions,
    )


def _swept_axis(axis: Axis) -> SweptAxis:
    numbers, unit = _numbers([value.value for value in axis.settings])
    values = (value.value for value in axis.settings)
    return SweptAxis(
        name=axis.name,
        labels=tuple(value.label for value in axis.settings),
        settings=tuple(value if isinstance(value, int | float) else str(value) for value in values),
        numbers=numbers,
        unit=unit,
        changes=tuple(value.changes for value in axis.settings),
    )


def _numbers(values: list[object]) -> tuple[tuple[float, ...], str]:
    """Return values as numbers in the unit of the first one; none where one is no number."""
    first = split(values[0]) if isinstance(values[0], str) else None
    unit = first[1] if first else ""
    scales = scale(unit) or {}
    found = []
    for value in values:
        number, parts = magnitude(value), split(value) if isinstance(value, str) else None
        is_alike = parts[1] in scales if parts else not unit
        if not isinstance(number, int | float) or not is_alike:
            return (), ""
        found.append(float(number / scales[unit]) if unit else float(number))
    return tuple(found), unit


def write_table(plan: SweepPlan, journal: Journal, file: Path) -> int:
    """Write the table of all points that were run, whole or not at all; return how many.

    Raises:
        OSError: if there is no room.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    written = 0
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            names = [axis.name for axis in plan.axes]
            derived = [each.name for each in plan.derived]
            writer.writerow([POINT, *names, FEASIBLE, REASON, *METRICS, *derived, HASH])
            for row in rows(plan, journal):
                writer.writerow(map(cell_of, row))
                written += 1
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return written


def rows(plan: SweepPlan, journal: Journal) -> Iterator[list[Any]]:
    """Yield the rows of all points that were run, in order."""
    for point in _points_of_table(plan, journal):
        key = plan.key(point)
        outcome = journal.get(key)
        if outcome is not None:
            labels = [None if value is None else value.label for value in point.settings]
            extra = derived_values(plan, point, outcome)
            metrics = [outcome[name] for name in METRICS]
            yield [
                point.number,
                *labels,
                outcome[FEASIBLE],
                outcome[REASON],
                *metrics,
                *extra.values(),
                key,
            ]


def _points_of_table(plan: SweepPlan, journal: Journal) -> Iterable[Point]:
    """Return a sweep's points; of a search, those that it has tried, in the order of numbers."""
    if plan.search is None:
        return plan.points()
    from archsim.sweep.search import tried_points  # noqa: PLC0415 - optuna, where it is asked for

    return tried_points(plan, journal)


def derived_values(plan: SweepPlan, point: Point, outcome: Outcome) -> dict[str, Any]:
    """Return the numbers that follow from a point's values and metrics.

    None where one that they follow from is not there.

    Raises:
        ConfigError: if they have no value for numbers that are there.
    """
    known = {**plan.named(point), **outcome}
    found: dict[str, Any] = {}
    for each in plan.derived:
        needed = [known[name] for name in each.expression.names]
        if any(value is None for value in needed):
            found[each.name] = known[each.name] = None
            continue
        try:
            found[each.name] = known[each.name] = each.expression.value(known)
        except ValueError as error:
            raise each.section.fail(str(error)) from None
    return found


def frame_of(sweep: Sweep) -> pd.DataFrame:
    """Return the table with a row per point; what is not known is missing."""
    frame = pd.DataFrame(sweep.read(), columns=list(sweep.columns))
    floats = dict.fromkeys([n for n in METRICS if n not in COUNTS and n != "limited_by"], "float64")
    return frame.astype({**COLUMN_TYPES, **floats})
