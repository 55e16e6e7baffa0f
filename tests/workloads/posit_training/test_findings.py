"""What the workload shows by itself: accuracies with intervals, gates, published savings."""

import json

import numpy as np
import pytest

from archsim.ir.findings import HasFindings
from tests.effort import SHARE
from workloads.posit_training import PositTraining, accuracies, findings
from workloads.posit_training.recipe import FP32, POSIT8
from workloads.posit_training.study import Interval, Row, study
from workloads.posit_training.study import accuracies as study_accuracies
from workloads.posit_training.training import Schedule

ROWS = [
    Row(
        network="mlp",
        recipe=recipe,
        accuracy=Interval(mean=mean, half_width=1.5),
        lost=Interval(mean=99.0 - mean, half_width=0.5),
    )
    for recipe, mean in ((FP32, 99.0), (POSIT8, 97.0))
]


def test_the_workload_has_findings():
    assert isinstance(PositTraining(), HasFindings)


def test_errors_have_intervals_that_end_above_zero():
    """One of 5 x 450 digits is the least that can be told from none."""
    chart = findings.error_chart(ROWS)

    assert chart.categories == ("fp32", "posit8")
    (bars,) = chart.bars
    assert (bars.name, bars.values) == ("MLP", (1.0, 3.0))
    assert (bars.low, bars.high) == ((100 / 2250, 1.5), (2.5, 4.5))


def test_what_is_lost_stands_beside_the_formats():
    table = findings.loss_table(ROWS)

    assert table.rows[1] == (
        "MLP", "posit8", "posit(8,1)", "posit(8,2)", "centre", 1, 97.0, 1.5, 2.0, 0.5,
    )  # fmt: skip


def test_all_that_is_shown_was_recorded():
    rows = accuracies.recorded()

    assert [row.recipe.name for row in rows] == 2 * list(accuracies.SHOWN)
    assert accuracies.SEEDS >= 5
    assert all(90 < row.accuracy.mean < 100 for row in rows if "neither" not in row.recipe.name)
    assert [row.lost.mean for row in rows if row.recipe == FP32] == [0.0, 0.0]


@pytest.mark.parametrize("recipe", [FP32, POSIT8], ids=lambda recipe: recipe.name)
def test_what_was_recorded_is_made_again(recipe):
    """Where sums are added in another order, a digit or two of 450 may be told otherwise."""
    recorded = json.loads(accuracies.FILE.read_text())["mlp"][recipe.name]

    found = study_accuracies(["mlp"], [recipe], 2, accuracies.SCHEDULE)["mlp", recipe.name]

    np.testing.assert_allclose(found, recorded[:2], atol=1.5)


@pytest.mark.slow
@pytest.mark.skipif(SHARE < 1, reason="takes minutes")
def test_all_that_was_recorded_is_made_again(tmp_path, monkeypatch):
    recorded = json.loads(accuracies.FILE.read_text())
    monkeypatch.setattr(accuracies, "FILE", tmp_path / "again.json")

    accuracies.record()

    found = json.loads(accuracies.FILE.read_text())
    for network, recipes in recorded.items():
        for name, values in recipes.items():
            if "neither" not in name:
                np.testing.assert_allclose(found[network][name], values, atol=1.5)


def test_units_are_shown_as_shares_of_fp32():
    """posit(8,1): 1,707 of 12,527.5 NAND2, 77 of 224 gates deep."""
    chart = findings.unit_chart()

    found = {
        bars.name: dict(zip(chart.categories, bars.values, strict=True)) for bars in chart.bars
    }
    assert {bars["fp32"] for bars in found.values()} == {100.0}
    assert round(found["area"]["posit(8,1)"], 2) == 13.63
    assert round(found["depth"]["posit(8,1)"], 2) == 34.38
    assert found["energy"]["fp16"] < found["energy"]["posit(16,1)"]
    names = [row[0] for row in findings.unit_table().rows]
    assert names[-2:] == ["fp32 to posit(8,1)", "fp32 from posit(8,1)"]


def test_published_savings_stand_beside_ours():
    table = findings.published_table()

    published = {row[0].partition(" ")[0]: row[1:] for row in table.rows}
    assert {word: row[0] for word, row in published.items()} == {
        "area": 68.0, "power": 51.0, "memory": 75.0,
    }  # fmt: skip
    ours = dict(zip(table.columns[2:], published["area"][1:], strict=True))
    assert ours["posit(8,1)"] == 86.4  # 1 - 1,707 / 12,527.5
    assert published["memory"][1:] == (75.0, 75.0, 75.0)


def test_processes_change_nothing():
    asked = {
        "networks": ["mlp"], "recipes": [FP32, POSIT8], "seeds": 2, "schedule": Schedule(epochs=1)
    }  # fmt: skip

    assert study(**asked, processes=2) == study(**asked)
