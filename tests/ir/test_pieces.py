"""Slices and concatenations: values by numpy, traffic by counting."""

import numpy as np
import pytest

from archsim.errors import GraphError
from archsim.ir import Concatenate, Phase, Slice, TensorSpec, Tile


def cut(first, shape, output):
    return Slice(
        name="cut",
        phase=Phase.FORWARD,
        inputs=(TensorSpec("x", shape),),
        outputs=(TensorSpec("y", output),),
        first=first,
    )


def joined(*shapes, output):
    return Concatenate(
        name="joined",
        phase=Phase.FORWARD,
        inputs=tuple(TensorSpec(f"x{n}", shape) for n, shape in enumerate(shapes)),
        outputs=(TensorSpec("y", output),),
    )


def test_a_slice_is_numpy_s_and_the_rest_stays_in_memory():
    op = cut(2, (3, 4, 10), (3, 4, 5))
    x = np.arange(120.0).reshape(3, 4, 10)

    np.testing.assert_array_equal(op.evaluate(x)[0], x[..., 2:7])
    assert op.space.points == op.output.elements == 60
    (read,), (write,) = op.reads, op.writes
    whole, part = op.space, Tile(m=6, n=3)
    assert (read.elements(whole), write.elements(whole)) == (60, 60)
    assert (read.elements(part), write.elements(part)) == (18, 18)
    # Rows of 5 of 10 numbers; of a narrower tile 3 of 10, written 3 of 5.
    assert read.runs(whole, whole) == (5, 10)
    assert read.runs(part, whole) == (3, 10)
    assert write.runs(part, whole) == (3, 5)


def test_a_concatenation_is_numpy_s_and_a_tile_takes_its_share_of_each():
    op = joined((3, 4, 6), (3, 4, 9), output=(3, 4, 15))
    x, y = np.arange(72.0).reshape(3, 4, 6), -np.arange(108.0).reshape(3, 4, 9)

    np.testing.assert_array_equal(op.evaluate(x, y)[0], np.concatenate([x, y], axis=2))
    assert op.space.points == op.output.elements == 180
    tile = Tile(m=6, n=1, k=op.space.k)  # a third of each one's columns
    assert [read.elements(tile) for read in op.reads] == [6 * 2, 6 * 3]
    assert op.writes[0].elements(tile) == 6 * 5
    assert [access.elements(op.space) for access in (*op.reads, *op.writes)] == [72, 108, 180]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cut(6, (2, 10), (2, 5)), r"6 … 10 of \(2, 10\) do not make \(2, 5\)"),
        (lambda: cut(-1, (2, 10), (2, 5)), "-1 … 3 of"),
        (lambda: cut(0, (2, 10), (3, 5)), "do not make"),
        (lambda: joined((2, 3), (2, 4), output=(2, 8)), r"\(2, 3\), \(2, 4\) side by side"),
        (lambda: joined((2, 3), (3, 4), output=(2, 7)), "side by side do not make"),
    ],
)
def test_pieces_that_do_not_fit_are_refused(make, message):
    with pytest.raises(GraphError, match=message):
        make()
