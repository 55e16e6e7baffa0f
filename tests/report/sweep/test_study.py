"""What reports say of a sweep: the front and its knee, what is best, which axis matters."""

import re
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.report.sweep import sweep_json, sweep_text
from archsim.report.sweep.front import knee, pareto_front
from archsim.report.sweep.study import SweepStudy

costs = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=25)


@given(costs)
def test_the_front_is_what_nothing_beats(pairs):
    found = pareto_front(pairs)

    def beats(one, other):
        return one != other and one[0] <= other[0] and one[1] <= other[1]

    expected = {pair for pair in pairs if not any(beats(other, pair) for other in pairs)}
    assert {pairs[place] for place in found} == expected
    assert len(found) == len(expected)
    assert [pairs[place][0] for place in found] == sorted(pairs[place][0] for place in found)


@pytest.mark.parametrize(
    ("front", "place"),
    [
        ([], None),
        ([(3, 4)], 0),
        ([(1, 9), (2, 4)], 1),
        ([(1, 100), (2, 10), (50, 5), (100, 1)], 1),
        ([(1, 100), (3, 80), (60, 2), (100, 1)], 0),  # none lies below it
        ([(1, 16), (2, 8), (4, 4), (8, 2), (16, 1)], 0),  # a straight line: the first counts
    ],
)
def test_the_knee_lies_farthest_below_the_line_between_the_ends(front, place):
    assert knee(front) == place


def test_the_answer_names_the_knee_and_what_it_costs(make):
    study = SweepStudy(make())

    assert study.answer() == (
        "Of 6 points 5 are feasible, and 3 of them are beaten by none in both time and energy; the "
        "knee is rank 4, shape wide: 4.00 ms and 125 mJ."
    )
    assert study.front["rank"].tolist() == [4, 8, 16]
    assert study.best("edp_js")["shape"] == "wide"


def test_an_axis_is_told_by_the_factor_it_makes_alone(make):
    found = {(each.axis, each.metric): each for each in SweepStudy(make()).influences}

    shape = found["shape", "edp_js"]
    assert (shape.factor, shape.low, shape.high, shape.groups) == pytest.approx((4.5, 4.5, 4.5, 2))
    rank = found["rank", "latency_s"]  # 4 to 16 where it is wide, 4 to 8 where it is long
    assert (rank.factor, rank.low, rank.high) == pytest.approx((sqrt(4 * 2), 2, 4))
    assert found["rank", "edp_js"].factor == pytest.approx(1)
    assert [axis.name for axis in SweepStudy(make()).ranked] == ["shape", "rank"]


def test_sampled_points_are_compared_by_averages(make):
    keep = {(4, "wide"), (8, "long")}
    study = SweepStudy(make(lambda row: (row[1], row[2]) in keep))

    (rank,) = [e for e in study.influences if (e.axis, e.metric) == ("rank", "latency_s")]
    assert (rank.factor, rank.groups) == (pytest.approx(6), 0)


@pytest.mark.parametrize(
    ("keep", "answer"),
    [
        (lambda row: False, "No point has been run."),
        (lambda row: row[3] == "false", "None of 1 points is feasible."),
        (lambda row: row[0] == 0, "The only point is feasible; rank 4, shape wide is the best"),
    ],
)
def test_few_points_have_an_answer_too(make, keep, answer):
    sweep = make(keep)

    assert SweepStudy(sweep).answer().startswith(answer)
    assert sweep_json(sweep)["answer"].startswith(answer)
    assert answer in sweep_text(sweep)


def test_the_text_tells_the_front_the_axes_and_the_reasons(make):
    text = sweep_text(make(), 80)

    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^\* rank 4, shape wide +4.00 ms +125 mJ", text, re.MULTILINE)
    assert "infeasible: 1 of 6 (17 %)" in text
    assert "rank 16, shape long: no room <here>" in text
    assert "again: archsim sweep made_up.yaml --out here" in text


def test_programs_get_every_point(make):
    told = sweep_json(make())

    assert len(told["points"]) == 6
    assert told["points"][0]["latency_s"] == 0.004
    assert told["points"][5]["latency_s"] is None
    assert told["points"][5]["macs"] is None
    assert told["front"] == [0, 2, 4]
    assert told["knee"] == 0
    assert told["axes"] == {"rank": [4, 8, 16], "shape": ["wide", "long"]}
