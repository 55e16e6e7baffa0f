"""All figures of a sweep, by name; those that its points have nothing to say for are left out."""

from matplotlib.figure import Figure

from archsim.report.sweep.heat_map import heat_map
from archsim.report.sweep.lines import line_families
from archsim.report.sweep.pareto import pareto
from archsim.report.sweep.sensitivity import sensitivity
from archsim.report.sweep.study import METRICS, SweepStudy

SHORT = {"latency_s": "latency", "energy_j": "energy", "edp_js": "edp"}


def figures_of(study: SweepStudy) -> dict[str, Figure]:
    """Return all figures of a sweep, by name."""
    if study.feasible.empty:
        return {}
    figures = {"pareto": pareto(study)}
    if study.influences:
        figures["sensitivity"] = sensitivity(study)
        figures["lines"] = line_families(study)
    if len(study.ranked) > 1:
        pair = (study.ranked[0], study.ranked[1])
        figures |= {
            f"heat_map_{SHORT[metric]}": heat_map(study, metric, pair) for metric in METRICS
        }
    return figures
