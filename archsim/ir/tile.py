"""A tile: a box of an operation's iteration space, and what it touches.

Every operation's space is folded onto four axes, so that a component needs to know
nothing of index names: ``batch`` (in every operand), ``m`` (in the first input and
the output), ``n`` (in the second input and the output), ``k`` (summed).
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, cast

from numpy.typing import NDArray

from archsim.ir.tensor import TensorSpec
from archsim.ir.window import Window

Axis = Literal["batch", "m", "n", "k"]
AXES: tuple[Axis, ...] = ("batch", "m", "n", "k")
Length_co = TypeVar("Length_co", int, NDArray[Any], covariant=True)


class Box(Protocol[Length_co]):
    """Anything with a length along each axis: a tile, or many at once with a number for each."""

    def extent(self, axis: Axis) -> Length_co:
        """Length along one axis."""


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
        length: int = getattr(self, axis)
        return length


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor lies, and the order in which an operation wants it."""

    shape: tuple[int, ...]
    """Extents as stored, row-major."""
    order: tuple[int, ...]
    """Positions in ``shape``, in the order in which they are wanted."""

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.shape))):
            raise ValueError(f"order: must permute the {len(self.shape)} extents, got {self.order}")


@dataclass(frozen=True, slots=True)
class Access:
    """What a tile touches of one tensor: ``grain`` elements per point of ``axes``.

    With a ``window`` it is what lies under the tile's windows, which may overlap.
    """

    tensor: TensorSpec
    axes: tuple[Axis, ...]
    """In the order in which the tensor lies, the slowest first; a grain lies together."""
    grain: int = 1
    is_scattered: bool = False
    """Whether points of the first axis lie anywhere, as rows that are looked up do."""
    layout: Layout | None = None
    """Where the operation wants the tensor in another order than it lies."""
    window: Window | None = None
    """Where batch and the last two axes are groups, windows and a window's numbers: how these
    lie in a map."""

    def elements(self, box: Box[Length_co]) -> Length_co:
        """Elements of the tensor that the box touches."""
        if self.window is not None:
            numbers = (box.extent(axis) for axis in ("batch", *self.axes[-2:]))
            return cast(Length_co, self.window.elements(*numbers))
        elements: Any = self.grain
        for axis in self.axes:
            elements = elements * box.extent(axis)
        return cast(Length_co, elements)

    def size_bits(self, box: Box[Length_co]) -> Length_co:
        """The same in bits."""
        return self.elements(box) * self.tensor.format.bits

    def runs(self, tile: Tile, space: Tile) -> tuple[int, int]:
        """Elements that lie together, and those between the starts of two such runs.

        All of the tile lies together along the fastest axes that it covers. The distance is 0
        where there is one run.
        """
        if self.window is not None:
            return self.window.run(tile.batch, *map(tile.extent, self.axes[-2:]))
        elements = run = stride = self.grain
        is_covered = True
        for axis in reversed(self.axes):
            length, whole = tile.extent(axis), space.extent(axis)
            elements *= length
            if is_covered:
                stride *= whole
                if not (self.is_scattered and axis == self.axes[0]):
                    run *= length
                is_covered = length == whole
        return run, 0 if is_covered or run == elements else stride
