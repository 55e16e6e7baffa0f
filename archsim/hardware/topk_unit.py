"""A unit that selects the largest of many numbers: comparators in heaps that are pipelined."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.ir.tile import Access, Tile


@COMPONENTS.register("topk_unit")
@dataclass(frozen=True, kw_only=True)
class TopKUnitSpec(ComputeSpec):
    """``lanes`` heaps of ``levels`` levels side by side, and a tree of comparators over them.

    Each heap has a comparator for every level, through which candidates pass one behind the
    other, and holds the ``2**levels - 1`` largest of its lane's. The tree takes the largest of
    all heaps' roots, one after the other: the survivors come out in order. A selection of more
    than a heap holds lets all candidates pass once more for each further filling.

    Source: Bhagwan and Lin, "Fast and scalable priority queue architecture for high-speed
    network switches" (INFOCOM 2000), for the heap.
    """

    kind: ClassVar[str] = "topk_unit"

    runs: tuple[Literal["reduction"], ...] = ("reduction",)
    """Kinds of operation the unit can take: selections, and the largest of many."""
    lanes: int
    """Candidates taken side by side."""
    levels: int
    """Levels of a heap."""
    interval: int = 1
    """Cycles between two candidates of a lane, and between two survivors."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(lanes=self.lanes, levels=self.levels, interval=self.interval)

    @property
    def partitions(self) -> int:
        return self.lanes

    @property
    def places(self) -> int:
        """Survivors that a heap holds."""
        return _places(self.levels)

    def lacks(self, functions: Mapping[str, int]) -> str:
        """Return the first function that is not one comparison: it does nothing else."""
        return next((name for name in functions if functions != {"maximum": 1}), "")

    def _passes(self, levels: int) -> int:
        return ceil_div(_places(levels), self.places)

    def once_cycles(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """The way through heap and tree, and the survivors' way out, for each selection.

        ``passes (levels + ceil(log2 lanes)) + (2**n - 1) interval``: n levels hold the survivors
        asked for, and as many come out as these can hold.
        """
        depth = self.levels + (self.lanes - 1).bit_length()
        selections = space.batch * space.m
        return {
            "fill": selections * self._passes(space.n) * depth,
            "drain": selections * _places(space.n) * self.interval,
        }

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """``passes ceil(candidates / lanes) interval`` for each selection."""
        rounds = ceil_div(tile.k, self.lanes) * self._passes(tile.n)
        return {"stream": tile.batch * tile.m * rounds * self.interval}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Candidates are fetched once in each pass; survivors stay in the heaps until the end."""
        passes = self._passes(tile.n)
        fetched = (access.elements(tile) * passes for access in reads)
        return (*fetched, *(access.elements(tile) for access in writes))


def _places(levels: int) -> int:
    return (1 << levels) - 1
