"""A process that runs experiments looks for garbage seldom, and only as long as it does."""

import gc

import pytest

from archsim.processes import RARELY, collecting_rarely


def fail_on_the_way():
    with collecting_rarely():
        assert gc.get_threshold()[0] == RARELY
        raise ValueError("on the way")


def test_garbage_is_looked_for_as_often_as_before_whatever_happened():
    before = gc.get_threshold()

    with pytest.raises(ValueError, match="on the way"):
        fail_on_the_way()

    assert gc.get_threshold() == before
