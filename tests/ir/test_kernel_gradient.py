"""The gradient of a convolution's kernel: by differences, by its traffic, by what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import GraphError
from archsim.ir import KernelGradient, Phase, TensorSpec, Tile
from tests.ir.test_convolution import convolution, convolutions, touched


def gradient_of(forward, **rest):
    tensors = {
        "inputs": (forward.inputs[0], TensorSpec("dy", forward.output.shape)),
        "outputs": (TensorSpec("dw", forward.inputs[1].shape),),
    }
    return KernelGradient(
        name="dw", phase=Phase.WEIGHT_GRADIENT, forward=forward, **(tensors | rest)
    )


@settings(deadline=None, max_examples=100)
@given(convolutions(), st.integers(0, 2**32 - 1))
def test_it_is_how_the_result_changes_with_each_number_of_the_kernel(forward, seed):
    """The result is linear in the kernel: the derivative is the result of a kernel of one 1."""
    rng = np.random.default_rng(seed)
    x, dy = (rng.standard_normal(t.shape) for t in (forward.inputs[0], forward.output))
    shape = forward.inputs[1].shape
    place = tuple(rng.integers(0, extent) for extent in shape)
    unit = np.zeros(shape)
    unit[place] = 1

    (found,) = gradient_of(forward).evaluate(x, dy)

    (response,) = forward.evaluate(x, unit)
    assert found.shape == shape
    assert found[place] == pytest.approx(np.sum(response * dy), rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(convolutions(padded=False), st.data())
def test_a_tile_reads_the_grid_under_its_windows(forward, data):
    """k counts windows, m a window's numbers: the other way round than in the convolution."""
    op = gradient_of(forward)
    space = op.space
    tile = Tile(m=data.draw(st.integers(1, space.m)), k=data.draw(st.integers(1, space.k)))

    addresses = touched(forward, range(1), range(tile.k), range(tile.m))

    places = [np.unravel_index(address, forward.inputs[0].shape) for address in addresses]
    counts = [len({place[axis] for place in places}) for axis in range(4)]
    assert op.reads[0].elements(tile) == np.prod(counts)
    assert op.macs == forward.macs
    assert op.reads[1].elements(space) == forward.output.elements
    assert op.writes[0].elements(space) == forward.inputs[1].elements


def test_an_input_s_gradient_has_no_kernel_to_train():
    forward = small_convolution(dilation=2)

    with pytest.raises(GraphError, match="'conv' is an input's gradient already"):
        gradient_of(forward)


def test_shapes_must_be_those_of_the_convolution():
    forward = small_convolution()

    with pytest.raises(GraphError, match=r"map, gradient and kernel of 'conv' are .* got"):
        gradient_of(forward, outputs=(TensorSpec("dw", (2, 1, 1, 1)),))


def small_convolution(**rest):
    rows = 4 if rest else 2
    return convolution((1, 3, 3, 1), (2, 2, 1, 1), (1, rows, rows, 1), **rest)
