"""The folder that ``archsim compare --out`` makes: a comparison as documents and figures."""

from pathlib import Path

from archsim.report.comparison.figures import figures_of
from archsim.report.comparison.markdown import comparison_markdown
from archsim.report.comparison.page import comparison_html
from archsim.report.comparison.table import comparison_csv
from archsim.report.files import write_atomically
from archsim.report.frame import png, svg
from archsim.results import Comparison


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write all documents and figures into a folder, all of them or none.

    ``comparison.html`` is the whole report in one file; ``comparison.md`` and
    ``comparison.csv`` hold its tables, and every figure is there as PNG and as SVG.

    Raises:
        InputError: if the folder cannot be written.
    """
    figures = figures_of(comparison)
    drawn = {name: svg(figure) for name, figure in figures.items()}
    return write_atomically(
        folder,
        {
            "comparison.html": comparison_html(comparison, drawn).encode(),
            "comparison.md": comparison_markdown(comparison).encode(),
            "comparison.csv": comparison_csv(comparison).encode(),
            **{f"{name}.svg": image for name, image in drawn.items()},
            **{f"{name}.png": png(figure) for name, figure in figures.items()},
        },
    )


def write_html(comparison: Comparison, path: Path) -> Path:
    """Write the report as one self-contained HTML file.

    Raises:
        InputError: if it cannot be written.
    """
    drawn = {name: svg(figure) for name, figure in figures_of(comparison).items()}
    page = comparison_html(comparison, drawn).encode()
    (written,) = write_atomically(path.parent, {path.name: page})
    return written
