"""Decompositions: known values, errors within the bounds of theory, and what is refused."""

from functools import reduce

import numpy as np
import pytest

from archsim import execute
from archsim.contraction import (
    decompose_tensor_train,
    decompose_tensor_train_matrix,
    decompose_tucker,
    hosvd,
    tensor_train_matrix,
    tt_svd,
)
from tests.contraction.tt_svd_case import CORNER, ERROR, MIDDLE, TENSOR, UNFOLDING_BOUND
from workloads.tensor_layers import training_graph

DECOMPOSITIONS = (decompose_tensor_train, decompose_tensor_train_matrix, decompose_tucker)
MODES = ((2, 3, 4), (3, 2, 5))


def contracted(cores):
    return reduce(lambda one, other: np.tensordot(one, other, 1), cores)[0, ..., 0]


def weight(seed=1):
    """24 x 30, singular values falling by a quarter each."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    right = np.linalg.qr(rng.standard_normal((30, 24)))[0]
    return left * 0.75 ** np.arange(24) @ right.T


def distance(decomposition, matrix):
    return np.linalg.norm(decomposition.dense() - matrix)


def test_a_tensor_train_is_the_one_that_independent_code_finds():
    cores, error = tt_svd(TENSOR, ranks=[3, 4])
    found = contracted(cores)

    assert [core.shape for core in cores] == [(1, 4, 3), (3, 5, 4), (4, 6, 1)]
    assert found[0, 0, :3] == pytest.approx(CORNER, abs=1e-12)
    assert found[2, 3, 2:5] == pytest.approx(MIDDLE, abs=1e-12)
    assert error == pytest.approx(ERROR, rel=1e-12)
    assert np.linalg.norm(TENSOR - found) == pytest.approx(ERROR, rel=1e-12)
    assert error**2 <= UNFOLDING_BOUND


def test_an_error_asked_for_is_kept_with_the_least_ranks_of_each_cut():
    """The train's error is what was cut; each cut takes at most e norm / sqrt(d - 1)."""
    norm = np.linalg.norm(TENSOR)
    ranks = []
    for error in (0.0, 0.05, 0.2, 0.5, 0.9):
        cores, made = tt_svd(TENSOR, error=error)

        ranks.append(tuple(core.shape[0] for core in cores[1:]))
        assert np.linalg.norm(TENSOR - contracted(cores)) == pytest.approx(made, abs=1e-12 * norm)
        assert made <= error * norm + 1e-12
    assert ranks[0] == (4, 6)
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) > 2


def test_exact_ranks_are_found_beneath_rounding_noise():
    rng = np.random.default_rng(3)
    cores = [rng.standard_normal(s) for s in [(1, 6, 2), (2, 5, 3), (3, 4, 2), (2, 6, 1)]]

    found, error = tt_svd(contracted(cores), error=0)

    assert [core.shape for core in found] == [core.shape for core in cores]
    assert error < 1e-12


def test_ranks_beyond_a_tensor_s_own_are_not_made_up():
    cores, error = tt_svd(TENSOR, ranks=[100, 100])

    assert [core.shape for core in cores] == [(1, 4, 4), (4, 5, 6), (6, 6, 1)]
    assert error == 0


def test_a_vector_is_its_own_tensor_train():
    cores, error = tt_svd([3.0, 4.0], ranks=[])

    assert cores[0].tolist() == [[[3.0], [4.0]]]
    assert error == 0


@pytest.mark.parametrize("error", [0.0, 0.01, 0.1, 0.3])
@pytest.mark.parametrize("decompose", DECOMPOSITIONS)
def test_a_weight_comes_back_within_the_error_asked_for(decompose, error):
    matrix = weight()

    found = decompose(matrix, *MODES, error=error)

    norm = np.linalg.norm(matrix)
    assert distance(found, matrix) <= found.bound + 1e-12
    assert found.bound <= error * norm + 1e-12
    assert [core.shape for core in found.cores] == list(found.network.shapes)
    assert found.network.parameters == sum(core.size for core in found.cores)


def test_a_tucker_s_error_is_at_most_the_root_of_all_squares_cut_off():
    """And at most sqrt(d) times that of the best, which no single cut is below."""
    ranks = (3, 3, 4)
    core, factors, bound = hosvd(TENSOR, ranks=ranks)

    found = np.einsum("abc,ia,jb,kc->ijk", core, *factors)
    unfoldings = [np.moveaxis(TENSOR, n, 0).reshape(len(factors[n]), -1) for n in range(3)]
    values = [np.linalg.svd(u, compute_uv=False) for u in unfoldings]
    cuts = [float((v[rank:] ** 2).sum()) for v, rank in zip(values, ranks, strict=True)]
    error = np.linalg.norm(TENSOR - found)
    assert bound == pytest.approx(sum(cuts) ** 0.5, rel=1e-12)
    assert max(cuts) ** 0.5 <= error <= bound


def test_a_matrix_of_kronecker_structure_takes_rank_one():
    """A kron B, as a tensor-train matrix over the modes of A and B."""
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((3, 4)), rng.standard_normal((5, 2))

    found = decompose_tensor_train_matrix(np.kron(a, b), (3, 5), (4, 2), error=1e-12)

    assert found.network == tensor_train_matrix((3, 5), (4, 2), [1])
    assert distance(found, np.kron(a, b)) < 1e-12


@pytest.mark.parametrize("decompose", DECOMPOSITIONS[:2])
def test_a_decomposed_weight_runs_as_a_layer(decompose):
    matrix = weight()
    found = decompose(matrix, *MODES, error=0.0)
    x = np.random.default_rng(4).standard_normal((7, 24))

    graph = training_graph(found.network.cores, found.network.sizes, 7, "optimal")
    cores = {f"G{n}": core for n, core in enumerate(found.cores)}
    results = execute(graph, {"X": x, "dY": np.zeros((7, 30)), **cores})

    np.testing.assert_allclose(results["Y"], x @ matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tt_svd(TENSOR), "give either ranks or an error"),
        (lambda: tt_svd(TENSOR, ranks=[1, 1], error=0.1), "give either ranks or an error"),
        (lambda: tt_svd(TENSOR, ranks=[2]), r"shape \(4, 5, 6\) takes 2 ranks, got 1"),
        (lambda: tt_svd(TENSOR, ranks=[2, 0]), "every rank must be >= 1, got 2, 0"),
        (lambda: tt_svd(TENSOR, error=-0.1), "error must be >= 0, got -0.1"),
        (lambda: tt_svd(TENSOR, error=float("nan")), "error must be >= 0, got nan"),
        (lambda: tt_svd(3.0, error=0.1), r"needs modes >= 1, got the shape \(\)"),
        (lambda: tt_svd(np.ones((2, 0)), error=0.1), r"needs modes >= 1, got the shape \(2, 0\)"),
        (lambda: hosvd(TENSOR, ranks=[2, 2]), "takes 3 ranks, got 2"),
        (lambda: hosvd(np.ones((0,)), error=0.1), r"needs modes >= 1, got the shape \(0,\)"),
        (lambda: decompose_tucker(weight(), (2, 3), (5, 6), error=0.1),
         r"shape \(24, 30\); modes \(2, 3\) by \(5, 6\) make \(6, 30\)"),
        (lambda: decompose_tensor_train_matrix(weight(), (24,), (5, 6), error=0.1),
         "1 input modes do not pair with 2"),
    ],
)  # fmt: skip
def test_impossible_decompositions_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
