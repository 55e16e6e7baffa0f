"""A systolic array of multiply-accumulate units: time and accesses of a matrix product.

Sources: Samajdar et al., "A systematic methodology for characterizing scalability of DNN
accelerators using SCALE-Sim", ISPASS 2020. The cycle counts are those of SCALE-Sim 3.0.0
plus one: it reports the index of the last cycle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.ir.tile import Access, Tile

Dataflow = Literal["weight_stationary", "output_stationary", "input_stationary"]


@dataclass(frozen=True, slots=True)
class GemmAccesses:
    """Elements fetched of the m x k input and the k x n weights, and stored of the m x n output."""

    inputs: int
    weights: int
    outputs: int


@COMPONENTS.register("processing_array")
@dataclass(frozen=True, kw_only=True)
class ProcessingArraySpec(ComputeSpec):
    """``rows`` x ``columns`` units, each one multiply-accumulate per cycle.

    A product is folded over the array; fill, drain and the load of the stationary operand
    of each fold are not hidden behind another fold's work.
    """

    kind: ClassVar[str] = "processing_array"

    runs: tuple[Literal["contraction"], ...] = ("contraction",)
    number_formats: tuple[NumberFormat, ...] = ()
    rows: int
    """Rows of units."""
    columns: int
    """Columns of units."""
    dataflow: Dataflow = "output_stationary"
    """The operand that stays in the units."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(rows=self.rows, columns=self.columns)

    @property
    def partitions(self) -> int:
        return max(self.rows, self.columns)

    @property
    def peak_macs_per_cycle(self) -> int:
        return self.rows * self.columns

    def folds(self, m: int, n: int, k: int) -> int:
        """Times that the array is filled for an m x k by k x n product."""
        down, across = {
            "output_stationary": (m, n),
            "weight_stationary": (k, n),
            "input_stationary": (k, m),
        }[self.dataflow]
        return ceil_div(down, self.rows) * ceil_div(across, self.columns)

    def gemm_cycles(self, m: int, n: int, k: int) -> int:
        """Cycles of an m x k by k x n product.

        Each fold takes ``k + rows + columns - 2`` output-stationary and ``2 rows +
        columns + m - 2`` weight-stationary (n for m input-stationary), of which the first
        ``rows`` load the stationary operand.
        """
        skew = self.rows + self.columns - 2
        fold = {
            "output_stationary": k + skew,
            "weight_stationary": self.rows + m + skew,
            "input_stationary": self.rows + n + skew,
        }[self.dataflow]
        return self.folds(m, n, k) * fold

    def gemm_accesses(self, m: int, n: int, k: int) -> GemmAccesses:
        """Elements moved between the array and its memory for an m x k by k x n product."""
        rows, columns = self.rows, self.columns
        match self.dataflow:
            case "output_stationary":
                return GemmAccesses(m * k * ceil_div(n, columns), n * k * ceil_div(m, rows), m * n)
            case "weight_stationary":
                return GemmAccesses(m * k * ceil_div(n, columns), k * n, m * n * ceil_div(k, rows))
            case "input_stationary":
                return GemmAccesses(m * k, k * n * ceil_div(m, columns), m * n * ceil_div(k, rows))

    def lacks(self, functions: Mapping[str, int]) -> str:
        return next((name for name in functions if name != "mac"), "")

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """The batch's products one after the other."""
        return {"stream": tile.batch * self.gemm_cycles(tile.m, tile.n, tile.k)}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        one = self.gemm_accesses(tile.m, tile.n, tile.k)
        return (tile.batch * one.inputs, tile.batch * one.weights, tile.batch * one.outputs)
