"""A systolic array of multiply-accumulate units: time and accesses of a matrix product.

A product is cut into folds that fill the array: blocks of outputs (output-stationary), of
weights or of inputs (stationary in the units while the other operand streams past). A fold
has a load of the stationary operand, a fill while the first operands reach the far corner, a
stream of one step a cycle, and a drain of the last results. What is hidden behind what
differs between machines, and between simulators by a factor of 1.7 on the same array, so
it is a property of the hardware here (``overlap``, ``edges``).

Sources: Samajdar et al., "A systematic methodology for characterizing scalability of DNN
accelerators using SCALE-Sim", ISPASS 2020; without overlap and with full-size edges the
cycle counts are those of SCALE-Sim 3.0.0 plus one, since it reports the index of the last
cycle. With true-size edges and 5 cycles of overhead per fold they are those of STONNE's
output-stationary mesh (Muñoz-Martínez et al., IISWC 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.hardware.matrix_product import (
    Dataflow,
    DataflowChoice,
    GemmAccesses,
    Overlap,
    best_rate,
    check_rates,
    check_words,
    rates,
)
from archsim.ir.tile import Access, Tile

Edges = Literal["full_size", "true_size"]
WORDS: Mapping[str, tuple[str, ...]] = {
    "dataflow": get_args(DataflowChoice),
    "overlap": get_args(Overlap),
    "edges": get_args(Edges),
}
"""What the fields that are words may say."""


@dataclass(frozen=True, slots=True)
class _Folds:
    """A product as an array sees it: blocks down and across, and the steps of a fold."""

    down: tuple[int, int, int]
    """Blocks of full height, height of the block at the edge (0: none), full height."""
    across: tuple[int, int, int]
    steps: int
    loads: bool
    """Whether an operand is loaded before the others stream."""

    @property
    def count(self) -> int:
        """Folds in all."""
        return _blocks(self.down) * _blocks(self.across)


@COMPONENTS.register("processing_array")
@dataclass(frozen=True)
class ProcessingArraySpec(ComputeSpec):
    """``rows`` x ``columns`` units, each ``lanes`` multiply-accumulates per cycle.

    Operands enter at two edges, each row (column) a cycle after the one before, and move one
    unit a cycle. With m x k inputs and k x n weights, a fold of r x c units takes

    * output-stationary: a stream of ``k`` cycles into the corner and a fill of ``r + c - 2``
      until it has reached the far corner. Finished sums move to registers of their own and
      leave by them while the next fold runs; those of the last fold leave with the output;
    * weight-stationary: a load of ``r``, one row a cycle, a stream of ``m``, a fill of ``r - 1``
      until a sum has come down, a drain of ``c - 1`` until the last column's has; sums are
      added to earlier folds' below the array. Input-stationary: the same with a stream of ``n``.
    """

    kind = "processing_array"

    runs: tuple[Literal["contraction"], ...] = field(default=("contraction",), kw_only=True)
    number_formats: tuple[NumberFormat, ...] = field(default=(), kw_only=True)
    rows: int
    """Rows of units."""
    columns: int
    """Columns of units."""
    dataflow: DataflowChoice = "output_stationary"
    """The operand that stays in the units; ``per_operation`` takes the fastest for each product,
    of equally fast ones the first that ``dataflows`` names."""
    dataflows: tuple[Dataflow, ...] = field(default=get_args(Dataflow), kw_only=True)
    """Those that ``per_operation`` chooses among."""
    overlap: Overlap = "none"
    """What is hidden. ``none``: nothing; a fold begins when the one before has ended.
    ``stationary_load``: units have a second register, into which the next fold's stationary
    operand is loaded while this fold runs; the first load is paid, and of others what is
    longer than the fold before. ``full``: the first operands of a fold enter right behind
    the last of the one before, and each unit changes over when they reach it. Loads and
    finished sums are assumed to find ports wide enough, even where a fold streams for fewer
    cycles than the array has rows. Of the whole array's fill and drain,
    ``rows + columns - 2`` cycles, one stands at a product's end; folds stream one after
    the other, and a tile begins behind the one before."""
    edges: Edges = field(default="full_size", kw_only=True)
    """Whether a fold at the edge of a product loads, fills and drains the whole array, or only
    the units that it uses; nothing that ``full`` overlap leaves to be paid."""
    fold_overhead_cycles: int = field(default=0, kw_only=True)
    """Cycles of every fold for registers on the way, before and behind the array; with
    ``full`` overlap they are paid once."""
    lanes: dict[str, int] = field(default_factory=dict, kw_only=True)
    """Multiply-accumulates of a unit in a cycle, along k, by number format; 1 if not named."""
    cycles_per_mac: dict[str, int] = field(default_factory=dict, kw_only=True)
    """Cycles from one step of a unit to its next, by number format; 1 if not named. Operands
    still move one unit a cycle."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(rows=self.rows, columns=self.columns)
        check_words(self, WORDS)
        if not self.dataflows or len(set(self.dataflows)) < len(self.dataflows):
            named = ", ".join(self.dataflows) or "none"
            raise ValueError(f"dataflows: must name one or more, each once, got {named}")
        if self.fold_overhead_cycles < 0:
            raise ValueError(f"fold_overhead_cycles: must be >= 0, got {self.fold_overhead_cycles}")
        check_rates(self.number_formats, lanes=self.lanes, cycles_per_mac=self.cycles_per_mac)

    @property
    def partitions(self) -> int:
        return max(self.rows, self.columns)

    @property
    def peak_macs_per_cycle(self) -> int:
        units = self.rows * self.columns
        return best_rate(units, self.number_formats, self.lanes, self.cycles_per_mac)

    def peak_macs(self, number_format: NumberFormat) -> int:
        units = self.rows * self.columns
        return best_rate(units, (number_format,), self.lanes, self.cycles_per_mac)

    @property
    def latency_cycles(self) -> int:
        return self._array_latency if self.overlap == "full" else 0

    @property
    def _array_latency(self) -> int:
        """Cycles from a corner of the array to the other, and through registers around it."""
        return self.rows + self.columns - 2 + self.fold_overhead_cycles

    @property
    def conventions(self) -> str:
        words = f"{self.dataflow}, overlap {self.overlap}, {self.edges} edges"
        if self.dataflow == "per_operation":
            words = f"{words}, choosing among {', '.join(self.dataflows)}"
        if self.fold_overhead_cycles:
            words += f", {self.fold_overhead_cycles} cycles of overhead per fold"
        return words

    def dataflow_for(
        self, m: int, n: int, k: int, number_format: NumberFormat | None = None
    ) -> Dataflow:
        """Return the dataflow in which a product runs."""
        if self.dataflow != "per_operation":
            return self.dataflow
        return min(
            self.dataflows,
            key=lambda flow: sum(self._parts(flow, m, n, k, number_format).values()),
        )

    def folds(self, m: int, n: int, k: int, number_format: NumberFormat | None = None) -> int:
        """Times that the array is filled for an m x k by k x n product."""
        flow = self.dataflow_for(m, n, k, number_format)
        return self._cut(flow, m, n, k, number_format).count

    def gemm_cycles(self, m: int, n: int, k: int, number_format: NumberFormat | None = None) -> int:
        """Cycles of an m x k by k x n product, from its first operand to its last result."""
        flow = self.dataflow_for(m, n, k, number_format)
        return sum(self._parts(flow, m, n, k, number_format).values()) + self.latency_cycles

    def gemm_parts(
        self, m: int, n: int, k: int, number_format: NumberFormat | None = None
    ) -> dict[str, int]:
        """The same by what the array does: load, fill, stream, drain, overhead.

        With full overlap, ``fill`` is all that is paid besides the stream.
        """
        flow = self.dataflow_for(m, n, k, number_format)
        parts = self._parts(flow, m, n, k, number_format)
        if self.overlap == "full":
            parts["fill"] = self.latency_cycles
        return parts

    def gemm_accesses(
        self, m: int, n: int, k: int, number_format: NumberFormat | None = None
    ) -> GemmAccesses:
        """Elements moved between the array and its memory for an m x k by k x n product.

        A streaming operand is fetched once for every block of the others; partial sums of
        several blocks along k are stored and fetched back, except output-stationary.
        """
        flow = self.dataflow_for(m, n, k, number_format)
        folds = self._cut(flow, m, n, k, number_format)
        down, across = _blocks(folds.down), _blocks(folds.across)
        partial = m * n * (down - 1)
        match flow:
            case "output_stationary":
                return GemmAccesses(m * k * across, n * k * down, m * n)
            case "weight_stationary":
                return GemmAccesses(m * k * across, k * n, m * n * down, partial)
            case "input_stationary":
                return GemmAccesses(m * k, k * n * across, m * n * down, partial)

    def _cut(
        self, flow: Dataflow, m: int, n: int, k: int, number_format: NumberFormat | None
    ) -> _Folds:
        lanes, pace = rates(number_format, self.lanes, self.cycles_per_mac)
        deep = ceil_div(k, lanes)
        down, across, steps = {
            "output_stationary": (m, n, deep),
            "weight_stationary": (deep, n, m),
            "input_stationary": (deep, m, n),
        }[flow]
        return _Folds(
            _cut(down, self.rows),
            _cut(across, self.columns),
            steps * pace,
            flow != "output_stationary",
        )

    def _parts(
        self, flow: Dataflow, m: int, n: int, k: int, number_format: NumberFormat | None
    ) -> dict[str, int]:
        """Cycles of a product by part; with full overlap, but for the one fill and drain."""
        folds = self._cut(flow, m, n, k, number_format)
        stream = folds.count * folds.steps
        if self.overlap == "full":
            return {"stream": stream}
        heights, widths = self._sizes(folds.down), self._sizes(folds.across)
        rows = sum(height * times for height, times in heights) * _blocks(folds.across)
        columns = sum(width * times for width, times in widths) * _blocks(folds.down)
        overhead = folds.count * self.fold_overhead_cycles
        parts = {"stream": stream, "overhead": overhead}
        if not folds.loads:
            return {"fill": rows + columns - 2 * folds.count, **parts}
        return {
            "load": rows if self.overlap == "none" else self._unhidden_loads(folds),
            "fill": rows - folds.count,
            **parts,
            "drain": columns - folds.count,
        }

    def _sizes(self, cut: tuple[int, int, int]) -> list[tuple[int, int]]:
        """Sizes of blocks as the array takes them, and how many there are."""
        full, edge, size = cut
        if self.edges == "full_size":
            return [(size, _blocks(cut))]
        return [(length, times) for length, times in ((size, full), (edge, bool(edge))) if times]

    def _unhidden_loads(self, folds: _Folds) -> int:
        """Loads that no fold hides: the first, and what is longer than the fold before.

        Folds go down first. A fold of r x c units takes at least r cycles, and so hides the
        load of r rows or fewer; only the edge fold at the foot of some columns may be too short
        for the load of the next columns' first.
        """
        heights, widths = self._sizes(folds.down), self._sizes(folds.across)
        first, last = heights[0][0], heights[-1][0]
        exposed = first
        for number, (width, times) in enumerate(widths):
            hidden = folds.steps + last + width - 2 + self.fold_overhead_cycles
            is_last = number == len(widths) - 1
            exposed += (times - is_last) * max(0, first - hidden)
        return exposed

    def lacks(self, functions: Mapping[str, int]) -> str:
        return next((name for name in functions if name != "mac"), "")

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """The batch's products one after the other."""
        flow = self.dataflow_for(tile.m, tile.n, tile.k, number_format)
        parts = self._parts(flow, tile.m, tile.n, tile.k, number_format)
        return {part: tile.batch * cycles for part, cycles in parts.items() if cycles}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Partial sums that are fetched back count as accesses of the output."""
        number_format = reads[0].tensor.format if reads else None
        one = self.gemm_accesses(tile.m, tile.n, tile.k, number_format)
        outputs = one.outputs + one.output_reads
        return (tile.batch * one.inputs, tile.batch * one.weights, tile.batch * outputs)


def _cut(extent: int, size: int) -> tuple[int, int, int]:
    full, edge = divmod(extent, size)
    return full, edge, size


def _blocks(cut: tuple[int, int, int]) -> int:
    return cut[0] + bool(cut[1])
