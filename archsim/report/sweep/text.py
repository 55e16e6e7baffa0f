"""A sweep in a terminal, and as plain values for programs."""

from textwrap import wrap
from typing import Any

import pandas as pd

from archsim.report.columns import aligned
from archsim.report.quantities import ellipsize, percent, quantity, ratio_text
from archsim.report.summary import WIDTH
from archsim.report.sweep.study import METRICS, SweepStudy
from archsim.results.sweep import FEASIBLE, POINT, REASON, Sweep

LINES = 15
"""Points of the front that a terminal shows."""
REASONS = 4
"""Reasons that a terminal shows."""


def sweep_text(sweep: Sweep, width: int = WIDTH) -> str:
    """Write a sweep as plain text of so many columns, the answer first."""
    study = SweepStudy(sweep)
    blocks = [
        wrap(study.answer(), width),
        wrap(f"{sweep.title}. {sweep.question}".strip(), width),
        _front_lines(study, width),
        _influence_lines(study),
        _reason_lines(study, width),
        [f"again: {sweep.command}"] if sweep.command else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _front_lines(study: SweepStudy, width: int) -> list[str]:
    at = study.knee
    if at is None:
        return []
    rows = [["no other is better in time and energy", "latency", "energy", "EDP"]]
    for _, row in study.front.head(LINES).iterrows():
        mark = "* " if row[POINT] == at[POINT] else "  "
        name = ellipsize(study.name_of(row), width - 36)
        rows.append([mark + name, *(quantity(row[m], unit) for m, (_, unit) in METRICS.items())])
    left = len(study.front) - LINES
    return [*aligned(rows, width), *([f"  and {left:,} more"] if left > 0 else [])]


def _influence_lines(study: SweepStudy) -> list[str]:
    if not study.influences:
        return []
    rows = [["what an axis alone changes", *(noun for noun, _ in METRICS.values())]]
    for axis in study.ranked:
        found = {each.metric: each for each in study.influences if each.axis == axis.name}
        rows.append([f"  {axis.name}", *(ratio_text(found[m].factor) for m in METRICS)])
    return aligned(rows)


def _reason_lines(study: SweepStudy, width: int) -> list[str]:
    """Return why points are infeasible, the most frequent reasons first."""
    failed = study.frame[~study.frame[FEASIBLE].astype(bool)]
    if failed.empty:
        return []
    share = percent(len(failed) / len(study.frame))
    lines = [f"infeasible: {len(failed):,} of {len(study.frame):,} ({share}), for example"]
    alike = failed.groupby(failed[REASON].str[:40], sort=False)
    largest = sorted((group for _, group in alike), key=len, reverse=True)
    for group in largest[:REASONS]:
        first = group.iloc[0]
        text = f"{study.name_of(first)}: {first[REASON]}"
        lines += wrap(
            ellipsize(text, 3 * width), width, initial_indent="  ", subsequent_indent="    "
        )
    return lines


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """Return a sweep as plain values, ready for JSON."""
    study = SweepStudy(sweep)
    knee = study.knee
    return {
        "name": sweep.name,
        "title": sweep.title,
        "answer": study.answer(),
        "axes": {axis.name: list(axis.settings) for axis in sweep.axes},
        "points": [_plain(row) for _, row in study.frame.iterrows()],
        "front": [int(row[POINT]) for _, row in study.front.iterrows()],
        "knee": None if knee is None else int(knee[POINT]),
        "influences": [
            {
                "axis": each.axis,
                "metric": each.metric,
                "factor": each.factor,
                "low": each.low,
                "high": each.high,
                "groups": each.groups,
            }
            for each in study.influences
        ],
        "table": str(sweep.table),
        "config_hash": sweep.config_hash,
        "command": sweep.command,
    }


def _plain(row: "pd.Series[Any]") -> dict[str, Any]:
    """Return a row as plain values; none for what is not known."""
    return {str(column): plain_value(value) for column, value in row.items()}


def plain_value(value: Any) -> Any:
    """Return a cell as JSON has it."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value
