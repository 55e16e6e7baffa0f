"""The documents and figures of a sweep, beside its table."""

from pathlib import Path

from archsim.report.files import write_atomically
from archsim.report.frame import images
from archsim.report.sweep.figures import figures_of
from archsim.report.sweep.page import sweep_html
from archsim.report.sweep.study import SweepStudy
from archsim.results.sweep import Sweep


def write_sweep(sweep: Sweep, folder: Path) -> list[Path]:
    """Write the report and all figures into a folder, all of them or none.

    ``sweep.html`` is the whole report in one file; ``front.csv`` holds the points that no other
    beats in both time and energy, and every figure is there as PNG and as SVG.

    Raises:
        InputError: if the folder cannot be written.
    """
    study = SweepStudy(sweep)
    figures = figures_of(study)
    drawn, dots = images(figures)
    front = study.front.to_csv(index=False, lineterminator="\n")
    return write_atomically(
        folder,
        {
            "sweep.html": sweep_html(study, drawn).encode(),
            "front.csv": front.encode(),
            **{f"{name}.svg": image for name, image in drawn.items()},
            **{f"{name}.png": image for name, image in dots.items()},
        },
    )
