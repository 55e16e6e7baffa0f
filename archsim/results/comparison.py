"""Runs side by side: each by the axes it stands on, and its ratio to the baseline of its group.

A comparison's cases differ along axes (architecture, workload, order, ...). The baseline names
values of some axes; a case's baseline is the case that has these, and is like it otherwise. All
cases of one baseline are a group. As averages of ratios are geometric means, latency's times
energy's is the product's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, inf, log
from typing import Any

COMPARED = ("latency_s", "energy_j", "edp_js")
"""Metrics that ratios are told of: less is better."""
MEMORY = "memory_bytes"
"""What all memories hold at their fullest, together."""
CLAIMED = (*COMPARED, MEMORY)
"""Metrics that published ratios may be of."""

Labels = tuple[tuple[str, str], ...]
"""Axes and the values on them."""
Spread = tuple[float, float, float]
"""The least, the geometric mean and the largest of some ratios."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of a comparison: what it was asked, and what came out or why nothing did."""

    name: str
    labels: Mapping[str, str]
    """Its value on each axis."""
    digest: Mapping[str, Any] | None
    """:func:`~archsim.results.digest.digest` of its result; none where it failed."""
    error: str = ""
    command: str = ""
    """How to run it by itself."""

    @property
    def has_failed(self) -> bool:
        """Whether there is no result."""
        return self.digest is None

    def metric(self, name: str) -> float | None:
        """Return a metric of the result; none where it failed."""
        if self.digest is None:
            return None
        if name == MEMORY:
            return float(sum(self.digest["peak_bytes"].values()))
        return float(self.digest[name])


@dataclass(frozen=True, kw_only=True)
class PublishedRatio:
    """A published factor by which some cases are better than others, and its source."""

    metric: str
    better: Mapping[str, str]
    """Labels of the cases that are better by the factor."""
    than: Mapping[str, str]
    """Labels of those they are compared to."""
    low: float
    high: float
    """Both ends of the published range; equal where one number is published."""
    source: str


@dataclass(frozen=True, kw_only=True)
class RunWork:
    """What each run of a comparison gets done, where rates say more than times."""

    amount: float
    """How many of the ``unit`` each run does."""
    unit: str
    """What it is counted in, in the plural: frames, images, tokens."""
    lasts_s: float | None = None
    """Seconds that it takes to come about, as speech does; a run must keep up with it."""

    def __post_init__(self) -> None:
        for name, value in (("amount", self.amount), ("lasts_s", self.lasts_s)):
            if value is not None and not 0 < value < inf:
                raise ValueError(f"{name}: must be > 0, got {value}")
        if not self.unit.isidentifier():
            raise ValueError(f"unit: must be one word, got {self.unit!r}")

    @property
    def rates(self) -> tuple[str, ...]:
        """What is told of each run, as columns are called."""
        return (f"{self.unit}_per_s", *(["real_time_factor"] if self.lasts_s else []))

    def rates_of(self, latency_s: float) -> tuple[float, ...]:
        """Return them for a run of some latency: work a second, latency over what it lasts."""
        real_time = [latency_s / self.lasts_s] if self.lasts_s else []
        return (self.amount / latency_s, *real_time)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Cases, their baseline, and published ratios to stand beside theirs."""

    name: str
    title: str
    question: str
    baseline: Mapping[str, str]
    """Labels of the cases that others are compared to."""
    cases: tuple[Case, ...]
    subject: Mapping[str, str] = field(default_factory=dict)
    """Labels, on the same axes, of the cases that it is about; none: about the best ones."""
    work: RunWork | None = None
    published: tuple[PublishedRatio, ...] = ()
    assumptions: tuple[str, ...] = ()
    """What a reader must know to judge the numbers."""
    command: str = ""
    config_hash: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, in the order of the configuration."""
        return tuple(dict.fromkeys(axis for case in self.cases for axis in case.labels))

    @property
    def rates(self) -> tuple[str, ...]:
        """What is told of each run's work; nothing where no work is named."""
        return self.work.rates if self.work else ()

    def rates_of(self, case: Case) -> tuple[float | None, ...]:
        """Return the rates of a case; none where it failed."""
        if self.work is None or case.digest is None:
            return (None,) * len(self.rates)
        return self.work.rates_of(float(case.digest["latency_s"]))

    def values(self, axis: str) -> tuple[str, ...]:
        """Return the values on an axis, in the order of the configuration."""
        found = (case.labels[axis] for case in self.cases if axis in case.labels)
        return tuple(dict.fromkeys(found))

    @property
    def group_axes(self) -> tuple[str, ...]:
        """Axes that the baseline leaves open: a value on each makes a group."""
        return tuple(axis for axis in self.axes if axis not in self.baseline)

    def group(self, case: Case) -> Labels:
        """Return what a case has in common with its baseline."""
        return tuple((a, case.labels[a]) for a in self.group_axes if a in case.labels)

    def rival(self, case: Case) -> Labels:
        """Return what sets a case apart from its baseline."""
        return tuple((a, case.labels[a]) for a in self.baseline if a in case.labels)

    @cached_property
    def rivals(self) -> tuple[Labels, ...]:
        """All that stand against the baseline in each group, itself included, in order."""
        return tuple(dict.fromkeys(map(self.rival, self.cases)))

    @cached_property
    def groups(self) -> tuple[Labels, ...]:
        """All groups, in order."""
        return tuple(dict.fromkeys(map(self.group, self.cases)))

    @cached_property
    def _by_place(self) -> dict[tuple[Labels, Labels], Case]:
        return {(self.group(case), self.rival(case)): case for case in self.cases}

    def case(self, group: Labels, rival: Labels) -> Case | None:
        """Return the case at a place; none where the comparison leaves it out."""
        return self._by_place.get((group, rival))

    def baseline_of(self, case: Case) -> Case | None:
        """Return the case that another is compared to."""
        return self.case(self.group(case), tuple(self.baseline.items()))

    def ratio(self, case: Case, metric: str) -> float | None:
        """How many times better than its baseline a case is; none where either failed."""
        baseline = self.baseline_of(case)
        return None if baseline is None else _times_better(case, baseline, metric)

    def geometric_mean(self, rival: Labels, metric: str) -> float | None:
        """How many times better than the baseline something is, over all groups that have both."""
        return geometric_mean(self.ratios(rival, metric))

    def ratios(self, rival: Labels, metric: str) -> tuple[float, ...]:
        """How many times better than the baseline something is, in each group that has both."""
        cases = (case for case in self.cases if self.rival(case) == rival)
        known = (self.ratio(case, metric) for case in cases)
        return tuple(ratio for ratio in known if ratio is not None)

    def spread(self, rival: Labels, metric: str) -> Spread | None:
        """Return the spread of a rival's ratios over the groups; none where there are none."""
        return _spread(self.ratios(rival, metric))

    def simulated(self, published: PublishedRatio) -> Spread | None:
        """Return the least, the geometric mean and the largest of the ratios simulated.

        Of every two cases that have the labels asked for and are alike otherwise; none where
        there are none.
        """
        ratios = [
            ratio
            for better in self._labelled(published.better)
            for than in self._labelled(published.than)
            if _rest(better, published.better) == _rest(than, published.than)
            and (ratio := _times_better(better, than, published.metric)) is not None
        ]
        return _spread(ratios)

    def _labelled(self, labels: Mapping[str, str]) -> list[Case]:
        return [case for case in self.cases if labels.items() <= dict(case.labels).items()]

    @property
    def failures(self) -> tuple[Case, ...]:
        """Cases without a result."""
        return tuple(case for case in self.cases if case.has_failed)


def _times_better(case: Case, than: Case, metric: str) -> float | None:
    mine, theirs = case.metric(metric), than.metric(metric)
    return theirs / mine if mine and theirs else None


def _spread(ratios: Sequence[float]) -> Spread | None:
    mean = geometric_mean(ratios)
    return None if mean is None else (min(ratios), mean, max(ratios))


def _rest(case: Case, labels: Mapping[str, str]) -> dict[str, str]:
    return {axis: value for axis, value in case.labels.items() if axis not in labels}


def geometric_mean(ratios: Iterable[float | None]) -> float | None:
    """Return the geometric mean of those that are known; none where none is."""
    known = [log(ratio) for ratio in ratios if ratio is not None]
    return exp(sum(known) / len(known)) if known else None
