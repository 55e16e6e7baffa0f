"""Tensors and operations, briefly."""

import pytest

from archsim.ir import Elementwise, Phase, TensorSpec


@pytest.fixture
def copy():
    """Make an operation that copies one vector of four to another."""

    def make(name, source, target, *, overwrites="", shape=(4,)):
        return Elementwise(
            name=name,
            phase=Phase.FORWARD,
            inputs=(TensorSpec(source, shape),),
            outputs=(TensorSpec(target, shape),),
            equation="i -> i",
            formula="a",
            overwrites=overwrites,
        )

    return make
