"""What all figures share: words around them, and files that are the same every time."""

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from archsim.report.frame import images, new_figure, png, svg


def figure_of_panels():
    figure = new_figure(
        title="Three panels",
        subtitle="side by side",
        width=7,
        height=3,
        config_hash="0123456789abcdef",
        command="archsim compare panels.yaml",
    )
    for axes in figure.subplots(1, 3, sharey=True):
        axes.plot([0, 1], [0, 1])
    return figure


@pytest.fixture
def shaky(monkeypatch):
    """Lay figures out a little to the right."""
    whole = ConstrainedLayoutEngine.execute

    def execute(self, figure):
        whole(self, figure)
        for axes in figure.axes:
            left, *rest = axes.get_position().bounds
            axes.set_position((left + 1e-15, *rest))

    return lambda: monkeypatch.setattr(ConstrainedLayoutEngine, "execute", execute)


def test_a_figure_is_drawn_alike_whatever_the_last_digits_of_its_layout(shaky):
    lines, _ = images({"drawn": figure_of_panels()})
    alone = svg(figure_of_panels())
    plain, moved = figure_of_panels(), figure_of_panels()
    for figure in (plain, moved):
        figure.set_layout_engine("constrained")
    by_matplotlib = svg(plain)

    shaky()

    assert svg(moved) != by_matplotlib  # names of clips are made of all digits
    assert svg(figure_of_panels()) == alone
    assert images({"moved": figure_of_panels()})[0]["moved"] == lines["drawn"]


def test_both_images_have_one_layout():
    dots, both = figure_of_panels(), figure_of_panels()
    png(dots)
    images({"both": both})

    for one, other in zip(dots.axes, both.axes, strict=True):
        assert other.get_position().bounds == pytest.approx(one.get_position().bounds, abs=1e-6)
