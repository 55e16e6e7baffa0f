"""The channels of a feed-forward net that are kept, and what reads them fitted anew (Nyström).

Source: FLAT-LLM (arXiv 2505.23966), section "Nyström MLP"; ridge leverage scores as in
Lin et al., MoDeGPT (arXiv 2408.09632), algorithm 1.
"""

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array
from workloads.pca_llm.checks import check_count, check_numbers

RIDGE = 1.0
"""Added to the covariance's diagonal; the authors' value."""


def leverage_scores(covariance: Array, ridge: float = RIDGE) -> Array:
    """Return ``diag(C (C + ridge I)⁻¹)``: how much of each channel no other tells."""
    inverse = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    return np.asarray(1 - ridge * np.diagonal(inverse))


def best_channels(scores: Array, count: int) -> Array:
    """Return the highest scores' numbers in ascending order; of equal ones the first."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def refit_matrix(covariance: Array, indices: Array) -> Array:
    """Return ``C_SS⁻¹ C_S:``, (channels kept, channels): all channels from those kept.

    A covariance that is singular has the solution of least norm.
    """
    kept = covariance[indices]
    square = kept[:, indices]
    if _is_regular(square):
        return np.asarray(np.linalg.solve(square, kept))
    return np.asarray(np.linalg.lstsq(square, kept, rcond=None)[0])


def _is_regular(matrix: Array) -> bool:
    """Whether a covariance's Cholesky factor exists and spans less than half of all digits."""
    try:
        pivots = np.diagonal(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        return False
    return bool(pivots.min() > 1e-7 * pivots.max())


def select_channels(hidden: ArrayLike, count: int) -> tuple[Array, Array]:
    """Return the kept channels' numbers, ascending, and the refit matrix [count, channels].

    ``hidden`` are a down-projection's inputs H, [tokens, channels]. ``H_S refit`` is the best
    guess at H from its columns S, so ``refit W_down`` takes W_down's place.

    Raises:
        ValueError: for NaN among the activations, or a count outside [1, channels].
    """
    activations = check_numbers("hidden", hidden, 2)
    check_count("count", count, activations.shape[1], "channels")
    covariance = activations.T @ activations
    indices = best_channels(leverage_scores(covariance), count)
    return indices, refit_matrix(covariance, indices)
