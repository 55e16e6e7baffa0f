"""All figures of a comparison, by name.

Every one is a ``Figure`` of its own, whose title says the answer and whose subtitle says what
is drawn. Few cases are drawn one by one; of many, each rival is drawn once, averaged.
"""

from matplotlib.figure import Figure

from archsim.report.comparison.memory import memory
from archsim.report.comparison.parts import energy_parts, phases, time_parts
from archsim.report.comparison.ratios import ratios
from archsim.report.comparison.rooflines import roofline
from archsim.report.comparison.timelines import baseline_and_best, timelines
from archsim.results import Comparison


def figures_of(comparison: Comparison) -> dict[str, Figure]:
    """Return all figures of a comparison, by name."""
    return {
        "ratios_latency": ratios(comparison, "latency_s"),
        "ratios_energy": ratios(comparison, "energy_j"),
        "ratios_edp": ratios(comparison, "edp_js"),
        "time_parts": time_parts(comparison),
        "energy_parts": energy_parts(comparison),
        "phases": phases(comparison),
        "roofline": roofline(comparison),
        "memory": memory(comparison),
        "timelines": timelines(comparison, baseline_and_best(comparison)),
    }
