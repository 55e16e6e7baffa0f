"""A comparison in rows, for programs: a table of pandas, CSV.

A ratio says how many times better than the baseline of its group a run is, so that more is
better for every metric.
"""

from collections.abc import Mapping

import pandas as pd

from archsim.results import Case, Comparison
from archsim.results.comparison import COMPARED
from archsim.results.digest import PARTS
from archsim.results.metrics import IDLE

Row = dict[str, str | float | bool | None]
"""A case's values by column; none where it failed."""
Frame = pd.DataFrame
"""A table of pandas."""

SIMULATED = "simulated"
"""The status of a case that has a result; that of another is the reason."""
RATIOS: Mapping[str, str] = {"latency_s": "latency_x", "energy_j": "energy_x", "edp_js": "edp_x"}
"""Columns of the ratios."""
WHOLE = ("macs", "dram_bytes")
TAKEN = ("name", "status", *COMPARED, "power_w", *WHOLE, "utilization", "limited_by", "baseline")
"""Columns that an axis of the same name makes way for."""


def axis_column(axis: str) -> str:
    """Return the column of an axis: its name, marked where another column has that name."""
    return f"axis.{axis}" if axis in (*TAKEN, *RATIOS.values()) else axis


def part_columns(comparison: Comparison) -> dict[str, str]:
    """Return the columns of what time goes to, by part; idle time where any run has some."""
    digests = [case.digest for case in comparison.cases if case.digest is not None]
    idle = [IDLE] if any(IDLE in digest["time_parts_s"] for digest in digests) else []
    return {part: f"{part.replace(' ', '_')}_s" for part in (*PARTS, *idle)}


def comparison_rows(comparison: Comparison) -> list[Row]:
    """Return the values of every case, in order."""
    parts = part_columns(comparison)
    return [_row(comparison, case, parts) for case in comparison.cases]


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return a row per case, in order; what is not known is missing."""
    rows = comparison_rows(comparison)
    parts = part_columns(comparison).values()
    axes = [axis_column(axis) for axis in comparison.axes]
    rates = comparison.rates
    numbers = [*COMPARED, *rates, "power_w", "utilization", *parts, *RATIOS.values()]
    told = [*COMPARED, *rates, "power_w", *WHOLE, "utilization", "limited_by"]
    columns = ["name", *axes, "status", *told]
    frame = pd.DataFrame(rows, columns=[*columns, *parts, *RATIOS.values(), "baseline"])
    types = {"baseline": "bool"} | dict.fromkeys(numbers, "float64") | dict.fromkeys(WHOLE, "Int64")
    return frame.astype(types)


def _row(comparison: Comparison, case: Case, parts: Mapping[str, str]) -> Row:
    labels: Row = {axis_column(axis): case.labels.get(axis, "") for axis in comparison.axes}
    digest = case.digest
    known: Row = dict.fromkeys((*COMPARED, "power_w", *WHOLE, "utilization"))
    known |= {"limited_by": ""} | dict.fromkeys(parts.values())
    if digest is not None:
        known |= {name: digest[name] for name in (*COMPARED, "power_w", *WHOLE)}
        known |= {
            "utilization": digest["utilization"]["macs"],
            "limited_by": digest["bounds"]["limited_by"],
        }
        known |= {column: digest["time_parts_s"].get(p, 0.0) for p, column in parts.items()}
    return {
        "name": case.name,
        **labels,
        "status": status(case),
        **known,
        **dict(zip(comparison.rates, comparison.rates_of(case), strict=True)),
        **{column: comparison.ratio(case, metric) for metric, column in RATIOS.items()},
        "baseline": comparison.baseline_of(case) is case,
    }


def status(case: Case) -> str:
    """Say that a case was simulated, or why it was not, in one line."""
    return (" ".join(case.error.split()) or "failed") if case.has_failed else SIMULATED


def comparison_csv(comparison: Comparison) -> str:
    """Return the table as CSV of RFC 4180, a header first; what is not known is empty."""
    text: str = comparison_frame(comparison).to_csv(index=False, lineterminator="\r\n")
    return text
