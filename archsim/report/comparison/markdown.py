"""A comparison as Markdown: the answer, the table, and all that a reader asks next.

Pictures are named as :mod:`archsim.report.comparison.files` puts them beside it.
"""

from collections.abc import Sequence

from archsim.ir.findings import Finding, Table
from archsim.report.comparison.page_figures import FINDINGS
from archsim.report.comparison.rivals import baseline_name
from archsim.report.comparison.table import part_columns, status
from archsim.report.comparison.words import (
    NAMES,
    UNKNOWN,
    answer,
    factor_text,
    mean_cells,
    metric_text,
    published_claim,
    published_range,
    rate_names,
    rate_texts,
    simulated_range,
    verdict,
)
from archsim.report.findings.files import file_name
from archsim.report.findings.rows import cell_text, number_columns
from archsim.report.quantities import percent
from archsim.results import Case, Comparison
from archsim.results.comparison import COMPARED

MORE = ("MACs of peak", "limited by")
"""Columns of a run that are not compared."""


def comparison_markdown(comparison: Comparison, findings: Sequence[Finding] = ()) -> str:
    """Write a comparison as Markdown: the answer, the table, and all that a reader asks next."""
    names = [NAMES[metric] for metric in COMPARED]
    ratios = [f"{name} x" for name in names]
    published = [
        [
            published_claim(comparison, ratio),
            published_range(ratio),
            simulated_range(comparison, ratio),
            verdict(comparison, ratio),
            ratio.source,
        ]
        for ratio in comparison.published
    ]
    header = ["claim", "published", "simulated", "verdict", "source"]
    failures = [[case.name, status(case)] for case in comparison.failures]
    blocks = [
        f"# {_markdown(comparison.title)}",
        f"**{_markdown(answer(comparison))}**",
        _markdown(comparison.question),
        _markdown_table(
            [*comparison.axes, *names, *rate_names(comparison), *ratios, *MORE],
            [_markdown_cells(comparison, case) for case in comparison.cases],
            left=len(comparison.axes),
        ),
        f"## Times better than {_markdown(baseline_name(comparison))}",
        _picture("ratios_edp", "times better in energy-delay product"),
        "Geometric means over the groups (least … largest).",
        _markdown_table(["", *names, "groups"], mean_cells(comparison), left=1),
        "## Where time and energy go",
        "Shares of each run's time; waits of a unit are told by what its tiles pass meanwhile.",
        _markdown_table(
            [*comparison.axes, *part_columns(comparison)],
            [_part_cells(comparison, case) for case in comparison.cases],
            left=len(comparison.axes),
        ),
        _picture("time_parts", "where the time goes"),
        _picture("energy_parts", "where the energy goes"),
        _picture("roofline", "rooflines"),
        f"## {FINDINGS}" if findings else "",
        *(block for finding in findings for block in _finding(finding)),
        "## Published beside simulated" if published else "",
        _markdown_table(header, published, left=len(header)),
        "## Failed" if failures else "",
        _markdown_table(["run", "reason"], failures, left=2),
        "## Assumed" if comparison.assumptions else "",
        "\n".join(f"- {_markdown(text)}" for text in comparison.assumptions),
        f"Made by `{comparison.command}`" if comparison.command else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _finding(finding: Finding) -> tuple[str, ...]:
    """Return title, caption and picture or table of a finding."""
    words = (f"### {_markdown(finding.title)}", _markdown(finding.caption))
    if not isinstance(finding, Table):
        return (*words, _picture(file_name(finding), _markdown(finding.title)))
    rows = [[cell_text(cell) for cell in row] for row in finding.rows]
    numbers = number_columns(finding)
    return (*words, _markdown_table(finding.columns, rows, left=1, numbers=numbers))


def _picture(name: str, what: str) -> str:
    return f"![{what}]({name}.png)"


def _part_cells(comparison: Comparison, case: Case) -> list[str]:
    """Return the share of each part of a run's time."""
    labels = [case.labels.get(axis, "") for axis in comparison.axes]
    if case.digest is None:
        return [*labels, *("" for _ in part_columns(comparison))]
    parts, total = case.digest["time_parts_s"], case.digest["latency_s"]
    shares = (parts.get(part, 0.0) / total if total else 0.0 for part in part_columns(comparison))
    return [*labels, *(f"{share:.1%}".replace("%", " %") for share in shares)]


def _markdown_cells(comparison: Comparison, case: Case) -> list[str]:
    use, limited = UNKNOWN, ""
    if case.digest is not None:
        use = percent(case.digest["utilization"]["macs"])
        limited = case.digest["bounds"]["limited_by"].replace("_", " ")
    return [
        *(case.labels.get(axis, "") for axis in comparison.axes),
        *(metric_text(case.metric(metric), metric) for metric in COMPARED),
        *rate_texts(comparison, case),
        *(factor_text(comparison.ratio(case, metric)) for metric in COMPARED),
        use,
        "failed" if case.has_failed else limited,
    ]


def _markdown_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int,
    numbers: Sequence[bool] = (),
) -> str:
    """Write a table with numbers to the right: after ``left`` columns, or as told."""
    if not rows:
        return ""
    right = numbers or [column >= left for column in range(len(header))]
    rule = ["---:" if is_number else "---" for is_number in right]
    cells = [[_markdown(cell) for cell in row] for row in (header, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:]))


def _markdown(text: str) -> str:
    """Write text so that Markdown shows it as it is: in one line, without tags or cells."""
    line = " ".join(text.split())
    for sign in ("\\", "|", "<", "*", "_", "`"):
        line = line.replace(sign, f"\\{sign}")
    return line
