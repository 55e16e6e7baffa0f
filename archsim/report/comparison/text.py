"""A comparison in a terminal: plain text, the answer first."""

from collections.abc import Iterator
from textwrap import wrap

from archsim.report.columns import aligned
from archsim.report.comparison.rivals import baseline_labels, baseline_name, name_of
from archsim.report.comparison.table import status
from archsim.report.comparison.words import (
    NAMES,
    answer,
    factor_text,
    mean_cells,
    metric_text,
    published_claim,
    published_range,
    simulated_range,
    verdict,
)
from archsim.report.quantities import count, ellipsize
from archsim.report.summary import WIDTH
from archsim.results import Case, Comparison
from archsim.results.comparison import COMPARED

LABEL = 30
"""Letters of a rival's name in a terminal."""

LINES = 40
"""Cases, or groups, that a terminal shows one by one."""


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
        heads[len(rows)] = ellipsize(name_of(comparison, group), WIDTH)
        cases = [case for case in comparison.cases if comparison.group(case) == group]
        rows += [_case_cells(comparison, case) for case in cases]
    for number, line in enumerate(aligned(rows)):
        if number in heads and comparison.group_axes:
            yield heads[number]
        yield line


def _case_cells(comparison: Comparison, case: Case) -> list[str]:
    is_baseline = comparison.baseline_of(case) is case
    name = ellipsize(name_of(comparison, comparison.rival(case)), LABEL - 11 * is_baseline)
    values = ["failed" if case.has_failed else metric_text(case.metric(m), m) for m in COMPARED]
    ratios = [factor_text(comparison.ratio(case, metric)) for metric in COMPARED]
    return [f"  {name}{' (baseline)' * is_baseline}", *values, *ratios]


def _matrix_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the EDP ratios of groups by rivals, where they fit a screen."""
    rivals = [rival for rival in comparison.rivals if rival != baseline_labels(comparison)]
    rows = [["EDP x", *(ellipsize(name_of(comparison, rival), 14) for rival in rivals)]]
    for group in comparison.groups:
        cases = [comparison.case(group, rival) for rival in rivals]
        ratios = [None if case is None else comparison.ratio(case, "edp_js") for case in cases]
        rows.append(
            [f"  {ellipsize(name_of(comparison, group), LABEL)}", *map(factor_text, ratios)]
        )
    lines = aligned(rows)
    if len(lines) <= LINES and max(map(len, lines)) <= WIDTH:
        yield from lines
    else:
        yield f"{count(len(comparison.cases), 'runs')}: see the table in the files of --out DIR"


def _mean_lines(comparison: Comparison) -> Iterator[str]:
    baseline = baseline_name(comparison)
    yield ellipsize(f"times better than {baseline}, geometric means", WIDTH)
    rows = [["", *NAMES.values(), "groups"]]
    rows += [[f"  {ellipsize(cells[0], LABEL)}", *cells[1:]] for cells in mean_cells(comparison)]
    yield from aligned(rows)


def _published_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.published:
        yield "published beside simulated, times better"
    for published in comparison.published:
        yield from _wrapped(
            f"{published_claim(comparison, published)}: published {published_range(published)}, "
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
