"""Ranges of values, with units and without."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.sweep.ranges import log_range_values, range_values


@pytest.mark.parametrize(
    ("ends", "how", "expected"),
    [
        ((1, 4), {"step": 1}, [1, 2, 3, 4]),
        ((1, 6), {"step": 2}, [1, 3, 5]),
        ((0.9, 0.5), {"count": 3}, [0.9, 0.7, 0.5]),
        ((0.1, 0.3), {"step": 0.1}, [0.1, 0.2, 0.3]),  # exact: no 0.30000000000000004
        (("100 MHz", "0.5 GHz"), {"step": "200 MHz"}, ["100 MHz", "300 MHz", "500 MHz"]),
        (("1 MiB", "2 MiB"), {"step": "512 KiB"}, ["1 MiB", "1.5 MiB", "2 MiB"]),
        ((7, 7), {"count": 1}, [7]),
    ],
)
def test_a_range_goes_by_steps(ends, how, expected):
    assert range_values(*ends, **how) == expected


@pytest.mark.parametrize(
    ("ends", "how", "expected"),
    [
        ((1, 64), {"factor": 4}, [1, 4, 16, 64]),
        (("256 KiB", "4 MiB"), {"factor": 4}, ["256 KiB", "1024 KiB", "4096 KiB"]),
        ((1, 1000), {"count": 4}, [1, 10, 100, 1000]),
        ((1, 4), {"count": 8}, [1, 2, 3, 4]),  # whole, and equal ones once
        ((0.5, 8.0), {"factor": 2}, [0.5, 1, 2, 4, 8]),
    ],
)
def test_a_log_range_goes_by_factors(ends, how, expected):
    assert log_range_values(*ends, **how) == expected


@given(st.floats(0.001, 1), st.floats(1.5, 1000), st.integers(2, 40))
def test_so_many_values_are_evenly_spread_in_proportion(low, high, count):
    found = log_range_values(low, high, count=count)

    expected = np.geomspace(low, high, count)
    assert np.allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "ends", "how", "problem"),
    [
        (range_values, (1, "4 MiB"), {"step": 1}, "without a unit, got '4 MiB'"),
        (range_values, ("1 MHz", "4 MiB"), {"step": 1}, "with a unit like MHz, got '4 MiB'"),
        (range_values, ("1 MHz", "4 MHz"), {"step": 1}, "with a unit like MHz, got 1"),
        (range_values, (4, 1), {"step": 1}, "leads nowhere"),
        (range_values, (1, 4), {"step": 0}, "leads nowhere"),
        (range_values, (1, 4), {"count": 0}, "count: expected a whole number"),
        (range_values, (0, 10**9), {"step": 1}, "at most 100,000"),
        (range_values, ("a", 3), {"step": 1}, "expected a number"),
        (log_range_values, (0, 4), {"factor": 2}, "from a number > 0"),
        (log_range_values, (1, 4), {"factor": 1}, "factor: must be > 1"),
        (log_range_values, (1, 4), {"count": True}, "count: expected a whole number"),
    ],
)
def test_what_is_no_range_is_refused(make, ends, how, problem):
    with pytest.raises(ValueError, match=problem):
        make(*ends, **how)
