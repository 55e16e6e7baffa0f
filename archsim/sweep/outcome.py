"""What came out of one point: its metrics, or the reason why there are none."""

from collections.abc import Mapping
from typing import Any

from archsim.results.sweep import FEASIBLE, METRICS, REASON

Outcome = dict[str, Any]
"""Values by column: all of ``COLUMNS``; metrics are none where the point is infeasible."""

COLUMNS = (FEASIBLE, REASON, *METRICS)
"""What is known of every point, in the order of tables."""
LONGEST = 1000
"""Letters of a reason."""

SHORT: Mapping[str, str] = {
    "latency": "latency_s",
    "energy": "energy_j",
    "edp": "edp_js",
    "power": "power_w",
    "memory": "on_chip_bytes",
}
"""What objectives are called, and the columns that they mean."""


def infeasible(reason: str) -> Outcome:
    """Return the outcome of a point that cannot be built, or does not fit, and why."""
    words = " ".join(reason.split())
    short = words if len(words) <= LONGEST else f"{words[: LONGEST - 4]} ..."
    return {FEASIBLE: False, REASON: short} | dict.fromkeys(METRICS)
