"""A comparison in rows: a table for programs, a screen of text, Markdown, and the answer in words.

A ratio says how many times better than the baseline of its group a run is, so that more is
better for every metric.
"""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

import pandas as pd

from archsim.report.columns import aligned
from archsim.report.contraction import ratio_text
from archsim.report.quantities import count, ellipsize, quantity
from archsim.report.summary import WIDTH, metric_unit
from archsim.results import Case, Comparison, Labels, PublishedRatio
from archsim.results.comparison import COMPARED
from archsim.results.digest import PARTS
from archsim.results.metrics import IDLE

Row = dict[str, str | float | bool | None]
"""A case's values by column; none where it failed."""

SIMULATED = "simulated"
"""The status of a case that has a result; that of another is the reason."""
NAMES: Mapping[str, str] = {"latency_s": "latency", "energy_j": "energy", "edp_js": "EDP"}
"""What people call each metric compared."""
RATIOS: Mapping[str, str] = {"latency_s": "latency_x", "energy_j": "energy_x", "edp_js": "edp_x"}
"""Columns of the ratios."""
WHOLE = ("macs", "dram_bytes")
TAKEN = ("name", "status", *COMPARED, "power_w", *WHOLE, "utilization", "limited_by", "baseline")
"""Columns that an axis of the same name makes way for."""
LINES = 40
"""Cases, or groups, that a terminal shows one by one."""
LABEL = 30
"""Letters of a rival's name in a terminal."""


Frame = pd.DataFrame
"""A table of pandas."""


def axis_column(axis: str) -> str:
    """Return the column of an axis: its name, marked where another column has that name."""
    return f"axis.{axis}" if axis in (*TAKEN, *RATIOS.values()) else axis


def part_columns(comparison: Comparison) -> dict[str, str]:
    """Return the columns of what time goes to, by part; idle time where any run has some."""
    digests = [case.digest for case in comparison.cases if case.digest is not None]
    idle = [IDLE] if any(IDLE in digest["time_parts_s"] for digest in digests) else []
    return {part: f"{part.replace(' ', '_')}_s" for part in (*PARTS, *idle)}


def comparison_rows(comparison: Comparison) -> list[Row]:
    """Return the values of every case, in order."""
    parts = part_columns(comparison)
    return [_row(comparison, case, parts) for case in comparison.cases]


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return a row per case, in order; what is not known is missing."""
    rows = comparison_rows(comparison)
    parts = part_columns(comparison).values()
    axes = [axis_column(axis) for axis in comparison.axes]
    numbers = [*COMPARED, "power_w", "utilization", *parts, *RATIOS.values()]
    columns = ["name", *axes, "status", *COMPARED, "power_w", *WHOLE, "utilization", "limited_by"]
    frame = pd.DataFrame(rows, columns=[*columns, *parts, *RATIOS.values(), "baseline"])
    types = {"baseline": "bool"} | dict.fromkeys(numbers, "float64") | dict.fromkeys(WHOLE, "Int64")
    return frame.astype(types)


def _row(comparison: Comparison, case: Case, parts: Mapping[str, str]) -> Row:
    labels: Row = {axis_column(axis): case.labels.get(axis, "") for axis in comparison.axes}
    digest = case.digest
    known: Row = dict.fromkeys((*COMPARED, "power_w", *WHOLE, "utilization"))
    known |= {"limited_by": ""} | dict.fromkeys(parts.values())
    if digest is not None:
        known |= {name: digest[name] for name in (*COMPARED, "power_w", *WHOLE)}
        known |= {
            "utilization": digest["utilization"]["macs"],
            "limited_by": digest["bounds"]["limited_by"],
        }
        known |= {column: digest["time_parts_s"].get(p, 0.0) for p, column in parts.items()}
    return {
        "name": case.name,
        **labels,
        "status": status(case),
        **known,
        **{column: comparison.ratio(case, metric) for metric, column in RATIOS.items()},
        "baseline": comparison.baseline_of(case) is case,
    }


def status(case: Case) -> str:
    """Say that a case was simulated, or why it was not, in one line."""
    return (" ".join(case.error.split()) or "failed") if case.has_failed else SIMULATED


def label(labels: Labels) -> str:
    """Name a rival or a group by its values; a bare number gets its axis before it."""
    named = (f"{axis} {value}" if _is_number(value) else value for axis, value in labels)
    return ", ".join(named) or "all"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def baseline_labels(comparison: Comparison) -> Labels:
    """Return the labels of the rival that all others are compared to."""
    return tuple(comparison.baseline.items())


def groups_compared(comparison: Comparison, rival: Labels) -> int:
    """Count the groups in which both a rival and the baseline have a result."""
    cases = (case for case in comparison.cases if comparison.rival(case) == rival)
    return sum(comparison.ratio(case, "edp_js") is not None for case in cases)


def best_rival(comparison: Comparison) -> Labels | None:
    """Return the rival with the best geometric mean EDP, the baseline apart; none if unknown."""
    means = {
        rival: mean
        for rival in comparison.rivals
        if rival != baseline_labels(comparison)
        and (mean := comparison.geometric_mean(rival, "edp_js")) is not None
    }
    return max(means, key=lambda rival: means[rival], default=None)


def answer(comparison: Comparison) -> str:
    """Answer a comparison in one sentence: the best rival by EDP, and by what factors."""
    failed, total = len(comparison.failures), len(comparison.cases)
    if failed == total:
        what = "The only run failed" if total == 1 else f"All {total} runs failed"
        return f"{what}: nothing can be compared."
    baseline = label(baseline_labels(comparison))
    if set(comparison.rivals) <= {baseline_labels(comparison)}:
        return f"Only {baseline} was run: there is nothing to compare it to."
    best = best_rival(comparison)
    if best is None:
        return f"No group has results of both {baseline}, the baseline, and a rival of it."
    mean = comparison.geometric_mean(best, "edp_js")
    assert mean is not None
    latency, energy = (_factor(comparison, best, metric) for metric in ("latency_s", "energy_j"))
    rest = f"latency {latency}, energy {energy}; {_over(comparison, best)}."
    if ratio_text(mean) == ratio_text(1):
        return f"{label(best)} equals {baseline}, the baseline, in EDP: {rest}"
    if mean > 1:
        return f"{label(best)} has the best EDP, {better(mean)} than {baseline}'s: {rest}"
    return (
        f"{baseline}, the baseline, has the best EDP; {label(best)} comes next, "
        f"EDP {better(mean)}: {rest}"
    )


def better(ratio: float) -> str:
    """Write a ratio in words: ``2.00 x better``, ``2.00 x worse``, ``equal``."""
    if ratio_text(ratio) == ratio_text(1):
        return "equal"
    return f"{ratio_text(ratio)} better" if ratio > 1 else f"{ratio_text(1 / ratio)} worse"


def _factor(comparison: Comparison, rival: Labels, metric: str) -> str:
    mean = comparison.geometric_mean(rival, metric)
    return "unknown" if mean is None else better(mean)


def _over(comparison: Comparison, rival: Labels) -> str:
    compared, groups = groups_compared(comparison, rival), len(comparison.groups)
    if groups == 1:
        return "a single group, so no average"
    if compared == groups:
        return f"geometric means over {groups} groups"
    if compared == 1:
        return f"in the only one of {groups} groups that has results of both"
    return f"geometric means over the {compared} of {groups} groups that have results of both"


def metric_text(value: float | None, metric: str) -> str:
    """Write a metric with its unit; a dash where it is not known."""
    return "-" if value is None else quantity(value, metric_unit(metric))


def factor_text(ratio: float | None) -> str:
    """Write a ratio; a dash where it is not known."""
    return "-" if ratio is None else ratio_text(ratio)


def published_claim(published: PublishedRatio) -> str:
    """Say what a published ratio is of."""
    better_than = (label(tuple(side.items())) for side in (published.better, published.than))
    return f"{NAMES.get(published.metric, published.metric)}: {' over '.join(better_than)}"


def published_range(published: PublishedRatio) -> str:
    """Write the published range, or the one number."""
    return _range(published.low, published.high)


def simulated_range(comparison: Comparison, published: PublishedRatio) -> str:
    """Write the mean simulated, and the range where there is one; a dash if unknown."""
    found = comparison.simulated(published)
    if found is None:
        return "-"
    low, mean, high = found
    if ratio_text(low) == ratio_text(high):
        return ratio_text(mean)
    return f"{ratio_text(mean)} ({_range(low, high)})"


def verdict(comparison: Comparison, published: PublishedRatio) -> str:
    """Say where the mean simulated lies, beside what is published."""
    found = comparison.simulated(published)
    if found is None:
        return "not simulated"
    mean = found[1]
    if mean < published.low:
        return f"below, {mean / published.low:.2f} of it"
    if mean > published.high:
        return f"above, {mean / published.high:.2f} of it"
    return "equal" if published.low == published.high else "within"


def _range(low: float, high: float) -> str:
    return ratio_text(low) if low == high else f"{ratio_text(low)[:-2]} to {ratio_text(high)}"


def comparison_text(comparison: Comparison) -> str:
    """Write a comparison as plain text of 100 columns, the answer first."""
    blocks = [
        _wrapped(answer(comparison), 0),
        _wrapped(f"{comparison.title}. {comparison.question}".strip(), 0),
        list(_case_lines(comparison)),
        list(_mean_lines(comparison)),
        list(_published_lines(comparison)),
        _failure_lines(comparison),
        _assumption_lines(comparison),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    after = f"{space}  " if indent else ""
    return wrap(text, WIDTH, initial_indent=space, subsequent_indent=after)


def _case_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line per case below its group's name, or of many cases a line per group."""
    if len(comparison.cases) > LINES:
        yield from _matrix_lines(comparison)
        return
    header = ["run", *NAMES.values(), *(f"{name} x" for name in NAMES.values())]
    rows = [header]
    heads: dict[int, str] = {}
    for group in comparison.groups:
        heads[len(rows)] = ellipsize(label(group), WIDTH)
        cases = [case for case in comparison.cases if comparison.group(case) == group]
        rows += [_case_cells(comparison, case) for case in cases]
    for number, line in enumerate(aligned(rows)):
        if number in heads and comparison.group_axes:
            yield heads[number]
        yield line


def _case_cells(comparison: Comparison, case: Case) -> list[str]:
    is_baseline = comparison.baseline_of(case) is case
    name = ellipsize(label(comparison.rival(case)), LABEL - 11 * is_baseline)
    values = ["failed" if case.has_failed else metric_text(case.metric(m), m) for m in COMPARED]
    ratios = [factor_text(comparison.ratio(case, metric)) for metric in COMPARED]
    return [f"  {name}{' (baseline)' * is_baseline}", *values, *ratios]


def _matrix_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the EDP ratios of groups by rivals, where they fit a screen."""
    rivals = [rival for rival in comparison.rivals if rival != baseline_labels(comparison)]
    rows = [["EDP x", *(ellipsize(label(rival), 14) for rival in rivals)]]
    for group in comparison.groups:
        cases = [comparison.case(group, rival) for rival in rivals]
        ratios = [None if case is None else comparison.ratio(case, "edp_js") for case in cases]
        rows.append([f"  {ellipsize(label(group), LABEL)}", *map(factor_text, ratios)])
    lines = aligned(rows)
    if len(lines) <= LINES and max(map(len, lines)) <= WIDTH:
        yield from lines
    else:
        yield f"{count(len(comparison.cases), 'runs')}: see the table in the files of --out DIR"


def _mean_lines(comparison: Comparison) -> Iterator[str]:
    baseline = label(baseline_labels(comparison))
    yield ellipsize(f"times better than {baseline}, geometric means", WIDTH)
    rows = [["", *NAMES.values(), "groups"]]
    rows += [[f"  {ellipsize(cells[0], LABEL)}", *cells[1:]] for cells in mean_cells(comparison)]
    yield from aligned(rows)


def mean_cells(comparison: Comparison) -> list[list[str]]:
    """Return each rival's name, its geometric means of the ratios and of how many groups."""
    return [
        [
            label(rival),
            *(factor_text(comparison.geometric_mean(rival, metric)) for metric in COMPARED),
            f"{groups_compared(comparison, rival)} of {len(comparison.groups)}",
        ]
        for rival in comparison.rivals
    ]


def _published_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.published:
        yield "published beside simulated, times better"
    for published in comparison.published:
        yield from _wrapped(
            f"{published_claim(published)}: published {published_range(published)}, "
            f"simulated {simulated_range(comparison, published)}: "
            f"{verdict(comparison, published)}. Source: {published.source}",
            2,
        )


def _failure_lines(comparison: Comparison) -> list[str]:
    lines = [
        line for case in comparison.failures for line in _wrapped(f"{case.name}: {status(case)}", 2)
    ]
    return ["failed", *lines] if lines else []


def _assumption_lines(comparison: Comparison) -> list[str]:
    lines = [line for text in comparison.assumptions for line in _wrapped(text, 2)]
    return ["assumed", *lines] if lines else []


def comparison_markdown(comparison: Comparison) -> str:
    """Write a comparison as Markdown: the answer, the table, and all that a reader asks next."""
    names = [NAMES[metric] for metric in COMPARED]
    ratios = [f"{name} x" for name in names]
    published = [
        [
            published_claim(ratio),
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
            [*comparison.axes, *names, *ratios, "limited by"],
            [_markdown_cells(comparison, case) for case in comparison.cases],
            left=len(comparison.axes),
        ),
        f"## Times better than {_markdown(label(baseline_labels(comparison)))}, geometric means",
        _markdown_table(["", *names, "groups"], mean_cells(comparison), left=1),
        "## Published beside simulated" if published else "",
        _markdown_table(header, published, left=len(header)),
        "## Failed" if failures else "",
        _markdown_table(["run", "reason"], failures, left=2),
        "## Assumed" if comparison.assumptions else "",
        "\n".join(f"- {_markdown(text)}" for text in comparison.assumptions),
        f"Made by `{comparison.command}`" if comparison.command else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _markdown_cells(comparison: Comparison, case: Case) -> list[str]:
    limited = "" if case.digest is None else case.digest["bounds"]["limited_by"]
    return [
        *(case.labels.get(axis, "") for axis in comparison.axes),
        *(metric_text(case.metric(metric), metric) for metric in COMPARED),
        *(factor_text(comparison.ratio(case, metric)) for metric in COMPARED),
        "failed" if case.has_failed else limited.replace("_", " "),
    ]


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    """Write a table, its first columns to the left and the others to the right."""
    if not rows:
        return ""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    cells = [[_markdown(cell) for cell in row] for row in (header, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:]))


def _markdown(text: str) -> str:
    """Write text so that Markdown shows it as it is: in one line, without tags or cells."""
    line = " ".join(text.split())
    for sign in ("\\", "|", "<", "*", "_", "`"):
        line = line.replace(sign, f"\\{sign}")
    return line


def comparison_csv(comparison: Comparison) -> str:
    """Return the table as CSV of RFC 4180, a header first; what is not known is empty."""
    text: str = comparison_frame(comparison).to_csv(index=False, lineterminator="\r\n")
    return text
