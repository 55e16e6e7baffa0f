"""What every piece of hardware is described by: frozen specs with closed forms.

Three sorts exist, by what they do in time: a :class:`ComputeSpec` serves tiles one after
the other, a :class:`ChannelSpec` serves transfers, a :class:`MemorySpec` holds tensors. A
new component is one file here with one spec of one of these sorts: the spec does the
arithmetic, the process of its sort in :mod:`archsim.machine` does the waiting.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from archsim.formats import NumberFormat
from archsim.hardware.interleave import Interleave
from archsim.ir.operation import Phase
from archsim.ir.tile import Access, Layout, Tile
from archsim.registry import Registry
from archsim.units import Bytes, Hertz

MOST_UNITS = 2**16
"""Units of one description: each has a process of its own."""


def ceil_div(a: int, b: int) -> int:
    """Return a / b rounded up."""
    return -(-a // b)


def at_least_one(**values: int) -> None:
    """Check counts.

    Raises:
        ValueError: naming the first count below 1.
    """
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name}: must be >= 1, got {value}")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One tile's part of one tensor, as it passes a channel or leaves a memory."""

    bits: int
    run_bits: int
    """Bits that lie together in memory; all of them in a sequential stream."""
    stride_bits: int = 0
    """Distance between the starts of two runs."""
    is_scattered: bool = False
    """Whether runs lie anywhere, as rows that are looked up do."""
    word_bits: int = 8
    """Bits of a number."""
    layout: Layout | None = None
    """How the whole tensor lies, where it is wanted in another order."""
    interleave: Interleave = "plain"
    """Which bank a word of it lies in."""
    copies: int = 1
    """Places in the unit that each number goes to, or that each result is the sum from."""

    def __post_init__(self) -> None:
        if not 0 < self.run_bits <= self.bits:
            raise ValueError(f"run_bits: must be in 1 ... {self.bits}, got {self.run_bits}")

    @classmethod
    def sequential(cls, bits: int) -> "Transfer":
        """Return a transfer of bits that lie together."""
        return cls(bits, bits)


@dataclass(frozen=True, kw_only=True)
class ComponentSpec(ABC):
    """A named piece of hardware with a clock."""

    kind: ClassVar[str]

    clock: Hertz = 10**9
    """Cycles per second; the default makes a cycle a nanosecond."""

    def __post_init__(self) -> None:
        if self.clock < 1:
            raise ValueError(f"clock: must be >= 1 Hz, got {self.clock}")


@dataclass(frozen=True, kw_only=True)
class ComputeSpec(ComponentSpec):
    """A unit that works on one tile at a time."""

    runs: tuple[
        Literal["contraction", "elementwise", "reduction", "permute", "gather", "scatter_add"],
        ...,
    ]
    """Kinds of operation the unit can take."""
    phases: tuple[Phase, ...] = tuple(Phase)
    """Phases it works in."""
    number_formats: tuple[NumberFormat, ...]
    """Formats its arithmetic knows; moving data takes any."""
    count: int = 1
    """Identical units of this description."""
    buffer: Bytes = 0
    """Local storage for tiles that stream in and out; none where all operands are wired."""
    buffer_in: str = ""
    """The memory whose blocks the buffer is made of; storage of its own where none is named."""
    buffered_tiles: int = 2
    """Tiles of each operand that the buffer holds: 2 is double buffering."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(count=self.count, buffered_tiles=self.buffered_tiles)
        if self.count > MOST_UNITS:
            raise ValueError(f"count: must be <= {MOST_UNITS:,}, got {self.count:,}")
        if self.buffer < 0:
            raise ValueError(f"buffer: must be >= 0 B, got {self.buffer}")
        if not self.runs:
            raise ValueError("runs: a unit must run at least one kind of operation")

    @property
    @abstractmethod
    def partitions(self) -> int:
        """Banks over which a wired tensor must be spread for the unit to run at full rate."""

    @property
    def peak_macs_per_cycle(self) -> int:
        """Multiply-accumulates a cycle at best, in the fastest number format."""
        return 0

    def peak_macs(self, number_format: NumberFormat) -> int:
        """Multiply-accumulates a cycle at best, in one number format."""
        return self.peak_macs_per_cycle

    @abstractmethod
    def lacks(self, functions: Mapping[str, int]) -> str:
        """Return the first scalar function that the unit cannot compute, or nothing."""

    @property
    def latency_cycles(self) -> int:
        """Cycles from the end of a tile's service to its result; the next one is served then."""
        return 0

    @property
    def launch_cycles(self) -> int:
        """Cycles before an operation's first tile."""
        return 0

    def prepared(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> "ComputeSpec":
        """The unit as it is set up for an operation: what it chooses once for all its tiles."""
        return self

    def once_cycles(
        self, space: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """Cycles of each part of an operation's time that it takes once, however it is cut."""
        return {"launch": self.launch_cycles} if self.launch_cycles else {}

    @property
    def conventions(self) -> str:
        """What is hidden behind what, in words, where units of this sort differ in it."""
        return ""

    @abstractmethod
    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """Cycles of each part of a tile's time, with every operand at hand."""

    def tile_cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> int:
        """Cycles for a tile with every operand at hand."""
        return sum(self.cycles(tile, functions, number_format).values())

    @abstractmethod
    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Elements fetched of each input, then stored of each output, while a tile is worked on."""

    def operand_copies(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Places that each number of an input goes to, then that each output is the sum from."""
        return (1,) * (len(reads) + len(writes))


@dataclass(frozen=True, kw_only=True)
class ChannelSpec(ComponentSpec):
    """Something that data passes, one transfer after the other."""

    latency_cycles: int = 0
    """Cycles from a transfer's end here to its arrival; transfers overlap in it."""

    def __init_subclass__(cls) -> None:
        """Refuse a class whose time repeats itself nobody knows how: no run of it could be skipped.

        Raises:
            TypeError: if it overrides ``finish`` and not ``rhythm``.
        """
        super().__init_subclass__()
        if "finish" in vars(cls) and "rhythm" not in vars(cls):
            raise TypeError(f"{cls.__name__}: overrides finish, so it must override rhythm, too")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latency_cycles < 0:
            raise ValueError(f"latency_cycles: must be >= 0, got {self.latency_cycles}")

    @property
    def arrival_cycles(self) -> int:
        """Cycles from a transfer's end here to its arrival, all told."""
        return self.latency_cycles

    @property
    def private(self) -> bool:
        """Whether each unit has such a channel to itself."""
        return False

    @property
    def absorbs(self) -> tuple[str, ...]:
        """Kinds of tensor shaping that are done to what passes, e.g. ``permute``."""
        return ()

    @abstractmethod
    def transfer_cycles(self, size_bits: int) -> int:
        """Cycles that a sequential transfer of this size holds the channel."""

    def stream_cycles(self, transfers: Sequence[Transfer]) -> int:
        """Cycles that a tile's transfers hold the channel."""
        return self.transfer_cycles(sum(transfer.bits for transfer in transfers))

    def least_cycles(self, transfers: Sequence[tuple[Transfer, int]]) -> int:
        """Cycles that transfers take at least, each so often, whatever passes beside them."""
        bits = sum(transfer.bits * times for transfer, times in transfers)
        return ceil_div(bits, self.peak_bits_per_cycle)

    def own_cycles(self, transfer: Transfer) -> int | None:
        """Cycles that a transfer takes whatever passes beside it; none where that matters."""
        return None

    def finish(self, start: int, service: int, *, cycle: int = 1) -> int:
        """Tick at which a transfer is over that begins at ``start``, where nothing contends.

        A cycle has ``cycle`` ticks: whatever else takes the channel's time, as a refresh
        does, comes at a time of the channel's own clock.
        """
        return start + service

    @property
    def rhythm(self) -> tuple[int, int] | None:
        """The cycle from which :meth:`finish` repeats itself, and its period.

        A transfer that begins a period later is over a period later. None where a transfer
        takes the same time whenever it begins.
        """
        return None

    def held(self, service: int, *, cycle: int = 1) -> int:
        """Ticks that so much service holds the channel, as far as it is the same at all times."""
        return service if self.rhythm else self.finish(0, service, cycle=cycle)

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        """What else is worth counting about a tile's transfers, e.g. row hits."""
        return {}

    def actions(self, transfer: Transfer) -> dict[str, int]:
        """Bits that each priced action moves while a transfer passes."""
        return {"transfer": transfer.bits}

    @property
    @abstractmethod
    def peak_bits_per_cycle(self) -> int:
        """Bits a cycle at best, rounded up."""


@dataclass(frozen=True, kw_only=True)
class MemorySpec(ComponentSpec):
    """Something that holds tensors, in whole allocation units."""

    unit_name: ClassVar[str]
    """What one allocation unit is called, e.g. ``BRAM18``."""
    room: ClassVar[tuple[str, ...]] = ()
    """Fields that say how much it holds, and nothing of how it gives that."""
    off_chip: ClassVar[bool] = False

    @property
    @abstractmethod
    def units(self) -> int:
        """Allocation units in all."""

    @property
    @abstractmethod
    def unit_bits(self) -> int:
        """Bits of one allocation unit."""

    @abstractmethod
    def units_for(self, elements: int, bits: int, partitions: int = 1) -> int:
        """Units that an array of ``elements`` numbers of ``bits`` takes in so many banks."""

    def access_cycles(self, transfers: Sequence[Transfer]) -> int:
        """Cycles that the banks need for a tile's transfers; 0 where they are never the limit."""
        return 0

    @property
    def interleaving(self) -> Interleave:
        """Which bank a word lies in."""
        return "plain"

    def conflict_cycles(self, transfers: Sequence[Transfer]) -> int:
        """Those of them that are lost because several words lie in one bank."""
        return 0

    @property
    def blocks_per_unit(self) -> float:
        """Blocks, as data sheets count them, in an allocation unit."""
        return 1.0

    @property
    def block_name(self) -> str:
        """What data sheets call a block."""
        return self.unit_name

    def grouping_depth(self, bits: int) -> int:
        """Words of ``bits`` one bank of one unit holds: arrays grouped in a bank share it."""
        return self.unit_bits // bits


COMPONENTS: Registry[type[ComponentSpec]] = Registry("component")
"""Specs by the name that a config's ``kind`` gives."""
