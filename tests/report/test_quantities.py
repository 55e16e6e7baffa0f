"""Numbers as people read them."""

import pytest

from archsim.report.quantities import Scale, count, ellipsize, percent, quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00123456, "s", "1.23 ms"),
        (0.0466, "s", "46.6 ms"),
        (191.4, "s", "191 s"),
        (43210.0, "s", "43,210 s"),
        (5.09e3, "J", "5.09 kJ"),
        (1e-15, "J·s", "1.00 fJ·s"),
        (0.0, "W", "0 W"),
        (0.9999, "s", "1.00 s"),  # three digits round up to the next prefix
        (0.0009994, "s", "999 µs"),
        (1023, "B", "1,023 B"),
        (1536, "B", "1.50 KiB"),
        (6 * 2**20, "B", "6.00 MiB"),
    ],
)
def test_a_quantity_has_three_digits_and_a_prefix(value, unit, text):
    assert quantity(value, unit) == text


def test_a_scale_writes_all_values_of_a_column_alike():
    scale = Scale.of(0.0466, "s")

    assert [scale.text(value) for value in (0.0466, 0.0004, 0.0)] == ["46.6 ms", "0.4 ms", "0.0 ms"]


def test_small_values_may_ask_for_a_decimal():
    scale = Scale.of(409.0, "s", decimals=1)

    assert [scale.text(value) for value in (409.0, 0.4)] == ["409.0 s", "0.4 s"]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.004, "0.4 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1.0, "100 %")],
)
def test_a_share_below_a_tenth_keeps_a_decimal(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "noun", "text"),
    [(1344, "BRAM36", "1,344 BRAM36"), (0.5, "BRAM36", "0.5 BRAM36"), (7, "", "7")],
)
def test_a_count_shows_halves_only_where_there_are_any(value, noun, text):
    assert count(value, noun) == text


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [("tensor", 6, "tensor"), ("uram_read[tensor0]", 9, "uram…or0]"), ("abcdef", 4, "ab…f")],
)
def test_a_long_name_keeps_its_start_and_its_end(text, width, short):
    assert ellipsize(text, width) == short
