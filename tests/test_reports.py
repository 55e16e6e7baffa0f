"""Committed reports: each says the command that made it, and the command makes it again."""

import csv
import json
import re
import shlex
from io import StringIO
from pathlib import Path

import pytest

import archsim
from archsim.comparison import read_plan
from archsim.report.comparison.table import comparison_csv
from archsim.report.findings.rows import finding_csv
from archsim.results.comparison import COMPARED
from tests.effort import cases

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"
COMPARISONS = sorted(file.parent.name for file in REPORTS.glob("*/comparison.md"))
RUNS = sorted(file.parent.name for file in REPORTS.glob("*/result.json"))
MADE_BY = re.compile(r"Made by `(archsim .+)`")

SMALL = {
    "cdm_qta": "256 px, batch 4, rank 16, fp16, weight-stationary",
    "cdm_qta_shapes": "K of the text: 77 x 320, k 768, choosing",
    "contraction_orders": "generic_array, TT, 1, fewest MACs",
    "fetta": "BERT-base block, TT, tpu_like, right to left",
    "fetta_gpu": "one TT layer, 32 tokens, tpu_like, right to left",
    "fetta_sizes": "rank 4, tpu_like, searched",
    "ctc": "decoder, 29, packed DAWG, 10",
    "edfid": "H100, eigen-phase, fused, fp32",
    "flat_llm": "FLAT, 20 % less",
    "flat_ranks": "generic_array, 256 tokens of a prompt, as they come",
    "machines": "tiny, 16 x 16 x 16, tpu_like",
    "posit": "CIFAR-10, batch 128, posit8",
    "u50": "2 encoders, U50, searched",
}
"""A case of each that takes little."""


def rows_of(text):
    return {row["name"]: row for row in csv.DictReader(StringIO(text))}


def committed_rows(name):
    return rows_of((REPORTS / name / "comparison.csv").read_text())


SHORTEST_FIRST = sorted(COMPARISONS, key=lambda name: len(committed_rows(name)))


def assert_same(row, other, absolute=0.0):
    """Texts are equal, and numbers but for their last digits, which a library may round."""
    assert row.keys() == other.keys()
    for column, text in row.items():
        try:
            value = float(text)
        except ValueError:
            assert other[column] == text, column
        else:
            assert float(other[column]) == pytest.approx(
                value, rel=1e-9, abs=absolute, nan_ok=True
            ), column


def test_every_shipped_comparison_has_its_report():
    shipped = (ROOT / "configs" / "comparisons").glob("*.yaml")

    assert sorted(file.stem for file in shipped) == COMPARISONS


def test_every_report_is_of_a_sort_that_is_made_again_here():
    assert sorted(folder.name for folder in REPORTS.iterdir()) == sorted([*COMPARISONS, *RUNS])


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_says_the_command_that_made_it(name):
    (command,) = MADE_BY.findall((REPORTS / name / "comparison.md").read_text())

    assert shlex.split(command) == [
        "archsim", "compare", f"configs/comparisons/{name}.yaml", "--out", f"reports/{name}",
    ]  # fmt: skip
    assert command in (REPORTS / name / "comparison.html").read_text()


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_has_the_cases_of_its_file(name):
    plan = read_plan(ROOT / "configs" / "comparisons" / f"{name}.yaml")
    page = (REPORTS / name / "comparison.html").read_text()

    assert list(committed_rows(name)) == [case.name for case in plan.cases]
    assert plan.comparison.config_hash in page


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_case_made_again_gives_the_numbers_of_the_report(name):
    plan = read_plan(ROOT / "configs" / "comparisons" / f"{name}.yaml")
    case = next(case for case in plan.cases if case.name == SMALL[name])

    result = archsim.run(case.experiment, overrides=case.overrides)

    row = committed_rows(name)[case.name]
    for metric in COMPARED:
        assert getattr(result, metric) == pytest.approx(float(row[metric]), rel=1e-9)


@pytest.mark.parametrize("name", COMPARISONS)
def test_findings_are_there_where_the_file_asks_for_them(name):
    plan = read_plan(ROOT / "configs" / "comparisons" / f"{name}.yaml")
    text = (REPORTS / name / "comparison.md").read_text()

    tables = list((REPORTS / name).glob("findings_*.csv"))

    assert bool(tables) == bool(plan.shown) == ("## What the algorithm shows" in text)
    assert all(table.with_suffix(".png").exists() for table in tables)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_made_again_gives_the_numbers_of_the_report(name):
    committed = json.loads((REPORTS / name / "result.json").read_text())
    provenance = committed["provenance"]

    result = archsim.run(ROOT / provenance["config"], overrides=provenance["overrides"])

    assert result.provenance.config_hash == provenance["config_hash"]
    for metric in (*COMPARED, "ticks", "tiles", "dram_bytes"):
        assert getattr(result, metric) == pytest.approx(committed[metric], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORTEST_FIRST[: cases(len(COMPARISONS))])
def test_a_comparison_made_again_is_the_committed_one(name):
    made = archsim.compare(ROOT / "configs" / "comparisons" / f"{name}.yaml", workers=1)

    again = rows_of(comparison_csv(made.comparison))
    committed = committed_rows(name)
    assert again.keys() == committed.keys()
    for case, row in committed.items():
        assert_same(row, again[case])
    tables = {file.name: file for file in (REPORTS / name).glob("findings_*.csv")}
    assert tables.keys() == {f"findings_{finding.name}.csv" for finding in made.findings}
    for finding in made.findings:
        file = tables[f"findings_{finding.name}.csv"]
        committed_finding, finding_again = (
            list(csv.DictReader(StringIO(text)))
            for text in (file.read_text(), finding_csv(finding))
        )
        for row, other in zip(committed_finding, finding_again, strict=True):
            assert_same(row, other, absolute=1e-6)  # what is tiny is rounding itself
