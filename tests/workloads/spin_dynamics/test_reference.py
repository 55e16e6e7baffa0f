"""The copy of the reference tables says what the tables say."""

import numpy as np
import pytest

from tests.workloads.spin_dynamics.reference import FILE, SHORT, table

AXES = {"T_ns", "T2_ns", "tau_us"}


@pytest.mark.skipif(not FILE.exists(), reason="the reference tables are not here")
@pytest.mark.parametrize("name", SHORT)
def test_a_copied_signal_is_the_tables(name):
    whole, copied = table(name), SHORT[name]
    axis = next((key for key in copied if key in AXES), None)

    for key, values in copied.items():
        expected = whole[key]
        if axis:
            expected = [expected[whole[axis].index(point)] for point in copied[axis]]
        np.testing.assert_allclose(values, expected, atol=6e-9, rtol=0)
