"""The table of all runs on a comparison's page: sorted, filtered and switched by its script."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import repeat
from math import log

from archsim.report.comparison.rivals import baseline_name
from archsim.report.comparison.table import RATIOS, Row, axis_column, comparison_rows, status
from archsim.report.comparison.words import (
    NAMES,
    factor_text,
    mean_cells,
    metric_text,
    rate_names,
    rate_texts,
)
from archsim.report.quantities import ellipsize, percent, quantity
from archsim.report.summary import metric_unit
from archsim.results import Case, Comparison

METRICS: Mapping[str, str] = {"edp": "edp_js", "latency": "latency_s", "energy": "energy_j"}
"""Metrics by their names in the page's address, the one shown first before the others."""
REASON = 60
"""Letters of a failure's reason in the table."""


def runs_section(comparison: Comparison) -> str:
    """Return the table of runs with its controls, and the means over groups."""
    rows = comparison_rows(comparison)
    body = "\n".join(_run(comparison, number, row, rows) for number, row in enumerate(rows))
    head = "".join(
        f'<th scope="col" data-column="{escape(column)}"{extra}>{escape(title)}</th>'
        for column, title, extra in _columns(comparison)
    )
    baseline = baseline_name(comparison)
    means = html_table(
        ["", *(f"{name} ×" for name in NAMES.values()), "groups"],
        [
            [cells[0], *(cell.replace(" x", "×") for cell in cells[1:])]
            for cells in mean_cells(comparison)
        ],
        name="means",
    )
    return f"""<h2>All runs</h2>
{_controls(comparison)}
<div class="scroll"><table id="runs">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table></div>
<p class="note">× is times better than the baseline of the same group, {escape(baseline)}, whose
rows are shaded. Bars are logarithmic, from 1: blue is better, orange worse. Rest the pointer on a
number for all its digits.</p>
<h3>Times better than {escape(baseline)}: geometric means over groups (least … largest)</h3>
{means}"""


def _columns(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return column, title and attributes of the table's heads."""
    number = ' class="number"'
    return [
        *((axis_column(axis), axis, "") for axis in comparison.axes),
        *(
            (RATIOS[metric], f"{NAMES[metric]} ×", f'{number} data-of="{key}"')
            for key, metric in METRICS.items()
        ),
        *(
            (metric, NAMES[metric], f'{number} data-value-of="{key}"')
            for key, metric in METRICS.items()
        ),
        *zip(comparison.rates, rate_names(comparison), repeat(number), strict=False),
        ("power_w", "power", number),
        ("utilization", "MACs of peak", number),
        ("dram_bytes", "off-chip", number),
        ("limited_by", "limited by", ""),
    ]


def _run(comparison: Comparison, number: int, row: Row, rows: Sequence[Row]) -> str:
    case = comparison.cases[number]
    cells = [f"<td>{escape(case.labels.get(axis, ''))}</td>" for axis in comparison.axes]
    cells += [_ratio_cell(comparison, case, key, rows) for key in METRICS]
    for key, metric in METRICS.items():
        text = metric_text(case.metric(metric), metric)
        cells.append(_number_cell(text, row[metric], f' data-value-of="{key}"'))
    texts = rate_texts(comparison, case)
    cells += map(_number_cell, texts, (row[rate] for rate in comparison.rates))
    power, use, moved = row["power_w"], row["utilization"], row["dram_bytes"]
    texts = [
        metric_text(None if power is None else float(power), "power_w"),
        "-" if use is None else percent(float(use)),
        "-" if moved is None else quantity(float(moved), "B"),
    ]
    cells += map(_number_cell, texts, (power, use, moved))
    if case.has_failed:
        reason = status(case)
        cells.append(
            f'<td class="reason" title="{escape(reason)}">'
            f"failed: {escape(ellipsize(reason, REASON))}</td>"
        )
    else:
        cells.append(f"<td>{escape(str(row['limited_by']).replace('_', ' '))}</td>")
    kinds = ["baseline"] * bool(row["baseline"]) + ["failed"] * case.has_failed
    return (
        f'<tr data-row="{number}" class="{" ".join(kinds)}" title="{escape(case.name)}">'
        f"{''.join(cells)}</tr>"
    )


def _number_cell(text: str, value: object, attributes: str = "") -> str:
    full = "" if value is None else f' title="{escape(str(value))}"'
    shown = "–" if value is None else text
    return f'<td class="number"{attributes}{full}>{escape(shown)}</td>'


def _ratio_cell(comparison: Comparison, case: Case, key: str, rows: Sequence[Row]) -> str:
    metric = METRICS[key]
    ratio = comparison.ratio(case, metric)
    if ratio is None:
        return f'<td class="number" data-of="{key}">–</td>'
    known = [log(float(value)) for row in rows if (value := row[RATIOS[metric]]) is not None]
    least, most = min(0.0, *known), max(0.0, *known)
    start, end = (
        100 * (place - least) / ((most - least) or 1) for place in sorted((0.0, log(ratio)))
    )
    one = end if ratio < 1 else start
    same = factor_text(ratio) == factor_text(1)
    kind = "same" if same else "better" if ratio > 1 else "worse"
    baseline = comparison.baseline_of(case)
    assert baseline is not None
    full = (
        f"{case.name}: {case.metric(metric)} {metric_unit(metric)}; {ratio} times better than "
        f"{baseline.name}: {baseline.metric(metric)} {metric_unit(metric)}"
    )
    return (
        f'<td class="number" data-of="{key}" title="{escape(full)}">{_times(ratio)}'
        f'<span class="bar {kind}"><i style="left:{start:.1f}%;width:{end - start:.1f}%"></i>'
        f'<u style="left:{one:.1f}%"></u></span></td>'
    )


def _controls(comparison: Comparison) -> str:
    selects = []
    for axis in comparison.axes:
        values = comparison.values(axis)
        if len(values) > 1:
            options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
            selects.append(
                f'<label>{escape(axis)} <select data-axis="{escape(axis)}">'
                f'<option value="">all</option>{options}</select></label>'
            )
    return (
        f'<form class="controls">{"".join(selects)}'
        '<label>find <input id="search" type="search" size="14"></label>'
        '<button type="button" id="reset">show all</button><output id="shown"></output></form>'
    )


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int = 1,
    numbers: Sequence[bool] = (),
    name: str = "",
) -> str:
    """Return a table of text, with numbers to the right: after ``left`` columns, or as told."""
    right = numbers or [column >= left for column in range(len(header))]
    kinds = [' class="number"' if is_number else "" for is_number in right]

    def line(cells: Sequence[str], tag: str) -> str:
        filled = zip(cells, kinds, strict=True)
        return f"<tr>{''.join(f'<{tag}{kind}>{escape(c)}</{tag}>' for c, kind in filled)}</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    which = f' id="{name}"' if name else ""
    return (
        f'<div class="scroll"><table{which}>\n<thead>{line(header, "th")}</thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else factor_text(ratio).replace(" x", "×")
