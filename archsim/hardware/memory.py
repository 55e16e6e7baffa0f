"""On-chip memories: blocks of fixed shape, and how arrays are packed into them.

Source of the block shapes: AMD, "UltraScale Architecture Memory Resources" (UG573).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archsim.hardware.banking import Banking
from archsim.hardware.component import COMPONENTS, MemorySpec, Transfer, at_least_one, ceil_div
from archsim.hardware.interleave import Interleave
from archsim.units import Bytes


@dataclass(frozen=True, kw_only=True)
class OnChipMemorySpec(MemorySpec):
    """A memory whose banks serve those who reach it over a link."""

    @property
    def banking(self) -> Banking | None:
        """How words lie in banks; None where banks are never the limit."""
        return None

    def access_cycles(self, transfers: Sequence[Transfer]) -> int:
        banking = self.banking
        return sum(map(banking.cycles, transfers)) if banking else 0

    def conflict_cycles(self, transfers: Sequence[Transfer]) -> int:
        banking = self.banking
        if banking is None:
            return 0
        return self.access_cycles(transfers) - sum(map(banking.cycles_in_order, transfers))


@dataclass(frozen=True, kw_only=True)
class BlockMemorySpec(OnChipMemorySpec):
    """A memory of an FPGA: blocks of fixed shape."""

    room: ClassVar[tuple[str, ...]] = ("blocks",)

    blocks: int
    """Blocks on the device, counted as its data sheet does."""
    ports: int = 2
    """Ports of a block."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(blocks=self.blocks, ports=self.ports)


@COMPONENTS.register("bram")
@dataclass(frozen=True, kw_only=True)
class BramSpec(BlockMemorySpec):
    """Block RAM: ``blocks`` BRAM36, each two BRAM18 that are given out one by one.

    A BRAM18 is 512 x 36, 1024 x 18, 2048 x 9, 4096 x 4, 8192 x 2 or 16384 x 1 bit.
    """

    kind: ClassVar[str] = "bram"
    unit_name: ClassVar[str] = "BRAM18"
    SHAPES: ClassVar[tuple[tuple[int, int], ...]] = (
        (512, 36),
        (1024, 18),
        (2048, 9),
        (4096, 4),
        (8192, 2),
        (16384, 1),
    )

    @property
    def units(self) -> int:
        return 2 * self.blocks

    @property
    def unit_bits(self) -> int:
        return 512 * 36

    @property
    def blocks_per_unit(self) -> float:
        return 0.5

    @property
    def block_name(self) -> str:
        return "BRAM36"

    def units_for(self, elements: int, bits: int, partitions: int = 1) -> int:
        """``P ceil((D / P) / depth)`` BRAM18 for each column of block width, in the best shape."""
        deep = ceil_div(elements, partitions)
        return partitions * min(
            ceil_div(deep, depth) * ceil_div(bits, width) for depth, width in self.SHAPES
        )

    def grouping_depth(self, bits: int) -> int:
        """Words in one bank of one BRAM18 (of as many as a word needs)."""
        return max(
            (depth for depth, width in self.SHAPES if width >= bits), default=self.SHAPES[0][0]
        )


@COMPONENTS.register("uram")
@dataclass(frozen=True, kw_only=True)
class UramSpec(BlockMemorySpec):
    """UltraRAM: ``blocks`` of 4096 x 72 bit with two ports.

    A tensor that is reached over a link lies in one chain of blocks, which gives a line a
    cycle: out of order, as many lines as it takes.
    """

    kind: ClassVar[str] = "uram"
    unit_name: ClassVar[str] = "URAM"
    DEPTH: ClassVar[int] = 4096
    WIDTH: ClassVar[int] = 72

    @property
    def units(self) -> int:
        return self.blocks

    @property
    def unit_bits(self) -> int:
        return self.DEPTH * self.WIDTH

    @property
    def banking(self) -> Banking:
        return Banking(banks=1, word_bits=self.WIDTH)

    def units_for(self, elements: int, bits: int, partitions: int = 1) -> int:
        """As many whole words as fit lie in a line of 72 bit; longer words span lines."""
        deep = ceil_div(elements, partitions)
        if bits <= self.WIDTH:
            lines = ceil_div(deep, self.WIDTH // bits)
        else:
            lines = deep * ceil_div(bits, self.WIDTH)
        return partitions * ceil_div(lines, self.DEPTH)

    def grouping_depth(self, bits: int) -> int:
        """Words in one block."""
        return self.DEPTH * max(1, self.WIDTH // bits) // max(1, ceil_div(bits, self.WIDTH))


@COMPONENTS.register("sram")
@dataclass(frozen=True, kw_only=True)
class SramSpec(OnChipMemorySpec):
    """A compiled SRAM, given out in lines of ``line`` bytes.

    Where it has ``banks``, a read in another order than that of addresses takes as many cycles
    as its busiest bank; without, the link to it is the only limit.
    """

    kind: ClassVar[str] = "sram"
    room: ClassVar[tuple[str, ...]] = ("capacity",)
    unit_name: ClassVar[str] = "line"

    capacity: Bytes
    """Size."""
    line: Bytes = 64
    """Bytes of an allocation unit."""
    banks: int = 0
    """Banks side by side, over which words are spread in turn; 0: they are never the limit."""
    word: Bytes = 4
    """Bytes of a bank's word."""
    ports: int = 1
    """Words that a bank gives or takes in a cycle."""
    interleave: Interleave = "plain"
    """Which bank a word lies in. ``plain``: in turn. ``skewed``: in turn, every row of words, one
    of each bank, shifted on by a bank from the one before. ``xor``: by all digits of its address,
    so that columns lie in as many banks as rows do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(capacity=self.capacity, line=self.line, word=self.word, ports=self.ports)
        if self.banks < 0:
            raise ValueError(f"banks: must be >= 0, got {self.banks}")
        self.banking  # noqa: B018  (making it is the check)
        if self.capacity < self.line:
            raise ValueError(f"capacity: {self.capacity} B is less than one line of {self.line} B")

    @property
    def units(self) -> int:
        return self.capacity // self.line

    @property
    def unit_bits(self) -> int:
        return 8 * self.line

    @property
    def interleaving(self) -> Interleave:
        return self.interleave

    @property
    def banking(self) -> Banking | None:
        if not self.banks:
            return None
        return Banking(
            banks=self.banks, word_bits=8 * self.word, ports=self.ports, interleave=self.interleave
        )

    def units_for(self, elements: int, bits: int, partitions: int = 1) -> int:
        """Words lie side by side; each bank ends with a whole line."""
        return partitions * ceil_div(ceil_div(elements, partitions) * bits, self.unit_bits)
