"""Principal components of each head's values, absorbed in the matrices on both sides of it.

``C_h = sum over tokens of v v'``, with no mean taken off; Q are its leading eigenvectors.
``W_v Q`` makes values that are narrower, ``Q' W_o`` reads them: nothing is added, and what
lies in the cache of values shrinks with them.

Source: FLAT-LLM (arXiv 2505.23966), section "Head-wise PCA for value and output".
"""

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array
from workloads.pca_llm.checks import check_count, check_numbers


def head_covariances(values: ArrayLike) -> Array:
    """Return ``sum over tokens of v v'`` for every head: (tokens, heads, d) to (heads, d, d)."""
    heads = check_numbers("values", values, 3).transpose(1, 2, 0)
    return np.asarray(heads @ heads.swapaxes(1, 2))


def leading_eigenvectors(covariances: Array, rank: int) -> Array:
    """Return (…, d, rank) from (…, d, d), orthonormal, the largest eigenvalue first.

    Where fewer eigenvalues than ``rank`` are above zero, the rest is any orthonormal completion.
    """
    _, vectors = np.linalg.eigh(covariances)
    return np.ascontiguousarray(vectors[..., ::-1][..., :rank])


def head_pca(values: ArrayLike, rank: int) -> Array:
    """Return the leading directions Q of every head's values, [heads, d_h, rank].

    ``values`` are [tokens, heads, d_h]; in grouped-query attention heads are those of keys
    and values. ``sum |v - Q Q' v|²`` is the sum of the eigenvalues that are left out.

    Raises:
        ValueError: for NaN among the values, or a rank outside [1, d_h].
    """
    covariances = head_covariances(values)
    check_count("rank", rank, covariances.shape[-1], "features of a head")
    return leading_eigenvectors(covariances, rank)


def absorb_in_value(
    weight: Array, directions: Array, bias: Array | None = None
) -> tuple[Array, Array | None]:
    """Return ``W_v,h Q_h`` side by side, (inputs, heads x rank), and ``b_h Q_h``."""
    heads, size, _ = directions.shape
    narrow = np.einsum("ehd,hdr->ehr", weight.reshape(-1, heads, size), directions)
    shorter = (
        None if bias is None else np.einsum("hd,hdr->hr", bias.reshape(heads, size), directions)
    )
    return narrow.reshape(len(weight), -1), None if shorter is None else shorter.reshape(-1)


def absorb_in_projection(weight: Array, directions: Array) -> Array:
    """Return ``Q_h' W_o,h`` below one another, (query heads x rank, outputs).

    Consecutive query heads share the directions of one head of values.
    """
    heads, size, _ = directions.shape
    outputs = weight.shape[1]
    grouped = weight.reshape(heads, -1, size, outputs)
    return np.asarray(np.einsum("hdr,hqdo->hqro", directions, grouped)).reshape(-1, outputs)
