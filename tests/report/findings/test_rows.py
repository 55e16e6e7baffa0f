"""Findings in rows: every number, with all its digits and its bounds."""

import csv
from io import StringIO

import pytest

from archsim.ir.findings import Finding
from archsim.report.findings.rows import cell_text, finding_csv, rows_of
from tests.report.findings.shown import BARS, CURVES, MAP, TABLE


def test_curves_are_a_row_a_point_with_bounds_where_any_has_them():
    head, rows = rows_of(CURVES)

    assert head == ("curve", "delay [ns]", "signal [mV]", "low", "high")
    assert rows == [
        ("measured", 0.0, 1.0, 0.9, ""),
        ("measured", 1.0, 0.5, 0.4, ""),
        ("measured", 2.0, 0.25, 0.2, ""),
        ("computed", 0.0, 1.0, "", ""),
        ("computed", 2.0, 0.125, "", ""),
    ]


def test_a_map_is_a_row_a_cell():
    head, rows = rows_of(MAP)

    assert head == ("rate [Hz]", "depth", "gain [%]")
    assert rows[:4] == [(1.0, 0.0, 1.0), (10.0, 0.0, 2.0), (100.0, 0.0, 3.0), (1.0, 1.0, 4.0)]
    assert len(rows) == 6


def test_bars_are_rows_by_category():
    head, rows = rows_of(BARS)

    assert head == ("category", "bar", "largest error [mV]", "low", "high")
    assert [row[:2] for row in rows] == [
        ("fp32", "dense"), ("fp32", "sparse"), ("fp8", "dense"), ("fp8", "sparse"),
    ]  # fmt: skip
    assert rows[3][2:] == (0.5, 0.25, 0.75)


def test_csv_has_all_digits():
    rows = list(csv.reader(StringIO(finding_csv(TABLE))))

    assert rows == [
        ["way", "time [ns]", "why"],
        ["dense | all", "1234567", "every number"],
        ["sparse", "0.125", "few of them"],
    ]
    assert "\r\n" in finding_csv(TABLE)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("fp32", "fp32"), (0, "0"), (3, "3"), (-12345, "-12,345"), (0.125, "0.125"),
        (0.04, "0.04"), (97.34, "97.3"), (1234.5, "1,234"), (1.2e-7, "1.2e-7"), (2.5e9, "2.5e9"),
        (1234567, "1,234,567"), (float("nan"), "nan"), (0.001, "0.001"), (9.999, "10"),
    ],
)  # fmt: skip
def test_numbers_are_written_in_three_digits_or_so(cell, text):
    assert cell_text(cell) == text


def test_an_unknown_kind_is_refused():
    with pytest.raises(TypeError, match="no report knows a Finding"):
        rows_of(Finding(name="a", title="b", caption="c"))
