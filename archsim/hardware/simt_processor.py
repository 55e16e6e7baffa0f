"""A SIMT processor, as GPUs are: kernels of thread blocks, handed out to streaming multiprocessors.

An operation is one kernel. Its blocks are equal, and go to the multiprocessors (SMs) in turn;
a SM holds a few at once, and takes the next ones when they are done: a wave. A matrix product
is cut into blocks of m x n outputs, of which there is a choice, and its sum into parts
(split-K), which a second kernel adds; the fastest kernel of all is taken for each operation.

The unit's ``buffer`` is the L2 cache: tiles that are fetched into it are what all SMs share.
Blocks follow one another from tile to tile, so what is lost to the last wave, to filling and
draining pipelines, and to the launch is paid once for an operation (``once_cycles``), and a
tile takes its share of the work (``cycles``). One tile, or the sum of all, is the closed form
of :meth:`SimtProcessorSpec.gemm_parts`, but for rounding: a cycle a tile.

Sources: NVIDIA, "Matrix Multiplication Background User's Guide" (DU-09799-001, 2023), for tile
and wave quantisation; Thakkar et al., CUTLASS (github.com/NVIDIA/cutlass), for the main loop
between prologue and epilogue, and split-K. A block's parts add up, and SMs run in step: that
blocks of one wave end at different times, clocks that fall under load, and caches that miss
what they should hold are not modelled.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, get_args

from archsim.errors import did_you_mean
from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.hardware.matrix_product import check_rates
from archsim.ir.expression import FUNCTIONS
from archsim.ir.tile import Access, Tile
from archsim.units import Bits

Launch = Literal["eager", "fused"]
ACCUMULATOR_BITS = 32
"""Partial sums of a product whose sum is split are stored at least so wide."""


@dataclass(frozen=True, kw_only=True)
class ThreadBlock:
    """What a block of threads computes of a product, and how many of them a SM holds."""

    m: int
    """Rows of outputs."""
    n: int
    """Columns of outputs."""
    k: int
    """Products of each output between two loads."""
    warp_m: int
    """Rows that a warp (or warp group) of the block computes."""
    warp_n: int
    """Columns that it computes; it reads its operands from shared memory."""
    per_sm: int = 1
    """Blocks that a SM holds at once: the prologue and epilogue of one are exposed."""

    def __post_init__(self) -> None:
        at_least_one(**vars(self))
        for side in ("m", "n"):
            whole, part = getattr(self, side), getattr(self, f"warp_{side}")
            if whole % part:
                raise ValueError(f"warp_{side}: must divide {side} ({whole}), got {part}")

    @property
    def shared_accesses(self) -> int:
        """Numbers written to shared memory and read from it for each step along k."""
        warps = (self.m // self.warp_m) * (self.n // self.warp_n)
        return self.m + self.n + warps * (self.warp_m + self.warp_n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """An operation as a SIMT processor runs it: equal blocks, and the cycles of one."""

    blocks: int
    main: int
    """Cycles of a block's main loop, with a SM to itself."""
    work: int
    """Cycles of all main loops on one SM, without what unequal parts of a sum lose."""
    fill: int
    drain: int = 0
    per_sm: int = 1
    reduce: int = 0
    """Cycles of the kernel that adds partial sums; none where the sum is not split."""
    shape: ThreadBlock | None = None
    on_tensor_cores: bool = False
    split: int = 1

    def parts(self, sms: int, launch: int) -> dict[str, int]:
        """Cycles of each part of its time: see :class:`SimtProcessorSpec`."""
        rounds = ceil_div(self.blocks, sms)
        waves = ceil_div(rounds, self.per_sm)
        stream = ceil_div(self.work, sms)
        return {
            "launch": launch * (2 if self.reduce else 1),
            "fill": waves * self.fill,
            "stream": stream,
            "idle": rounds * self.main - stream,
            "drain": waves * self.drain,
            "reduce": self.reduce,
        }


@COMPONENTS.register("simt_processor")
@dataclass(frozen=True, kw_only=True)
class SimtProcessorSpec(ComputeSpec):
    """``sms`` multiprocessors, each with tensor cores, CUDA cores and special-function units.

    A kernel of B blocks, ``per_sm`` of which a SM holds, takes

    ``launch + W (fill + drain) + R main`` with ``R = ceil(B / sms)``, ``W = ceil(R / per_sm)``.

    The blocks of a SM take turns on its cores, R main loops on the busiest; of the prologues
    (``fill``) and epilogues (``drain``) of those it holds at once, one each is not hidden behind
    another block's main loop. For an M x N x K product in blocks of m x n x k, the sum in s parts,

    * ``B = batch s ceil(M / m) ceil(N / n)``,
    * ``main = ceil(ceil(K / k) / s) max(compute, load, share)``: a step does three things at once,
      ``compute = ceil(m n k / rate)``, ``load = ceil((m' + n') k bits / l2_width)`` from L2, with
      ``m' = min(m, M)`` and ``n' = min(n, N)``, and ``share = ceil(a k bits / shared_width)`` for
      the ``a = m + n + warps (warp_m + warp_n)`` accesses of shared memory along k;
    * ``drain = ceil(m' n' bits / l2_width)``, sums that are partial at 32 bit at least;
    * where s > 1, another launch and ``ceil(batch M N (s 32 + bits) / (sms l2_width))`` to add.

    Any other operation is one wave of blocks of ``vector_block`` points, as long as it takes
    the slowest of three pipes: CUDA cores, special-function units, load/store units.
    """

    kind: ClassVar[str] = "simt_processor"

    runs: tuple[
        Literal["contraction", "elementwise", "reduction", "permute", "gather", "scatter_add"],
        ...,
    ] = ("contraction", "elementwise", "reduction", "permute", "gather", "scatter_add")
    """Kinds of operation the unit can take."""
    sms: int
    """Streaming multiprocessors."""
    tensor_macs: dict[str, int] = field(default_factory=dict)
    """Multiply-accumulates a cycle of a SM's tensor cores, by number format."""
    core_rates: dict[str, int]
    """Operations a cycle of a SM's CUDA cores (a multiply-accumulate is one), by number format."""
    special_rate: int
    """Special functions a cycle of a SM."""
    load_store_rate: int
    """Numbers a cycle that a SM moves from one place in memory to another."""
    core_instructions: dict[str, int]
    """Operations of CUDA cores that each scalar function takes."""
    special_instructions: dict[str, int] = field(default_factory=dict)
    """Special functions that each scalar function takes beside them."""
    tensor_blocks: tuple[ThreadBlock, ...] = ()
    """Shapes of block for products on tensor cores."""
    core_blocks: tuple[ThreadBlock, ...] = ()
    """Shapes of block for products on CUDA cores."""
    split_k: tuple[int, ...] = (1,)
    """Numbers of parts that the sum of a product may be computed in."""
    vector_block: int
    """Points of a block of any other operation."""
    l2_width: Bits
    """Bits a cycle between the L2 cache and a SM."""
    shared_width: Bits
    """Bits a cycle of a SM's shared memory, read and written."""
    fill_cycles: int = 0
    """Cycles of a block until its first operands have come from the L2 cache."""
    launch: Launch = "eager"
    """``eager``: the host launches every kernel; ``fused``: all are in one graph (CUDA graph).
    Either way an operation is a kernel, whose launch nothing hides."""
    eager_launch_cycles: int
    """Cycles of a launch by the host."""
    fused_launch_cycles: int
    """Cycles from a kernel to the next one in a graph."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(
            sms=self.sms,
            special_rate=self.special_rate,
            load_store_rate=self.load_store_rate,
            vector_block=self.vector_block,
            l2_width=self.l2_width,
            shared_width=self.shared_width,
        )
        for name in ("fill_cycles", "eager_launch_cycles", "fused_launch_cycles"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: must be >= 0, got {getattr(self, name)}")
        if self.launch not in get_args(Launch):
            hint = did_you_mean(str(self.launch), get_args(Launch))
            raise ValueError(f"launch: no launch {self.launch!r}; {hint}")
        self._check_functions()
        check_rates(self.number_formats, tensor_macs=self.tensor_macs, core_rates=self.core_rates)
        self._check_products()

    def _check_functions(self) -> None:
        for table in ("core_instructions", "special_instructions"):
            for name, count in getattr(self, table).items():
                if name not in FUNCTIONS:
                    hint = did_you_mean(name, FUNCTIONS)
                    raise ValueError(f"{table}: no function {name!r}; {hint}")
                at_least_one(**{f"{table}.{name}": count})

    def _check_products(self) -> None:
        if not self.split_k:
            raise ValueError("split_k: name at least one number of parts; 1 where none is split")
        at_least_one(**{f"split_k.{place}": parts for place, parts in enumerate(self.split_k)})
        for number_format in self.number_formats:
            name = number_format.name
            if name not in self.core_rates:
                raise ValueError(f"core_rates: no rate for {name!r}, which number_formats names")
            has_shape = self.core_blocks or (self.tensor_blocks and name in self.tensor_macs)
            if "contraction" in self.runs and not has_shape:
                raise ValueError(f"core_blocks: no shape for products in {name!r}; name one")

    @property
    def partitions(self) -> int:
        return self.sms

    @property
    def peak_macs_per_cycle(self) -> int:
        return max(map(self.peak_macs, self.number_formats), default=0)

    def peak_macs(self, number_format: NumberFormat) -> int:
        name = number_format.name
        return self.sms * max(self.tensor_macs.get(name, 0), self.core_rates.get(name, 0))

    @property
    def launch_cycles(self) -> int:
        return self.eager_launch_cycles if self.launch == "eager" else self.fused_launch_cycles

    @property
    def conventions(self) -> str:
        return f"{self.launch} launch of {self.launch_cycles:,} cycles, SMs in step"

    def lacks(self, functions: Mapping[str, int]) -> str:
        known = {"mac", "move", *self.core_instructions, *self.special_instructions}
        return next((name for name in functions if name not in known), "")

    def kernel(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> Kernel:
        """The kernel that an operation takes least time with; of equals the first."""
        if "mac" not in functions:
            return self._pointwise(space, functions, number_format)
        kernels = self._products(space, number_format)
        return min(
            kernels, key=lambda kernel: sum(kernel.parts(self.sms, self.launch_cycles).values())
        )

    def _products(self, space: Tile, number_format: NumberFormat) -> Iterator[Kernel]:
        """Every kernel for a product; no sum is in more parts than it has steps."""
        name, bits = number_format.name, number_format.bits
        for block, is_tensor in self._shapes(name):
            rate = (self.tensor_macs if is_tensor else self.core_rates)[name]
            rows, columns = min(block.m, space.m), min(block.n, space.n)
            compute = ceil_div(block.m * block.n * block.k, rate)
            load = ceil_div((rows + columns) * block.k * bits, self.l2_width)
            share = ceil_div(block.shared_accesses * block.k * bits, self.shared_width)
            steps, step = ceil_div(space.k, block.k), max(compute, load, share)
            outputs = space.batch * ceil_div(space.m, block.m) * ceil_div(space.n, block.n)
            for parts in self.split_k:
                split = min(parts, steps)
                partial = max(bits, ACCUMULATOR_BITS) if split > 1 else bits
                added = space.batch * space.m * space.n * (split * partial + bits)
                yield Kernel(
                    blocks=outputs * split,
                    main=ceil_div(steps, split) * step,
                    work=outputs * steps * step,
                    fill=self.fill_cycles,
                    drain=ceil_div(rows * columns * partial, self.l2_width),
                    per_sm=block.per_sm,
                    reduce=ceil_div(added, self.sms * self.l2_width) if split > 1 else 0,
                    shape=block,
                    on_tensor_cores=is_tensor,
                    split=split,
                )

    def _shapes(self, number_format: str) -> Iterator[tuple[ThreadBlock, bool]]:
        """Shapes of block for products in a format, and whether tensor cores work on them."""
        if number_format in self.tensor_macs:
            yield from ((block, True) for block in self.tensor_blocks)
        yield from ((block, False) for block in self.core_blocks)

    def _pointwise(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> Kernel:
        def count(table: Mapping[str, int]) -> int:
            return sum(times * table.get(name, 0) for name, times in functions.items())

        core, special = count(self.core_instructions), count(self.special_instructions)
        pipes = (
            (core, self.core_rates.get(number_format.name, 1)),
            (special, self.special_rate),
            (functions.get("move", 0), self.load_store_rate),
        )
        main = max(ceil_div(self.vector_block * work, rate) for work, rate in pipes)
        blocks = ceil_div(space.points, self.vector_block)
        # A SM holds so many small blocks that it is filled once.
        return Kernel(
            blocks=blocks, main=main, work=blocks * main, fill=self.fill_cycles, per_sm=blocks
        )

    def gemm_parts(
        self, m: int, n: int, k: int, number_format: NumberFormat, batch: int = 1
    ) -> dict[str, int]:
        """Cycles of each part of a product's time, all operands at hand: none of 0 cycles."""
        space = Tile(batch=batch, m=m, n=n, k=k)
        parts = self.kernel(space, {"mac": 1}, number_format).parts(self.sms, self.launch_cycles)
        return {part: cycles for part, cycles in parts.items() if cycles}

    def gemm_cycles(
        self, m: int, n: int, k: int, number_format: NumberFormat, batch: int = 1
    ) -> int:
        """Cycles of a product from its launch to its last result, all operands at hand."""
        return sum(self.gemm_parts(m, n, k, number_format, batch).values())

    def prepared(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> "SimtProcessorSpec":
        """The processor that has no other kernel than the operation's."""
        kernel = self.kernel(space, functions, number_format)
        if kernel.shape is None:
            return self

        def only(rates: Mapping[str, int]) -> dict[str, int]:
            return {name: rate for name, rate in rates.items() if name == number_format.name}

        shapes = (kernel.shape,)
        return replace(
            self,
            number_formats=(number_format,),
            tensor_macs=only(self.tensor_macs),
            core_rates=only(self.core_rates),
            tensor_blocks=shapes if kernel.on_tensor_cores else (),
            core_blocks=() if kernel.on_tensor_cores else shapes,
            split_k=(kernel.split,),
        )

    def once_cycles(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """All but the stream: launch, prologues, epilogues, idle SMs, partial sums."""
        parts = self.kernel(space, functions, number_format).parts(self.sms, self.launch_cycles)
        return {part: cycles for part, cycles in parts.items() if cycles and part != "stream"}

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """A tile's share of the main loops, with every SM at work."""
        kernel = self.kernel(tile, functions, number_format)
        return {"stream": ceil_div(kernel.work, self.sms)}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Accesses of L2: each block fetches its operands; partial sums go there and back."""
        found = [access.elements(tile) for access in (*reads, *writes)]
        is_product = len(reads) > 1 and all("k" in read.axes for read in reads)
        if not is_product:
            return tuple(found)
        number_format = reads[0].tensor.format
        kernel = self.kernel(tile, {"mac": 1}, number_format)
        assert kernel.shape is not None
        down, across = ceil_div(tile.m, kernel.shape.m), ceil_div(tile.n, kernel.shape.n)
        for place, read in enumerate(reads):
            found[place] *= (1 if "m" in read.axes else down) * (1 if "n" in read.axes else across)
        if kernel.split > 1:
            widening = ceil_div(ACCUMULATOR_BITS, number_format.bits)
            found[-1] *= 1 + 2 * kernel.split * widening
        return tuple(found)
