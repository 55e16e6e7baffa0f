"""Sweep files for those who write them: checked, in words, and as a JSON Schema."""

from typing import Any

from archsim.sweep.axes import WAYS
from archsim.sweep.plan import SweepPlan
from archsim.sweep.read import METHODS, SEARCHES, read_plan

__all__ = ["FORM", "NAME", "in_words", "json_schema", "one_line", "read_plan"]

NAME = "sweep"
"""What ``archsim describe`` knows the files' sort by."""
FORM = """sweep: many designs, `archsim sweep SWEEP.yaml`

  name, title, question   texts: what it is called, and what it asks
  experiment              the experiment that every point changes
  changes                 what all points change of it, `dotted.path: value`
  axes                    by name, each with one of
      path, values          a dotted path, or a list of them, and a list of values
      path, range           {from: 1, to: 8, step: 1} or {..., count: 8}; units as in 64 KiB
      path, log_range       {from: 4, to: 64, factor: 2} or {..., count: 5}
      zip                   lists by path: values that change together, the first with the first
      choices               changes by label: {fast: {a.b: 1, c.d: 2}, slow: {}}
                          and optionally `labels` for tables, and `when`: an expression over the
                          axes before it; points where it is false have no value on the axis
  skip_if                 an expression over axes, or a list: points where one holds are left out,
                          e.g. rank > 8 and format == 'tensor_train', or sram < '2 MiB'
  sampling                {method: grid | random | latin_hypercube | sobol, count, seed};
                          the grid, all combinations, by default
  search                  in place of sampling: {method: tpe | nsga2, trials, seed, batch,
                          objectives: [latency, energy, edp, power, memory, or a column],
                          constraints: [latency_s <= 0.01, ...]}; needs archsim[search]
  derived                 numbers that follow, each with a source:
                          area_mm2: {value: rows * columns * 6e-4, source: "..."}
  assumptions             a list of texts that a reader must know to judge the numbers

A point that cannot be built, or does not fit, is a row with its reason. With --out results are
kept as they come, and the same command goes on where it was stopped."""
"""The keys of a sweep's file."""


def one_line(plan: SweepPlan) -> str:
    """Return how many points a sweep has, in a line."""
    return f"sweep {plan.name}: {_points(plan)} ({_axes(plan)})"


def in_words(plan: SweepPlan) -> str:
    """Return what a sweep asks, in a few lines."""
    lines = [
        f"{plan.name}: a sweep of {_points(plan)} ({_axes(plan)})",
        f"  {plan.title}",
        f"  {plan.question}",
        f"  experiment: {plan.experiment.stem}",
        *(f"  {axis.name}: {', '.join(axis.paths)}" for axis in plan.axes),
    ]
    return "\n".join(line for line in lines if line.strip())


def _points(plan: SweepPlan) -> str:
    some = plan.skip_if or any(axis.when for axis in plan.axes)
    count = f"{'up to ' if some else ''}{plan.most_points:,} points"
    if plan.search is not None:
        return f"{plan.most_points:,} trials among {plan.combinations:,} points"
    return count if plan.sampling.method == "grid" else f"{count} of {plan.combinations:,}"


def _axes(plan: SweepPlan) -> str:
    return " x ".join(f"{len(axis.settings)} {axis.name}" for axis in plan.axes)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a sweep's file, for editors."""
    text, whole = {"type": "string"}, {"type": "integer", "minimum": 0}
    texts = {"type": "array", "items": text}
    one_or_more = {"oneOf": [text, texts]}
    end = {"type": ["number", "string"]}
    span = {
        "type": "object",
        "properties": {"from": end, "to": end, "step": end, "factor": end, "count": whole},
        "required": ["from", "to"],
        "additionalProperties": False,
    }
    axis = {
        "type": "object",
        "properties": {
            "path": one_or_more,
            "values": {"type": "array", "minItems": 1},
            "range": span,
            "log_range": span,
            "zip": {"type": "object", "additionalProperties": {"type": "array"}},
            "choices": {"type": "object", "additionalProperties": {"type": "object"}},
            "labels": texts,
            "when": text,
        },
        "oneOf": [{"required": [way]} for way in WAYS],
        "additionalProperties": False,
    }
    sampling = {
        "type": "object",
        "properties": {"method": {"enum": list(METHODS)}, "count": whole, "seed": whole},
        "required": ["method"],
        "additionalProperties": False,
    }
    search = {
        "type": "object",
        "properties": {
            "method": {"enum": list(SEARCHES)},
            "trials": whole,
            "seed": whole,
            "batch": whole,
            "objectives": {**texts, "minItems": 1},
            "constraints": texts,
        },
        "required": ["method", "trials", "objectives"],
        "additionalProperties": False,
    }
    derived = {
        "type": "object",
        "properties": {"value": text, "source": text},
        "required": ["value", "source"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": NAME,
        "description": "Many designs",
        "type": "object",
        "properties": {
            "name": text,
            "title": text,
            "question": text,
            "experiment": text,
            "changes": {"type": "object"},
            "axes": {"type": "object", "minProperties": 1, "additionalProperties": axis},
            "skip_if": one_or_more,
            "sampling": sampling,
            "search": search,
            "derived": {"type": "object", "additionalProperties": derived},
            "assumptions": texts,
            "extends": text,
        },
        "required": ["experiment", "axes"],
        "additionalProperties": False,
    }
