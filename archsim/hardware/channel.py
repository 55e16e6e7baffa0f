"""Channels: links between a memory and a unit, and the DRAM behind a shared bus."""

from dataclasses import dataclass
from typing import ClassVar

from archsim.hardware.component import (
    COMPONENTS,
    ChannelSpec,
    MemorySpec,
    at_least_one,
    ceil_div,
)
from archsim.units import Bits, Bytes


@COMPONENTS.register("link")
@dataclass(frozen=True, kw_only=True)
class LinkSpec(ChannelSpec):
    """A bus of ``width`` bits a cycle; each unit has its own unless it is ``shared``."""

    kind: ClassVar[str] = "link"

    width: Bits
    """Bits a cycle."""
    shared: bool = False
    """Whether all units that name it use one and the same link."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(width=self.width)

    @property
    def private(self) -> bool:
        return not self.shared

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.width

    def transfer_cycles(self, size_bits: int) -> int:
        """``ceil(size / width)``."""
        return ceil_div(size_bits, self.width)


@COMPONENTS.register("dram")
@dataclass(frozen=True, kw_only=True)
class DramSpec(MemorySpec, ChannelSpec):
    """Off-chip memory: transfers are whole bursts, spread over all channels in turn.

    Reads and writes share one queue. Banks and rows are not modelled: streams are long
    and sequential, and ``latency_cycles`` holds the wait for the first word.
    """

    kind: ClassVar[str] = "dram"
    unit_name: ClassVar[str] = "burst"
    off_chip: ClassVar[bool] = True

    capacity: Bytes
    """Size."""
    channels: int
    """Channels, over which the bursts of a transfer are spread."""
    burst: Bytes
    """Bytes of a burst on one channel."""
    burst_cycles: int
    """Cycles of a burst."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(
            capacity=self.capacity,
            channels=self.channels,
            burst=self.burst,
            burst_cycles=self.burst_cycles,
        )

    @property
    def units(self) -> int:
        return self.capacity // self.burst

    @property
    def unit_bits(self) -> int:
        return 8 * self.burst

    def units_for(self, elements: int, bits: int, partitions: int = 1) -> int:
        """Whole bursts; off-chip memory is not partitioned."""
        return ceil_div(elements * bits, self.unit_bits)

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.channels * self.unit_bits // self.burst_cycles

    def transfer_cycles(self, size_bits: int) -> int:
        """``ceil(bursts / channels) burst_cycles``."""
        return ceil_div(ceil_div(size_bits, self.unit_bits), self.channels) * self.burst_cycles
