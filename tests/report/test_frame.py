"""What all figures share: words around them, and files that are the same every time."""

import pytest

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


def test_a_figure_is_drawn_alike_whatever_the_last_digits_of_its_layout():
    drawn, moved = figure_of_panels(), figure_of_panels()
    lines, _ = images({"drawn": drawn})

    png(moved)  # which lays it out
    moved.set_layout_engine("none")
    for axes in moved.axes:
        left, *rest = axes.get_position().bounds
        axes.set_position((left + 1e-15, *rest))

    assert svg(moved) != lines["drawn"]  # names of clips are made of all digits
    assert images({"moved": moved})[0]["moved"] == lines["drawn"]


def test_both_images_have_one_layout():
    dots, both = figure_of_panels(), figure_of_panels()
    png(dots)
    images({"both": both})

    for one, other in zip(dots.axes, both.axes, strict=True):
        assert other.get_position().bounds == pytest.approx(one.get_position().bounds, abs=1e-6)
