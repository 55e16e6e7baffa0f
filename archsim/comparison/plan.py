"""What a comparison's file asks for: cases on axes, a baseline, published ratios.

``axes`` holds, for each axis, its values by label; each is what it changes of an experiment, by
dotted path, and may name another ``experiment``. Every combination is a case, but for those
that ``leave_out`` names. What values of several axes change only together, as the width of a
network that each architecture calls by another name, stands under ``combined``.
``experiments`` is a list of named ones instead: an axis of that name. ``findings`` names
experiments whose workloads show something by itself that the report tells as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from archsim import config
from archsim.comparison.findings import Shown, read_shown
from archsim.config import Document, Section
from archsim.errors import did_you_mean
from archsim.results import Comparison, PublishedRatio
from archsim.results.comparison import CLAIMED, RunWork

SECTIONS = (
    "name",
    "title",
    "question",
    "experiment",
    "axes",
    "experiments",
    "combined",
    "leave_out",
    "baseline",
    "subject",
    "work",
    "findings",
    "published",
    "assumptions",
)
CLAIM = ("metric", "better", "than", "ratio")
"""What a published ratio says, besides its source."""
EXPERIMENT = "experiment"
"""The axis of named experiments, and the key that names an experiment's file."""


@dataclass(frozen=True, kw_only=True)
class CasePlan:
    """One run to make."""

    labels: Mapping[str, str]
    """Its value on each axis."""
    experiment: Path
    overrides: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What tables call it."""
        return ", ".join(self.labels.values())


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """All runs to make, and the comparison that they are for."""

    comparison: Comparison
    """What is asked, without a case until they are run."""
    cases: tuple[CasePlan, ...]
    shown: tuple[Shown, ...] = ()
    """Experiments whose findings stand in the report."""


def read_plan(path: str | Path) -> ComparisonPlan:
    """Read a comparison's file.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    document = config.load(path)
    root = document.root
    root.allow_only(SECTIONS)
    axes = _axes(root)
    combined = _combined(root, axes)
    cases = tuple(_cases(root, axes, combined))
    baseline = _labels(root["baseline"], axes)
    subject = _subject(root, axes, baseline)
    named = [(subject, root["subject"])] if subject else []
    for labels, section in ((baseline, root["baseline"]), *named, *combined):
        if not any(labels.items() <= dict(case.labels).items() for case in cases):
            raise section.fail("no case has it: all that do are left out")
    comparison = Comparison(
        name=root.text("name", Path(path).stem),
        title=root.text("title", Path(path).stem),
        question=root.text("question"),
        baseline=baseline,
        subject=subject,
        cases=(),
        work=config.build(RunWork, root["work"]) if "work" in root else None,
        published=_published(document, axes),
        assumptions=root.texts("assumptions"),
        config_hash=config.config_hash(document),
    )
    return ComparisonPlan(comparison=comparison, cases=cases, shown=read_shown(root))


Axes = Mapping[str, Mapping[str, Section]]
"""What each value on each axis changes."""


def _axes(root: Section) -> Axes:
    if "axes" in root and "experiments" in root:
        raise root["axes"].fail("a comparison has axes or a list of experiments, not both")
    if "experiments" in root:
        return {EXPERIMENT: _named(root["experiments"])}
    axes = {name: _members(root["axes"][name]) for name in _members(root["axes"])}
    for name, values in axes.items():
        for section in values.values():
            _mapping(section)
        if not values:
            raise root["axes"][name].fail("an axis needs at least one value")
    return axes


def _named(section: Section) -> dict[str, Section]:
    """Return a list's experiments by name."""
    if not isinstance(section.data, list):
        raise section.fail("expected a list of experiments, each with a name")
    found: dict[str, Section] = {}
    for number in range(len(section.data)):
        each = section[str(number)]
        _mapping(each)
        name = each["name"].data
        if not isinstance(name, str) or not name:
            raise each["name"].fail(f"expected a text, got {name!r}")
        if name in found:
            raise each["name"].fail(f"two experiments are called {name!r}", "give each its own")
        found[name] = each.without("name")
    return found


def _mapping(section: Section) -> None:
    if not isinstance(section.data, dict):
        raise section.fail(f"expected a mapping, got {section.data!r}")


def _members(section: Section) -> dict[str, Section]:
    """Return the parts of a mapping by key."""
    _mapping(section)
    return {key: section[key] for key in section.keys}


Combined = list[tuple[dict[str, str], Section]]
"""Labels, and what cases that have all of them change besides."""


def _cases(root: Section, axes: Axes, combined: Combined) -> Iterator[CasePlan]:
    default = root.get(EXPERIMENT)
    left_out = _left_out(root, axes)
    for values in product(*(axis.items() for axis in axes.values())):
        labels = dict(zip(axes, (label for label, _ in values), strict=True))
        if any(each.items() <= labels.items() for each in left_out):
            continue
        together = (part for those, part in combined if those.items() <= labels.items())
        sections = [*(section for _, section in values), *together]
        named = [section[EXPERIMENT] for section in sections if EXPERIMENT in section]
        file = named[-1] if named else default
        if file is None:
            hint = "name one under `experiment`, or on an axis"
            raise root.fail(f"no experiment for {', '.join(labels.values())}", hint)
        changes = {
            key: section[key].data
            for section in sections
            for key in section.keys
            if key != EXPERIMENT
        }
        yield CasePlan(labels=labels, experiment=_experiment(file), overrides=changes)


def _experiment(section: Section) -> Path:
    """Return the file of an experiment that a comparison names."""
    return config.find(str(section.data), (*section.path[:-1], EXPERIMENT), section.node.place)


def _combined(root: Section, axes: Axes) -> Combined:
    section = root.get("combined")
    if section is None:
        return []
    if not isinstance(section.data, list):
        raise section.fail("expected a list of mappings, each with labels and changes")
    found: Combined = []
    for number in range(len(section.data)):
        part = section[str(number)]
        _mapping(part)
        part.allow_only(("labels", "changes"))
        _mapping(part["changes"])
        found.append((_labels(part["labels"], axes), part["changes"]))
    return found


def _subject(root: Section, axes: Axes, baseline: Mapping[str, str]) -> dict[str, str]:
    """Return what the comparison is about, as one of what is compared to the baseline."""
    section = root.get("subject")
    if section is None:
        return {}
    found = _labels(section, axes)
    if set(found) != set(baseline):
        raise section.fail(f"expected a value on each axis of the baseline: {', '.join(baseline)}")
    return {axis: found[axis] for axis in baseline}


def _left_out(root: Section, axes: Axes) -> list[dict[str, str]]:
    section = root.get("leave_out")
    if section is None:
        return []
    if not isinstance(section.data, list):
        raise section.fail("expected a list of labels, e.g. [{architecture: u50}]")
    return [_labels(section[str(number)], axes) for number in range(len(section.data))]


def _labels(section: Section, axes: Axes) -> dict[str, str]:
    """Return values on axes; a text is a value on the only axis."""
    if isinstance(section.data, str) and len(axes) == 1:
        (axis,) = axes
        _known(section, section.data, axes[axis], axis)
        return {axis: section.data}
    found = {axis: part.data for axis, part in _members(section).items()}
    for axis, value in found.items():
        if axis not in axes:
            raise section[axis].fail(f"no axis {axis!r}", did_you_mean(axis, axes))
        _known(section[axis], value, axes[axis], axis)
    return found


def _known(section: Section, value: object, values: Mapping[str, Section], axis: str) -> None:
    if not isinstance(value, str) or value not in values:
        raise section.fail(f"no {axis} {value!r}", did_you_mean(str(value), values))


def _published(document: Document, axes: Axes) -> tuple[PublishedRatio, ...]:
    section = document.get("published")
    if section is None:
        return ()
    if not isinstance(section.data, list):
        raise section.fail("expected a list of published ratios")
    return tuple(
        _published_ratio(document, section[str(number)], axes)
        for number in range(len(section.data))
    )


def _published_ratio(document: Document, section: Section, axes: Axes) -> PublishedRatio:
    section.allow_only(CLAIM)
    metric, ratio = section["metric"].data, section["ratio"].data
    if metric not in CLAIMED:
        raise section["metric"].fail(f"no metric {metric!r}", did_you_mean(str(metric), CLAIMED))
    ends = ratio if isinstance(ratio, list) else [ratio]
    if not 1 <= len(ends) <= 2 or not all(_is_positive(end) for end in ends):
        raise section["ratio"].fail(f"expected a number > 0 or [least, most], got {ratio!r}")
    source = document.sources.get(".".join((*section.path, "metric")), "")
    if not source:
        raise section.fail("a published value needs a source", 'write source: "..." beside it')
    return PublishedRatio(
        metric=metric,
        better=_labels(section["better"], axes),
        than=_labels(section["than"], axes),
        low=min(ends),
        high=max(ends),
        source=source,
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
