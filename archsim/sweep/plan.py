"""What a sweep's file asks for: points on axes, what leaves some out, how some are chosen.

No list of points is ever made. A point is the number of its combination among all, from which
everything else follows; numbers come out of generators.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

from archsim import __version__, config
from archsim.config import Section
from archsim.config.document import SECTIONS
from archsim.errors import ConfigError
from archsim.sweep import sampling
from archsim.sweep.axes import LEVELS, Axis, Setting
from archsim.sweep.expressions import Expression
from archsim.sweep.sampling import Places

WINDOW = 4096
"""Sampled points that are put into an order in which much is used again."""


@dataclass(frozen=True, slots=True)
class Point:
    """One design: a value on each axis that it has, and all that it changes."""

    number: int
    """The place of its combination among all."""
    places: Places
    settings: tuple[Setting | None, ...]
    changes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How many combinations are tried, and how they are chosen; all of them by default."""

    method: str = "grid"
    count: int = 0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A number that follows from a point's values and its metrics, e.g. an area."""

    name: str
    expression: Expression
    source: str
    section: Section


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """How a search goes on: what it wants, within which bounds, for how many trials."""

    method: str
    trials: int
    seed: int
    batch: int
    objectives: tuple[str, ...]
    """Columns of which less is better."""
    constraints: tuple[tuple[Expression, Expression], ...]
    """Pairs of which the first must not exceed the second."""


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep's file, read."""

    file: Path
    name: str
    title: str
    question: str
    experiment: Path
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What all points change of the experiment, by dotted path."""
    axes: tuple[Axis, ...]
    skip_if: tuple[tuple[Expression, Section], ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    search: SearchPlan | None = None
    derived: tuple[Derived, ...] = ()
    assumptions: tuple[str, ...] = ()
    config_hash: str
    """Of the sweep's own file."""

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Values on each axis."""
        return tuple(len(axis.settings) for axis in self.axes)

    @cached_property
    def combinations(self) -> int:
        """All that there are, those that are skipped included."""
        return prod(self.sizes)

    @property
    def most_points(self) -> int:
        """How many points there are at most; how many are skipped, only going through all tells."""
        if self.search is not None:
            return self.search.trials
        if self.sampling.method == "grid":
            return self.combinations
        return min(self.sampling.count, self.combinations)

    def point(self, number: int) -> Point:
        """Return the point of a number."""
        return self.at(sampling.places_of(number, self.sizes))

    def points(self) -> Iterator[Point]:
        """Yield all points in the order of tables."""
        if self.sampling.method == "grid":
            for places in sampling.grid(self.sizes):
                point = self.at(places)
                if point.places == places and not self.skips(point):
                    yield point
            return
        yield from self._sampled()

    def by_reuse(self) -> Iterator[Point]:
        """Yield all points, those that have much in common after each other."""
        if self.sampling.method == "grid":
            for places in sampling.grid(self.sizes, self._reuse_order):
                point = self.at(places)
                if point.places == places and not self.skips(point):
                    yield point
            return
        sampled = self._sampled()
        while window := list(islice(sampled, WINDOW)):
            yield from sorted(window, key=self.reuse_key)

    def _sampled(self) -> Iterator[Point]:
        asked = self.sampling
        seen: set[int] = set()
        draw = sampling.METHODS[asked.method](self.sizes, asked.count, asked.seed)
        for places in draw:
            point = self.at(places)
            if point.number in seen or self.skips(point):
                continue
            seen.add(point.number)
            yield point
            if len(seen) == asked.count:
                return

    def at(self, places: Places) -> Point:
        """Return a point; on an axis that it does not have, it stands at the first place."""
        values: list[Setting | None] = []
        found: list[int] = []
        named: dict[str, object] = {}
        changes: dict[str, Any] = dict(self.changes)
        for axis, place in zip(self.axes, places, strict=True):
            is_there = axis.when is None or self._holds(axis.when, axis.section, named)
            value = axis.settings[place] if is_there else None
            named[axis.name] = value.value if value is not None else None
            if value is not None:
                changes |= value.changes
            values.append(value)
            found.append(place if is_there else 0)
        number = sampling.number_of(found, self.sizes)
        return Point(number, tuple(found), tuple(values), changes)

    def named(self, point: Point) -> dict[str, object]:
        """Return a point's values as expressions see them, by axis."""
        return {
            axis.name: None if value is None else value.value
            for axis, value in zip(self.axes, point.settings, strict=True)
        }

    def skips(self, point: Point) -> bool:
        """Whether a point is left out."""
        if not self.skip_if:
            return False
        named = self.named(point)
        return any(self._holds(expression, place, named) for expression, place in self.skip_if)

    @staticmethod
    def _holds(expression: Expression, section: Section, named: Mapping[str, object]) -> bool:
        try:
            return bool(expression.value(named))
        except ValueError as error:
            raise section.fail(str(error)) from None

    @cached_property
    def _reuse_order(self) -> list[int]:
        return sorted(range(len(self.axes)), key=lambda at: (self.axes[at].level, at))

    def reuse_key(self, point: Point) -> tuple[int, ...]:
        """Return what sorts points that have much in common beside each other."""
        return tuple(point.places[axis] for axis in self._reuse_order)

    def simulation_of(self, point: Point) -> tuple[int, ...]:
        """Return what points have in common that differ in nothing but prices."""
        priced = LEVELS.index("energy")
        pairs = zip(point.places, self.axes, strict=True)
        return tuple(place for place, axis in pairs if axis.level < priced)

    def key(self, point: Point) -> str:
        """Return 16 hexadecimal digits that stand for the whole configuration of a point.

        The experiment with all it extends, the files that the point's values name, the rest of
        what it changes, and the version of archsim.
        """
        named = {
            path: self._content(path, value)
            for path, value in point.changes.items()
            if _may_name_a_file(path, value)
        }
        whole = [self._base, named, dict(sorted(point.changes.items()))]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _content(self, path: str, value: object) -> str:
        """Return what stands for the files that a value names; they are read once."""
        place = (path, json.dumps(value, sort_keys=True))
        if place not in self._contents:
            try:
                found = config.config_hash(config.load(self.experiment, {path: value}))
            except ConfigError as error:  # the point says so when it is run
                found = str(error)
            self._contents[place] = found
        return self._contents[place]

    @cached_property
    def _contents(self) -> dict[tuple[str, str], str]:
        return {}

    @cached_property
    def _base(self) -> str:
        return f"{__version__} {config.config_hash(config.load(self.experiment))}"


def _may_name_a_file(path: str, value: object) -> bool:
    if isinstance(value, dict):
        return "extends" in json.dumps(value)
    is_reference = path in SECTIONS or path.endswith("extends")
    return is_reference and isinstance(value, str)
