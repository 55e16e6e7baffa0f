"""Figures of comparisons, by what they say: titles, axes, labels and the values of bars."""

import pytest
from matplotlib.colors import to_hex

from archsim.report.comparison.figures import figures_of
from archsim.report.comparison.groups import MOST_COLUMNS, SLANT, group_ratios
from archsim.report.comparison.memory import memory
from archsim.report.comparison.parts import (
    energy_parts,
    machine_colors,
    phases,
    time_parts,
)
from archsim.report.comparison.ratios import ratios, times
from archsim.report.comparison.rivals import name_of
from archsim.report.comparison.rooflines import roofline
from archsim.report.comparison.rows import MOST_ROWS
from archsim.report.comparison.timelines import baseline_and_best, timelines
from archsim.report.frame import png, svg
from archsim.report.palette import BETTER, PARTS, PHASES, WORSE, mixed
from archsim.results import Case, Comparison

ARRAYS = ("tpu", "fetta", "sigma")


def make_digest(latency_s=1.0, energy_j=2.0, **changes):
    """The digest of a run that computes half of its time and waits for memory in the rest."""
    return {
        "latency_s": latency_s,
        "energy_j": energy_j,
        "edp_js": latency_s * energy_j,
        "macs": 800,
        "dram_bytes": 100,
        "peak_macs_per_s": 1000.0,
        "dram_peak_bytes_per_s": 200.0,
        "time_parts_s": {
            "compute": latency_s / 2,
            "fill and drain": 0.0,
            "shaping": 0.0,
            "network": 0.0,
            "memory": latency_s / 2,
        },
        "timeline": {"array": {"forward": [1.0, 0.0], "backward": [0.0, 0.5]}, "vector": {}},
        "breakdown": {
            "energy_j": {
                "component": {
                    "array": energy_j / 2,
                    "dram": energy_j / 4,
                    "static": energy_j / 4,
                }
            },
            "time_s": {"phase": {"backward": latency_s / 4, "forward": 3 * latency_s / 4}},
        },
        "memories": {
            "sram": {"used_bytes": 60, "taken_bytes": 80, "capacity_bytes": 100},
            "dram": {"used_bytes": 1, "taken_bytes": 1, "capacity_bytes": 1000},
        },
    } | changes


def make_case(workload, array, digest):
    error = "" if digest else "does not fit"
    labels = {"workload": workload, "array": array}
    return Case(name=f"{workload}-{array}", labels=labels, digest=digest, error=error)


def make_comparison(*cases, **changes):
    fields = {
        "name": "arrays",
        "title": "Arrays",
        "question": "Which array is fastest?",
        "baseline": {"array": "tpu"},
        "cases": cases,
        "command": "archsim compare arrays.yaml",
        "config_hash": "0123456789abcdef0123",
    }
    return Comparison(**fields | changes)


@pytest.fixture
def one():
    """One group: fetta is four times as fast as the baseline, sigma half as fast."""
    latencies = zip(ARRAYS, (4.0, 1.0, 8.0), strict=True)
    return make_comparison(*(make_case("gemm", a, make_digest(s)) for a, s in latencies))


@pytest.fixture
def two():
    """Two groups: fetta is 4 and 9 times as fast; sigma failed on one and was not run on one."""
    return make_comparison(
        make_case("gemm", "tpu", make_digest(4.0)),
        make_case("gemm", "fetta", make_digest(1.0)),
        make_case("gemm", "sigma", None),
        make_case("conv", "tpu", make_digest(0.009)),
        make_case("conv", "fetta", make_digest(0.001)),
    )


@pytest.fixture
def many():
    """Fifteen workloads on three arrays: more than are drawn one by one."""
    return make_comparison(
        *(
            make_case(f"w{number}", array, None if number == 3 and array == "sigma" else digest)
            for number in range(15)
            for array, digest in zip(ARRAYS, map(make_digest, (4.0, 1.0, 8.0)), strict=True)
        )
    )


@pytest.fixture
def wide():
    """One group of 60 arrays with long names."""
    names = ["tpu", *(f"array_of_a_very_long_name_indeed_number_{n}" for n in range(59))]
    cases = (make_case("gemm", name, make_digest(1.0 + n)) for n, name in enumerate(names))
    return make_comparison(*cases)


def subtitle(figure):
    return figure.texts[1].get_text().replace("\n", " ").replace("\xa0", " ")


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def rows(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def written(axes):
    return [text.get_text().strip() for text in axes.texts]


def series(axes):
    """Bar lengths by name of the part, from the top down."""
    return {
        bars.get_label(): pytest.approx([bar.get_width() for bar in bars])
        for bars in axes.containers
    }


def test_ratios_of_one_group_are_labelled_bars_from_1(one):
    figure = ratios(one, "latency_s")

    (axes,) = figure.axes
    assert title(figure) == "fetta is 4.00 × faster than tpu"
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "times better than tpu in latency [×]"
    assert rows(axes) == ["tpu", "fetta", "sigma"]
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(1, 0), (1, 3), (1, -0.5)]
    assert written(axes) == ["1.00 ×", "4.00 ×", "0.50 ×"]


def test_ratios_of_groups_are_dots_with_their_geometric_mean(two):
    figure = ratios(two, "latency_s")

    (axes,) = figure.axes
    assert title(figure) == "fetta is 6.00 × faster than tpu (geometric mean of 2)"
    baseline, fetta = axes.collections
    assert list(baseline.get_offsets()[:, 0]) == [1, 1]
    assert list(fetta.get_offsets()[:, 0]) == pytest.approx([4, 9])
    means = [line.get_xdata()[0] for line in axes.lines[1:]]  # the first line is at 1
    assert means == pytest.approx([1, 6])
    assert written(axes) == ["1.00 ×", "6.00 ×", "4.00 … 9.00", "1 failed, 1 not run"]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("energy_j", "fetta, the best, is as good as tpu in energy"),
        ("edp_js", "fetta has a 4.00 × smaller energy-delay product than tpu"),
    ],
)
def test_titles_say_who_is_best(one, metric, said):
    assert title(ratios(one, metric)) == said


def test_the_title_says_when_none_beats_the_baseline(one):
    losing = make_comparison(one.cases[0], one.cases[2])

    assert title(ratios(losing, "latency_s")) == "None beats tpu: sigma is 2.00 × slower than it"


def test_without_a_baseline_there_are_no_ratios(one):
    alone = make_comparison(make_case("gemm", "tpu", None), *one.cases[1:])

    figure = ratios(alone, "latency_s")

    assert title(figure) == "No latency to compare with that of tpu"
    assert written(figure.axes[0]) == ["failed", "without baseline", "without baseline"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (3.2, "3.20 ×"),
        (12.34, "12.3 ×"),
        (150.4, "150 ×"),
        (23456.0, "23,456 ×"),
        (1e-3, "0.0010 ×"),
    ],
)
def test_ratios_have_three_digits(ratio, text):
    assert times(ratio) == text


def test_ticks_are_few_and_round_whatever_the_range():
    for latency in (0.97, 0.5, 0.1, 1e-3, 1e-7):
        cases = make_case("g", "tpu", make_digest()), make_case("g", "a", make_digest(latency))
        (axes,) = ratios(make_comparison(*cases), "latency_s").axes
        assert 2 <= len(axes.get_xticks()) <= 9, latency


def cells(axes):
    """The texts of a table of colours, by row and column."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text()
        for text in axes.texts
    }


def test_groups_by_rivals_are_a_table_of_ratios(two):
    figure = group_ratios(two, "latency_s")

    (axes,) = figure.axes
    assert title(figure) == "fetta has the least latency in 2 of 2 groups"
    assert rows(axes) == ["gemm", "conv"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["fetta", "sigma"]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}
    # sigma was not run on conv
    assert cells(axes) == {(0, 0): "4.00", (0, 1): "failed", (1, 0): "9.00"}
    assert [box.get_linewidth() > 0 for box in axes.patches] == [True, True]


def test_cells_are_blue_where_better_and_orange_where_worse(many):
    (axes,) = group_ratios(many, "latency_s").axes

    # 4 x better, of 4 at most, and 2 x worse
    better, worse = (to_hex(box.get_facecolor()).upper() for box in axes.patches[:2])
    assert (better, worse) == (mixed(BETTER, 0.85), mixed(WORSE, 0.425))
    assert title(group_ratios(many, "energy_j")) == "tpu has the least energy in 15 of 15 groups"


def test_a_table_of_many_groups_and_rivals_stays_legible():
    names = ["tpu", *(f"an array of a long name, number {n}" for n in range(20))]
    cases = (
        make_case(f"w{group}", name, make_digest(1.0 + number))
        for group in range(50)
        for number, name in enumerate(names)
    )

    figure = group_ratios(make_comparison(*cases), "latency_s")

    (axes,) = figure.axes
    assert (len(rows(axes)), len(axes.get_xticks())) == (MOST_ROWS, MOST_COLUMNS)
    assert "the best 14 of 20 rivals; the first 40 of 50 groups" in subtitle(figure)
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {SLANT}
    figure.draw_without_rendering()
    edge = figure.get_window_extent()
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        extent = label.get_window_extent()
        assert edge.x0 <= extent.x0 < extent.x1 <= edge.x1, label.get_text()
        assert extent.y1 <= figure.texts[1].get_window_extent().y0, label.get_text()


def test_time_of_one_group_is_stacked_in_seconds(one):
    figure = time_parts(one)

    (axes,) = figure.axes
    assert title(figure) == "compute is the largest part of time: 50 % of it on average"
    assert subtitle(figure) == "time, one bar per case; latency on the right"
    assert axes.get_xlabel() == "time [s]"
    assert series(axes) == {"compute": [2, 0.5, 4], "memory": [2, 0.5, 4]}
    assert written(axes) == ["4.00 s", "1.00 s", "8.00 s"]
    assert [to_hex(bars[0].get_facecolor()) for bars in axes.containers] == [
        PARTS[part].lower() for part in ("compute", "memory")
    ]


def test_groups_have_headings_and_scales_of_their_own(two):
    figure = time_parts(two)

    (axes,) = figure.axes
    assert "each group has its own scale" in subtitle(figure)
    assert axes.get_xlabel() == "time, as a share of the largest case of the group [%]"
    assert series(axes)["compute"] == [50, 12.5, 50, 50 / 9]
    assert rows(axes) == ["tpu", "fetta", "sigma", "tpu", "fetta"]
    assert written(axes) == ["4.00 s", "1.00 s", "failed", "9.00 ms", "1.00 ms", "gemm", "conv"]


def test_bars_too_short_to_be_seen_become_shares(one):
    slow = make_case("gemm", "slow", make_digest(13.0))  # fetta takes 1 s

    figure = time_parts(make_comparison(*one.cases, slow))

    (axes,) = figure.axes
    assert "latency, which differs widely, on the right" in subtitle(figure)
    assert axes.get_xlabel() == "share of time [%]"
    assert series(axes)["compute"] == [50, 50, 50, 50]
    assert written(axes) == ["4.00 s", "1.00 s", "8.00 s", "13.0 s"]


def test_many_cases_are_averaged_by_rival(many):
    figure = time_parts(many)

    (axes,) = figure.axes
    assert "one bar per rival: means of shares over its cases" in subtitle(figure)
    assert axes.get_xlabel() == "share of time [%]"
    assert rows(axes) == list(ARRAYS)
    assert series(axes) == {"compute": [50, 50, 50], "memory": [50, 50, 50]}
    assert written(axes) == ["4.00 s", "1.00 s", "8.00 s (14 of 15)"]


def test_energy_adds_up_to_the_total_with_a_colour_per_component(one):
    (axes,) = energy_parts(one).axes

    assert axes.get_xlabel() == "energy [J]"
    assert series(axes) == {"array": [1, 1, 1], "dram": [0.5, 0.5, 0.5], "static": [0.5, 0.5, 0.5]}
    colors = machine_colors(one)
    assert to_hex(axes.containers[0][0].get_facecolor()) == colors["array"].lower()
    assert to_hex(axes.containers[1][0].get_facecolor()) == colors["dram"].lower()


def test_small_components_are_added_up():
    parts = {f"unit{n}": 10.0 - n for n in range(10)} | {"static": 1.0}
    digest = make_digest(energy_j=56.0) | {"breakdown": {"energy_j": {"component": parts}}}
    comparison = make_comparison(make_case("g", "tpu", digest), make_case("g", "b", digest))

    (axes,) = energy_parts(comparison).axes

    # the last two of ten: 2 J + 1 J
    assert series(axes)["2 others"] == [3, 3]
    assert list(series(axes)) == [*(f"unit{n}" for n in range(8)), "2 others", "static"]


def test_phases_have_their_colours_and_order(one):
    figure = phases(one)

    (axes,) = figure.axes
    assert series(axes) == {"forward": [3, 0.75, 6], "backward": [1, 0.25, 2]}
    assert to_hex(axes.containers[0][0].get_facecolor()) == PHASES["forward"].lower()
    assert title(figure).startswith("forward is the largest part of time: 75 %")


def test_the_roofline_has_a_roof_per_machine_and_a_point_per_case(one):
    figure = roofline(one)

    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "multiply-accumulates per byte of DRAM traffic [MACs/B]"
    assert axes.get_ylabel() == "rate achieved [MACs/s]"
    # 800 MACs of 100 B in 4, 1 and 8 s
    points = [points.get_offsets()[0].tolist() for points in axes.collections]
    assert points == [[8, 200], [8, 800], [8, 100]]
    (roof,) = axes.lines
    assert list(roof.get_xdata())[1] == 5
    assert list(roof.get_ydata())[1:] == [1000, 1000]
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["roof of all:\n1.00 kMACs/s, 200 B/s", *ARRAYS]
    assert title(figure) == "fetta comes closest to its roof: 80 % of it"


def test_of_many_cases_a_roofline_marks_each_rival_once(many):
    figure = roofline(many)

    (axes,) = figure.axes
    assert "a large mark per rival at its geometric mean" in subtitle(figure)
    sizes = [len(points.get_offsets()) for points in axes.collections]
    assert sizes == [15, 1, 15, 1, 14, 1]
    assert axes.collections[1].get_offsets()[0].tolist() == pytest.approx([8, 200])


def test_a_roof_that_all_rivals_share_is_named_after_its_groups():
    speeds = {"one channel": 100.0, "two channels": 200.0}
    cases = [
        make_case(size, array, make_digest(dram_peak_bytes_per_s=speed))
        for size, speed in speeds.items()
        for array in ARRAYS
    ]

    (axes,) = roofline(make_comparison(*cases)).axes

    assert [text.get_text() for text in axes.get_legend().get_texts()][:2] == [
        "roof of one channel:\n1.00 kMACs/s, 100 B/s",
        "roof of two channels:\n1.00 kMACs/s, 200 B/s",
    ]


def test_cases_without_dram_traffic_stand_at_the_right_edge(one):
    onchip = make_case("gemm", "onchip", make_digest(dram_bytes=0, peak_macs_per_s=4000.0))

    figure = roofline(make_comparison(*one.cases, onchip))

    (axes,) = figure.axes
    assert "1 case without DRAM traffic at ∞" in subtitle(figure)
    assert axes.get_xticklabels()[-1].get_text() == "∞"
    assert axes.collections[-1].get_offsets()[0][0] == axes.get_xticks()[-1]
    assert len(axes.lines) == 3  # two roofs, and the line before the edge


def test_memories_show_data_and_waste_of_their_capacity(one):
    figure = memory(one)

    (sram,) = figure.axes
    assert title(figure) == "The fullest memory is sram: 80 % taken (tpu)"
    assert sram.get_title(loc="left") == "sram"
    assert sram.get_xlabel() == "peak [% of capacity]"
    assert series(sram) == {"data": [60, 60, 60], "waste": [20, 20, 20]}
    assert written(sram) == ["80 %"] * 3
    assert subtitle(figure).endswith("; others at most: dram 0.1 %")


def test_a_memory_that_a_machine_lacks_is_a_dash(one):
    bare = make_case("gemm", "bare", make_digest(memories={}))

    (axes,) = memory(make_comparison(*one.cases, bare)).axes

    assert written(axes) == ["80 %", "80 %", "80 %", "–"]


def test_of_memories_that_are_all_nearly_empty_the_fullest_is_drawn():
    memories = {
        name: {"used_bytes": taken, "taken_bytes": taken, "capacity_bytes": 10_000}
        for name, taken in {"dram": 2, "sram": 100}.items()
    }

    figure = memory(make_comparison(make_case("gemm", "tpu", make_digest(memories=memories))))

    assert [axes.get_title(loc="left") for axes in figure.axes] == ["sram"]
    assert subtitle(figure).endswith("; others at most: dram < 0.1 %")


def test_of_many_cases_the_fullest_counts(many):
    first, *rest = many.cases
    full = {"sram": {"used_bytes": 90, "taken_bytes": 95, "capacity_bytes": 100}}
    fuller = make_case("w0", "tpu", make_digest(memories=full))

    figure = memory(make_comparison(fuller, *rest))

    assert first.labels == fuller.labels
    assert "one bar per rival: its fullest case" in subtitle(figure)
    assert series(figure.axes[0]) == {"data": [90, 60, 60], "waste": [5, 20, 20]}


def test_timelines_stack_phases_on_one_time_axis(one):
    figure = timelines(one, one.cases[:2])

    first, second = figure.axes
    assert title(figure) == "tpu takes 4.00 s, fetta takes 1.00 s"
    assert first.get_title(loc="left") == "tpu: 4.00 s"
    assert first.get_xlabel() == second.get_xlabel() == "time [s]"
    assert first.get_xlim() == second.get_xlim() == (0, 4)
    # idle sorts are left out; (1 + 0.5) / 2 slices
    assert rows(first) == ["array   75 %"]
    forward, backward = first.patches
    assert forward.get_data().edges.tolist() == [0, 2, 4]
    heights = backward.get_data().baseline - backward.get_data().values
    assert (heights / 0.8).tolist() == pytest.approx([0, 0.5])


def test_timelines_of_very_different_lengths_have_their_own_axes(two):
    figure = timelines(two, [two.cases[0], two.cases[4], two.cases[2]])

    first, second = figure.axes
    assert first.get_xlim() == (0, 4)
    assert second.get_xlabel() == "time [ms]"
    assert subtitle(figure).endswith("time axes differ; 1 failed")


def test_the_baseline_and_the_best_of_the_first_group_are_followed(one):
    assert baseline_and_best(one) == one.cases[:2]
    assert baseline_and_best(make_comparison(one.cases[0], one.cases[2])) == one.cases[:1]


@pytest.mark.parametrize("name", ["one", "two", "many", "wide"])
def test_all_figures_are_drawn_whatever_the_size(name, request):
    comparison = request.getfixturevalue(name)

    figures = figures_of(comparison)

    assert list(figures) == [
        "ratios_latency",
        "ratios_energy",
        "ratios_edp",
        *(f"groups_{key}" for key in ("latency", "energy", "edp") if len(comparison.groups) > 1),
        "time_parts",
        "energy_parts",
        "phases",
        "roofline",
        "memory",
        "timelines",
    ]
    for figure in figures.values():
        figure.draw_without_rendering()
        assert "archsim compare arrays.yaml" in figure.texts[2].get_text()


def test_a_single_phase_is_no_figure(one):
    digests = [make_digest(s) for s in (4.0, 1.0)]
    for digest in digests:
        digest["breakdown"]["time_s"]["phase"] = {"inference": digest["latency_s"]}
    cases = [make_case("gemm", *each) for each in zip(ARRAYS, digests, strict=False)]

    assert "phases" not in figures_of(make_comparison(*cases))


def test_all_figures_are_drawn_when_all_failed(one):
    failed = [make_case("gemm", array, None) for array in ARRAYS]

    figures = figures_of(make_comparison(*failed))

    for figure in figures.values():
        figure.draw_without_rendering()
        assert title(figure).startswith("No ")
    assert written(figures["time_parts"].axes[0]) == ["failed"] * 3


def test_of_many_rivals_the_best_are_drawn_and_long_names_shortened(wide):
    figure = ratios(wide, "latency_s")

    names = rows(figure.axes[0])
    assert len(names) == MOST_ROWS
    assert names[0] == "tpu"
    assert max(map(len, names)) <= 30
    assert f"the best {MOST_ROWS} of 60 rivals" in subtitle(figure)


def test_names_leave_out_what_never_differs_and_explain_bare_values():
    cases = [
        Case(name=fuse, labels={"array": "tpu", "fuse": fuse}, digest=None)
        for fuse in ("on", "off")
    ]
    comparison = make_comparison(*cases, baseline={"array": "tpu", "fuse": "off"})

    assert [name_of(comparison, rival) for rival in comparison.rivals] == ["fuse on", "fuse off"]


def test_images_are_the_same_every_time_and_carry_their_command(two):
    first, second = (svg(ratios(two, "latency_s")) for _ in range(2))

    assert first == second
    assert b"archsim compare arrays.yaml" in first
    assert b"<dc:date>" not in first
    assert b"archsim compare arrays.yaml" in png(ratios(two, "latency_s"))
