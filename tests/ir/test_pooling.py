"""Pools: the largest of each window by looking at all, gradients by differences."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsim.errors import GraphError
from archsim.ir import MaxPool, MaxPoolGradient, Phase, Pool, TensorSpec


def pooling(shape, pool):
    return MaxPool(
        name="pool",
        phase=Phase.FORWARD,
        inputs=(TensorSpec("x", shape),),
        outputs=(TensorSpec("y", pool.shape(shape)),),
        pool=pool,
    )


def gradient(forward):
    return MaxPoolGradient(
        name="dx",
        phase=Phase.BACKWARD,
        inputs=(forward.inputs[0], forward.output, TensorSpec("dy", forward.output.shape)),
        outputs=(TensorSpec("dx", forward.inputs[0].shape),),
        pool=forward.pool,
    )


def seen(pool, extent, p):
    """Rows, or columns, of the map that window p sees."""
    first = p * pool.stride - pool.padding
    return range(max(first, 0), min(first + pool.size, extent))


@st.composite
def poolings(draw):
    size = draw(st.integers(1, 3))
    pool = Pool(size, draw(st.integers(1, 3)), draw(st.integers(0, size // 2)))
    shape = (draw(st.integers(1, 2)), *(draw(st.integers(3, 6)) for _ in range(2)), 2)
    return pooling(shape, pool)


@settings(deadline=None, max_examples=60)
@given(poolings(), st.integers(0, 2**32 - 1))
def test_each_window_gives_its_largest_and_takes_its_gradient(op, seed):
    rng = np.random.default_rng(seed)
    x, dy = (rng.standard_normal(t.shape) for t in (op.inputs[0], op.output))
    _, rows, columns, _ = x.shape
    expected, back = np.zeros(dy.shape), np.zeros(x.shape)
    for b, p, q, c in product(*map(range, dy.shape)):
        window = list(product(seen(op.pool, rows, p), seen(op.pool, columns, q)))
        i, j = max(window, key=lambda place: x[b, *place, c])
        expected[b, p, q, c] = x[b, i, j, c]
        back[b, i, j, c] += dy[b, p, q, c]

    (found,) = op.evaluate(x)
    (dx,) = gradient(op).evaluate(x, found, dy)

    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(dx, back, rtol=1e-12, atol=1e-15)


def test_of_equal_numbers_the_first_takes_the_gradient():
    op = pooling((1, 2, 2, 1), Pool(2, 2, 0))

    (dx,) = gradient(op).evaluate(np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), [[[[7.0]]]])

    assert dx.ravel().tolist() == [7, 0, 0, 0]


@settings(deadline=None, max_examples=60)
@given(poolings())
def test_all_of_it_is_read_once_and_written_once(op):
    """Where windows leave no row out."""
    assume(op.pool.stride <= op.pool.size)
    _, rows, columns, _ = op.inputs[0].shape
    back = gradient(op)

    for extent, count in zip((rows, columns), op.output.shape[1:3], strict=True):
        assume((count - 1) * op.pool.stride + op.pool.size - op.pool.padding >= extent)
    assert op.reads[0].elements(op.space) == op.inputs[0].elements
    assert op.writes[0].elements(op.space) == op.output.elements
    assert [read.elements(back.space) for read in back.reads] == [
        tensor.elements for tensor in back.inputs
    ]
    assert back.writes[0].elements(back.space) == op.inputs[0].elements
    assert op.space.points == op.output.elements * op.pool.size**2
    assert back.space.points == op.inputs[0].elements * op.pool.size**2


@pytest.mark.parametrize(
    ("size", "stride", "padding", "message"),
    [
        (0, 1, 0, "size: must be >= 1, got 0"),
        (2, 0, 0, "stride: must be >= 1, got 0"),
        (2, 1, -1, "padding: must be >= 0, got -1"),
        (3, 2, 2, "padding: at most half of the size 3"),
    ],
)
def test_a_pool_out_of_range_is_refused(size, stride, padding, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Pool(size, stride, padding)


def test_shapes_that_do_not_fit_are_refused():
    pool = Pool(3, 2, 1)
    with pytest.raises(GraphError, match="no window of 3 rows fits"):
        MaxPool(
            name="pool", phase=Phase.FORWARD, inputs=(TensorSpec("x", (1, 2, 2, 1)),),
            outputs=(TensorSpec("y", (1, 1, 1, 1)),), pool=Pool(3, 1, 0),
        )  # fmt: skip
    with pytest.raises(GraphError, match=r"\(1, 6, 6, 1\) is pooled to \(1, 3, 3, 1\), not"):
        MaxPool(
            name="pool", phase=Phase.FORWARD, inputs=(TensorSpec("x", (1, 6, 6, 1)),),
            outputs=(TensorSpec("y", (1, 2, 2, 1)),), pool=pool,
        )  # fmt: skip
    op = pooling((1, 6, 6, 1), pool)
    with pytest.raises(GraphError, match="have gradients of these shapes"):
        MaxPoolGradient(
            name="dx", phase=Phase.BACKWARD, pool=pool,
            inputs=(op.inputs[0], op.output, TensorSpec("dy", (1, 2, 2, 1))),
            outputs=(TensorSpec("dx", (1, 6, 6, 1)),),
        )  # fmt: skip
