"""Dense linear algebra on whole matrices: eigenvectors and inverses.

Counted as the multiply-accumulates of blocked algorithms, at the rate of a matrix product in
the input's format; that blocks wait for each other, and each number being read once, are
assumptions in favour of the hardware.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.operation import Array, Operation
from archsim.ir.tile import Access, Axis, Tile


@dataclass(frozen=True, kw_only=True)
class LeadingEigenvectors(Operation):
    """Symmetric matrices (…, n, n) to eigenvectors (…, n, r) of the largest eigenvalues.

    9 n³ operations, half of them multiplications, whatever r is.

    Source: Golub and Van Loan, "Matrix Computations", symmetric QR algorithm with vectors.
    """

    kind: ClassVar[str] = "contraction"

    def __post_init__(self) -> None:
        (matrices,), made = self.inputs, self.output
        *members, rows, side = matrices.shape
        rank = made.shape[-1]
        if rows != side or made.shape != (*members, side, rank) or rank > side:
            raise self.fail(f"matrices {matrices.shape} do not have eigenvectors {made.shape}")

    @property
    def space(self) -> Tile:
        side = self.inputs[0].shape[-1]
        count = self.inputs[0].elements // side**2
        return Tile(batch=count, m=side, n=side, k=-(-9 * side // 2))

    @property
    def functions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("batch",)

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("batch", "m", "n")),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("batch",), self.output.elements // self.space.batch),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        _, vectors = np.linalg.eigh(arrays[0])
        return (vectors[..., ::-1][..., : self.output.shape[-1]],)


@dataclass(frozen=True, kw_only=True)
class SymmetricInverse(Operation):
    """The inverse of a positive semidefinite matrix (n, n); a singular one's pseudo-inverse.

    n³ operations, half of them multiplications: a Cholesky factor, its inverse, their product.

    Source: Golub and Van Loan, "Matrix Computations", section 4.2.
    """

    kind: ClassVar[str] = "contraction"

    def __post_init__(self) -> None:
        shape = self.inputs[0].shape
        if len(shape) != 2 or shape[0] != shape[1] or self.output.shape != shape:
            raise self.fail(f"matrix {shape} has no inverse {self.output.shape}")

    @property
    def space(self) -> Tile:
        side = self.inputs[0].shape[0]
        return Tile(m=side, n=side, k=-(-side // 2))

    @property
    def functions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "n")

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("m", "n")),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return (np.linalg.pinv(arrays[0], rcond=1e-13, hermitian=True),)
