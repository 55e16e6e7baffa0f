"""SymmetricEigen: Jacobi against numpy, and its counts."""

import numpy as np
import pytest

from archsim.errors import GraphError
from archsim.ir import OperationGraph, Phase, SymmetricEigen, TensorSpec, execute


def eigen(shape, values=None, vectors=None, **fields):
    outputs = TensorSpec("l", values or shape[:-1]), TensorSpec("V", vectors or shape)
    inputs = (TensorSpec("H", shape),)
    return SymmetricEigen(name="E", phase=Phase.INFERENCE, inputs=inputs, outputs=outputs, **fields)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_values_and_vectors_are_numpys(side):
    random = np.random.default_rng(3)
    h = random.standard_normal((50, side, side)) * 100
    h += h.swapaxes(1, 2)

    made = execute(OperationGraph([eigen((50, side, side))]), {"H": h})

    np.testing.assert_allclose(np.sort(made["l"]), np.linalg.eigvalsh(h), atol=1e-10)
    vectors = made["V"]
    rebuilt = np.einsum("es,esp,esq->epq", made["l"], vectors, vectors)
    np.testing.assert_allclose(rebuilt, h, atol=1e-10)
    units = np.broadcast_to(np.eye(side), h.shape)
    np.testing.assert_allclose(vectors @ vectors.swapaxes(1, 2), units, atol=1e-13)


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.eye(4), np.ones((4, 4)), np.diag([3, 1])])
def test_equal_and_vanishing_entries_divide_by_no_zero(matrix):
    h = matrix[None].astype(float)

    made = execute(OperationGraph([eigen(h.shape)]), {"H": h})

    np.testing.assert_allclose(np.sort(made["l"][0]), np.linalg.eigvalsh(matrix), atol=1e-14)


def test_four_sweeps_of_a_four_by_four_take_1248_functions_a_matrix():
    operation = eigen((7, 4, 4))

    assert operation.space.points == 7
    assert sum(operation.functions.values()) == 24 * 52
    assert operation.functions["sqrt"] == operation.functions["divide"] == 48


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": (5, 4, 3)}, "do not have eigenvalues"),
        ({"shape": (5, 4, 4), "values": (5, 3)}, "do not have eigenvalues"),
        ({"shape": (5, 4, 4), "vectors": (5, 16)}, "do not have eigenvalues"),
        ({"shape": (5, 4, 4), "sweeps": 0}, "sweeps must be >= 1, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(GraphError, match=f"operation 'E' .elementwise.: .*{message}"):
        eigen(**fields)
