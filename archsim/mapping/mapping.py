"""A mapping: how one operation is cut into tiles on one unit, and the stream that makes.

The loops run over tiles in the order of ``loops``, the last one fastest. An operand is
fetched again when a loop moves that it depends on, and stays in the unit's buffer
otherwise; results leave when the sum along k is complete.
"""

from dataclasses import dataclass

from archsim.errors import MappingError
from archsim.hardware.component import ceil_div
from archsim.ir.tile import AXES, Axis, Tile
from archsim.mapping.stream import Repeat, TileClass, TileStream
from archsim.mapping.tile_class import TileClasses
from archsim.mapping.work import Work


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Tile sizes and loop order of one operation on one unit."""

    tile: Tile
    """The size of a tile; those at the edges are as small as what is left."""
    loops: tuple[Axis, ...] = AXES
    """Loops over tiles, outermost first; k is always innermost."""

    def __post_init__(self) -> None:
        if sorted(self.loops) != sorted(AXES) or self.loops[-1] != "k":
            raise ValueError(f"loops: must be {', '.join(AXES)}, k last, got {self.loops}")

    def stream(self, work: Work, classes: TileClasses | None = None) -> TileStream:
        """Return the tiles of ``work`` in order, with their time at each stage.

        Whoever compares many tilings of one piece of work passes the ``classes`` of its tiles.

        Raises:
            MappingError: if the tiles do not fit the unit's buffer.
        """
        needed, capacity = work.buffer_bits(self.tile), 8 * work.spec.buffer
        if needed > capacity:
            raise MappingError(
                f"operation {work.operation.name!r}: tiles of {self.tile} need "
                f"{ceil_div(needed, 8):,} B of buffer, {work.unit!r} has {work.spec.buffer:,} B; "
                f"raise architecture.components.{work.unit}.buffer"
            )
        tiles = _Nest(self, classes or TileClasses(work)).level(0, {}, None, True)
        return TileStream(work.stages, tuple(tiles))


class _Nest:
    """Unrolls the loops into nested repetition, one loop level after the other."""

    def __init__(self, mapping: Mapping, classes: TileClasses) -> None:
        self.mapping = mapping
        self.work = classes.work
        self.classes = classes

    def level(
        self, depth: int, sizes: dict[Axis, int], moved: frozenset[Axis] | None, complete: bool
    ) -> list[TileClass | Repeat]:
        """Tiles of the loops from ``depth`` inwards.

        ``moved`` holds the axes that have advanced since the last tile, None before the
        first one; ``complete`` says whether the sum along k ends here.
        """
        if depth == len(self.mapping.loops):
            return [self._tile_class(Tile(**sizes), moved, complete)]
        axis = self.mapping.loops[depth]
        extent = self.work.space.extent(axis)
        size = min(self.mapping.tile.extent(axis), extent)
        trips = ceil_div(extent, size)
        if trips == 1:
            return self.level(depth + 1, {**sizes, axis: extent}, moved, complete)
        edge = extent - (trips - 1) * size

        def inner(
            length: int, now_moved: frozenset[Axis] | None, is_last: bool
        ) -> list[TileClass | Repeat]:
            ends = complete and (axis != "k" or is_last)
            return self.level(depth + 1, {**sizes, axis: length}, now_moved, ends)

        entered = None if moved is None else moved | {axis}
        step = frozenset({axis})
        middle = [Repeat(trips - 2, tuple(inner(size, step, False)))] if trips > 2 else []
        return [*inner(size, entered, False), *middle, *inner(edge, step, True)]

    def _tile_class(self, tile: Tile, moved: frozenset[Axis] | None, complete: bool) -> TileClass:
        loads = tuple(
            moved is None or not moved.isdisjoint(operand.access.axes)
            for operand in self.work.reads
        )
        return self.classes.of(tile, loads, complete=complete, is_first=moved is None)
