"""A comparison as one page that opens from disk: the answer, a picture, the table, and why.

The page loads nothing: its style, its script and its figures are inside, and it forbids the
browser to fetch more. The script only sorts, filters and switches metrics; without it all is shown.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

from archsim.ir.findings import Finding
from archsim.report.comparison.page_figures import figure_element, findings_section
from archsim.report.comparison.page_runs import METRICS, html_table, runs_section
from archsim.report.comparison.rivals import baseline_name, name_of, subject
from archsim.report.comparison.table import (
    axis_column,
    comparison_rows,
    part_columns,
    status,
)
from archsim.report.comparison.words import (
    NAMES,
    answer,
    better,
    metric_text,
    published_claim,
    published_range,
    simulated_range,
    verdict,
)
from archsim.report.quantities import count, ellipsize, percent, quantity
from archsim.results import Comparison

CAPTIONS: Mapping[str, str] = {
    "time_parts": "Each run's time, by what it goes to. Compute: units stream operands. Fill and "
    "drain: their pipelines fill and drain, weights are loaded, kernels start. Shaping: tensors "
    "are put into another order. Network: units wait for links and networks on the chip. "
    "Memory: they wait for memory off the chip.",
    "energy_parts": "Each run's energy, by what it goes to.",
    "phases": "Each run's time by phase.",
    "roofline": "Arithmetic rate over MACs per byte of off-chip memory, below each machine's roof.",
    "memory": "How full memories get.",
    "timelines": "Who is busy when, from the start of each run to its end.",
}
"""What each figure shows."""
SECTIONS: Mapping[str, tuple[str, str]] = {
    "time": ("Where time goes", "time_parts"),
    "energy": ("Where energy goes", "energy_parts"),
    "phases": ("Phases", "phases"),
    "roofline": ("Roofline", "roofline"),
    "memory": ("Memory", "memory"),
    "timeline": ("Timeline", "timelines"),
}
"""Title and figure of the sections that are a figure."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser may load: only what is in the page."""


def comparison_html(
    comparison: Comparison, figures: Mapping[str, bytes], findings: Sequence[Finding] = ()
) -> str:
    """Return one self-contained page; ``figures`` are SVG by name, absent ones are left out."""
    sections = {
        "answer": _answer_section(comparison, figures, findings),
        "groups": _groups_section(figures),
        "table": runs_section(comparison),
        **{name: _figure_section(name, figures) for name in ("time", "energy", "phases")},
        "roofline": _figure_section("roofline", figures),
        "limits": _limits_section(comparison),
        "memory": _figure_section("memory", figures),
        "timeline": _figure_section("timeline", figures),
        "findings": findings_section(findings, figures),
        "published": _published_section(comparison),
        "failures": _failures_section(comparison),
        "again": _again_section(comparison),
    }
    if sections["time"]:
        sections["time"] += _numbers_of_time(comparison)
    shown = {name: content for name, content in sections.items() if content}
    body = "\n".join(
        f'<section id="{name}">\n{content}\n</section>' for name, content in shown.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(comparison.title)}</title>
<style>
{_asset("page.css")}</style>
</head>
<body>
{body}
<script type="application/json" id="comparison">{_json(_script_values(comparison))}</script>
<script>
{_asset("page.js")}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    text = files("archsim.report.comparison").joinpath(name).read_text(encoding="utf-8")
    assert not re.search("</(script|style)", text), name
    return text


def _json(value: object) -> str:
    """Write JSON that cannot end, or comment out, the script that it is in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def _script_values(comparison: Comparison) -> dict[str, object]:
    return {
        "metrics": list(METRICS),
        "axes": [[axis, axis_column(axis)] for axis in comparison.axes],
        "rows": comparison_rows(comparison),
    }


def _answer_section(
    comparison: Comparison, figures: Mapping[str, bytes], findings: Sequence[Finding]
) -> str:
    pictures = [
        figure_element(figures, f"ratios_{key}", _ratio_caption(comparison, metric), of=key)
        for key, metric in METRICS.items()
    ]
    question = f'<p class="question">{escape(comparison.question)}</p>'
    return "\n".join(
        [
            f"<header>\n<h1>{escape(comparison.title)}</h1>",
            f'<p class="answer">{escape(answer(comparison))}</p>',
            f"{question if comparison.question else ''}\n</header>",
            _metric_switch(comparison),
            *pictures,
            _contents(comparison, figures, findings),
        ]
    )


def _groups_section(figures: Mapping[str, bytes]) -> str:
    pictures = [
        figure_element(figures, f"groups_{key}", f"{NAMES[metric]} in each group.", of=key)
        for key, metric in METRICS.items()
    ]
    shown = "\n".join(filter(None, pictures))
    return f"<h2>Group by group</h2>\n{shown}" if shown else ""


def _ratio_caption(comparison: Comparison, metric: str) -> str:
    baseline = baseline_name(comparison)
    return f"{NAMES[metric]}, times better than {baseline}; above 1 is better."


def _metric_switch(comparison: Comparison) -> str:
    """Return a button per metric that tells the factor of the answer's rival as well."""
    told = subject(comparison)
    buttons = []
    for key, metric in METRICS.items():
        mean = None if told is None else comparison.geometric_mean(told, metric)
        tone = "" if mean is None or mean == 1 else "good" if mean > 1 else "bad"
        who = "" if told is None else f" of {ellipsize(name_of(comparison, told), 40)}"
        number = "" if mean is None else f'<b class="{tone}">{better(mean).replace(" x", "×")}</b>'
        buttons.append(
            f'<button type="button" data-metric="{key}" aria-pressed="{str(key == "edp").lower()}">'
            f"{number}<span>{escape(NAMES[metric] + who)}</span></button>"
        )
    return (
        f'<div class="metrics" role="group" aria-label="metric shown">\n{"".join(buttons)}\n</div>'
    )


def _contents(
    comparison: Comparison, figures: Mapping[str, bytes], findings: Sequence[Finding]
) -> str:
    titles = {"groups": "Groups"} if any(f"groups_{key}" in figures for key in METRICS) else {}
    titles |= {"table": "Runs"}
    titles |= {name: title for name, (title, figure) in SECTIONS.items() if figure in figures}
    titles |= {"limits": "Limits"} if len(comparison.failures) < len(comparison.cases) else {}
    titles |= {"findings": "Findings"} if findings else {}
    titles |= {"published": "Published"} if _has_published(comparison) else {}
    titles |= {"failures": "Failures"} if comparison.failures else {}
    titles |= {"again": "Make it again"}
    order = [
        "groups",
        "table",
        "time",
        "energy",
        "phases",
        "roofline",
        "limits",
        "memory",
        "timeline",
    ]
    links = [
        f'<a href="#{name}">{escape(titles[name])}</a>'
        for name in (*order, "findings", "published", "failures", "again")
        if name in titles
    ]
    return f"<nav>{' '.join(links)}</nav>"


def _figure_section(name: str, figures: Mapping[str, bytes]) -> str:
    title, figure = SECTIONS[name]
    if figure not in figures:
        return ""
    return f"<h2>{escape(title)}</h2>\n{figure_element(figures, figure, CAPTIONS[figure])}"


def _numbers_of_time(comparison: Comparison) -> str:
    parts = part_columns(comparison)
    rows = [
        [case.name, *(metric_text(float(row[c] or 0), "_s") for c in parts.values())]
        for case, row in zip(comparison.cases, comparison_rows(comparison), strict=True)
        if not case.has_failed
    ]
    return f"\n<details><summary>in numbers</summary>{html_table(['run', *parts], rows)}</details>"


def _limits_section(comparison: Comparison) -> str:
    rows = []
    for case in comparison.cases:
        if case.digest is not None:
            bounds = case.digest["bounds"]
            limit = bounds["limited_by"]
            part = bounds.get(f"{limit}_component", "")
            rows.append(
                [
                    case.name,
                    limit.replace("_", " ") + (f": {part}" if part else ""),
                    *(
                        quantity(bounds[f"{bound}_s"], "s")
                        for bound in ("compute", "bandwidth", "critical_path")
                    ),
                    quantity(case.digest["latency_s"], "s"),
                    percent(bounds["efficiency"]),
                ]
            )
    if not rows:
        return ""
    header = ["run", "limited by", "compute", "bandwidth", "critical path", "it took", "of limit"]
    return f"""<h2>What limits each run</h2>
<p class="note">Three times that no run of the schedule on the machine can beat; the largest is the
limit. At 100 % only more of what limits it, or a schedule with less of it, makes the run
faster.</p>
{html_table(header, rows, left=2, name="bounds")}"""


def _has_published(comparison: Comparison) -> bool:
    return bool(comparison.published or comparison.assumptions)


def _published_section(comparison: Comparison) -> str:
    if not _has_published(comparison):
        return ""
    rows = [
        [
            published_claim(comparison, ratio),
            published_range(ratio).replace(" x", "×"),
            simulated_range(comparison, ratio).replace(" x", "×"),
            verdict(comparison, ratio),
            ratio.source,
        ]
        for ratio in comparison.published
    ]
    header = ["claim", "published", "simulated", "verdict", "source"]
    table = html_table(header, rows, left=len(header), name="claims") if rows else ""
    points = "\n".join(f"<li>{escape(text)}</li>" for text in comparison.assumptions)
    assumed = f"<h3>Assumed</h3>\n<ul>\n{points}\n</ul>" if points else ""
    title = "Published beside simulated" if rows else "Assumptions"
    return f"<h2>{title}</h2>\n{table}\n{assumed}"


def _failures_section(comparison: Comparison) -> str:
    if not comparison.failures:
        return ""
    rows = [[case.name, status(case)] for case in comparison.failures]
    what = count(len(rows), "run" if len(rows) == 1 else "runs")
    return f"<h2>Failures</h2>\n<p>{what} without a result.</p>\n" + html_table(
        ["run", "reason"], rows, left=2, name="reasons"
    )


def _again_section(comparison: Comparison) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    facts = {
        "command": comparison.command,
        "config hash": comparison.config_hash,
        "versions": versions,
    }
    listed = "\n".join(
        f"<dt>{name}</dt><dd><code>{escape(fact)}</code></dd>"
        for name, fact in facts.items()
        if fact
    )
    commands = "\n".join(
        f"<pre>{escape(case.command)}</pre>" for case in comparison.cases if case.command
    )
    each = f"<details><summary>each run by itself</summary>\n{commands}\n</details>"
    return f"<h2>Make it again</h2>\n<dl>\n{listed}\n</dl>\n{each if commands else ''}"
