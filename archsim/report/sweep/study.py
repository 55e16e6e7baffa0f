"""A sweep's table as reports look at it: what is feasible, what is best, which axis matters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from typing import Any

import pandas as pd

from archsim.report.quantities import quantity
from archsim.report.sweep.front import knee, pareto_front
from archsim.results.sweep import FEASIBLE, NUMBERS, Sweep, SweptAxis

METRICS: Mapping[str, tuple[str, str]] = {
    "latency_s": ("latency", "s"),
    "energy_j": ("energy", "J"),
    "edp_js": ("energy-delay product", "Js"),
}
"""Metrics that figures show, in words, and their units."""
MISSING = "–"
"""What tables say of an axis that a point does not have."""


@dataclass(frozen=True)
class Influence:
    """What changing one axis alone does to a metric."""

    axis: str
    metric: str
    factor: float
    """The largest over the least while nothing else changes, the geometric mean over all else."""
    low: float
    high: float
    """The least and the largest of these factors."""
    groups: int
    """How many settings of all else have several points; 0 where averages are compared, since
    points are sampled and hardly two of them differ in one axis alone."""


@dataclass(frozen=True)
class SweepStudy:
    """A sweep and its table."""

    sweep: Sweep

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row per point that was run."""
        return pd.DataFrame(self.sweep.read(), columns=list(self.sweep.columns))

    @cached_property
    def feasible(self) -> pd.DataFrame:
        """The rows that have metrics."""
        found = self.frame[self.frame[FEASIBLE].astype(bool)]
        return found.astype(dict.fromkeys(NUMBERS, "float64"))

    @cached_property
    def front(self) -> pd.DataFrame:
        """The rows that nothing beats in both latency and energy, by rising latency."""
        costs = list(zip(self.feasible["latency_s"], self.feasible["energy_j"], strict=True))
        return self.feasible.iloc[pareto_front(costs)]

    @cached_property
    def knee(self) -> "pd.Series[Any] | None":
        """The row of the front's knee; none where no point is feasible."""
        costs = list(zip(self.front["latency_s"], self.front["energy_j"], strict=True))
        place = knee(costs)
        return None if place is None else self.front.iloc[place]

    def best(self, metric: str) -> "pd.Series[Any] | None":
        """Return the row of least cost; none where no point is feasible."""
        if self.feasible.empty:
            return None
        return self.feasible.iloc[int(self.feasible[metric].argmin())]

    @cached_property
    def varied(self) -> tuple[SweptAxis, ...]:
        """The axes on which points were run at several places."""
        return tuple(axis for axis in self.sweep.axes if len(self.frame[axis.name].unique()) > 1)

    def label(self, axis: SweptAxis, value: object) -> str:
        """Return what tables call a value on an axis."""
        if value is None or pd.isna(value):  # type: ignore[call-overload]
            return MISSING
        return axis.labels[axis.settings.index(value)]

    def name_of(self, row: "pd.Series[Any]", axes: Iterable[SweptAxis] = ()) -> str:
        """Return what sets a point apart: its value on every axis that varies."""
        shown = tuple(axes) or self.varied or self.sweep.axes
        return ", ".join(f"{axis.name} {self.label(axis, row[axis.name])}" for axis in shown)

    def changes(self, row: "pd.Series[Any]") -> dict[str, Any]:
        """Return what a point changes of the experiment, by dotted path."""
        found: dict[str, Any] = dict(self.sweep.changes)
        for axis in self.sweep.axes:
            value = row[axis.name]
            if value is not None and not pd.isna(value):
                found |= axis.changes[axis.settings.index(value)]
        return found

    @cached_property
    def influences(self) -> tuple[Influence, ...]:
        """What each axis does to each metric, the one with most to say about EDP first."""
        found = [self._influence(axis.name, metric) for axis in self.varied for metric in METRICS]
        known = [each for each in found if each is not None]
        strength = {each.axis: each.factor for each in known if each.metric == "edp_js"}
        return tuple(sorted(known, key=lambda each: -strength[each.axis]))

    @cached_property
    def ranked(self) -> tuple[SweptAxis, ...]:
        """The axes that vary, the one that matters most first."""
        order = list(dict.fromkeys(each.axis for each in self.influences))
        by_name = {axis.name: axis for axis in self.varied}
        return tuple(by_name[name] for name in order)

    def _influence(self, axis: str, metric: str) -> Influence | None:
        if self._is_sampled:
            logs = self.feasible[metric].map(log)
            means = logs.groupby(self.feasible[axis], dropna=False).mean()
            factors = [exp(means.max() - means.min())] if len(means) > 1 else []
        else:
            factors = self._spreads(axis, metric)
        if not factors:
            return None
        mean = exp(sum(map(log, factors)) / len(factors))
        groups = 0 if self._is_sampled else len(factors)
        return Influence(axis, metric, mean, min(factors), max(factors), groups)

    @cached_property
    def _is_sampled(self) -> bool:
        """Whether along some axis no two points differ in that axis alone."""
        return not all(self._spreads(axis.name, "latency_s") for axis in self.varied)

    def _spreads(self, axis: str, metric: str) -> list[float]:
        """Return the largest over the least of points that differ in one axis alone."""
        others = [other.name for other in self.varied if other.name != axis]
        if not others:
            known = self.feasible[metric]
            return [known.max() / known.min()] if len(known) > 1 else []
        grouped = self.feasible.groupby(others, dropna=False, sort=False)[metric]
        found = grouped.agg(["min", "max", "count"])
        several = found[found["count"] > 1]
        return (several["max"] / several["min"]).tolist()

    def answer(self) -> str:
        """Say in a sentence or two what came out."""
        total, feasible = len(self.frame), len(self.feasible)
        if not total:
            return "No point has been run."
        at = self.knee
        if at is None:
            return f"None of {total:,} points is feasible."
        said = f"Of {total:,} points {feasible:,} {'is' if feasible == 1 else 'are'} feasible"
        if feasible == total:
            said = (
                f"All {total:,} points are feasible" if total > 1 else "The only point is feasible"
            )
        numbers = f"{quantity(at['latency_s'], 's')} and {quantity(at['energy_j'], 'J')}"
        if len(self.front) == 1:
            return f"{said}; {self.name_of(at)} is the best in time and energy: {numbers}."
        return (
            f"{said}, and {len(self.front):,} of them are beaten by none in both time and energy; "
            f"the knee is {self.name_of(at)}: {numbers}."
        )


def metric_title(metric: str) -> str:
    """Return what a metric is called."""
    return METRICS[metric][0] if metric in METRICS else metric.replace("_", " ")
