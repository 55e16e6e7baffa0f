"""Figures inside a comparison's page, and what the algorithm shows by itself."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from archsim.ir.findings import Finding, Table
from archsim.report.comparison.page_runs import html_table
from archsim.report.findings.files import file_name
from archsim.report.findings.rows import cell_text, number_columns

FINDINGS = "What the algorithm shows"
"""The title of what is so on any machine."""


def figure_element(
    figures: Mapping[str, bytes], name: str, caption: str, *, of: str = "", words: str = ""
) -> str:
    """Return a figure inside the page, with its caption; nothing where there is none.

    ``words`` stand for it where it cannot be seen, the caption where there are none.
    """
    if name not in figures:
        return ""
    source = f"data:image/svg+xml;base64,{b64encode(figures[name]).decode()}"
    which = f' data-of="{of}"' if of else ""
    return (
        f'<figure id="figure-{name}"{which}><img alt="{escape(words or caption)}" src="{source}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def findings_section(findings: Sequence[Finding], figures: Mapping[str, bytes]) -> str:
    """Return a picture, or a table, of each finding; nothing where there is none."""
    if not findings:
        return ""
    shown = "\n".join(_finding(finding, figures) for finding in findings)
    return f"<h2>{FINDINGS}</h2>\n{shown}"


def _finding(finding: Finding, figures: Mapping[str, bytes]) -> str:
    name = file_name(finding)
    if isinstance(finding, Table):
        rows = [[cell_text(cell) for cell in row] for row in finding.rows]
        return (
            f'<h3>{escape(finding.title)}</h3>\n<p class="note">{escape(finding.caption)}</p>\n'
            + html_table(finding.columns, rows, numbers=number_columns(finding), name=name)
        )
    # Title and caption are in the picture, too.
    words = f"{finding.title}. {finding.caption}"
    return figure_element(figures, name, f"The numbers are in {name}.csv.", words=words)
