"""Figures, by what they say: axes, labels and the values of bars."""

from dataclasses import replace

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from archsim.report.figures import breakdown
from archsim.report.frame import png
from archsim.report.palette import PHASES, REST, component_colors
from archsim.report.timeline import profile, timeline
from archsim.results import ComponentRecord, Energy, Interval, MemoryRecord, Occupancy


def panel(figure, heading):
    (axes,) = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(heading)]
    return axes


def bars(axes):
    """Bar lengths by label, from the top down."""
    labels = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(labels, [bar.get_width() for bar in axes.patches], strict=True))


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    return "\n".join([figure.get_suptitle(), *found])


def test_the_breakdown_has_time_and_energy_by_phase_kind_and_component(result):
    figure = breakdown(result)

    assert [(axes.get_title(loc="left"), axes.get_xlabel()) for axes in figure.axes] == [
        ("time by phase", "time [µs]"),
        ("dynamic energy by phase", "dynamic energy [nJ]"),
        ("time by kind", "time [µs]"),
        ("dynamic energy by kind", "dynamic energy [nJ]"),
        ("busy time by component (they overlap; share of the run)", "busy time [µs]"),
        ("dynamic energy by component", "dynamic energy [nJ]"),
    ]


def test_bars_of_time_are_the_shares_of_operations_that_run_at_once(result):
    axes = panel(breakdown(result), "time by phase")

    # dX and dG0 share 300 ns, dG0 has 100 ns to itself
    assert bars(axes) == pytest.approx(
        {"forward": 0.5, "weight_gradient": 0.25, "backward": 0.15, "update": 0.1}
    )
    assert [text.get_text().strip() for text in axes.texts] == [
        "0.50 µs  (50 %)",
        "0.25 µs  (25 %)",
        "0.15 µs  (15 %)",
        "0.10 µs  (10 %)",
    ]


@pytest.mark.parametrize("by", ["phase", "kind"])
@pytest.mark.parametrize("run", ["result", "atis_result"])
def test_bars_of_time_add_up_to_the_latency(run, by, request):
    run = request.getfixturevalue(run)
    axes = panel(breakdown(run), f"time by {by}")

    factor = {"µs": 1e-6, "ms": 1e-3}[axes.get_xlabel()[-3:-1]]
    assert sum(bars(axes).values()) * factor == pytest.approx(run.latency_s, rel=1e-12)


@pytest.mark.parametrize("by", ["phase", "kind", "component"])
@pytest.mark.parametrize("run", ["result", "atis_result"])
def test_bars_of_energy_and_the_static_energy_add_up_to_the_energy(run, by, request):
    run = request.getfixturevalue(run)
    axes = panel(breakdown(run), f"dynamic energy by {by}")

    factor = {"n": 1e-9, "µ": 1e-6, "m": 1e-3}[axes.get_xlabel()[-3]]
    dynamic = sum(bars(axes).values()) * factor
    assert dynamic + run.energy.static_pj * 1e-12 == pytest.approx(run.energy_j, rel=1e-12)


def test_components_show_how_long_they_were_busy_on_average(result):
    axes = panel(breakdown(result), "busy time by component")

    # tensor0 640, tensor1 700; dram 320; vector 200; read 90
    assert bars(axes) == pytest.approx({"tensor": 0.67, "dram": 0.32, "vector": 0.2, "read": 0.09})


def test_a_component_has_one_colour_in_all_panels(result):
    figure = breakdown(result)
    found = {}
    for heading in ("busy time by component", "dynamic energy by component"):
        axes = panel(figure, heading)
        for name, bar in zip(bars(axes), axes.patches, strict=True):
            found.setdefault(name, set()).add(bar.get_facecolor())

    assert {len(colors) for colors in found.values()} == {1}
    assert len(set.union(*found.values())) == len(found)


def test_many_small_parts_become_one_grey_bar(make_result, result):
    energies = {(f"part{n}", "mac", "encoder0.query"): float(n + 1) for n in range(12)}
    figure = breakdown(make_result(energy=Energy(dynamic_pj=energies, static_pj=0.0)))
    axes = panel(figure, "dynamic energy by component")

    # 12 + 11 + 10 + 9 + 8 + 7 stand alone; 6 + 5 + 4 + 3 + 2 + 1 are added up
    assert list(bars(axes))[-1] == "6 others"
    assert list(bars(axes).values())[-1] == pytest.approx(21)
    assert axes.patches[-1].get_facecolor() == pytest.approx(rgba(REST))


def test_busy_times_of_the_least_busy_are_left_out_not_added_up(crowded):
    axes = panel(breakdown(crowded), "busy time by component")

    # busy for 40, 39, ... ticks of 1,000
    assert list(bars(axes).values()) == pytest.approx([n / 1000 for n in range(40, 33, -1)])


def rgba(color):
    return (*(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)), 1.0)


@pytest.mark.parametrize("draw", [breakdown, timeline])
def test_a_figure_says_whose_it_is_and_how_it_was_made(draw, result):
    words = texts(draw(result))

    assert "tiny: 1.00 µs and 4.00 nJ per step, 2,000 steps per epoch" in words
    assert "config hash 0123456789abcdef · archsim run tiny.yaml" in words
    assert "950 ns of 1.00 µs (95\N{NO-BREAK SPACE}%)" in words


def test_the_timeline_has_a_row_per_unit_and_shared_channel(result):
    axes = panel(timeline(result), "how busy")

    # the read link belongs to one unit alone, and says nothing new
    assert [label.get_text().split() for label in axes.get_yticklabels()] == [
        ["tensor0", "64", "%"],
        ["tensor1", "70", "%"],
        ["vector", "20", "%"],
        ["dram", "32", "%"],
    ]


def drawn(axes, row):
    """Boxes in a row, in order of time: phase, begin, end, floor and ceiling above the row's."""
    found = []
    names = {rgba(color): phase for phase, color in PHASES.items()}
    for collection in axes.collections:
        phase = names[tuple(collection.get_facecolor()[0])]
        boxes = [path.get_extents() for path in collection.get_paths()]
        found += [
            (phase, box.x0, box.x1, row + 0.38 - box.y1, row + 0.38 - box.y0)
            for box in boxes
            if row - 0.5 < box.y0 <= box.y1 < row + 0.5
        ]
    return sorted(found, key=lambda span: span[1:])


def approx(spans):
    return [(phase, *(pytest.approx(number) for number in numbers)) for phase, *numbers in spans]


def test_a_unit_is_drawn_from_its_first_tile_to_its_last_as_high_as_it_is_busy(result):
    axes = panel(timeline(result), "how busy")

    # busy for 360 of 380 and for 340 of 340 ticks; a bar is 0.76 of a row
    assert drawn(axes, row=1) == approx(
        [
            ("forward", 0.02, 0.4, 0, 0.72),
            ("weight_gradient", 0.56, 0.9, 0, 0.76),
        ]
    )


def test_what_a_channel_serves_at_once_is_stacked(result):
    axes = panel(timeline(result), "how busy")

    # 100 of 380 ticks; then 100 of 280, and 120 of 330 on top of it
    low, high = 0.76 * 100 / 280, 0.76 * 120 / 330
    assert drawn(axes, row=3) == approx(
        [
            ("forward", 0.0, 0.38, 0, 0.2),
            ("backward", 0.5, 0.55, 0, low),
            ("backward", 0.55, 0.78, 0, low),
            ("weight_gradient", 0.55, 0.78, low, low + high),
            ("weight_gradient", 0.78, 0.88, 0, high),
        ]
    )


def test_averages_that_add_up_to_more_than_one_share_the_height():
    intervals = [Interval("dram", "a", 0, 10, 9), Interval("dram", "b", 0, 30, 18)]

    boxes = profile(intervals, {"a": "forward", "b": "update"})

    # 0.9 and 0.6 of the first ten ticks are 3/5 and 2/5 of what there is
    assert boxes["forward"] == [(0, 10, 0.0, pytest.approx(0.6))]
    assert boxes["update"] == [(0, 10, pytest.approx(0.6), pytest.approx(1)), (10, 30, 0, 0.6)]


def test_the_legend_lists_the_phases_in_order(result):
    legend = panel(timeline(result), "how busy").get_legend()

    assert [text.get_text() for text in legend.get_texts()] == [
        "forward",
        "backward",
        "weight_gradient",
        "update",
    ]


def test_a_memory_is_drawn_in_blocks_against_its_capacity(result):
    axes = panel(timeline(result), "bram")
    taken, data = (patch.get_data() for patch in axes.patches)

    assert axes.get_title(loc="left") == ("bram: peak 3 of 4 BRAM36 (75 %), 2.51 KiB of it waste")
    assert axes.get_ylabel() == "BRAM36"
    assert list(taken.values) == [1.0, 3.0, 1.5]
    assert list(taken.edges) == pytest.approx([0, 0.4, 0.9, 1.0])
    assert list(data.values) == pytest.approx([bits / 36864 for bits in (20000, 90000, 30000)])
    assert list(axes.lines[0].get_ydata()) == [4, 4]
    assert axes.get_ylim()[1] > 4


def test_a_nearly_empty_memory_is_drawn_on_its_own_scale_in_bytes(result):
    axes = panel(timeline(result), "dram")

    assert axes.get_ylabel() == "KiB"
    assert list(axes.patches[0].get_data().values) == pytest.approx([62.5])
    assert axes.get_ylim()[1] == pytest.approx(62.5 * 1.08)
    assert not axes.lines


def test_the_time_axis_spans_the_run(result):
    axes = timeline(result).axes[-1]

    assert axes.get_xlabel() == "time [µs]"
    assert axes.get_xlim() == (0, 1.0)


@pytest.fixture
def crowded(make_result, result):
    """Build a run on 40 units with long names that matplotlib could take for formulas."""
    names = [f"$unit_{{of}}_an_architecture_{number}$" for number in range(40)]
    components = tuple(ComponentRecord(name, name, "vector_unit", True, False, 0) for name in names)
    records = tuple(replace(record, units=(names[0],)) for record in result.trace.operations)
    intervals = tuple(
        Interval(name, records[0].name, 0, 400, number + 1) for number, name in enumerate(names)
    )
    memory = MemoryRecord("$m_{e}mory" * 9, "sram", False, 100, 512, "$line", 1.0)
    return make_result(
        name="$x_{a}$ " * 30,
        trace={
            "components": components,
            "operations": records,
            "intervals": intervals,
            "memories": (memory,),
            "occupancy": (Occupancy(memory.name, 0, 50, 100),),
        },
    )


def test_the_busiest_of_many_units_are_shown(crowded):
    axes = panel(timeline(crowded), "how busy")

    assert axes.get_title(loc="left").endswith(", the busiest 16 of 40")
    assert len(axes.get_yticklabels()) == 16
    assert "_39" in axes.get_yticklabels()[-1].get_text()


def text_boxes(figure):
    """Corners in pixels of every text that is drawn, by the text."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = list(figure.texts)
    for axes in figure.axes:
        legend = axes.get_legend()
        found += [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        found += legend.get_texts() if legend else []
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            drawn = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [tick.label1 for tick in drawn]
    shown = [text for text in found if text.get_text().strip() and text.get_visible()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in shown]


@pytest.mark.parametrize("draw", [breakdown, timeline])
@pytest.mark.parametrize("run", ["result", "crowded", "atis_result"])
def test_texts_neither_overlap_nor_leave_the_figure(draw, run, request):
    figure = draw(request.getfixturevalue(run))
    found = text_boxes(figure)

    for text, box in found:
        assert box.x0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= figure.bbox.y1 + 1, text
    for number, (text, box) in enumerate(found):
        for other, another in found[number + 1 :]:
            width = min(box.x1, another.x1) - max(box.x0, another.x0)
            height = min(box.y1, another.y1) - max(box.y0, another.y0)
            assert width <= 1 or height <= 3, (text, other)


def test_a_picture_is_small_enough_for_a_readme(atis_result):
    for draw in (breakdown, timeline):
        assert len(png(draw(atis_result), atis_result.name)) < 300_000


def test_component_colors_cover_everything_that_is_drawn(result):
    names = ["tensor", "vector", "dram", "read", "bram", "uram", "tensor.buffer"]

    assert len(set(component_colors(names).values())) == len(names)
