"""Comparison files for those who write them: checked, in words, and as a JSON Schema."""

from pathlib import Path
from typing import Any

from archsim import config, experiment
from archsim.comparison.plan import ComparisonPlan, read_plan
from archsim.config import catalogue
from archsim.results.comparison import CLAIMED
from archsim.sweep import describe as sweep

NAME = "comparison"
"""What ``archsim describe`` knows the files' sort by."""
FORM = """comparison: runs side by side, `archsim compare COMPARISON.yaml`

  name, title, question   texts: what it is called, and what it asks
  experiment              the experiment of all cases that name no other
  axes                    by axis, its values by label; each is what it changes of the experiment,
                          `dotted.path: value`, and may name another `experiment`. Every
                          combination of values is a case
  experiments             in place of axes: a list of experiments, each with a `name` and changes
  combined                a list of {labels, changes}: what values of axes change only together
  leave_out               a list of labels, e.g. [{architecture: u50}]: no cases for these
  baseline                required; labels of the cases that others are compared to. Axes that it
                          leaves open make groups, over which ratios are averaged
  subject                 labels, on the baseline's axes, of what the answer is to tell of; without
                          them it tells of the best
  work                    {amount, unit, lasts_s}: what each run gets done, in a unit such as frames
                          and in how many seconds it comes about, if it does; tables have its rates
  findings                a list of experiments, each a name or a mapping with `experiment` and what
                          it changes: what their workloads show by themselves stands in the report.
                          A `name` of each tells findings of several apart
  published               a list of ratios {metric, better, than, ratio, source} to stand beside
                          those simulated; ratio is a number or [least, most]
  assumptions             a list of texts that a reader must know to judge the numbers"""
"""The keys of a comparison's file."""
FORMS = {NAME: FORM, sweep.NAME: sweep.FORM}
"""What is said of sorts of files."""


def check(path: str | Path) -> str:
    """Check a configuration file of any kind and return one line about it.

    The experiments of a comparison, or of a sweep, are found, but not checked one by one.

    Raises:
        InputError: if something is wrong with it.
    """
    if _is_sweep(path):
        return sweep.one_line(sweep.read_plan(path))
    if not _is_comparison(path):
        return experiment.check(path)
    plan = read_plan(path)
    return f"comparison {plan.comparison.name}: {len(plan.cases)} cases ({_axes(plan)})"


def describe(name: str) -> str:
    """Return all there is to say about a name, or a file's path; a comparison also in words.

    Raises:
        RegistryError: if nothing has that name.
        ConfigError: for a configuration that is wrong.
    """
    if name in FORMS:
        return FORMS[name]
    files = catalogue.files_of(name)
    words = [_in_words(read_plan(file)) for file in files if _is_comparison(file)]
    words += [sweep.in_words(sweep.read_plan(file)) for file in files if _is_sweep(file)]
    return "\n\n".join([*words, catalogue.describe(name)])


def describe_json(name: str) -> dict[str, Any]:
    """Return a JSON Schema of a section, or of a comparison's file, or a file's values.

    Raises:
        RegistryError: if nothing has that name.
        ConfigError: for a configuration that is wrong.
    """
    if name == sweep.NAME:
        return sweep.json_schema()
    return json_schema() if name == NAME else catalogue.describe_json(name)


def _is_comparison(path: str | Path) -> bool:
    return "baseline" in config.load(path)


def _is_sweep(path: str | Path) -> bool:
    """Whether a file has axes and no baseline to compare to."""
    document = config.load(path)
    return "axes" in document and "baseline" not in document


def _axes(plan: ComparisonPlan) -> str:
    """Write the number of values on each axis."""
    values: dict[str, dict[str, None]] = {}
    for case in plan.cases:
        for axis, value in case.labels.items():
            values.setdefault(axis, {})[value] = None
    return " x ".join(f"{len(found)} {axis}" for axis, found in values.items())


def _in_words(plan: ComparisonPlan) -> str:
    asked = plan.comparison
    baseline = ", ".join(f"{axis} {value}" for axis, value in asked.baseline.items())
    experiments = dict.fromkeys(case.experiment.stem for case in plan.cases)
    groups = {
        tuple(value for axis, value in case.labels.items() if axis not in asked.baseline)
        for case in plan.cases
    }
    lines = [
        f"{asked.name}: a comparison of {len(plan.cases)} cases ({_axes(plan)})",
        f"  {asked.title}",
        f"  {asked.question}",
        f"  baseline: {baseline}, in each of {len(groups)} groups",
        f"  experiments: {', '.join(experiments)}",
        f"  findings of: {', '.join(shown.experiment.stem for shown in plan.shown)}"
        if plan.shown
        else "",
        f"  {len(asked.published)} published ratios, {len(asked.assumptions)} assumptions",
    ]
    return "\n".join(line for line in lines if line.strip())


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a comparison's file, for editors."""
    text, labels = (
        {"type": "string"},
        {"type": "object", "additionalProperties": {"type": "string"}},
    )
    texts = {"type": "array", "items": text}
    change = {
        "description": "What it changes of an experiment, by dotted path",
        "type": "object",
        "properties": {"experiment": text},
    }
    named = {**change, "properties": {"name": text, "experiment": text}, "required": ["name"]}
    shown = {**named, "required": ["experiment"]}
    where = {"description": "A value on axes; a text is a value on the only axis"}
    place = {**where, "oneOf": [labels, text]}
    together = {
        "description": "What values of several axes change only together",
        "type": "object",
        "properties": {"labels": place, "changes": {"type": "object"}},
        "required": ["labels", "changes"],
        "additionalProperties": False,
    }
    positive = {"type": "number", "exclusiveMinimum": 0}
    work = {
        "type": "object",
        "properties": {"amount": positive, "unit": text, "lasts_s": positive},
        "required": ["amount", "unit"],
        "additionalProperties": False,
    }
    ends = {"type": "array", "items": positive, "minItems": 1, "maxItems": 2}
    axis = {"type": "object", "minProperties": 1, "additionalProperties": change}
    claim = {
        "type": "object",
        "properties": {
            "metric": {"enum": list(CLAIMED)},
            "better": place,
            "than": place,
            "ratio": {"oneOf": [positive, ends]},
            "source": text,
        },
        "required": ["metric", "better", "than", "ratio", "source"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": NAME,
        "description": "Runs side by side",
        "type": "object",
        "properties": {
            "name": text,
            "title": text,
            "question": text,
            "experiment": text,
            "axes": {"type": "object", "additionalProperties": axis},
            "experiments": {"type": "array", "items": named, "minItems": 1},
            "combined": {"type": "array", "items": together},
            "leave_out": {"type": "array", "items": place},
            "baseline": place,
            "subject": place,
            "work": work,
            "findings": {"type": "array", "items": {"oneOf": [text, shown]}},
            "published": {"type": "array", "items": claim},
            "assumptions": texts,
            "extends": text,
        },
        "required": ["baseline"],
        "oneOf": [{"required": ["axes"]}, {"required": ["experiments"]}],
        "additionalProperties": False,
    }
