"""A sweep as one page that opens from disk: the answer, every point to hover over, the figures.

The page loads nothing: its style, its script and its figures are inside, and it forbids the
browser to fetch more. Without the script the figures and the tables are there all the same.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from math import ceil
from typing import Any

import pandas as pd

from archsim.report.comparison.page import POLICY
from archsim.report.comparison.page_runs import html_table
from archsim.report.quantities import quantity
from archsim.report.sweep.study import METRICS, SweepStudy
from archsim.report.sweep.text import plain_value
from archsim.results.sweep import FEASIBLE, HASH, POINT, REASON

MOST_POINTS = 20_000
"""Points that a page holds; of more, the front and as many of the others evenly."""
MOST_ROWS = 500
"""Rows of the front's table."""
MOST_FAILURES = 200
PLOTTED: Mapping[str, tuple[str, str]] = {
    **METRICS,
    "power_w": ("power", "W"),
    "dram_bytes": ("bytes to and from DRAM", "B"),
    "on_chip_bytes": ("memory on chip", "B"),
    "parameter_bytes": ("parameters", "B"),
    "macs": ("multiply-accumulates", ""),
}
"""What the plot can show, in words, and its units."""
CAPTIONS: Mapping[str, str] = {
    "sensitivity": "How much a metric changes while nothing but one axis does.",
    "lines": "Latency, energy and their product along one axis.",
    "heat_map_edp": "Energy-delay product over the two axes that matter most.",
    "heat_map_latency": "Latency over the same axes.",
    "heat_map_energy": "Energy over the same axes.",
}
"""What each figure shows, in the page's order."""


def sweep_html(study: SweepStudy, figures: Mapping[str, bytes]) -> str:
    """Return one self-contained page; ``figures`` are SVG by name, absent ones are left out."""
    sections = {
        "answer": _answer(study),
        "points": _points(study, figures),
        "front": _front(study),
        "figures": _figures(figures),
        "infeasible": _infeasible(study),
        "assumptions": _assumptions(study),
        "again": _again(study),
    }
    body = "\n".join(
        f'<section id="{name}">\n{content}\n</section>'
        for name, content in sections.items()
        if content
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(study.sweep.title)}</title>
<style>
{_asset("archsim.report.comparison", "page.css")}
{_asset("archsim.report.sweep", "sweep.css")}</style>
</head>
<body>
{body}
<script type="application/json" id="sweep">{_json(_script_values(study))}</script>
<script>
{_asset("archsim.report.sweep", "sweep.js")}</script>
</body>
</html>
"""


def _asset(package: str, name: str) -> str:
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    assert not re.search("</(script|style)", text), name
    return text


def _json(value: object) -> str:
    """Write JSON that cannot end, or comment out, the script that it is in."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _script_values(study: SweepStudy) -> dict[str, object]:
    sweep = study.sweep
    shown = _shown(study)
    metrics = [*PLOTTED, *sweep.derived]
    known = [metric for metric in metrics if metric in shown.columns and shown[metric].any()]
    front = set(study.front[POINT].tolist())
    knee = study.knee
    return {
        "experiment": sweep.experiment,
        "changes": dict(sweep.changes),
        "axes": [
            {"name": axis.name, "labels": axis.labels, "changes": axis.changes}
            for axis in sweep.axes
        ],
        "metrics": [[metric, *PLOTTED.get(metric, (metric, ""))] for metric in known],
        "points": [
            {
                "n": int(row[POINT]),
                "at": [_place(axis.settings, row[axis.name]) for axis in sweep.axes],
                "m": [plain_value(row[metric]) for metric in known],
                "by": row["limited_by"],
                "hash": row[HASH],
                "front": row[POINT] in front,
            }
            for row in shown.to_dict("records")
        ],
        "knee": None if knee is None else int(knee[POINT]),
        "colour": study.ranked[0].name if study.ranked else "",
    }


def _shown(study: SweepStudy) -> pd.DataFrame:
    """Return the rows that the page holds."""
    feasible = study.feasible
    if len(feasible) <= MOST_POINTS:
        return feasible
    some = feasible.iloc[:: ceil(len(feasible) / MOST_POINTS)]
    return pd.concat([study.front, some]).drop_duplicates(POINT)


def _place(settings: tuple[Any, ...], value: object) -> int:
    return settings.index(value) if value in settings else -1


def _answer(study: SweepStudy) -> str:
    sweep = study.sweep
    question = f'<p class="question">{escape(sweep.question)}</p>' if sweep.question else ""
    return (
        f"<header>\n<h1>{escape(sweep.title)}</h1>\n"
        f'<p class="answer">{escape(study.answer())}</p>\n{question}\n</header>'
    )


def _points(study: SweepStudy, figures: Mapping[str, bytes]) -> str:
    if study.feasible.empty:
        return ""
    shown, total = len(_shown(study)), len(study.feasible)
    some = f" {shown:,} of {total:,} are shown." if shown < total else ""
    return f"""<form class="controls" id="choose">
<label>across <select id="x"></select></label>
<label>up <select id="y"></select></label>
<label>colour <select id="colour"></select></label>
<label><input type="checkbox" id="logarithmic" checked> logarithmic</label>
</form>
<div id="plot" hidden></div>
<aside id="about" hidden></aside>
<p class="note" id="hint" hidden>Rest the pointer on a point for its configuration; click to keep it
shown. Rings: no other is better in both time and energy; the star is the knee.{some}</p>
<noscript>{_figure(figures, "pareto", "Every point, and those that no other beats.")}</noscript>"""


def _front(study: SweepStudy) -> str:
    """Return the configurations that no other beats in both time and energy."""
    if study.feasible.empty:
        return ""
    at = study.knee
    axes = study.sweep.axes
    rows = []
    for _, row in study.front.head(MOST_ROWS).iterrows():
        is_knee = at is not None and row[POINT] == at[POINT]
        rows.append(
            [
                f"{row[POINT]}{' ★' if is_knee else ''}",
                *(study.label(axis, row[axis.name]) for axis in axes),
                *(quantity(row[metric], unit) for metric, (_, unit) in METRICS.items()),
                str(row["limited_by"]).replace("_", " "),
                str(row[HASH]),
            ]
        )
    header = ["point", *(axis.name for axis in axes), *(n for n, _ in METRICS.values())]
    table = html_table([*header, "limited by", "config hash"], rows, left=1 + len(axes))
    return f"""<h2>Configurations on the front</h2>
<p class="note">Each is beaten by no other in both time and energy; ★ is the knee, beyond which
little of the one costs much of the other.</p>
<div class="scroll">{table}</div>"""


def _figures(figures: Mapping[str, bytes]) -> str:
    shown = [_figure(figures, name, words) for name, words in CAPTIONS.items() if name in figures]
    return "<h2>What matters</h2>\n" + "\n".join(shown) if shown else ""


def _figure(figures: Mapping[str, bytes], name: str, caption: str) -> str:
    if name not in figures:
        return ""
    source = f"data:image/svg+xml;base64,{b64encode(figures[name]).decode()}"
    return (
        f'<figure id="figure-{name}"><img alt="{escape(caption)}" src="{source}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _infeasible(study: SweepStudy) -> str:
    failed = study.frame[~study.frame[FEASIBLE].astype(bool)]
    if failed.empty:
        return ""
    rows = [
        [str(row[POINT]), study.name_of(row), row[REASON]]
        for _, row in failed.head(MOST_FAILURES).iterrows()
    ]
    more = f" The first {MOST_FAILURES} of them:" if len(failed) > MOST_FAILURES else ""
    table = html_table(["point", "configuration", "reason"], rows, left=3, name="reasons")
    return f"""<h2>Infeasible</h2>
<p>{len(failed):,} of {len(study.frame):,} points cannot be built, or do not fit.{more}</p>
<details><summary>each with its reason</summary>{table}</details>"""


def _assumptions(study: SweepStudy) -> str:
    sweep = study.sweep
    said = [*sweep.assumptions, *(f"{name}: {source}" for name, source in sweep.derived.items())]
    points = "\n".join(f"<li>{escape(text)}</li>" for text in said)
    return f"<h2>Assumed</h2>\n<ul>\n{points}\n</ul>" if points else ""


def _again(study: SweepStudy) -> str:
    sweep = study.sweep
    facts = {
        "command": sweep.command,
        "experiment": sweep.experiment,
        "table": f"{sweep.table.name}, a row per point",
        "config hash": sweep.config_hash,
        "versions": ", ".join(f"{name} {version}" for name, version in sweep.versions.items()),
    }
    listed = "\n".join(
        f"<dt>{name}</dt><dd><code>{escape(fact)}</code></dd>" for name, fact in facts.items()
    )
    return f"<h2>Make it again</h2>\n<dl>\n{listed}\n</dl>"
