"""A pipelined kernel: an FPGA stage of parallel multiply-accumulators fed from banked arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.ir.tile import AXES, Access, Axis, Tile


@COMPONENTS.register("pipelined_kernel")
@dataclass(frozen=True, kw_only=True)
class PipelinedKernelSpec(ComputeSpec):
    """``parallel_macs`` multipliers, unrolled along one axis of the iteration space.

    One axis is unrolled by the kernel's width, the others are loops of one iteration per
    initiation interval; the kernel takes the axis that needs fewest iterations. The
    arrays of a kernel are partitioned over ``banks`` of ``ports`` each: fewer words a
    cycle than multipliers stretch the interval.
    """

    kind: ClassVar[str] = "pipelined_kernel"

    parallel_macs: int
    """Multiply-accumulators working side by side."""
    depth: int
    """Cycles from an iteration's start to its result."""
    initiation_interval: int = 1
    """Cycles between two iterations, where memory keeps up."""
    banks: int
    """Banks that each array of the kernel is partitioned over."""
    ports: int = 1
    """Ports of a bank that the kernel reads an operand through."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(
            parallel_macs=self.parallel_macs,
            depth=self.depth,
            initiation_interval=self.initiation_interval,
            banks=self.banks,
            ports=self.ports,
        )

    @property
    def partitions(self) -> int:
        return self.banks

    @property
    def peak_macs_per_cycle(self) -> int:
        return self.parallel_macs

    @property
    def interval(self) -> int:
        """Cycles between two iterations: the pipeline's own, or what the banks allow."""
        return max(self.initiation_interval, ceil_div(self.parallel_macs, self.banks * self.ports))

    def unrolled_axis(self, tile: Tile) -> Axis:
        """The axis whose unrolling leaves fewest iterations; the first of equals."""
        return min(AXES, key=lambda axis: self._iterations(tile, axis))

    def _iterations(self, tile: Tile, axis: Axis) -> int:
        extent = tile.extent(axis)
        return tile.points // extent * ceil_div(extent, self.parallel_macs)

    def iterations(self, tile: Tile) -> int:
        """Iterations of the pipelined loop for a tile."""
        return self._iterations(tile, self.unrolled_axis(tile))

    def lacks(self, functions: Mapping[str, int]) -> str:
        return next((name for name in functions if name != "mac"), "")

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """Fill once, then one iteration per interval: ``depth + (iterations - 1) interval``."""
        return {"fill": self.depth, "stream": (self.iterations(tile) - 1) * self.interval}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Operands that lack the unrolled axis are fetched once for all multipliers.

        Sums run in the innermost loop, so that each output is stored once per tile.
        """
        axis = self.unrolled_axis(tile)
        iterations = self.iterations(tile)
        fetched = (tile.points if axis in access.axes else iterations for access in reads)
        return (*fetched, *(access.elements(tile) for access in writes))
