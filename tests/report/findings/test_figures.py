"""Figures of findings, by what they say: axes, legends, and the values drawn."""

from dataclasses import replace

import pytest
from matplotlib.colors import CenteredNorm, LogNorm

from archsim.ir.findings import Axis, Finding
from archsim.report.findings.figures import finding_figure
from archsim.report.frame import png, svg
from archsim.report.palette import SERIES
from tests.report.findings.shown import ALL, BARS, CURVES, MAP, ORIGIN, TABLE
from tests.report.test_figures import text_boxes, texts


def draw(finding):
    return finding_figure(finding, ORIGIN)


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.name)
def test_a_figure_says_what_is_seen_how_and_what_made_it(finding):
    words = texts(draw(finding))

    assert finding.title.replace("$", r"\$") in words
    assert finding.caption.replace("$", r"\$") in words
    assert "config hash 0123456789abcdef · archsim run tiny.yaml" in words


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.name)
def test_texts_neither_overlap_nor_leave_the_figure(finding):
    figure = draw(finding)
    found = text_boxes(figure)

    for number, (text, box) in enumerate(found):
        assert box.x0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        for other, another in found[number + 1 :]:
            width = min(box.x1, another.x1) - max(box.x0, another.x0)
            height = min(box.y1, another.y1) - max(box.y0, another.y0)
            assert width <= 1 or height <= 3, (text, other)


def test_curves_are_drawn_as_they_are_with_a_band_where_they_are_uncertain():
    (axes,) = draw(CURVES).axes

    assert (axes.get_xlabel(), axes.get_ylabel()) == ("delay [ns]", "signal [mV]")
    assert names(axes) == ["measured", "computed"]
    measured, computed = axes.get_lines()
    assert measured.get_xydata().tolist() == [[0, 1], [1, 0.5], [2, 0.25]]
    assert computed.get_xydata().tolist() == [[0, 1], [2, 0.125]]
    assert measured.get_color() != computed.get_color()
    assert measured.get_linestyle() != computed.get_linestyle()
    (band,) = axes.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {(0, 0.9), (1, 0.4), (2, 0.2), (0, 1), (1, 0.5), (2, 0.25)} <= corners


def test_a_curve_alone_needs_no_legend():
    (axes,) = draw(replace(CURVES, curves=CURVES.curves[:1])).axes

    assert axes.get_legend() is None


def test_a_logarithmic_axis_is_one():
    chart = replace(CURVES, y=Axis("signal", "mV", log=True))

    (axes,) = draw(chart).axes

    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")


def test_a_map_has_a_cell_around_each_place_and_a_bar_that_names_its_colours():
    axes, bar = draw(MAP).axes

    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate [Hz]", "depth")
    assert bar.get_ylabel() == "gain [%]"
    (mesh,) = axes.collections
    values = mesh.get_array()
    assert values.compressed().tolist() == [1, 2, 3, 4, 5]
    assert values.mask.tolist() == [[False] * 3, [False, False, True]]
    corners = mesh.get_coordinates()
    assert corners[0, :, 0].tolist() == pytest.approx([10**-0.5, 10**0.5, 10**1.5, 10**2.5])
    assert corners[:, 0, 1].tolist() == [-0.5, 0.5, 1.5]
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3", "4", "5"]


def big(**changes):
    xs, ys = tuple(map(float, range(20))), tuple(map(float, range(10)))
    values = tuple(tuple(x * y for x in xs) for y in ys)
    return replace(MAP, **({"x": Axis("a"), "xs": xs, "ys": ys, "values": values} | changes))


def test_a_large_map_has_lines_through_the_levels_of_its_bar():
    axes, bar = draw(big()).axes

    levels = {text.get_text() for text in axes.texts}
    assert levels
    assert levels <= {tick.get_text() for tick in bar.get_yticklabels()}


@pytest.mark.parametrize(
    ("changes", "norm"),
    [
        ({"ys": tuple(float(y) for y in range(-5, 5)),
          "values": tuple((float(y),) * 20 for y in range(-5, 5))}, CenteredNorm),
        ({"value": Axis("gain", "%", log=True)}, LogNorm),
    ],
)  # fmt: skip
def test_colours_follow_the_values(changes, norm):
    axes, _ = draw(big(**changes)).axes

    assert isinstance(axes.collections[0].norm, norm)


def test_bars_stand_side_by_side_with_their_numbers_and_intervals():
    (axes,) = draw(BARS).axes

    assert axes.get_xlabel() == "largest error [mV]"
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fp32", "fp8"]
    assert names(axes) == ["dense", "sparse"]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    start = axes.patches[0].get_x()
    assert ends == pytest.approx([1e-6, start, 2e-6, 0.5])  # no bar where there is no number
    assert [text.get_text() for text in axes.texts] == ["1.0e-6", "no number", "2.0e-6", "0.5"]
    (segments,) = [lines.get_segments() for lines in axes.collections]
    assert [[x for x, _ in segment] for segment in segments] == [
        pytest.approx([1e-6, 4e-6]), pytest.approx([0.25, 0.75]),
    ]  # fmt: skip


def test_bars_of_either_sign_begin_at_zero():
    bars = replace(BARS.bars[0], values=(-2.0, 3.0))

    (axes,) = draw(replace(BARS, value=Axis("gain"), bars=(bars,))).axes

    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, -2), (0, 3)]


def test_a_table_is_drawn_cell_by_cell_and_its_first_rows_only():
    cells = [text.get_text() for text in draw(TABLE).axes[0].texts]
    many = replace(TABLE, rows=TABLE.rows * 30)

    assert cells == [
        "way", "time [ns]", "why", "dense | all", "1,234,567", "every number", "sparse", "0.125",
        "few of them",
    ]  # fmt: skip
    assert len(draw(many).axes[0].texts) == 3 * 41
    assert "The first 40 of 60 rows." in texts(draw(many))


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.name)
def test_a_finding_drawn_again_is_the_same_picture(finding):
    assert svg(draw(finding)) == svg(draw(finding))
    assert png(draw(finding)).startswith(b"\x89PNG")


def test_colours_of_series_differ():
    assert len(set(SERIES)) == len(SERIES)


def test_an_unknown_kind_is_refused():
    with pytest.raises(TypeError, match="no report draws a Finding"):
        draw(Finding(name="a", title="b", caption="c"))
