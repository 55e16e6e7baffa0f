"""The folder that ``archsim compare --out`` makes: a comparison as documents and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from archsim.ir.findings import Finding
from archsim.report.comparison.figures import figures_of
from archsim.report.comparison.markdown import comparison_markdown
from archsim.report.comparison.page import comparison_html
from archsim.report.comparison.table import comparison_csv
from archsim.report.files import write_atomically
from archsim.report.findings.files import finding_figures, finding_tables
from archsim.report.findings.origin import Origin
from archsim.report.frame import images, svg
from archsim.results import Comparison


def write_comparison(
    comparison: Comparison, folder: Path, findings: Sequence[Finding] = ()
) -> list[Path]:
    """Write all documents and figures into a folder, all of them or none.

    ``comparison.html`` is the whole report in one file; ``comparison.md`` and
    ``comparison.csv`` hold its tables, ``findings_NAME.csv`` the numbers of each finding, and
    every figure is there as PNG and as SVG.

    Raises:
        InputError: if the folder cannot be written.
    """
    drawn, dots = images(_figures(comparison, findings))
    return write_atomically(
        folder,
        {
            "comparison.html": comparison_html(comparison, drawn, findings).encode(),
            "comparison.md": comparison_markdown(comparison, findings).encode(),
            "comparison.csv": comparison_csv(comparison).encode(),
            **finding_tables(findings),
            **{f"{name}.svg": image for name, image in drawn.items()},
            **{f"{name}.png": image for name, image in dots.items()},
        },
    )


def write_html(comparison: Comparison, path: Path, findings: Sequence[Finding] = ()) -> Path:
    """Write the report as one self-contained HTML file.

    Raises:
        InputError: if it cannot be written.
    """
    drawn = {name: svg(figure) for name, figure in _figures(comparison, findings).items()}
    page = comparison_html(comparison, drawn, findings).encode()
    (written,) = write_atomically(path.parent, {path.name: page})
    return written


def _figures(comparison: Comparison, findings: Sequence[Finding]) -> Mapping[str, Figure]:
    """Return the figures of what machines did, and of what the algorithm shows."""
    origin = Origin(comparison.config_hash, comparison.command)
    return {**figures_of(comparison), **finding_figures(findings, origin)}
