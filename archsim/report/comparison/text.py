"""A comparison in a terminal: plain text, the answer first."""

from string import ascii_uppercase
from textwrap import wrap

from archsim.report.columns import aligned
from archsim.report.comparison.rivals import baseline_name, is_baseline, name_of
from archsim.report.comparison.table import status
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
from archsim.report.quantities import count
from archsim.report.summary import WIDTH
from archsim.results import Case, Comparison
from archsim.results.comparison import COMPARED

LINES = 40
"""Cases, or groups, that a terminal shows one by one."""


def comparison_text(comparison: Comparison, width: int = WIDTH) -> str:
    """Write a comparison as plain text of so many columns, the answer first.

    Only the command that makes it again may be longer: it stays whole, to be copied.
    """
    blocks = [
        _wrapped(answer(comparison), 0, width),
        _wrapped(f"{comparison.title}. {comparison.question}".strip(), 0, width),
        _case_lines(comparison, width),
        _mean_lines(comparison, width),
        _published_lines(comparison, width),
        _failure_lines(comparison, width),
        _assumption_lines(comparison, width),
        [f"again: {comparison.command}"] if comparison.command else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    space = " " * indent
    after = f"{space}  " if indent else ""
    return wrap(
        text,
        width,
        initial_indent=space,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _case_lines(comparison: Comparison, width: int) -> list[str]:
    """Return a line per case below its group's name, or of many cases a line per group."""
    if len(comparison.cases) > LINES:
        return _matrix_lines(comparison, width)
    ratios = (f"{name} x" for name in NAMES.values())
    rows = [["run", *NAMES.values(), *rate_names(comparison), *ratios]]
    for group in comparison.groups:
        if comparison.group_axes:
            rows.append([name_of(comparison, group)])
        cases = [case for case in comparison.cases if comparison.group(case) == group]
        rows += [_case_cells(comparison, case) for case in cases]
    return aligned(rows, width)


def _case_cells(comparison: Comparison, case: Case) -> list[str]:
    is_baseline = comparison.baseline_of(case) is case
    name = name_of(comparison, comparison.rival(case))
    values = ["failed" if case.has_failed else metric_text(case.metric(m), m) for m in COMPARED]
    ratios = [factor_text(comparison.ratio(case, metric)) for metric in COMPARED]
    rates = rate_texts(comparison, case)
    return [f"  {name}{' (baseline)' * is_baseline}", *values, *rates, *ratios]


def _matrix_lines(comparison: Comparison, width: int) -> list[str]:
    """Return the EDP ratios of groups by rivals, where they fit a screen.

    Where the rivals' names have no room, each is a letter, which the last lines explain.
    """
    rivals = [rival for rival in comparison.rivals if not is_baseline(comparison, rival)]
    names = [name_of(comparison, rival) for rival in rivals]
    rows = []
    for group in comparison.groups:
        cases = [comparison.case(group, rival) for rival in rivals]
        ratios = [None if case is None else comparison.ratio(case, "edp_js") for case in cases]
        rows.append([f"  {name_of(comparison, group)}", *map(factor_text, ratios)])
    letters = [*ascii_uppercase[: len(names)]]
    told = "; ".join(f"{letter}: {name}" for letter, name in zip(letters, names, strict=False))
    for heads, below in ((names, []), (letters, _wrapped(told, 2, width))):
        if len(heads) == len(rivals):
            lines = [*aligned([["EDP x", *heads], *rows], width), *below]
            if len(lines) <= LINES and max(map(len, lines)) <= width:
                return lines
    return [f"{count(len(comparison.cases), 'runs')}: see the table in the files of --out DIR"]


def _mean_lines(comparison: Comparison, width: int) -> list[str]:
    """Return means over groups with their ranges, and over how many groups if not over all."""
    if len(comparison.groups) == 1:
        return []
    cells = mean_cells(comparison)
    is_complete = len({counted for *_, counted in cells}) == 1
    over = f" over {len(comparison.groups)} groups" if is_complete else ""
    what = f"times better than {baseline_name(comparison)}: geometric means{over} (least … largest)"
    bare = ([f"  {name}", *(cell.replace(" x", "") for cell in rest)] for name, *rest in cells)
    rows = [["", *NAMES.values(), "groups"], *bare]
    if is_complete:
        rows = [row[:-1] for row in rows]
    return [*_wrapped(what, 0, width), *aligned(rows, width)]


def _published_lines(comparison: Comparison, width: int) -> list[str]:
    lines = ["published beside simulated, times better"] if comparison.published else []
    for published in comparison.published:
        simulated = simulated_range(comparison, published)
        said = "" if simulated == UNKNOWN else f"simulated {simulated}: "
        lines += _wrapped(
            f"{published_claim(comparison, published)}: published {published_range(published)}, "
            f"{said}{verdict(comparison, published)}. Source: {published.source}",
            2,
            width,
        )
    return lines


def _failure_lines(comparison: Comparison, width: int) -> list[str]:
    told = (f"{case.name}: {status(case)}" for case in comparison.failures)
    lines = [line for text in told for line in _wrapped(text, 2, width)]
    return ["failed", *lines] if lines else []


def _assumption_lines(comparison: Comparison, width: int) -> list[str]:
    lines = [line for text in comparison.assumptions for line in _wrapped(text, 2, width)]
    return ["assumed", *lines] if lines else []
