"""DRAM: a shared bus in front of banks whose rows must be opened before they are read.

A transfer is whole bursts. ``interleave_bursts`` of them lie together in a row; the next ones
lie on the next channel, and once all channels had their turn, in the next bank group. What a
transfer touches is spread evenly over channels and bank groups, whatever its addresses, as by
controllers that hash them and reorder what they have in hand; so all channels do alike, and
one is looked at. Before a transfer every bank holds some other row (``open`` policy) or none
(``closed``).

``latency_cycles`` is the way of one burst through an idle memory, but for its slot on the bus:
precharge, activation, column access. It overlaps with other transfers; the service of a
transfer is its slots on the bus, and the waits between them that activations cannot hide.
:mod:`archsim.hardware.dram_timing` has the rules, and says what they leave out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from archsim.hardware.component import (
    COMPONENTS,
    ChannelSpec,
    MemorySpec,
    Transfer,
    at_least_one,
    ceil_div,
)
from archsim.hardware.dram_timing import DramTiming, StreamTime, stream_time
from archsim.units import Bytes


@COMPONENTS.register("dram")
@dataclass(frozen=True, kw_only=True)
class DramSpec(MemorySpec, ChannelSpec):
    """Off-chip memory: transfers are whole bursts, spread over all channels in turn.

    Reads and writes share one queue. Without ``timing``, every stream runs at the bus's
    peak, ``latency_cycles`` late, and nothing is refreshed.
    """

    kind: ClassVar[str] = "dram"
    unit_name: ClassVar[str] = "burst"
    off_chip: ClassVar[bool] = True
    room: ClassVar[tuple[str, ...]] = ("capacity",)

    capacity: Bytes
    """Size of all channels together."""
    channels: int
    """Channels, over which the bursts of a transfer are spread."""
    burst: Bytes
    """Bytes of a burst on one channel."""
    burst_cycles: int
    """Cycles of a burst."""
    latency_cycles: int = 0
    """Cycles from a transfer's end on the bus to its arrival; with ``timing``, those of
    controller and wires, beside which precharge, activation and column access count."""
    interleave_bursts: int = 1
    """Bursts that lie together in a row, before the next channel and bank group come."""
    timing: DramTiming | None = None
    """Banks and their timing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(
            capacity=self.capacity,
            channels=self.channels,
            burst=self.burst,
            burst_cycles=self.burst_cycles,
            interleave_bursts=self.interleave_bursts,
        )
        if self.timing is not None:
            self._check_bursts(self.timing)

    def _check_bursts(self, timing: DramTiming) -> None:
        """Check a burst against the slots and rows that it must fit in."""
        if timing.tCCD_S < self.burst_cycles:
            raise ValueError(
                f"timing.tCCD_S: must be >= burst_cycles ({self.burst_cycles}), got {timing.tCCD_S}"
            )
        answered = timing.tRCD + timing.CL + self.burst_cycles
        if timing.tCCD_S > answered:
            raise ValueError(
                f"timing.tCCD_S: must be <= tRCD + CL + burst_cycles ({answered}), "
                f"got {timing.tCCD_S}"
            )
        if timing.row < self.burst or timing.row % self.burst:
            raise ValueError(
                f"timing.row: must be a multiple of burst ({self.burst} B), got {timing.row} B"
            )
        if self.interleave_bursts > timing.row // self.burst:
            raise ValueError(
                f"interleave_bursts: must be <= timing.row / burst "
                f"({timing.row // self.burst}), got {self.interleave_bursts}"
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
    def slot_cycles(self) -> int:
        """Cycles from a burst to the next in a stream."""
        return self.timing.tCCD_S if self.timing else self.burst_cycles

    @property
    def peak_bits_per_cycle(self) -> int:
        return ceil_div(self.channels * self.unit_bits, self.slot_cycles)

    @property
    def arrival_cycles(self) -> int:
        """Cycles from a transfer's last slot on the bus to its arrival."""
        timing = self.timing
        if timing is None:
            return self.latency_cycles
        opened = timing.ready + timing.tRCD + timing.CL + self.burst_cycles - timing.tCCD_S
        return self.latency_cycles + opened

    def transfer_cycles(self, size_bits: int) -> int:
        """``ceil(bursts / channels) slot`` where activations hide behind bursts."""
        return self.stream_cycles([Transfer.sequential(size_bits)])

    def stream_cycles(self, transfers: Sequence[Transfer]) -> int:
        """Slots on the bus, and the waits between them."""
        if self.timing is None:
            bits = sum(transfer.bits for transfer in transfers)
            return ceil_div(ceil_div(bits, self.unit_bits), self.channels) * self.burst_cycles
        return sum(self._stream(self.timing, one)[1].cycles for one in transfers)

    def own_cycles(self, transfer: Transfer) -> int | None:
        """With ``timing``, each takes what it takes."""
        return None if self.timing is None else self._stream(self.timing, transfer)[1].cycles

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        """Bursts, and how many found their row open (hits), another (conflicts) or none.

        A burst counts on every channel, also where the last ones leave some channels idle.
        """
        if self.timing is None:
            return {}
        streams = [self._stream(self.timing, one) for one in transfers]
        bursts = self.channels * sum(count for count, _ in streams)
        opened = self.channels * sum(time.activations for _, time in streams)
        name = "row_conflicts" if self.timing.policy == "open" else "row_misses"
        return {"bursts": bursts, "row_hits": bursts - opened, name: opened}

    def _stream(self, timing: DramTiming, transfer: Transfer) -> tuple[int, StreamTime]:
        """Return the bursts of a transfer on a channel, and what they take."""
        found = self._known_streams.get(transfer)
        if found is None:
            share = ceil_div(self._bursts(transfer), self.channels)
            per_row = self._bursts_per_row(timing, transfer)
            found = share, stream_time(timing, share, per_row=per_row)
            self._known_streams[transfer] = found
        return found

    @cached_property
    def _known_streams(self) -> dict[Transfer, tuple[int, StreamTime]]:
        """Of transfers asked for before: a tile's are asked for many times."""
        return {}

    def _bursts(self, transfer: Transfer) -> int:
        """Return the bursts of a transfer."""
        return self._bursts_of(transfer, ceil_div(transfer.bits, transfer.run_bits))

    def _bursts_of(self, transfer: Transfer, runs: int) -> int:
        """Return the bursts of so many runs: those of each one, but none of them twice."""
        bursts = runs * ceil_div(transfer.run_bits, self.unit_bits)
        if transfer.is_scattered or not transfer.stride_bits:
            return bursts
        extent = (runs - 1) * transfer.stride_bits + transfer.run_bits
        return min(bursts, ceil_div(extent, self.unit_bits))

    def _bursts_per_row(self, timing: DramTiming, transfer: Transfer) -> int:
        """Return how many bursts a transfer reads of each row that it opens.

        Rows that are filled side by side, one in a bank of each group on each channel, are a
        span of addresses. Runs share rows if several of them start in one span, unless each
        for itself reads more of a row; scattered ones never do.
        """
        row = timing.row // self.burst
        if transfer.run_bits == transfer.bits:
            return row
        alone = self._bursts_per_row_of(timing, transfer, 1)
        if transfer.is_scattered or not transfer.stride_bits:
            return alone
        span = timing.bank_groups * self.channels * row * self.unit_bits
        together = max(1, span // transfer.stride_bits)
        return max(alone, self._bursts_per_row_of(timing, transfer, together))

    def _bursts_per_row_of(self, timing: DramTiming, transfer: Transfer, runs: int) -> int:
        """Return how many bursts so many runs that begin in one span read of each row."""
        row = timing.row // self.burst
        rows = timing.bank_groups * self.channels
        bursts = self._bursts_of(transfer, runs)
        spans, rest = divmod(bursts, rows * row)
        pieces = runs * ceil_div(
            ceil_div(transfer.run_bits, self.unit_bits), self.interleave_bursts
        )
        return bursts // (spans * rows + min(rows, rest, pieces))

    def finish(self, start: int, service: int, *, cycle: int = 1) -> int:
        if self.timing is None:
            return start + service
        return self.timing.after_refreshes(start, service, cycle=cycle)

    @property
    def rhythm(self) -> tuple[int, int] | None:
        """Timed refreshes come every ``tREFI``, the first one after one ``tREFI``."""
        if self.timing is None or self.timing.refresh == "spread":
            return None
        return self.timing.tREFI, self.timing.tREFI
