"""A tile: a box of an operation's iteration space, and what it touches.

Every operation's space is folded onto four axes, so that a component needs to know
nothing of index names: ``batch`` (in every operand), ``m`` (in the first input and
the output), ``n`` (in the second input and the output), ``k`` (summed).
"""

from dataclasses import dataclass
from typing import Literal

from archsim.ir.tensor import TensorSpec

Axis = Literal["batch", "m", "n", "k"]
AXES: tuple[Axis, ...] = ("batch", "m", "n", "k")


@dataclass(frozen=True, slots=True)
class Tile:
    """``batch`` independent products of an m x k by a k x n matrix, or less of it."""

    batch: int = 1
    m: int = 1
    n: int = 1
    k: int = 1

    def __post_init__(self) -> None:
        if min(self.batch, self.m, self.n, self.k) < 1:
            raise ValueError(f"every side of a tile must be >= 1, got {self}")

    @property
    def points(self) -> int:
        """Points of the iteration space."""
        return self.batch * self.m * self.n * self.k

    def extent(self, axis: Axis) -> int:
        """Length along one axis."""
        sides: dict[Axis, int] = {"batch": self.batch, "m": self.m, "n": self.n, "k": self.k}
        return sides[axis]


@dataclass(frozen=True, slots=True)
class Access:
    """What a tile touches of one tensor: ``grain`` elements per point of ``axes``."""

    tensor: TensorSpec
    axes: frozenset[Axis]
    grain: int = 1

    def elements(self, tile: Tile) -> int:
        """Elements of the tensor that the tile touches."""
        count = self.grain
        for axis in AXES:
            if axis in self.axes:
                count *= tile.extent(axis)
        return count

    def size_bits(self, tile: Tile) -> int:
        """The same in bits."""
        return self.elements(tile) * self.tensor.format.bits
