"""Rivals and groups of a comparison as people call them, and what is known of each.

The only place that names and counts them, for tables, words and figures alike.
"""

import re
from collections.abc import Iterable

from archsim.results import Comparison, Labels

GENERIC = {"on", "off", "true", "false", "yes", "no", "none", "default", "auto"}
"""Values that say nothing without their axis; nor does a number, with at most a unit."""


def name_of(comparison: Comparison, labels: Labels) -> str:
    """Write labels as people say them: values, with their axis where they need it.

    Axes on which nothing differs are left out if others are left.
    """
    differing = [(axis, value) for axis, value in labels if len(comparison.values(axis)) > 1]
    words = [f"{a} {v}" if _is_bare(v) else v for a, v in differing or labels]
    return ", ".join(words) or "all"


def _is_bare(value: str) -> bool:
    if value.lower() in GENERIC:
        return True
    return not value[:1].isalpha() and re.search(r"[^\W\d_]{5}", value) is None


def baseline_labels(comparison: Comparison) -> Labels:
    """Return the labels of the rival that all others are compared to."""
    return tuple(comparison.baseline.items())


def baseline_name(comparison: Comparison) -> str:
    """Name the rival that all others are compared to."""
    return name_of(comparison, baseline_labels(comparison))


def is_baseline(comparison: Comparison, rival: Labels) -> bool:
    """Whether a rival is the one that all others are compared to."""
    return dict(rival) == dict(comparison.baseline)


def groups_compared(comparison: Comparison, rival: Labels) -> int:
    """Count the groups in which both a rival and the baseline have a result."""
    return len(comparison.ratios(rival, "edp_js"))


def best_rival(comparison: Comparison, metric: str = "edp_js") -> Labels | None:
    """Return the rival with the best geometric mean, the baseline apart; none if unknown.

    Of those compared in most groups: means over a few easy ones are not comparable.
    """
    rivals = [rival for rival in comparison.rivals if not is_baseline(comparison, rival)]
    most = max((groups_compared(comparison, rival) for rival in rivals), default=0)
    return _best(comparison, [r for r in rivals if groups_compared(comparison, r) == most], metric)


def best_in_fewer_groups(comparison: Comparison, groups: int) -> Labels | None:
    """Return the rival with the best mean EDP of those compared in fewer groups, if any."""
    rivals = [r for r in comparison.rivals if groups_compared(comparison, r) < groups]
    return _best(comparison, rivals, "edp_js")


def _best(comparison: Comparison, rivals: Iterable[Labels], metric: str) -> Labels | None:
    means = {
        rival: mean
        for rival in rivals
        if (mean := comparison.geometric_mean(rival, metric)) is not None
    }
    return max(means, key=lambda rival: means[rival], default=None)


def subject(comparison: Comparison, metric: str = "edp_js") -> Labels | None:
    """Return the rival that answers tell of: what the comparison is about, or else the best."""
    asked = tuple(comparison.subject.items())
    return asked if asked and comparison.ratios(asked, metric) else best_rival(comparison, metric)


def what_is_missing(comparison: Comparison, rival: Labels) -> str:
    """Say how many of a rival's cases failed, were never run or have nothing to compare to."""
    found = [comparison.case(group, rival) for group in comparison.groups]
    cases = [case for case in found if case is not None]
    failed = sum(case.has_failed for case in cases)
    alone = sum(
        not case.has_failed
        and ((baseline := comparison.baseline_of(case)) is None or baseline.has_failed)
        for case in cases
    )
    told = [(failed, "failed"), (len(found) - len(cases), "not run"), (alone, "without baseline")]
    if len(found) == 1:
        return ", ".join(words for number, words in told if number)
    return ", ".join(f"{number} {words}" for number, words in told if number)
