"""A comparison as a table, a screen of text and an answer, by what they say."""

import csv
import re
from dataclasses import replace
from io import StringIO

import pytest

from archsim.report.comparison.markdown import comparison_markdown
from archsim.report.comparison.page_runs import runs_section
from archsim.report.comparison.rivals import best_rival
from archsim.report.comparison.table import comparison_csv, comparison_frame
from archsim.report.comparison.text import comparison_text
from archsim.report.comparison.words import (
    answer,
    mean_cells,
    published_claim,
    simulated_range,
    verdict,
)
from archsim.results.comparison import RunWork
from tests.report.comparison.comparisons import (
    CASES,
    REASON,
    build_case,
    build_comparison,
    digest,
    only,
)
from tests.report.findings.shown import CURVES, TABLE

COLUMNS = [
    "name",
    "workload",
    "architecture",
    "status",
    "latency_s",
    "energy_j",
    "edp_js",
    "power_w",
    "macs",
    "dram_bytes",
    "utilization",
    "limited_by",
    "compute_s",
    "fill_and_drain_s",
    "shaping_s",
    "network_s",
    "memory_s",
    "latency_x",
    "energy_x",
    "edp_x",
    "baseline",
]


def test_a_frame_has_a_row_per_case_in_order():
    frame = comparison_frame(build_comparison())

    assert list(frame.columns) == COLUMNS
    assert list(frame["name"]) == [case.name for case in CASES]
    assert list(frame["baseline"]) == [True, False, False, True, False, False]
    assert frame.loc[1, COLUMNS[1:]].to_dict() == {
        "workload": "bert",
        "architecture": "fetta",
        "status": "simulated",
        "latency_s": 0.004,
        "energy_j": 0.1,
        "edp_js": 0.0004,
        "power_w": 25.0,
        "macs": 2_000_000,
        "dram_bytes": 4096,
        "utilization": 0.25,
        "limited_by": "bandwidth",
        "compute_s": 0.001,
        "fill_and_drain_s": 0.001,
        "shaping_s": 0.0,
        "network_s": 0.0005,
        "memory_s": 0.0015,
        "latency_x": 2.0,
        "energy_x": 4.0,
        "edp_x": pytest.approx(8.0),
        "baseline": False,
    }


def test_a_failed_case_has_its_reason_and_nothing_known():
    failed = comparison_frame(build_comparison()).loc[5]

    assert failed["status"] == REASON
    assert failed["limited_by"] == ""
    assert failed[["latency_s", "macs", "utilization", "memory_s", "edp_x"]].isna().all()


def test_ratios_to_a_failed_baseline_are_unknown():
    cases = (build_case("bert", "tpu"), *only("bert on fetta"))

    frame = comparison_frame(build_comparison(cases=cases))

    assert frame["latency_x"].isna().all()
    assert frame.loc[1, "latency_s"] == 0.004


def test_idle_time_has_a_column_where_a_run_has_some():
    idle = digest(1.0, 1.0) | {"time_parts_s": {"compute": 0.75, "idle": 0.25}}
    cases = (*only("bert on tpu"), build_case("bert", "x", digest=idle, error=""))

    frame = comparison_frame(build_comparison(cases=cases))

    assert list(frame["idle_s"]) == [0.0, 0.25]


def test_an_axis_makes_way_for_a_column_of_its_name():
    case = build_case("bert", "tpu", (1.0, 1.0), labels={"name": "a", "architecture": "tpu"})

    frame = comparison_frame(build_comparison(cases=(case,)))

    assert (frame.loc[0, "name"], frame.loc[0, "axis.name"]) == ("bert on tpu", "a")


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        (
            CASES,
            "fetta has the best EDP, 32.0 x better than that of tpu: latency 4.00 x better, "
            "energy 8.00 x better; geometric means over 2 groups.",
        ),
        (
            only("bert on tpu", "bert on fetta"),
            "fetta has the best EDP, 8.00 x better than that of tpu: latency 2.00 x better, "
            "energy 4.00 x better; a single group, so no average.",
        ),
        (
            only("bert on tpu", "bert on ette", "vit on tpu", "vit on ette"),
            "ette equals tpu, the baseline, in EDP: latency 2.00 x worse, energy 2.00 x better; "
            "in the only one of 2 groups that has results of both.",
        ),
        (
            (*CASES, build_case("vit", "gpu", (0.001, 0.1))),
            "fetta has the best EDP of rivals compared in 2 groups, 32.0 x better than that of "
            "tpu: latency 4.00 x better, energy 8.00 x better; geometric means over 2 groups. "
            "gpu, compared in 1 only, has an EDP 1,280 x better.",
        ),
        (
            (*only("bert on tpu"), build_case("bert", "slow", (0.016, 0.4))),
            "tpu, the baseline, has the best EDP; slow comes next, EDP 2.00 x worse: latency "
            "2.00 x worse, energy equal; a single group, so no average.",
        ),
        (only("vit on ette"), "The only run failed: nothing can be compared."),
        (
            (build_case("bert", "tpu"), build_case("bert", "ette")),
            "All 2 runs failed: nothing can be compared.",
        ),
        (only("bert on tpu"), "Only tpu was run: there is nothing to compare it to."),
        (
            (build_case("bert", "tpu"), *only("bert on fetta")),
            "No group has results of both tpu, the baseline, and a rival of it.",
        ),
    ],
)
def test_the_answer_is_one_sentence(cases, words):
    assert answer(build_comparison(cases=cases)) == words


def test_the_answer_tells_how_many_groups_have_results_of_both():
    third = (build_case("gpt", "tpu", (1.0, 1.0)), build_case("gpt", "fetta"))

    words = answer(build_comparison(cases=(*CASES, *third)))

    assert words.endswith("geometric means over the 2 of 3 groups that have results of both.")


def test_the_baseline_is_no_rival_of_itself():
    assert best_rival(build_comparison()) == (("architecture", "fetta"),)
    assert best_rival(build_comparison(cases=only("bert on tpu"))) is None


def test_the_answer_tells_of_what_the_comparison_is_about():
    comparison = replace(build_comparison(), subject={"architecture": "ette"})

    assert answer(comparison) == (
        "ette has an EDP equal to that of tpu: latency 2.00 x worse, energy 2.00 x better; in the "
        "only one of 2 groups that has results of both. The best EDP is that of fetta."
    )
    assert answer(replace(comparison, subject={"architecture": "fetta"})) == answer(
        build_comparison()
    )


def test_a_published_ratio_may_be_of_memory():
    held = {"tpu": {"sram": 4096, "dram": 4096}, "fetta": {"sram": 2048, "dram": 0}}
    cases = tuple(
        replace(case, digest={**case.digest, "peak_bytes": held[case.labels["architecture"]]})
        for case in only("bert on tpu", "bert on fetta")
    )
    (claim,) = build_comparison().published
    claim = replace(claim, metric="memory_bytes", low=4.0, high=4.0)
    comparison = build_comparison(cases=cases, published=(claim,))

    assert simulated_range(comparison, claim) == "4.00 x"  # 8,192 B over 2,048 B
    assert verdict(comparison, claim) == "equal"
    assert published_claim(comparison, claim).startswith("memory: fetta over tpu")


def test_a_rival_of_a_few_easy_groups_is_not_the_best():
    easy = build_case("bert", "specialist", (1e-6, 1e-6))

    assert best_rival(build_comparison(cases=(*CASES, easy))) == (("architecture", "fetta"),)


def test_text_says_the_answer_first_and_all_that_is_asked_next():
    comparison = build_comparison()

    lines = comparison_text(comparison).splitlines()

    assert " ".join(lines[:2]) == answer(comparison)
    for words in (
        "  tpu (baseline)  8.00 ms  400 mJ  3.20 mJ·s     1.00 x    1.00 x  1.00 x",
        "  fetta           5.00 ms  200 mJ  1.00 mJ·s     8.00 x    16.0 x   128 x",
        "  ette             failed  failed     failed          -         -       -",
        "times better than tpu: geometric means (least … largest)",
        "  fetta  4.00 (2.00 … 8.00)  8.00 (4.00 … 16.0)  32.0 (8.00 … 128)  2 of 2",
        "  ette                 0.50                2.00               1.00  1 of 2",
        "again: archsim compare machines.yaml",
        f"  vit on ette: {REASON}",
        "  clocks are 1 GHz & all alike",
    ):
        assert words in lines
    assert "published 1.50 … 3.50 x, simulated 4.00 x (2.00 … 8.00): above, 1.14" in " ".join(
        line.strip() for line in lines
    )


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("groups", [1, 13, 14, 39, 40, 200])
def test_text_fits_a_terminal(groups, width):
    names = ["tpu", "an architecture with a name that nobody wants to type twice", "3"]
    cases = tuple(
        build_case(f"workload {'of a long name ' * 3}{number}", name, (1.0 + number, 1e-7))
        for number in range(groups)
        for name in names
    )

    text = comparison_text(build_comparison(cases=cases), width)

    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) < 150


def test_long_names_go_on_in_the_next_line_and_stay_apart():
    names = [f"a GPU of the year before the last, {order}" for order in ("searched", "greedy")]
    cases = (*only("bert on tpu"), *(build_case("bert", name, (0.004, 0.1)) for name in names))

    words = " ".join(comparison_text(build_comparison(cases=cases), 80).split())

    for order in ("searched", "greedy"):
        start = "a GPU of the year 4.00 ms 100 mJ 400 µJ·s 2.00 x 4.00 x 8.00 x"
        assert f"{start} before the last, {order}" in words


def test_groups_are_averaged_over_what_a_baseline_leaves_open():
    sizes = {"64 KiB": 1.25, "128 KiB": 0.8, "256 KiB": 1.6}
    cases = [
        build_case("", "", (1 / factor, 1.0), name=f"{size} {name}", labels=labels)
        for size, ratio in sizes.items()
        for name, factor in (("tpu", 1.0), ("fetta", ratio))
        for labels in [{"sram": size, "architecture": name}]
    ]
    claim = replace(build_comparison().published[0], low=1.3, high=1.3)

    comparison = build_comparison(cases=tuple(cases), published=(claim,))

    # (1.25 x 0.8 x 1.6)^(1/3)
    (means,) = [line for line in mean_cells(comparison) if line[0] == "fetta"]
    assert means[1:] == ["1.17 x (0.80 … 1.60)", "1.00 x", "1.17 x (0.80 … 1.60)", "3 of 3"]
    assert simulated_range(comparison, claim) == "1.17 x (0.80 … 1.60)"
    assert verdict(comparison, claim) == "below, 0.90 of it; the ranges meet"
    assert "sram 64 KiB" in comparison_text(comparison)
    assert "geometric means over 3 groups (least … largest)" in comparison_text(comparison)
    assert "| fetta | 1.17 x (0.80 … 1.60) | 1.00 x |" in comparison_markdown(comparison)


def test_many_cases_are_a_line_per_group():
    cases = tuple(
        build_case(str(number), name, (1.0 / factor, 1.0))
        for number in range(30)
        for name, factor in (("tpu", 1), ("fast", 2))
    )

    lines = comparison_text(build_comparison(cases=cases)).splitlines()

    assert "EDP x            fast" in lines
    assert "  workload 29  2.00 x" in lines


def test_rivals_whose_names_have_no_room_are_letters_that_are_explained():
    names = ["tpu", *(f"an array of a very long name, {number}" for number in range(3))]
    cases = (
        build_case(str(number), name, (1.0 + names.index(name), 1.0))
        for number in range(12)
        for name in names
    )

    lines = comparison_text(build_comparison(cases=tuple(cases)), 80).splitlines()

    assert "EDP x               A       B       C" in lines
    assert "  workload 11  0.50 x  0.33 x  0.25 x" in lines
    assert (
        "  A: an array of a very long name, 0; B: an array of a very long name, 1; C: an" in lines
    )


def test_csv_has_a_header_and_a_line_per_case():
    text = comparison_csv(build_comparison())

    assert text.count("\r\n") == 7
    rows = list(csv.DictReader(StringIO(text, newline="")))
    assert list(rows[0]) == COLUMNS
    assert (rows[1]["latency_x"], rows[1]["macs"], rows[1]["baseline"]) == (
        "2.0",
        "2000000",
        "False",
    )
    assert (rows[5]["status"], rows[5]["macs"], rows[5]["edp_x"]) == (REASON, "", "")


def test_markdown_keeps_its_cells():
    cases = (*only("bert on tpu"), build_case("bert", "a|b<i>\nc", (0.004, 0.4)))

    text = comparison_markdown(build_comparison(cases=cases))

    assert text.startswith("# Machines on \\<tensor> models\n\n**a\\|b\\<i> c has the best EDP")
    assert "| bert | a\\|b\\<i> c | 4.00 ms | 400 mJ | 1.60 mJ·s | 2.00 x |" in text


def test_markdown_tells_how_much_of_its_peak_a_run_used():
    text = comparison_markdown(build_comparison())

    assert " EDP x | MACs of peak | limited by |" in text
    assert re.search(r"\| bert \| tpu \| .* \| 25 % \| bandwidth \|", text)
    assert re.search(r"\| vit \| ette \| .* \| - \| failed \|", text)


def test_markdown_splits_each_runs_time_and_shows_the_pictures_beside_it():
    comparison = build_comparison()

    text = comparison_markdown(comparison)

    header = "workload | architecture | compute | fill and drain | shaping | network | memory"
    assert f"| {header} |" in text
    assert "| bert | tpu | 25.0 % | 25.0 % | 0.0 % | 12.5 % | 37.5 % |" in text
    assert "| vit | ette |  |  |  |  |  |" in text
    shown = re.findall(r"\((\w+)\.png\)", text)
    assert shown == ["ratios_edp", "time_parts", "energy_parts", "roofline"]


def test_markdown_shows_findings_as_pictures_and_tables():
    text = comparison_markdown(build_comparison(), (CURVES, TABLE))

    assert text.index("## What the algorithm shows") < text.index("## Published beside simulated")
    assert (
        f"### {CURVES.title}\n\n{CURVES.caption}\n\n![{CURVES.title}](findings_decay.png)" in text
    )
    assert (
        "### Two \\<ways> & what they take\n\nWith $ and \\| in it.\n\n"
        "| way | time [ns] | why |\n| --- | ---: | --- |\n"
        "| dense \\| all | 1,234,567 | every number |\n| sparse | 0.125 | few of them |"
    ) in text


def test_rates_of_a_named_work_stand_in_every_table():
    made = build_comparison(work=RunWork(amount=100, unit="frames", lasts_s=2.0))

    frame = comparison_frame(made)
    done, failed = frame.loc[1], frame[frame["status"] == REASON].iloc[0]
    assert done["frames_per_s"] == 100 / 0.004
    assert done["real_time_factor"] == 0.004 / 2
    assert frame.loc[failed.name, ["frames_per_s", "real_time_factor"]].isna().all()
    for text in (comparison_text(made), comparison_markdown(made)):
        assert "25,000" in text
        assert "0.002" in text
    assert "frames/s  real time factor" in comparison_text(made)
    assert "| frames/s | real time factor |" in comparison_markdown(made)
    assert ">frames/s</th>" in runs_section(made)
    assert ">25,000</td>" in runs_section(made)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"amount": 0}, "amount: must be > 0, got 0"),
        ({"lasts_s": -1.0}, "lasts_s: must be > 0, got -1.0"),
        ({"unit": "frames / s"}, "unit: must be one word, got 'frames / s'"),
    ],
)
def test_work_without_an_amount_is_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RunWork(**{"amount": 1, "unit": "frames", **wrong})
