"""Who was busy when: units and channels of a few of a comparison's cases over time."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from archsim.report.comparison.rivals import name_of
from archsim.report.comparison.rows import (
    NAME,
    ROW,
    SAME_SCALE,
    SHORT_NAME,
    comparison_figure,
    name_rows,
)
from archsim.report.frame import TEXT, plain
from archsim.report.palette import phase_colors, phase_order
from archsim.report.quantities import Scale, ellipsize, percent, quantity
from archsim.results import Case, Comparison

MOST_UNITS = 10
"""Units and channels of a case's timeline; the busiest of more."""


def baseline_and_best(comparison: Comparison) -> tuple[Case, ...]:
    """Return the baseline and the case of least energy-delay product of the first group.

    That is the first group with a result; the best case may be the baseline.
    """
    for group in comparison.groups:
        cases = [c for c in comparison.cases if comparison.group(c) == group and not c.has_failed]
        if not cases:
            continue
        best = min(cases, key=lambda case: case.metric("edp_js") or 0.0)
        baseline = comparison.baseline_of(best)
        first = [baseline] if baseline in cases and baseline != best else []
        return (*(case for case in first if case is not None), best)
    return ()


def timelines(comparison: Comparison, cases: Sequence[Case]) -> Figure:
    """Draw how busy the units and channels of two or three cases were over time, by phase."""
    shown = [case for case in cases if case.digest is not None]
    lengths = [case.metric("latency_s") or 0.0 for case in shown]
    is_shared = bool(lengths) and max(lengths) <= SAME_SCALE * min(lengths)
    words = "height is the share of time that units of a sort were busy, by phase"
    words += ", and % over the run" if shown else ""
    if len(shown) > 1:
        words += "; all on one time axis" if is_shared else "; time axes differ"
    if len(shown) < len(cases):
        words += f"; {len(cases) - len(shown)} failed"
    title = _timelines_in_words(comparison, shown)
    rows = [_busiest(case) for case in shown]
    heights = [ROW * 1.3 * max(1, len(found)) + 0.8 for found in rows] or [1.0]
    served = {phase for found in rows for by_phase in found.values() for phase in by_phase}
    order = sorted(served, key=lambda phase: (phase_order(phase), phase))
    figure = comparison_figure(
        comparison,
        title=title,
        subtitle=words,
        legend=[Patch(color=color, label=plain(p)) for p, color in phase_colors(order).items()],
        height=sum(heights) + 0.3,
    )
    panels = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    scale = Scale.of(max(lengths, default=0.0), "s")
    if not shown:
        panels[0].set_axis_off()
    for axes, case, found, length in zip(panels, shown, rows, lengths, strict=False):
        own = scale if is_shared else Scale.of(length, "s")
        heading = f"{_case_name(comparison, case)}: {quantity(length, 's')}"
        axes.set_title(plain(ellipsize(heading, 4 * NAME)), fontsize=TEXT + 1, loc="left")
        _draw_timeline(axes, found, length / own.factor)
        axes.set_xlim(0, (max(lengths) if is_shared else length) / own.factor or 1.0)
        axes.set_xlabel(f"time [{own.symbol}]", fontsize=TEXT)
    return figure


def _case_name(comparison: Comparison, case: Case) -> str:
    rival, group = comparison.rival(case), comparison.group(case)
    if len(comparison.groups) == 1 or not group:
        return name_of(comparison, rival)
    return f"{name_of(comparison, rival)}, {name_of(comparison, group)}"


def _busiest(case: Case) -> dict[str, dict[str, list[float]]]:
    """Return the sorts of units that were ever busy, in order; the busiest of many."""
    assert case.digest is not None
    timeline: Mapping[str, dict[str, list[float]]] = case.digest["timeline"]
    busy = {sort: sum(map(sum, phases.values())) for sort, phases in timeline.items()}
    wanted = sorted((sort for sort in busy if busy[sort]), key=lambda sort: -busy[sort])
    return {sort: timeline[sort] for sort in timeline if sort in wanted[:MOST_UNITS]}


def _draw_timeline(
    axes: Axes, found: Mapping[str, Mapping[str, Sequence[float]]], length: float
) -> None:
    """Draw a row per sort, in which phases are stacked on its floor."""
    labels = []
    for place, (sort, by_phase) in enumerate(found.items()):
        bins = max(len(values) for values in by_phase.values())
        edges = [length * number / bins for number in range(bins + 1)]
        floors = [0.0] * bins
        # Averages of tiles that overlap may add up to more than a unit can do.
        tops = [max(1.0, sum(column)) for column in zip(*by_phase.values(), strict=True)]
        for phase in sorted(by_phase, key=phase_order):
            shares = [value / top for value, top in zip(by_phase[phase], tops, strict=True)]
            ceilings = [low + share for low, share in zip(floors, shares, strict=True)]
            axes.stairs(
                [place + 0.4 - 0.8 * high for high in ceilings],
                edges,
                baseline=[place + 0.4 - 0.8 * low for low in floors],
                fill=True,
                color=phase_colors([phase])[phase],
                linewidth=0,
                label=phase,
            )
            floors = ceilings
        axes.plot([0, length], [place + 0.4] * 2, color="#BBBBBB", linewidth=0.8)
        labels.append(f"{ellipsize(sort, 18)}  {percent(sum(floors) / bins):>5}")
    name_rows(axes, labels)


def _timelines_in_words(comparison: Comparison, cases: Sequence[Case]) -> str:
    """Say how long each case takes."""
    if not cases:
        return "No case has a result"
    told = [
        f"{ellipsize(name_of(comparison, comparison.rival(case)), SHORT_NAME)} takes "
        f"{quantity(case.metric('latency_s') or 0.0, 's')}"
        for case in cases
    ]
    return ", ".join(told)
