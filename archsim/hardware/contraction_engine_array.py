"""An array of contraction engines: how a product is spread over them is chosen for each one.

A systolic array has one shape; here each product gets its own, the best that the engines'
networks allow (:mod:`archsim.hardware.spatial_factorisation`). What the networks allow is what
tells the machines of this family apart, so it is fields:

* FETTA: engines that butterflies feed and whose sums butterflies add, in groups of powers of
  two. Source: Lu et al., "FETTA: flexible and efficient hardware accelerator for tensorized
  neural network training", arXiv 2504.06474.
* SIGMA: engines of flexible dot products. A Benes network brings an operand to all elements of
  an engine at once, and a forwarding adder network sums groups of any size side by side. Source:
  Qin et al., "SIGMA: a sparse and irregular GEMM accelerator with flexible interconnects for
  DNN training", HPCA 2020; its dot products may lie across engines, which is not modelled.
* MAERI: one engine; a distribution tree feeds it, an augmented reduction tree sums groups of
  any size. Source: Kwon et al., "MAERI: enabling flexible dataflow mapping over DNN
  accelerators via reconfigurable interconnects", ASPLOS 2018.
* ETTE: a tensor-train engine, each of whose engines takes columns and whose elements take rows
  of one core after the other, nothing summed in space (assumed: as its forerunner TIE, Deng et
  al., ISCA 2019, recalled). Source: Gong et al., "ETTE: efficient tensor-train-based computing
  engine for deep neural networks", ISCA 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from archsim.errors import did_you_mean
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
from archsim.hardware.spatial_factorisation import (
    INNERMOST,
    Factorisation,
    Grid,
    Groups,
    Loops,
    Pace,
    best_factorisation,
    levels,
)
from archsim.ir.tile import AXES, Access, Axis, Tile

WORDS: Mapping[str, tuple[str, ...]] = {
    "dataflow": get_args(DataflowChoice),
    "overlap": get_args(Overlap),
    "groups": get_args(Groups),
}
"""What the fields that are words may say."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a product runs: its dataflow, what is spread, and the loops that are left."""

    flow: Dataflow
    spread: Factorisation
    steps: Tile

    @property
    def fold_steps(self) -> int:
        """Steps of the innermost loop."""
        return self.steps.extent(INNERMOST[self.flow])

    @property
    def folds(self) -> int:
        """Times that the innermost loop runs."""
        return self.steps.points // self.fold_steps


@COMPONENTS.register("contraction_engine_array")
@dataclass(frozen=True)
class ContractionEngineArraySpec(ComputeSpec):
    """``engines`` x ``pes`` elements, each ``lanes`` multiply-accumulates per cycle.

    In a step, the array takes a box of the iteration space: every element multiplies an input
    and a weight, the elements of an engine that are spread along k add their products in a
    tree, and the sums of engines that are spread along k are added on the way out. All
    elements that need the same number are given it by one read of the buffer. A product is
    cut into folds, runs of the innermost loop:

    * output-stationary: along k. The sums are kept where the trees end;
    * weight-stationary: along m. The weights are loaded into registers of the elements before,
      all in a cycle; the sums of several steps along k are stored and fetched back.
      Input-stationary: the same along n, with the inputs.

    A fold has a load of a cycle, a stream of its steps, and a reduction: a cycle for each level
    of the tree. What the networks between memory and engines take is not in it: they are
    channels, on a route to the array.
    """

    kind = "contraction_engine_array"

    runs: tuple[Literal["contraction"], ...] = field(default=("contraction",), kw_only=True)
    number_formats: tuple[NumberFormat, ...] = field(default=(), kw_only=True)
    engines: int
    """Engines of the array; each is a port of the networks around it."""
    pes: int
    """Processing elements of an engine."""
    engine_axes: tuple[Axis, ...] = field(default=AXES, kw_only=True)
    """Axes that may be spread over engines, of ``batch``, ``m``, ``n`` and ``k``. ``k`` needs a
    network that adds the sums of several engines, on the way that results take."""
    pe_axes: tuple[Axis, ...] = field(default=AXES, kw_only=True)
    """Axes that may be spread over the elements of an engine; ``k`` needs a tree of adders."""
    groups: Groups = field(default="any", kw_only=True)
    """Numbers of engines, and of elements, that may work side by side along an axis: what
    networks can multicast to and sum."""
    dataflow: DataflowChoice = field(default="per_operation", kw_only=True)
    """The operand that stays in the elements; ``per_operation`` takes the fastest for each
    product, of equally fast ones the one that moves fewest numbers."""
    overlap: Overlap = field(default="none", kw_only=True)
    """What is hidden. ``none``: nothing; a fold begins when the one before has ended.
    ``stationary_load``: elements have a second register, into which the next fold's stationary
    operand is loaded while this fold runs; the first load is paid. ``full``: a fold streams
    right behind the one before, and a tile behind the one before, during which its first load
    is done; at a product's end stand all levels of an engine's tree."""
    fold_overhead_cycles: int = field(default=0, kw_only=True)
    """Cycles of every fold for registers on the way, before and behind the elements; with
    ``full`` overlap they are paid once."""
    lanes: dict[str, int] = field(default_factory=dict, kw_only=True)
    """Multiply-accumulates of an element in a cycle, along k, by number format; 1 if not named."""
    cycles_per_mac: dict[str, int] = field(default_factory=dict, kw_only=True)
    """Cycles from one step of an element to its next, by number format; 1 if not named."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(engines=self.engines, pes=self.pes)
        _check_axes("engine_axes", self.engine_axes, self.engines)
        _check_axes("pe_axes", self.pe_axes, self.pes)
        check_words(self, WORDS)
        if self.fold_overhead_cycles < 0:
            raise ValueError(f"fold_overhead_cycles: must be >= 0, got {self.fold_overhead_cycles}")
        check_rates(self.number_formats, lanes=self.lanes, cycles_per_mac=self.cycles_per_mac)

    @property
    def partitions(self) -> int:
        return self.engines * self.pes

    @property
    def peak_macs_per_cycle(self) -> int:
        units = self.engines * self.pes
        return best_rate(units, self.number_formats, self.lanes, self.cycles_per_mac)

    def peak_macs(self, number_format: NumberFormat) -> int:
        units = self.engines * self.pes
        return best_rate(units, (number_format,), self.lanes, self.cycles_per_mac)

    @property
    def latency_cycles(self) -> int:
        if self.overlap != "full":
            return 0
        tree = levels(self.pes) if "k" in self.pe_axes else 0
        return tree + self.fold_overhead_cycles

    @property
    def conventions(self) -> str:
        grouped = {"any": "groups of any size", "powers_of_two": "groups of powers of two"}
        words = (
            f"{self.dataflow}, overlap {self.overlap}, {grouped[self.groups]}, "
            f"engines along {' '.join(self.engine_axes)}, elements along {' '.join(self.pe_axes)}"
        )
        if self.fold_overhead_cycles:
            words += f", {self.fold_overhead_cycles} cycles of overhead per fold"
        return words

    @property
    def grid(self) -> Grid:
        """What a factorisation is chosen for."""
        return Grid(self.engines, self.pes, self.engine_axes, self.pe_axes, self.groups)

    @cached_property
    def _plans(self) -> dict[tuple[Tile, int, int], _Plan]:
        """How products run that were asked for before: a search takes milliseconds."""
        return {}

    def loops(self, tile: Tile, flow: Dataflow, number_format: NumberFormat | None = None) -> Loops:
        """Return what a factorisation is chosen by: a product's loops in one dataflow."""
        lanes, step = rates(number_format, self.lanes, self.cycles_per_mac)
        is_hidden = self.overlap == "full"
        pays_load = flow != "output_stationary" and self.overlap == "none"
        return Loops(
            sides=Tile(tile.batch, tile.m, tile.n, ceil_div(tile.k, lanes)),
            words={
                "n": tile.batch * tile.m * tile.k,
                "m": tile.batch * tile.k * tile.n,
                "k": tile.batch * tile.m * tile.n,
            },
            flow=flow,
            pace=Pace(
                step=step,
                fold=0 if is_hidden else pays_load + self.fold_overhead_cycles,
                level=0 if is_hidden else 1,
            ),
        )

    def _plan(self, tile: Tile, number_format: NumberFormat | None) -> _Plan:
        key = (tile, *rates(number_format, self.lanes, self.cycles_per_mac))
        if key not in self._plans:
            self._plans[key] = self._find_plan(tile, number_format)
        return self._plans[key]

    def _find_plan(self, tile: Tile, number_format: NumberFormat | None) -> _Plan:
        flows: tuple[Dataflow, ...] = get_args(Dataflow)
        if self.dataflow != "per_operation":
            flows = (self.dataflow,)
        each = [self.loops(tile, flow, number_format) for flow in flows]
        found = [(loops, best_factorisation(self.grid, loops)) for loops in each]

        def cost(entry: tuple[Loops, Factorisation]) -> tuple[int, int, int]:
            loops, spread = entry
            cycles, _, delivered = loops.cost(spread)
            first_load = self.overlap == "stationary_load" and loops.flow != "output_stationary"
            plan = _Plan(loops.flow, spread, spread.steps(loops.sides))
            return cycles + first_load, sum(_moved(plan, tile)), delivered

        loops, spread = min(found, key=cost)
        return _Plan(loops.flow, spread, spread.steps(loops.sides))

    def factorisation(
        self,
        m: int,
        n: int,
        k: int,
        number_format: NumberFormat | None = None,
        *,
        batch: int = 1,
    ) -> Factorisation:
        """Return how engines and their elements are spread over a product."""
        return self._plan(Tile(batch, m, n, k), number_format).spread

    def dataflow_for(
        self,
        m: int,
        n: int,
        k: int,
        number_format: NumberFormat | None = None,
        *,
        batch: int = 1,
    ) -> Dataflow:
        """Return the dataflow in which a product runs."""
        return self._plan(Tile(batch, m, n, k), number_format).flow

    def gemm_cycles(
        self,
        m: int,
        n: int,
        k: int,
        number_format: NumberFormat | None = None,
        *,
        batch: int = 1,
    ) -> int:
        """Cycles of ``batch`` products, from the first operand to the last result."""
        parts = self._parts(Tile(batch, m, n, k), number_format)
        return sum(parts.values()) + self.latency_cycles

    def gemm_parts(
        self,
        m: int,
        n: int,
        k: int,
        number_format: NumberFormat | None = None,
        *,
        batch: int = 1,
    ) -> dict[str, int]:
        """The same by what the array does: load, stream, reduction, overhead.

        With full overlap, ``reduction`` is all that is paid besides the stream.
        """
        parts = self._parts(Tile(batch, m, n, k), number_format)
        if self.overlap == "full":
            parts["reduction"] = self.latency_cycles
        return parts

    def gemm_accesses(
        self,
        m: int,
        n: int,
        k: int,
        number_format: NumberFormat | None = None,
        *,
        batch: int = 1,
    ) -> GemmAccesses:
        """Elements moved between the array and its buffer for ``batch`` products.

        One read serves all elements that share a number. An operand is fetched again for every
        step along the axis that it lacks, unless it stays in the elements for that loop.
        """
        tile = Tile(batch, m, n, k)
        return GemmAccesses(*_moved(self._plan(tile, number_format), tile))

    def _parts(self, tile: Tile, number_format: NumberFormat | None) -> dict[str, int]:
        """Cycles of a product by part; with full overlap, without what is paid at its end."""
        plan = self._plan(tile, number_format)
        _, pace = rates(number_format, self.lanes, self.cycles_per_mac)
        parts = {"stream": plan.folds * plan.fold_steps * pace}
        if self.overlap == "full":
            return parts
        loads = plan.folds if self.overlap == "none" else 1
        return {
            "load": loads if plan.flow != "output_stationary" else 0,
            **parts,
            "reduction": plan.folds * levels(plan.spread.pes.k),
            "overhead": plan.folds * self.fold_overhead_cycles,
        }

    def lacks(self, functions: Mapping[str, int]) -> str:
        return next((name for name in functions if name != "mac"), "")

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        parts = self._parts(tile, number_format)
        return {part: cycles for part, cycles in parts.items() if cycles}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Partial sums that are fetched back count as accesses of the output."""
        number_format = reads[0].tensor.format if reads else None
        inputs, weights, outputs, output_reads = _moved(self._plan(tile, number_format), tile)
        return inputs, weights, outputs + output_reads

    def operand_copies(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Engines that share a number, and engines whose sums make a result, in a full step."""
        number_format = reads[0].tensor.format if reads else None
        plan = self._plan(tile, number_format)
        sides = self.loops(tile, plan.flow, number_format).sides
        lacking: tuple[Axis, ...] = ("n", "m", "k")
        return tuple(plan.spread.engines_at_work(sides, axis) for axis in lacking)


def _check_axes(name: str, axes: tuple[Axis, ...], parts: int) -> None:
    """Check the axes that engines or elements may be spread along.

    Raises:
        ValueError: for what is no axis, is named twice, or leaves parts idle for ever.
    """
    for axis in axes:
        if axis not in AXES:
            raise ValueError(f"{name}: no axis {axis!r}; {did_you_mean(str(axis), AXES)}")
        if axes.count(axis) > 1:
            raise ValueError(f"{name}: {axis!r} is named {axes.count(axis)} times")
    if parts > 1 and not axes:
        raise ValueError(f"{name}: must name an axis, or all but one of {parts:,} stay idle")


def _moved(plan: _Plan, tile: Tile) -> tuple[int, int, int, int]:
    """Elements of inputs and weights fetched, of outputs stored and fetched back."""
    again = {axis: 1 if axis == INNERMOST[plan.flow] else plan.steps.extent(axis) for axis in AXES}
    outputs = tile.batch * tile.m * tile.n
    return (
        tile.batch * tile.m * tile.k * again["n"],
        tile.batch * tile.k * tile.n * again["m"],
        outputs * again["k"],
        outputs * (again["k"] - 1),
    )
