"""Eigenvectors, inverses and the largest of many: against numpy, and their counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from archsim import formats
from archsim.errors import GraphError
from archsim.ir import (
    LeadingEigenvectors,
    OperationGraph,
    Phase,
    SymmetricInverse,
    TensorSpec,
    TopIndices,
    execute,
)
from archsim.schedule import plan_memory, schedule
from tests.machines import off_chip


def operation(kind, given_shape, made_shape):
    return kind(
        name="F",
        phase=Phase.INFERENCE,
        inputs=(TensorSpec("A", given_shape),),
        outputs=(TensorSpec("B", made_shape),),
    )


def result(made, array):
    return execute(OperationGraph([made]), {"A": array})["B"]


def covariance(seed, side, rank):
    rows = np.random.default_rng(seed).standard_normal((rank, side))
    return rows.T @ rows


@given(st.integers(0, 1 << 30), st.integers(1, 8), st.data())
def test_eigenvectors_keep_the_largest_eigenvalues(seed, side, data):
    rank = data.draw(st.integers(1, side))
    matrices = np.stack([covariance(seed + n, side, side) for n in range(3)])

    made = result(operation(LeadingEigenvectors, (3, side, side), (3, side, rank)), matrices)

    held = np.einsum("bir,bij,bjr->br", made, matrices, made)
    assert_allclose(held, np.linalg.eigvalsh(matrices)[:, ::-1][:, :rank], atol=1e-8)
    unit = np.broadcast_to(np.eye(rank), (3, rank, rank))
    assert_allclose(made.swapaxes(1, 2) @ made, unit, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_an_inverse_undoes_what_can_be_undone(rank):
    matrix = covariance(2, 5, rank)

    made = result(operation(SymmetricInverse, (5, 5), (5, 5)), matrix)

    assert_allclose(matrix @ made @ matrix, matrix, atol=1e-9)
    assert_allclose(made, made.T, atol=1e-9)


def test_the_largest_are_told_in_order_and_of_equal_ones_the_first():
    made = result(operation(TopIndices, (6,), (3,)), np.array([1.0, 5.0, 2.0, 5.0, 5.0, 2.0]))
    tied = result(operation(TopIndices, (4,), (2,)), np.array([7.0, 7.0, 7.0, 8.0]))

    assert made.tolist() == [1, 3, 4]
    assert tied.tolist() == [0, 3]


def test_work_is_that_of_the_textbook():
    # 9 n³ / 2 for each of 4; n³ / 2; ceil(log2 1000) comparisons each
    assert operation(LeadingEigenvectors, (4, 8, 8), (4, 8, 2)).macs == 4 * 36 * 64
    assert operation(SymmetricInverse, (8, 8), (8, 8)).macs == 4 * 64
    assert operation(TopIndices, (1000,), (3,)).functions == {"maximum": 10}


def test_their_arithmetic_is_in_the_inputs_format():
    wide, narrow = formats.parse("fp64"), formats.parse("fp16")
    made = LeadingEigenvectors(
        name="F",
        phase=Phase.INFERENCE,
        inputs=(TensorSpec("A", (2, 4, 4), wide),),
        outputs=(TensorSpec("B", (2, 4, 2), narrow),),
    )

    assert made.number_format is wide


@pytest.mark.parametrize(
    "made",
    [
        operation(LeadingEigenvectors, (4, 8, 8), (4, 8, 2)),
        operation(SymmetricInverse, (64, 64), (64, 64)),
        operation(TopIndices, (1000,), (30,)),
    ],
    ids=lambda made: type(made).__name__,
)
def test_a_machine_takes_them(made):
    graph, architecture = OperationGraph([made]), off_chip()

    plan = schedule(graph, architecture, plan_memory(graph, architecture))

    assert sum(task.stream.points for task in plan.tasks) == made.space.points


@pytest.mark.parametrize(
    ("kind", "given_shape", "made_shape", "message"),
    [
        (LeadingEigenvectors, (4, 3), (4, 2), "do not have eigenvectors"),
        (LeadingEigenvectors, (4, 4), (4, 5), "do not have eigenvectors"),
        (SymmetricInverse, (4, 3), (4, 3), "has no inverse"),
        (SymmetricInverse, (4, 4), (16,), "has no inverse"),
        (TopIndices, (4,), (5,), "4 scores have no 5 largest"),
    ],
)
def test_what_does_not_fit_is_refused(kind, given_shape, made_shape, message):
    with pytest.raises(GraphError, match=message):
        operation(kind, given_shape, made_shape)
