"""Reads a sweep's file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archsim import config
from archsim.config import Section
from archsim.errors import ConfigError, did_you_mean
from archsim.experiment import read
from archsim.results.sweep import COUNTS, NUMBERS
from archsim.sweep import sampling
from archsim.sweep.axes import Axis, Setting, read_axes, read_expression
from archsim.sweep.expressions import Expression
from archsim.sweep.outcome import SHORT
from archsim.sweep.plan import Derived, Sampling, SearchPlan, SweepPlan

SECTIONS = (
    "name",
    "title",
    "question",
    "experiment",
    "changes",
    "axes",
    "skip_if",
    "sampling",
    "search",
    "derived",
    "assumptions",
)
METHODS = ("grid", *sampling.METHODS)
SEARCHES = ("tpe", "nsga2")
MOST_POINTS = 10**9
BATCH = 16
"""Trials that a search asks for before it is told how they went."""
RESERVED = ("point", "feasible", "reason", "limited_by", "config_hash", *NUMBERS, *COUNTS)
"""Columns that no axis may be called."""


def read_plan(path: str | Path) -> SweepPlan:
    """Read a sweep's file.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    document = config.load(path)
    root = document.root
    root.allow_only(SECTIONS)
    axes = read_axes(root["axes"])
    for axis in axes:
        if axis.name in RESERVED:
            raise axis.section.fail(f"a table has a column {axis.name!r} already: call it another")
    named = root["experiment"]
    names = [axis.name for axis in axes]
    if "sampling" in root and "search" in root:
        raise root["search"].fail("a sweep is sampled or searched, not both")
    derived = _derived(root, names)
    plan = SweepPlan(
        file=Path(path),
        name=root.text("name", Path(path).stem),
        title=root.text("title", root.text("name", Path(path).stem)),
        question=root.text("question"),
        experiment=config.find(str(named.data), named.path, named.node.place),
        changes=_changes(root),
        axes=axes,
        skip_if=_skip_if(root, names),
        sampling=_sampling(root, axes),
        search=_search(root, [*names, *NUMBERS, *COUNTS, *(each.name for each in derived)]),
        derived=derived,
        assumptions=root.texts("assumptions"),
        config_hash=config.config_hash(document),
    )
    _check_paths(plan)
    return plan


def _changes(root: Section) -> dict[str, Any]:
    section = root.get("changes")
    if section is None:
        return {}
    if not isinstance(section.data, dict):
        raise section.fail("expected values by dotted path")
    return dict(section.data)


def _skip_if(root: Section, names: list[str]) -> tuple[tuple[Expression, Section], ...]:
    section = root.get("skip_if")
    if section is None:
        return ()
    many = isinstance(section.data, list)
    parts = [section[str(n)] for n in range(len(section.data))] if many else [section]
    return tuple((read_expression(part, names), part) for part in parts)


def _sampling(root: Section, axes: tuple[Axis, ...]) -> Sampling:
    section = root.get("sampling")
    if section is None:
        return Sampling()
    section.allow_only(("method", "count", "seed"))
    method = section["method"].data
    if method not in METHODS:
        hint = did_you_mean(str(method), METHODS)
        raise section["method"].fail(f"no way to sample named {method!r}", hint)
    if method == "grid":
        if "count" in section:
            raise section["count"].fail("a grid has all points; random takes some of them")
        return Sampling()
    if method == "sobol" and len(axes) > sampling.MOST_SOBOL_AXES:
        hint = "latin_hypercube takes any number"
        raise section["method"].fail(
            f"sobol takes up to {sampling.MOST_SOBOL_AXES} axes, not {len(axes)}", hint
        )
    return Sampling(
        method=method,
        count=_whole(section["count"], least=1),
        seed=_whole(section["seed"], least=0) if "seed" in section else 0,
    )


def _search(root: Section, names: list[str]) -> SearchPlan | None:
    section = root.get("search")
    if section is None:
        return None
    section.allow_only(("method", "trials", "seed", "batch", "objectives", "constraints"))
    method = section["method"].data
    if method not in SEARCHES:
        hint = did_you_mean(str(method), SEARCHES)
        raise section["method"].fail(f"no search named {method!r}", hint)
    objectives = section["objectives"]
    if not section.texts("objectives"):
        raise objectives.fail("expected a list of what there should be little of, e.g. [edp]")
    return SearchPlan(
        method=method,
        trials=_whole(section["trials"], least=1),
        seed=_whole(section["seed"], least=0) if "seed" in section else 0,
        batch=_whole(section["batch"], least=1) if "batch" in section else BATCH,
        objectives=tuple(
            _objective(objectives[str(number)], names) for number in range(len(objectives.data))
        ),
        constraints=tuple(_bounds(section, names)),
    )


def _objective(section: Section, names: list[str]) -> str:
    name = str(section.data)
    column = SHORT.get(name, name)
    if column in names:
        return column
    if name == "area":
        areas = [known for known in names if known.startswith("area")]
        if areas:
            return areas[0]
        example = 'derived: {area_mm2: {value: "rows * columns * 6e-4", source: "..."}}'
        raise section.fail("what a design's area is must be said", example)
    raise section.fail(f"no number named {name!r}", did_you_mean(name, [*SHORT, *names]))


def _bounds(section: Section, names: list[str]) -> Iterator[tuple[Expression, Expression]]:
    for number in range(len(section.texts("constraints"))):
        part = section["constraints"][str(number)]
        try:
            yield read_expression(part, names).sides()
        except ValueError as error:
            raise part.fail(str(error)) from None


def _derived(root: Section, names: list[str]) -> tuple[Derived, ...]:
    section = root.get("derived")
    if section is None:
        return ()
    found: list[Derived] = []
    for name in section.keys:
        part = section[name]
        if not name.isidentifier() or name in (*RESERVED, *names):
            raise part.fail(f"{name!r} cannot be the name of a derived number: choose another")
        if not part.node.source:
            raise part.fail("a derived number needs a source", "write {value: ..., source: ...}")
        known = [*names, *NUMBERS, *COUNTS, *(each.name for each in found)]
        found.append(
            Derived(
                name=name,
                expression=read_expression(part, known),
                source=part.node.source,
                section=part,
            )
        )
    return tuple(found)


def _whole(section: Section, *, least: int) -> int:
    value = section.data
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST_POINTS:
        raise section.fail(
            f"expected a whole number from {least} to {MOST_POINTS:,}, got {value!r}"
        )
    return value


def _check_paths(plan: SweepPlan) -> None:
    """Refuse paths that lead nowhere in the experiment, before anything is run.

    Whether values are possible is for each point to find.
    """
    first = plan.point(0).changes
    for axis in plan.axes:
        tried: set[tuple[str, ...]] = set()
        for value in axis.settings:
            paths = tuple(value.changes)
            if paths not in tried:
                tried.add(paths)
                _check_value(plan, axis, value, {**first, **value.changes})


def _check_value(plan: SweepPlan, axis: Axis, value: Setting, changes: dict[str, object]) -> None:
    others = {path: part for path, part in changes.items() if path not in value.changes}
    references = {path: part for path, part in changes.items() if "." not in path}
    try:
        document = config.load(plan.experiment, {**others, **references})
    except ConfigError:  # the points say so
        return
    for path in value.changes:
        reached = document.root
        *above, _ = path.split(".")
        for key in above if '"' not in path else []:
            below = reached.get(key)
            if below is None:
                hint = did_you_mean(key, reached.keys) if reached.keys else ""
                raise axis.section.fail(f"{path} leads nowhere: no {key!r}", hint)
            reached = below
    try:
        read(plan.experiment, changes)
    except ConfigError as error:
        wrong = ".".join(error.path)
        if wrong in value.changes and error.problem == "unknown key":
            raise axis.section.fail(f"{wrong}: unknown key", error.hint) from None
