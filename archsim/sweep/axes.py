"""An axis of a sweep: its values, what each changes of an experiment, and when it is there."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archsim.config import Section
from archsim.sweep.expressions import Expression
from archsim.sweep.ranges import log_range_values, range_values

WAYS = ("values", "range", "log_range", "zip", "choices")
"""Ways to say what the values of an axis are; each axis takes one."""
WITH_PATH = ("values", "range", "log_range")
LEVELS = ("workload", "mapping", "architecture", "energy")
"""What changes the most of a run comes first: points are run so that the last changes fastest."""
MOST_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class Setting:
    """A value on an axis, and what it changes of the experiment, by dotted path."""

    label: str
    """What tables and figures call it; no two values of an axis share one."""
    value: object
    """The value itself where it is a number or a text, and the label otherwise."""
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """One thing that points of a sweep differ in."""

    name: str
    settings: tuple[Setting, ...]
    section: Section
    """Where the file describes it."""
    when: Expression | None = None
    """It is there only where this holds; points without it have no value on it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What its values change."""
        return tuple(dict.fromkeys(path for setting in self.settings for path in setting.changes))

    @property
    def level(self) -> int:
        """The place, among ``LEVELS``, of the part of a run from which on it changes all."""
        tops = {path.partition(".")[0] for path in self.paths}
        return min((LEVELS.index(top) if top in LEVELS else 0 for top in tops), default=0)


def read_axes(section: Section) -> tuple[Axis, ...]:
    """Return the axes of a sweep's file.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    if not isinstance(section.data, dict) or not section.keys:
        raise section.fail("expected axes by name, each with a path and values")
    axes: list[Axis] = []
    for name in section.keys:
        axes.append(_axis(name, section[name], [axis.name for axis in axes]))
    taken: dict[str, str] = {}
    for axis in axes:
        for path in axis.paths:
            if taken.setdefault(path, axis.name) != axis.name and axis.when is None:
                raise axis.section.fail(f"{path} is changed by the axis {taken[path]!r} already")
    return tuple(axes)


def _axis(name: str, section: Section, before: list[str]) -> Axis:
    if not name.isidentifier():
        raise section.fail("the name of an axis is a word: letters, digits and _")
    section.allow_only((*WAYS, "path", "labels", "when"))
    given = [way for way in WAYS if way in section]
    if len(given) != 1:
        said = " and ".join(given) or "nothing"
        raise section.fail(f"expected one of {', '.join(WAYS)}, got {said}")
    (way,) = given
    values = _with_path(section, way) if way in WITH_PATH else _by_themselves(section, way)
    if not 1 <= len(values) <= MOST_VALUES:
        raise section[way].fail(f"expected 1 to {MOST_VALUES:,} values, got {len(values):,}")
    values = _labelled(section, values)
    seen: set[str] = set()
    for value in values:
        if value.label in seen:
            raise section[way].fail(f"the value {value.label} is there twice")
        seen.add(value.label)
    return Axis(name, values, section, _when(section, before))


def _when(section: Section, before: list[str]) -> Expression | None:
    condition = section.get("when")
    return None if condition is None else read_expression(condition, before)


def read_expression(section: Section, names: Iterable[str]) -> Expression:
    """Return the expression that a section spells.

    Raises:
        ConfigError: if it spells none.
    """
    text = section.data
    if not isinstance(text, str):
        raise section.fail(f"expected an expression, e.g. rank > 8, got {text!r}")
    try:
        return Expression.read(text, names)
    except ValueError as error:
        raise section.fail(str(error)) from None


def _with_path(section: Section, way: str) -> tuple[Setting, ...]:
    """Return values that are put at one path, or each at several."""
    paths = _paths(section["path"])
    part = section[way]
    found = part.data if way == "values" else _range(part, way)
    if not isinstance(found, list):
        raise part.fail(f"expected a list of values, got {found!r}")
    return tuple(
        Setting(label_of(value), _shown(value), dict.fromkeys(paths, value)) for value in found
    )


def _paths(section: Section) -> list[str]:
    paths = section.data if isinstance(section.data, list) else [section.data]
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise section.fail("expected a dotted path, or a list of them, e.g. workload.rank")
    return paths


def _by_themselves(section: Section, way: str) -> tuple[Setting, ...]:
    if "path" in section:
        raise section["path"].fail(f"`{way}` has paths of its own")
    part = section[way]
    if not isinstance(part.data, dict) or not part.keys:
        expected = "lists by path" if way == "zip" else "changes by label"
        raise part.fail(f"expected {expected}, got {part.data!r}")
    return _zipped(part) if way == "zip" else _choices(part)


def _zipped(section: Section) -> tuple[Setting, ...]:
    """Return values of several paths that change together, the first with the first."""
    lists = {path: section[path].data for path in section.keys}
    lengths = {}
    for path, values in lists.items():
        if not isinstance(values, list):
            raise section[path].fail(f"expected a list of values, got {values!r}")
        lengths[path] = len(values)
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{length} of {path}" for path, length in lengths.items())
        raise section.fail(f"lists that change together are equally long, got {counts}")
    return tuple(
        Setting(
            label := ", ".join(map(label_of, values)), label, dict(zip(lists, values, strict=True))
        )
        for values in zip(*lists.values(), strict=True)
    )


def _choices(section: Section) -> tuple[Setting, ...]:
    for label in section.keys:
        if not isinstance(section[label].data, dict):
            raise section[label].fail("expected what it changes: values by dotted path, or {}")
    return tuple(Setting(label, label, section[label].data) for label in section.keys)


def _labelled(section: Section, values: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """Call values as the file wants them called."""
    given = section.get("labels")
    if given is None:
        return values
    labels = given.data
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise given.fail("expected a list of texts")
    if len(labels) != len(values):
        raise given.fail(f"expected a label for each of {len(values)} values, got {len(labels)}")
    pairs = zip(labels, values, strict=True)
    return tuple(Setting(label, label, value.changes) for label, value in pairs)


def _range(section: Section, way: str) -> list[int | float | str]:
    """Return the values of a range: `{from, to, step}`, or `{from, to, factor or count}`."""
    steps = ("step", "count") if way == "range" else ("factor", "count")
    section.allow_only(("from", "to", *steps))
    given = [key for key in steps if key in section]
    if len(given) != 1:
        raise section.fail(f"expected `from`, `to` and one of {', '.join(steps)}")
    (how,) = given
    first, last = section["from"].data, section["to"].data
    try:
        make = range_values if way == "range" else log_range_values
        return make(first, last, **{how: section[how].data})
    except ValueError as error:
        raise section.fail(str(error)) from None


def label_of(value: object) -> str:
    """Return what tables call a value."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=str)


def _shown(value: object) -> object:
    is_plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if is_plain else label_of(value)
