"""Every sweep that ships: it reads, says what a reader needs, and its points are possible."""

from pathlib import Path

import pytest

from archsim.experiment import read
from archsim.sweep.read import read_plan

FILES = sorted((Path(__file__).parents[2] / "configs" / "sweeps").glob("*.yaml"))
MOST_POINTS = 100


def short(file):
    return file.stem


@pytest.mark.parametrize("file", FILES, ids=short)
def test_it_says_what_a_reader_needs(file):
    plan = read_plan(file)

    assert plan.name == file.stem
    assert plan.title != plan.name
    assert plan.question.endswith("?")
    assert plan.assumptions


@pytest.mark.parametrize("file", FILES, ids=short)
def test_its_points_are_few_and_each_is_another_configuration(file):
    plan = read_plan(file)
    points = list(plan.points())

    assert 2 <= len(points) <= MOST_POINTS
    assert len({plan.key(point) for point in points}) == len(points)
    for point in points[:: max(1, len(points) // 5)]:
        read(plan.experiment, point.changes)  # raises where a value is impossible


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=short)
def test_most_of_its_points_are_feasible(file):
    from archsim import sweep  # noqa: PLC0415

    frame = sweep(file)

    assert frame["feasible"].mean() > 0.5
    assert not frame["reason"].str.contains("a bug of archsim").any()
