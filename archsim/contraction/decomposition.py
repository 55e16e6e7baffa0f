"""Dense weights as cores of a tensor format, and how far off those are.

Singular values that are cut off bound the error: for a tensor train it is at most the root
of the sum, over its bonds, of the squares cut there. An ``error`` asked for is relative to
the weight's norm and shared out evenly over the cuts, so it holds for the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt
from string import ascii_letters

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.contraction.layers import CoreNetwork, tensor_train, tensor_train_matrix, tucker

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Decomposition:
    """The cores of a weight, in the shapes and the order of ``network``.

    ``bound`` is an upper bound of ``norm(weight - dense)``.
    """

    network: CoreNetwork
    cores: tuple[Matrix, ...]
    bound: float

    def dense(self) -> Matrix:
        """Contract the cores to the weight, input features by output features."""
        letter = dict(zip(self.network.sizes, ascii_letters, strict=False))
        modes = [
            sorted(
                (i for i in letter if i[0] == side and i[1:].isdigit()), key=lambda i: int(i[1:])
            )
            for side in "io"
        ]
        terms = ["".join(letter[index] for index in core) for core in self.network.cores]
        result = "".join(letter[index] for side in modes for index in side)
        whole: Matrix = np.einsum(f"{','.join(terms)}->{result}", *self.cores, optimize=True)
        return whole.reshape(prod(self.network.sizes[index] for index in modes[0]), -1)


def tt_svd(
    tensor: ArrayLike, *, ranks: Sequence[int] | None = None, error: float | None = None
) -> tuple[list[Matrix], float]:
    """Return the cores ``(r<k>, n<k>, r<k+1>)`` of a tensor train, and the error made.

    Modes are split off from the first on; ``ranks`` bound the inner bonds' ranks, which
    come out smaller where the tensor has less. The error is the root of the sum of the
    squared singular values cut off. With ``error`` e, it is at most ``e norm(tensor)``,
    each of the d - 1 cuts taking ``e norm(tensor) / sqrt(d - 1)``; rounding noise is cut
    even with an error of 0.

    Source: Oseledets, "Tensor-train decomposition" (2011), algorithm 1 and theorem 2.2.

    Raises:
        ValueError: unless exactly one of ranks and error is given, for a rank < 1, an error
            < 0, or the wrong number of ranks.
    """
    whole = np.asarray(tensor, np.float64)
    if whole.ndim == 0 or 0 in whole.shape:
        raise ValueError(f"a tensor train needs modes >= 1, got the shape {whole.shape}")
    cut = _Cut.of(whole, ranks, error, whole.ndim - 1)
    cores: list[Matrix] = []
    rest, rank = whole, 1
    for number, mode in enumerate(whole.shape[:-1]):
        left, values, right = np.linalg.svd(rest.reshape(rank * mode, -1), full_matrices=False)
        kept = cut.keep(values, number)
        cores.append(left[:, :kept].reshape(rank, mode, kept))
        rest, rank = values[:kept, None] * right[:kept], kept
    cores.append(rest.reshape(rank, whole.shape[-1], 1))
    return cores, sqrt(cut.squares)


def hosvd(
    tensor: ArrayLike, *, ranks: Sequence[int] | None = None, error: float | None = None
) -> tuple[Matrix, list[Matrix], float]:
    """Return a Tucker core, a factor ``(n<k>, r<k>)`` per mode, and a bound of the error.

    Each factor holds the leading left singular vectors of the tensor unfolded along its
    mode. The bound is the root of the sum of all squared singular values cut off; with
    ``error`` e, each of the d modes may cut ``e norm(tensor) / sqrt(d)``.

    Source: De Lathauwer, De Moor and Vandewalle, "A multilinear singular value
    decomposition" (2000), property 10.

    Raises:
        ValueError: as :func:`tt_svd`.
    """
    core = whole = np.asarray(tensor, np.float64)
    if whole.ndim == 0 or 0 in whole.shape:
        raise ValueError(f"a Tucker format needs modes >= 1, got the shape {whole.shape}")
    cut = _Cut.of(whole, ranks, error, whole.ndim)
    factors: list[Matrix] = []
    for mode, extent in enumerate(whole.shape):
        unfolded = np.moveaxis(whole, mode, 0).reshape(extent, -1)
        left, values, _ = np.linalg.svd(unfolded, full_matrices=False)
        factors.append(left[:, : cut.keep(values, mode)])
        core = np.moveaxis(np.tensordot(factors[-1].T, core, axes=(1, mode)), 0, mode)
    return core, factors, sqrt(cut.squares)


def decompose_tensor_train(
    weight: ArrayLike,
    in_modes: Sequence[int],
    out_modes: Sequence[int],
    *,
    ranks: Sequence[int] | None = None,
    error: float | None = None,
) -> Decomposition:
    """Return a weight, input features by output features, as a tensor train, output cores first.

    Raises:
        ValueError: as :func:`tt_svd`, and for modes that the weight's shape does not have.
    """
    tensor = _unfold(weight, in_modes, out_modes)
    inputs, axes = len(in_modes), range(tensor.ndim)
    outputs_first = tensor.transpose([*axes[inputs:], *axes[:inputs]])
    cores, bound = tt_svd(outputs_first, ranks=ranks, error=error)
    network = tensor_train(in_modes, out_modes, [core.shape[0] for core in cores[1:]])
    return _fitted(network, cores, bound)


def decompose_tensor_train_matrix(
    weight: ArrayLike,
    in_modes: Sequence[int],
    out_modes: Sequence[int],
    *,
    ranks: Sequence[int] | None = None,
    error: float | None = None,
) -> Decomposition:
    """Return a weight as a tensor-train matrix, whose core k has input and output mode k.

    Raises:
        ValueError: as :func:`decompose_tensor_train`, and for unpaired modes.
    """
    tensor = _unfold(weight, in_modes, out_modes)
    d = len(in_modes)
    if d != len(out_modes):
        raise ValueError(f"{d} input modes do not pair with {len(out_modes)} output modes")
    paired = tensor.transpose([axis for k in range(d) for axis in (k, d + k)])
    merged = paired.reshape([i * o for i, o in zip(in_modes, out_modes, strict=True)])
    cores, bound = tt_svd(merged, ranks=ranks, error=error)
    network = tensor_train_matrix(in_modes, out_modes, [core.shape[0] for core in cores[1:]])
    return _fitted(network, cores, bound)


def decompose_tucker(
    weight: ArrayLike,
    in_modes: Sequence[int],
    out_modes: Sequence[int],
    *,
    ranks: Sequence[int] | None = None,
    error: float | None = None,
) -> Decomposition:
    """Return a weight in Tucker format, by higher-order singular value decomposition.

    Raises:
        ValueError: as :func:`decompose_tensor_train`.
    """
    tensor = _unfold(weight, in_modes, out_modes)
    core, factors, bound = hosvd(tensor, ranks=ranks, error=error)
    return _fitted(tucker(in_modes, out_modes, core.shape), [core, *factors], bound)


class _Cut:
    """How many singular values are kept at each of several cuts; adds up what is not."""

    def __init__(self, ranks: Sequence[int] | None, most: float) -> None:
        self.ranks, self.most, self.squares = ranks, most, 0.0

    @classmethod
    def of(
        cls, tensor: Matrix, ranks: Sequence[int] | None, error: float | None, cuts: int
    ) -> "_Cut":
        if (ranks is None) == (error is None):
            raise ValueError("give either ranks or an error, not both")
        if ranks is None:
            assert error is not None
            if not error >= 0:
                raise ValueError(f"error must be >= 0, got {error}")
            return cls(None, error * float(np.linalg.norm(tensor)) / sqrt(max(cuts, 1)))
        if len(ranks) != cuts:
            raise ValueError(
                f"a tensor of shape {tensor.shape} takes {cuts} ranks, got {len(ranks)}"
            )
        if any(rank < 1 for rank in ranks):
            raise ValueError(f"every rank must be >= 1, got {', '.join(map(str, ranks))}")
        return cls(ranks, 0.0)

    def keep(self, values: Matrix, number: int) -> int:
        """Return the rank of cut ``number``, whose singular values fall."""
        left_out = np.cumsum(values[::-1] ** 2)[::-1]  # squares from each value on
        if self.ranks is not None:
            kept = min(self.ranks[number], len(values))
        else:
            noise = np.finfo(np.float64).eps * len(values) * values[0]
            kept = max(1, int(np.count_nonzero(left_out > max(self.most, noise) ** 2)))
        self.squares += float(left_out[kept]) if kept < len(values) else 0.0
        return kept


def _unfold(weight: ArrayLike, in_modes: Sequence[int], out_modes: Sequence[int]) -> Matrix:
    matrix = np.asarray(weight, np.float64)
    if matrix.shape != (prod(in_modes), prod(out_modes)):
        raise ValueError(
            f"the weight has the shape {matrix.shape}; modes {tuple(in_modes)} by "
            f"{tuple(out_modes)} make ({prod(in_modes)}, {prod(out_modes)})"
        )
    return matrix.reshape(*in_modes, *out_modes)


def _fitted(network: CoreNetwork, cores: Sequence[Matrix], bound: float) -> Decomposition:
    shaped = tuple(core.reshape(shape) for core, shape in zip(cores, network.shapes, strict=True))
    return Decomposition(network, shaped, bound)
