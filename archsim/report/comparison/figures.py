"""All figures of a comparison, by name.

Every one is a ``Figure`` of its own, whose title says the answer and whose subtitle says what
is drawn. Few cases are drawn one by one; of many, each rival is drawn once, averaged, and a table
of colours has a cell for each.
"""

from matplotlib.figure import Figure

from archsim.report.comparison.groups import group_ratios
from archsim.report.comparison.memory import memory
from archsim.report.comparison.parts import energy_parts, phase_names, phases, time_parts
from archsim.report.comparison.ratios import ratios
from archsim.report.comparison.rooflines import roofline
from archsim.report.comparison.timelines import baseline_and_best, timelines
from archsim.results import Comparison


def figures_of(comparison: Comparison) -> dict[str, Figure]:
    """Return all figures of a comparison, by name."""
    metrics = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}
    by_group = metrics if len(comparison.groups) > 1 else {}
    by_phase = {"phases": phases(comparison)} if len(phase_names(comparison)) > 1 else {}
    return {
        **{f"ratios_{key}": ratios(comparison, metric) for key, metric in metrics.items()},
        **{f"groups_{key}": group_ratios(comparison, metric) for key, metric in by_group.items()},
        "time_parts": time_parts(comparison),
        "energy_parts": energy_parts(comparison),
        **by_phase,
        "roofline": roofline(comparison),
        "memory": memory(comparison),
        "timelines": timelines(comparison, baseline_and_best(comparison)),
    }
