"""The frame that all figures share: what a figure says above and below what it draws.

The title is the answer, the subtitle says what is drawn, the footer how to make it again.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from textwrap import wrap

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from archsim.report.quantities import ellipsize

DPI = 110
TEXT = 10.5
"""Points: legible when a figure is shown at half its size."""
LINE = 0.21
"""Inches from one line of text to the next."""
LETTER = 0.085
"""Inches of a letter, roughly."""
TITLE_LINE = 0.27
"""Inches from one line of a title to the next."""
TITLE_LETTER = 0.125
"""Inches of a letter of a title, roughly."""
INK, SOFT, GREY, PAPER = "#222222", "#333333", "#666666", "#FFFFFF"
GRID = "#E4E7EB"


class _Layout(ConstrainedLayoutEngine):
    """The constrained layout without its last digits, which differ from process to process."""

    def execute(self, fig: Figure) -> None:
        """Lay out a figure."""
        super().execute(fig)
        for axes in fig.axes:
            is_laid_out = axes.get_in_layout()
            sides = axes.get_position(original=True).bounds
            axes.set_position(Bbox.from_bounds(*(round(side, 6) for side in sides)), "original")
            axes.set_in_layout(is_laid_out)  # which the line before takes for settled


def new_figure(
    *,
    title: str,
    subtitle: str,
    width: float,
    height: float,
    config_hash: str,
    command: str,
    legend: Sequence[Artist] = (),
) -> Figure:
    """Return a figure in inches with its words and how to make it again.

    ``height`` is left for what is drawn; the words around it, and a legend of what all
    panels have in common, come on top.
    """
    heading = wrap(title, int(width / TITLE_LETTER))
    lines = wrap(subtitle.replace(" %", "\N{NO-BREAK SPACE}%"), int(width / LETTER))
    words = 0.24 + TITLE_LINE * len(heading) + LINE * len(lines)
    head, foot = words + (0.34 if legend else 0.06), 0.3
    full = height + head + foot
    engine = _Layout(rect=(0.005, foot / full, 0.99, height / full))
    figure = Figure(figsize=(width, full), layout=engine)
    across = 0.1 / width
    figure.suptitle(
        plain("\n".join(heading)),
        x=across,
        y=1 - 0.12 / full,
        ha="left",
        va="top",
        fontsize=TEXT + 4,
        fontweight="bold",
        in_layout=False,
    )
    figure.text(
        across,
        1 - (0.18 + TITLE_LINE * len(heading)) / full,
        plain("\n".join(lines)),
        va="top",
        fontsize=TEXT,
        color=SOFT,
        in_layout=False,
    )
    if legend:
        figure.legend(
            handles=legend,
            loc="upper left",
            bbox_to_anchor=(across, 1 - words / full),
            ncols=len(legend),
            frameon=False,
            fontsize=TEXT,
            borderaxespad=0,
            borderpad=0.2,
        ).set_in_layout(False)
    figure.set_label(f"config hash {config_hash}; {command}")
    footer = f"config hash {config_hash[:16]} · {command}"
    figure.text(
        across,
        0.1 / full,
        plain(ellipsize(footer, int(1.5 * width / LETTER))),
        fontsize=TEXT - 3,
        color=GREY,
        in_layout=False,
    )
    return figure


def folded(text: str, letters: int) -> str:
    """Write a text in lines of so many letters, unless a word is longer."""
    return "\n".join(wrap(text, letters, break_long_words=False))


def plain(text: str) -> str:
    """Keep a text from being read as a formula."""
    return text.replace("$", r"\$")


def png(figure: Figure, title: str = "") -> bytes:
    """Render a figure, with its title and how to make it again in the file's metadata."""
    image = BytesIO()
    metadata = {**_about(figure, title), "Software": "archsim"}
    figure.savefig(image, format="png", dpi=DPI, metadata=metadata)
    return image.getvalue()


def svg(figure: Figure, title: str = "") -> bytes:
    """Render a figure in lines and letters: the same bytes for the same figure."""
    image = BytesIO()
    metadata = {**_about(figure, title), "Creator": "archsim", "Date": None}
    with rc_context({"svg.hashsalt": "archsim"}):
        figure.savefig(image, format="svg", metadata=metadata)
    return image.getvalue()


def images(figures: Mapping[str, Figure]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Render figures by their names, each as SVG and as PNG.

    Both have one layout: to find it takes as long as to draw.
    """
    lines, dots = {}, {}
    for name, figure in figures.items():
        dots[name] = png(figure)
        figure.set_layout_engine("none")
        lines[name] = svg(figure)
    return lines, dots


def _about(figure: Figure, title: str) -> dict[str, str | None]:
    said = title or figure.get_suptitle().replace("\n", " ")
    return {"Title": said, "Description": str(figure.get_label())}
