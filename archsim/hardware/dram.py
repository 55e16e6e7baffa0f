"""DRAM: a shared bus in front of banks whose rows must be opened before they are read.

A transfer is bursts in order. Consecutive bursts go to the channels in turn, and on a channel
to the bank groups in turn, so that a row of one bank in each group is open while a stream
passes; the next rows are opened in the banks that were used longest ago, as early as the
timing allows. All channels do alike, so one is looked at. Before a transfer every bank holds
some other row (``open`` policy) or none (``closed``).

``latency_cycles`` is the way of one burst through an idle memory, but for its slot on the bus:
precharge, activation, column access. It overlaps with other transfers; the service of a
transfer is its slots on the bus, and the waits between them that activations cannot hide.
Turns of the bus between reads and writes are not modelled; a write takes the time of a read.

Sources: JEDEC JESD79-4 (DDR4) for the names and rules of timing, as Ramulator 2 applies them
(Luo et al., IEEE CAL 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import ClassVar, Literal

from archsim.errors import did_you_mean
from archsim.hardware.component import (
    COMPONENTS,
    ChannelSpec,
    MemorySpec,
    Transfer,
    at_least_one,
    ceil_div,
)
from archsim.units import Bytes

POLICIES = ("open", "closed")


@dataclass(frozen=True, kw_only=True)
class DramTiming:
    """Times of a channel in cycles of the memory's clock, and its banks.

    A stream of bursts must be able to follow one another: ``bank_groups tCCD_S >= tCCD_L``.
    """

    banks: int
    """Banks of a channel."""
    bank_groups: int
    """Groups that the banks are in; 1 where the standard has none."""
    row: Bytes
    """Bytes of a row of one bank, all chips of the channel together."""
    tRCD: int
    """Activation to column access."""
    tRP: int
    """Precharge to activation."""
    CL: int
    """Column access to data."""
    tRAS: int
    """Activation to precharge."""
    tRTP: int
    """Column access to precharge."""
    tCCD_S: int
    """Column access to column access of another bank group."""
    tCCD_L: int
    """Column access to column access of the same bank group."""
    tRRD: int
    """Activation to activation of another bank."""
    tFAW: int
    """Any five activations are further apart."""
    tRFC: int
    """A refresh, during which a channel does nothing."""
    tREFI: int
    """From one refresh to the next; the first comes after so many cycles."""
    policy: Literal["open", "closed"] = "open"
    """Whether a transfer finds banks with a row of somebody else's, or with none."""

    def __post_init__(self) -> None:
        counts = {name: value for name, value in vars(self).items() if name != "policy"}
        at_least_one(**counts)
        if self.policy not in POLICIES:
            raise ValueError(
                f"policy: no policy {self.policy!r}; {did_you_mean(self.policy, POLICIES)}"
            )
        if self.banks % self.bank_groups:
            raise ValueError(
                f"bank_groups: {self.banks} banks cannot be split evenly over {self.bank_groups}"
            )
        for small, large in (("tRCD", "tRAS"), ("tRFC", "tREFI"), ("tCCD_S", "tCCD_L")):
            if getattr(self, small) > getattr(self, large):
                raise ValueError(
                    f"{small}: must be <= {large} ({getattr(self, large)}), "
                    f"got {getattr(self, small)}"
                )
        if self.bank_groups * self.tCCD_S < self.tCCD_L:
            raise ValueError(
                f"tCCD_L: must be <= bank_groups x tCCD_S ({self.bank_groups * self.tCCD_S}), "
                f"got {self.tCCD_L}"
            )

    @property
    def ready(self) -> int:
        """Cycles until a bank can be activated at a transfer's start."""
        return self.tRP if self.policy == "open" else 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bursts of one channel: how many it reads of each row that it opens, again and again."""

    visits: tuple[int, ...]


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

    capacity: Bytes
    """Size."""
    channels: int
    """Channels, over which the bursts of a transfer are spread."""
    burst: Bytes
    """Bytes of a burst on one channel."""
    burst_cycles: int
    """Cycles of a burst."""
    latency_cycles: int = 0
    """Cycles from a transfer's end on the bus to its arrival; with ``timing``, those of
    controller and wires, beside which precharge, activation and column access count."""
    timing: DramTiming | None = None
    """Banks and their timing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(
            capacity=self.capacity,
            channels=self.channels,
            burst=self.burst,
            burst_cycles=self.burst_cycles,
        )
        timing = self.timing
        if timing is None:
            return
        if timing.tCCD_S < self.burst_cycles:
            raise ValueError(
                f"timing.tCCD_S: must be >= burst_cycles ({self.burst_cycles}), got {timing.tCCD_S}"
            )
        if timing.row < self.burst or timing.row % self.burst:
            raise ValueError(
                f"timing.row: must be a multiple of burst ({self.burst} B), got {timing.row} B"
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
        return self.channels * self.unit_bits // self.slot_cycles

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
        return sum(
            stream_time(self.timing, pattern, bursts).cycles
            for pattern, bursts in map(self.bursts_of, transfers)
        )

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        """Bursts, and how many found their row open (hits), another (conflicts) or none."""
        if self.timing is None:
            return {}
        bursts = opened = 0
        for pattern, each in map(self.bursts_of, transfers):
            bursts += each * self.channels
            opened += stream_time(self.timing, pattern, each).activations * self.channels
        name = "row_conflicts" if self.timing.policy == "open" else "row_misses"
        return {"bursts": bursts, "row_hits": bursts - opened, name: opened}

    def bursts_of(self, transfer: Transfer) -> tuple[Pattern, int]:
        """Return the pattern of a transfer on one channel, and its bursts there.

        A run of less than a burst on each channel leaves room for others beside it. Runs
        share a row if several of them start in it; scattered ones never do.
        """
        assert self.timing is not None
        whole = self.timing.bank_groups * (self.timing.row // self.burst)
        runs, rest = divmod(transfer.bits, transfer.run_bits)
        if runs + bool(rest) == 1:
            bursts = ceil_div(ceil_div(transfer.bits, self.unit_bits), self.channels)
            return Pattern((whole,)), bursts
        per_run = ceil_div(transfer.run_bits, self.unit_bits)
        beside = max(1, self.channels // per_run)
        each = ceil_div(per_run, self.channels)
        per_channel = ceil_div(runs + bool(rest), beside)
        together = 1
        if not transfer.is_scattered and transfer.stride_bits:
            span = whole * self.channels * self.unit_bits
            together = max(1, span // transfer.stride_bits // beside)
        full, edge = divmod(each * together, whole)
        visits = (whole,) * full + ((edge,) if edge else ())
        return Pattern(visits), each * per_channel

    def finish(self, start: int, cycles: int) -> int:
        """Refreshes come between; what is under way goes on after them.

        That rows must be opened again then is taken to happen within ``tRFC``: an error of
        at most ``(tRP + tRCD) / tREFI``.
        """
        if self.timing is None or not cycles:
            return start + cycles
        every, blocked = self.timing.tREFI, self.timing.tRFC
        before, phase = divmod(start, every)
        lost = max(0, before - 1) * blocked + (min(phase, blocked) if before else 0)
        work = start - lost + cycles
        if work <= every:
            return work
        refreshes, rest = divmod(work - every - 1, every - blocked)
        return (refreshes + 1) * every + blocked + rest + 1

    @property
    def rhythm(self) -> tuple[int, int] | None:
        """Refreshes come every ``tREFI``, the first one after one ``tREFI``."""
        return (self.timing.tREFI, self.timing.tREFI) if self.timing else None


@dataclass(frozen=True, slots=True)
class StreamTime:
    """What a stream of bursts takes of a channel."""

    cycles: int
    """From its first slot on the bus to the end of its last one."""
    activations: int


def stream_time(timing: DramTiming, pattern: Pattern, bursts: int) -> StreamTime:
    """Return the time of so many bursts, the first rows being opened beforehand.

    The cost does not grow with the number of bursts: once the state of all banks repeats,
    so does everything after it.
    """
    course = _course(timing, pattern)
    visit, before = course.visit_of(bursts - 1)
    at = bursts - 1 - before
    return StreamTime(
        cycles=course.read(visit, at) + timing.tCCD_S - course.first,
        activations=course.activations(visit, at),
    )


@cache
def _course(timing: DramTiming, pattern: Pattern) -> "_Course":
    return _Course(timing, pattern)


class _Course:
    """The reads of a pattern of row visits, as far as they do not repeat, and one period."""

    def __init__(self, timing: DramTiming, pattern: Pattern) -> None:
        self.timing = timing
        self.visits = pattern.visits
        self._reads: list[tuple[int, ...]] = []
        """For each visit, when its first bursts are read: one of each bank that it opens."""
        self._start = self._length = 0
        """The visits that repeat: the first of them, and how many there are."""
        self._ticks = self._live()
        repeated = range(self._start, self._start + self._length)
        self._bursts = sum(self._visit(visit) for visit in repeated)
        self._opened = sum(self._banks(visit) for visit in repeated)

    @property
    def first(self) -> int:
        """When the first burst is read."""
        return self._reads[0][0]

    def _visit(self, number: int) -> int:
        return self.visits[number % len(self.visits)]

    def _banks(self, number: int) -> int:
        return min(self._visit(number), self.timing.bank_groups)

    def visit_of(self, burst: int) -> tuple[int, int]:
        """Return the visit that a burst belongs to, and the bursts before that visit."""
        per_round = sum(self.visits)
        rounds, left = divmod(burst, per_round)
        visit, before = rounds * len(self.visits), burst - left
        for size in self.visits:
            if left < size:
                break
            left -= size
            before += size
            visit += 1
        return visit, before

    def read(self, visit: int, at: int) -> int:
        """Return when a burst of a visit is read."""
        folded, periods = self._folded(visit)
        times = self._reads[folded]
        late = max(0, at - (len(times) - 1)) * self.timing.tCCD_S
        return times[min(at, len(times) - 1)] + late + periods * self._ticks

    def activations(self, visit: int, at: int) -> int:
        """Return the rows opened until a burst of a visit is read."""
        folded, periods = self._folded(visit)
        before = sum(self._banks(number) for number in range(folded))
        return before + periods * self._opened + min(at + 1, self._banks(visit))

    def _folded(self, visit: int) -> tuple[int, int]:
        if visit < self._start:
            return visit, 0
        periods, place = divmod(visit - self._start, self._length)
        return self._start + place, periods

    def _live(self) -> int:
        """Open rows and read bursts, in order and each as early as the timing allows.

        Return the cycles of a period.
        """
        timing, groups = self.timing, self.timing.bank_groups
        never = -(timing.tRAS + timing.tRP + timing.tFAW + timing.tRFC + timing.tCCD_L)
        opened = [never] * timing.banks
        last_read = [never] * timing.banks
        by_group = [never] * groups
        recent = [never] * 4
        bank, read = 0, never
        known: dict[tuple[object, ...], tuple[int, int]] = {}
        for number in count():
            # Whatever lies too far back to matter is alike.
            anchor = recent[-1]
            ages = (*recent, *opened, *last_read, *by_group, read)
            state = (
                number % len(self.visits),
                bank,
                tuple(max(age - anchor, 2 * never) for age in ages),
            )
            if state in known:
                self._start, before = known[state]
                self._length = number - self._start
                return anchor - before
            known[state] = (number, anchor)
            times: list[int] = []
            first = bank
            for _ in range(self._banks(number)):
                free = max(opened[bank] + timing.tRAS, last_read[bank] + timing.tRTP) + timing.tRP
                is_fresh = opened[bank] == never
                act = max(
                    timing.ready if is_fresh else free,
                    recent[-1] + timing.tRRD,
                    recent[0] + timing.tFAW,
                )
                recent = [*recent[1:], act]
                opened[bank] = act
                group = bank % groups
                read = max(read + timing.tCCD_S, by_group[group] + timing.tCCD_L, act + timing.tRCD)
                by_group[group] = last_read[bank] = read
                times.append(read)
                bank = (bank + 1) % timing.banks
            more = self._visit(number) - len(times)
            for place in range(len(times)):
                # The visit's other bursts follow in the same order, a slot apart.
                here = (first + place) % timing.banks
                extra = (more - place + len(times) - 1) // len(times)
                if extra > 0:
                    late = (place + 1 + (extra - 1) * len(times)) * timing.tCCD_S
                    by_group[here % groups] = last_read[here] = times[-1] + late
            read = times[-1] + more * timing.tCCD_S
            self._reads.append(tuple(times))
        raise AssertionError("unreachable")
