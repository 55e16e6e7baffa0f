"""A comparison in words: the answer in one sentence, ratios, and what is published beside them."""

from collections.abc import Mapping

from archsim.report.comparison.rivals import (
    baseline_labels,
    baseline_name,
    best_in_fewer_groups,
    best_rival,
    groups_compared,
    name_of,
    subject,
)
from archsim.report.quantities import number, quantity, ratio_text
from archsim.report.summary import metric_unit
from archsim.results import Case, Comparison, Labels, PublishedRatio
from archsim.results.comparison import COMPARED, MEMORY, Spread

NAMES: Mapping[str, str] = {"latency_s": "latency", "energy_j": "energy", "edp_js": "EDP"}
"""What people call each metric compared."""
METRIC_WORDS: Mapping[str, tuple[str, str, str]] = {
    "latency_s": ("latency", "is {} faster than", "is {} slower than"),
    "energy_j": ("energy", "takes {} less energy than", "takes {} more energy than"),
    "edp_js": (
        "energy-delay product",
        "has a {} smaller energy-delay product than",
        "has a {} larger energy-delay product than",
    ),
}
"""What ratios of a metric are called, and how a sentence says better and worse."""
EQUAL = "equal"
UNKNOWN = "-"
"""Stands for what is not known."""


def answer(comparison: Comparison) -> str:
    """Answer a comparison in a sentence: its subject or the best rival by EDP, by what factors."""
    failed, total = len(comparison.failures), len(comparison.cases)
    if failed == total:
        what = "The only run failed" if total == 1 else f"All {total} runs failed"
        return f"{what}: nothing can be compared."
    baseline = baseline_name(comparison)
    if set(comparison.rivals) <= {baseline_labels(comparison)}:
        return f"Only {baseline} was run: there is nothing to compare it to."
    best = best_rival(comparison)
    if best is None:
        return f"No group has results of both {baseline}, the baseline, and a rival of it."
    told = subject(comparison) or best
    mean = comparison.geometric_mean(told, "edp_js")
    assert mean is not None
    name = name_of(comparison, told)
    latency, energy = (_factor(comparison, told, metric) for metric in ("latency_s", "energy_j"))
    rest = f"latency {latency}, energy {energy}; {_over(comparison, told)}."
    among, others = _in_fewer_groups(comparison, best)
    if told != best:
        also = f"The best EDP{among} is that of {name_of(comparison, best)}.{others}"
        than = "to" if better(mean) == EQUAL else "than"
        return f"{name} has an EDP {better(mean)} {than} that of {baseline}: {rest} {also}"
    if ratio_text(mean) == ratio_text(1):
        return f"{name} equals {baseline}, the baseline, in EDP: {rest}{others}"
    if mean > 1:
        has = f"{name} has the best EDP{among}, {better(mean)} than that of {baseline}"
    else:
        has = f"{baseline}, the baseline, has the best EDP{among}; {name} comes next, EDP "
        has += better(mean)
    return f"{has}: {rest}{others}"


def _in_fewer_groups(comparison: Comparison, best: Labels) -> tuple[str, str]:
    """Say among whom a rival is the best, and who beats it where it was run; mostly nothing."""
    most = groups_compared(comparison, best)
    rival = best_in_fewer_groups(comparison, most)
    if rival is None:
        return "", ""
    mean, mean_of_best = (comparison.geometric_mean(each, "edp_js") for each in (rival, best))
    assert mean is not None
    assert mean_of_best is not None
    if mean <= mean_of_best:
        return "", ""
    groups = groups_compared(comparison, rival)
    return (
        f" of rivals compared in {most} groups",
        f" {name_of(comparison, rival)}, compared in {groups} only, has an EDP {better(mean)}.",
    )


def better(ratio: float) -> str:
    """Write a ratio in words: ``2.00 x better``, ``2.00 x worse``, ``equal``."""
    if ratio_text(ratio) == ratio_text(1):
        return EQUAL
    return f"{ratio_text(ratio)} better" if ratio > 1 else f"{ratio_text(1 / ratio)} worse"


def _factor(comparison: Comparison, rival: Labels, metric: str) -> str:
    mean = comparison.geometric_mean(rival, metric)
    return "unknown" if mean is None else better(mean)


def _over(comparison: Comparison, rival: Labels) -> str:
    compared, groups = groups_compared(comparison, rival), len(comparison.groups)
    if groups == 1:
        return "a single group, so no average"
    if compared == groups:
        return f"geometric means over {groups} groups"
    if compared == 1:
        return f"in the only one of {groups} groups that has results of both"
    return f"geometric means over the {compared} of {groups} groups that have results of both"


def metric_text(value: float | None, metric: str) -> str:
    """Write a metric with its unit; a dash where it is not known."""
    return UNKNOWN if value is None else quantity(value, metric_unit(metric))


def rate_names(comparison: Comparison) -> list[str]:
    """Say what is told of each run's work, as tables head it."""
    return [name.replace("_per_", "/").replace("_", " ") for name in comparison.rates]


def rate_texts(comparison: Comparison, case: Case) -> list[str]:
    """Write what is told of a run's work; a dash where it failed."""
    rates = comparison.rates_of(case)
    return [UNKNOWN if rate is None else number(rate) for rate in rates]


def factor_text(ratio: float | None) -> str:
    """Write a ratio; a dash where it is not known."""
    return UNKNOWN if ratio is None else ratio_text(ratio)


def published_claim(comparison: Comparison, published: PublishedRatio) -> str:
    """Say what a published ratio is of."""
    sides = (published.better, published.than)
    better_than = " over ".join(name_of(comparison, tuple(side.items())) for side in sides)
    metric = "memory" if published.metric == MEMORY else NAMES[published.metric]
    return f"{metric}: {better_than}"


def published_range(published: PublishedRatio) -> str:
    """Write the published range, or the one number."""
    low, high = published.low, published.high
    return ratio_text(low) if low == high else f"{_bare(low)} … {ratio_text(high)}"


def simulated_range(comparison: Comparison, published: PublishedRatio) -> str:
    """Write the mean simulated, and the range where there is one; a dash if unknown."""
    return spread_text(comparison.simulated(published))


def spread_text(spread: Spread | None) -> str:
    """Write ``1.20 x (0.80 … 2.10)``: a mean and its range; a dash where it is not known."""
    if spread is None:
        return UNKNOWN
    _, mean, _ = spread
    between = range_text(spread)
    return f"{ratio_text(mean)} ({between})" if between else ratio_text(mean)


def range_text(spread: Spread) -> str:
    """Write ``0.80 … 2.10``, or nothing where the ends look alike."""
    low, _, high = spread
    return "" if _bare(low) == _bare(high) else f"{_bare(low)} … {_bare(high)}"


def _bare(ratio: float) -> str:
    return ratio_text(ratio).removesuffix(" x")


def verdict(comparison: Comparison, published: PublishedRatio) -> str:
    """Say where the mean simulated lies, beside what is published, and whether ranges meet."""
    found = comparison.simulated(published)
    if found is None:
        return "not simulated"
    low, mean, high = found
    if published.low <= mean <= published.high:
        return "equal" if published.low == published.high else "within"
    where, near = ("below", published.low) if mean < published.low else ("above", published.high)
    meets = low <= published.high and published.low <= high
    return f"{where}, {mean / near:.2f} of it{'; the ranges meet' if meets else ''}"


def mean_cells(comparison: Comparison) -> list[list[str]]:
    """Return each rival's name, means of its ratios with their range, and of how many groups."""
    return [
        [
            name_of(comparison, rival),
            *(spread_text(comparison.spread(rival, metric)) for metric in COMPARED),
            f"{groups_compared(comparison, rival)} of {len(comparison.groups)}",
        ]
        for rival in comparison.rivals
    ]
