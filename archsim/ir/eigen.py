"""Eigenvalues and eigenvectors of many small symmetric matrices, by Jacobi's method.

The number of sweeps is fixed, so that the work does not depend on the numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from archsim.ir.operation import Array, Operation
from archsim.ir.tile import Access, Tile


@dataclass(frozen=True, kw_only=True)
class SymmetricEigen(Operation):
    """Real symmetric matrices (..., n, n) to eigenvalues (..., n) and eigenvectors (..., n, n).

    Eigenvectors are rows, in no particular order. A sweep turns each pair of indices once;
    four sweeps give n = 4 all digits of float64.

    Source: Golub and Van Loan, "Matrix Computations", cyclic Jacobi.
    """

    kind: ClassVar[str] = "elementwise"

    sweeps: int = 4

    def __post_init__(self) -> None:
        (matrices,) = self.inputs
        *members, side, _ = shape = matrices.shape
        made = [tensor.shape for tensor in self.outputs]
        if side != shape[-1] or made != [(*members, side), shape]:
            raise self.fail(f"matrices {shape} do not have eigenvalues and vectors {made}")
        if self.sweeps < 1:
            raise self.fail(f"sweeps must be >= 1, got {self.sweeps}")

    @property
    def side(self) -> int:
        """Rows of a matrix."""
        return self.inputs[0].shape[-1]

    @property
    def space(self) -> Tile:
        return Tile(m=self.inputs[0].elements // self.side**2)

    @property
    def functions(self) -> Mapping[str, int]:
        """A rotation's angle takes 13 functions, its use on the matrix 6 n - 9, on vectors 6 n."""
        n = self.side
        turns = self.sweeps * n * (n - 1) // 2
        each = {"add": 4 * n + 2, "multiply": 8 * n - 2, "divide": 2, "sqrt": 2}
        return {name: turns * count for name, count in each.items()}

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("m",), self.side**2),)

    @property
    def writes(self) -> tuple[Access, ...]:
        values, vectors = self.outputs
        return Access(values, ("m",), self.side), Access(vectors, ("m",), self.side**2)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        n = self.side
        matrix = np.array(arrays[0], dtype=np.float64).reshape(-1, n, n)
        vectors = np.broadcast_to(np.eye(n), matrix.shape).copy()
        for _ in range(self.sweeps):
            for p, q in combinations(range(n), 2):
                c, s = _rotation(matrix[:, p, p], matrix[:, q, q], matrix[:, p, q])
                for rows in (matrix, matrix.swapaxes(1, 2), vectors):
                    above = c * rows[:, p] - s * rows[:, q]
                    rows[:, q] = s * rows[:, p] + c * rows[:, q]
                    rows[:, p] = above
        values = np.einsum("eii->ei", matrix)
        return values.reshape(self.outputs[0].shape), vectors.reshape(self.outputs[1].shape)


def _rotation(first: Array, second: Array, off: Array) -> tuple[Array, Array]:
    """Cosine and sine, as columns, of the turn that makes ``off`` zero."""
    difference, twice = second - first, 2 * off
    size = np.abs(difference) + np.sqrt(difference**2 + twice**2)
    small = np.divide(twice, size, out=np.zeros_like(size), where=size > 0)
    tangent = np.where(difference < 0, -small, small)
    cosine = 1 / np.sqrt(1 + tangent**2)
    return cosine[:, None], (tangent * cosine)[:, None]
