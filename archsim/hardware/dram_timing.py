"""What a DRAM channel's banks make of a stream of bursts, by the rules of its standard.

A stream is read visit by visit. A visit opens a row in one bank of each group, and reads so
many bursts of each, the groups in turn; the next visit opens rows in the banks that were used
longest ago. Every command is given in order and as early as the rules allow, and rows are
opened while earlier ones are read. After a while the banks are as they were some visits
before: from there on all repeats, so that a long stream costs no more to price than a short
one. :mod:`archsim.machine.dram` lives the same commands one by one; tests hold the two equal.

Left out:

* Writes take the time of reads. A turn of the bus would cost ``CWL + burst + tWTR_L`` from a
  write to a read and ``CL + burst + 2 - CWL`` back: 25 and 10 cycles of DDR4-2400 in place of
  two slots of 4. Reads and writes of 8 KiB, 512 cycles each, that take turns are 2.6 % too
  fast for that. ``tWR`` only keeps a bank that is not wanted again soon.
* What one transfer leaves for the next: rows that are still open, or activations within the
  same ``tFAW``. Separate transfers of four bursts or fewer each, from anywhere, are too fast
  by ``tFAW / 4 tCCD_S`` at most (1.6 for DDR4-2400); those that follow one another in a row
  are priced with activations that they do not need.
* Refresh of single banks: all banks of a channel are refreshed together.

Sources: JEDEC JESD79-4 (DDR4) for the names and the rules, as Ramulator 2 applies them (Luo et
al., IEEE CAL 2023).
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from archsim.errors import did_you_mean
from archsim.hardware.component import at_least_one, ceil_div
from archsim.units import Bytes

POLICIES = ("open", "closed")
REFRESHES = ("spread", "timed")
_CHOICES = {"policy": POLICIES, "refresh": REFRESHES}


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
    """Activation to activation of another bank: tRRD_S, for groups are opened in turn."""
    tFAW: int
    """Any five activations are further apart."""
    tRFC: int
    """A refresh; all rows are closed before and opened again after it."""
    tREFI: int
    """From one refresh to the next; the first comes after so many cycles."""
    policy: Literal["open", "closed"] = "open"
    """Whether a transfer finds banks with a row of somebody else's, or with none."""
    refresh: Literal["spread", "timed"] = "spread"
    """``timed`` stops the channel for ``refresh_cycles`` at every multiple of ``tREFI``,
    whatever is under way; ``spread`` makes every transfer longer by its share of that. A
    long stream takes the same of both. As nothing then depends on when a transfer begins,
    the fast engine can skip what repeats; with ``timed`` it hardly finds repetitions."""

    def __post_init__(self) -> None:
        counts = {name: value for name, value in vars(self).items() if name not in _CHOICES}
        at_least_one(**counts)
        for name, choices in _CHOICES.items():
            chosen = getattr(self, name)
            if chosen not in choices:
                hint = did_you_mean(chosen, choices)
                raise ValueError(f"{name}: no {name} {chosen!r}; {hint}")
        if self.banks % self.bank_groups:
            raise ValueError(
                f"bank_groups: {self.banks} banks cannot be split evenly over {self.bank_groups}"
            )
        _at_most("tRCD", self.tRCD, "tRAS", self.tRAS)
        _at_most("tCCD_S", self.tCCD_S, "tCCD_L", self.tCCD_L)
        _at_most("tCCD_L", self.tCCD_L, "bank_groups x tCCD_S", self.bank_groups * self.tCCD_S)
        _at_most("tRFC", self.tRFC, "tREFI - tRP - tRCD - 1", self.tREFI - self.tRP - self.tRCD - 1)

    @property
    def ready(self) -> int:
        """Cycles until a bank can be activated at a transfer's start."""
        return self.tRP if self.policy == "open" else 0

    @property
    def refresh_cycles(self) -> int:
        """Cycles that a refresh takes from a stream: close all rows, refresh, open them again."""
        return self.tRP + self.tRFC + self.tRCD

    def after_refreshes(self, start: int, service: int, *, cycle: int) -> int:
        """Return the tick at which so many ticks of service are over.

        ``timed``: nothing is served in the ``refresh_cycles`` that begin at every multiple of
        ``tREFI``; what is under way then goes on afterwards. ``spread``: of every ``tREFI``
        ticks ``tREFI - refresh_cycles`` are service.
        """
        if not service:
            return start
        if self.refresh == "spread":
            return start + ceil_div(service * self.tREFI, self.tREFI - self.refresh_cycles)
        every, blocked = self.tREFI * cycle, self.refresh_cycles * cycle
        before, phase = divmod(start, every)
        lost = max(0, before - 1) * blocked + (min(phase, blocked) if before else 0)
        served = start - lost + service
        if served <= every:
            return served
        refreshes, rest = divmod(served - every - 1, every - blocked)
        return (refreshes + 1) * every + blocked + rest + 1


def _at_most(name: str, value: int, bound: str, largest: int) -> None:
    if value > largest:
        raise ValueError(f"{name}: must be <= {bound} ({largest}), got {value}")


@dataclass(frozen=True, slots=True)
class StreamTime:
    """What a stream of bursts takes of a channel."""

    cycles: int
    """From its first slot on the bus to the end of its last one."""
    activations: int


def stream_time(timing: DramTiming, bursts: int, *, per_row: int) -> StreamTime:
    """Return the time of so many bursts, the first rows being opened beforehand.

    A stream that ends within a visit reads the rows in turn to its end.
    """
    course = _course(timing, per_row)
    visit, place = divmod(bursts - 1, timing.bank_groups * per_row)
    opened = visit * timing.bank_groups + min(place + 1, timing.bank_groups)
    cycles = course.read(visit, place) + timing.tCCD_S - course.read(0, 0)
    return StreamTime(cycles=cycles, activations=opened)


@dataclass(frozen=True)
class _Course:
    """The visits of a stream as far as they do not repeat, and one period."""

    tCCD_S: int
    reads: tuple[tuple[int, ...], ...]
    """For each visit, when the first burst of each of its rows is read."""
    first: int
    """The first visit of the period, which ends with the last one known."""
    cycles: int
    """Cycles of the period."""

    def read(self, visit: int, place: int) -> int:
        """Return when a burst of a visit is read; those after the rows' first ones are dense."""
        periods = max(0, visit - self.first) // (len(self.reads) - self.first)
        times = self.reads[visit - periods * (len(self.reads) - self.first)]
        last = len(times) - 1
        late = max(0, place - last) * self.tCCD_S
        return times[min(place, last)] + late + periods * self.cycles


@cache
def _course(timing: DramTiming, per_row: int) -> _Course:
    """Live visits until the banks are as they were before one of them."""
    banks = _Banks(timing)
    known: dict[tuple[int, ...], tuple[int, int]] = {}
    reads: list[tuple[int, ...]] = []
    while (state := banks.state()) not in known:
        known[state] = len(reads), banks.last_activation
        reads.append(banks.visit(per_row))
    first, activation = known[state]
    return _Course(timing.tCCD_S, tuple(reads), first, banks.last_activation - activation)


class _Banks:
    """What a channel's banks did last, as far as later commands must heed it."""

    def __init__(self, timing: DramTiming) -> None:
        self.timing = timing
        self.horizon = timing.tRRD + timing.tFAW + timing.tCCD_L
        """No rule looks further back than this."""
        self.next_bank = 0
        self.free = [timing.ready] * timing.banks
        """When each bank can be activated."""
        self.activations = [-self.horizon] * 4
        """The last four, the latest at the end."""
        self.read_of_group = [-self.horizon] * timing.bank_groups
        self.last_read = -self.horizon

    @property
    def last_activation(self) -> int:
        """When a row was last opened."""
        return self.activations[-1]

    def state(self) -> tuple[int, ...]:
        """Return all that the future depends on, seen from the last activation."""
        times = (*self.activations, *self.free, *self.read_of_group, self.last_read)
        seen = (max(time - self.last_activation, -self.horizon) for time in times)
        return (self.next_bank, *seen)

    def visit(self, per_row: int) -> tuple[int, ...]:
        """Read so many bursts of a row in each group, and return when the first ones are read."""
        timing, groups = self.timing, self.timing.bank_groups
        banks = [self.next_bank + group for group in range(groups)]
        self.next_bank = (self.next_bank + groups) % timing.banks
        opened = [self._activate(bank) for bank in banks]
        firsts = tuple(map(self._read_first, banks, opened))
        # With all groups in turn, tCCD_S is the only rule for the bursts that follow.
        more = (per_row - 1) * groups * timing.tCCD_S
        self.last_read += more
        for group, (bank, activation) in enumerate(zip(banks, opened, strict=True)):
            dense = self.last_read - (groups - 1 - group) * timing.tCCD_S
            last = dense if more else firsts[group]
            self.read_of_group[group] = last
            self.free[bank] = max(activation + timing.tRAS, last + timing.tRTP) + timing.tRP
        return firsts

    def _activate(self, bank: int) -> int:
        timing, recent = self.timing, self.activations
        time = max(self.free[bank], recent[-1] + timing.tRRD, recent[0] + timing.tFAW)
        self.activations = [*recent[1:], time]
        return time

    def _read_first(self, bank: int, activation: int) -> int:
        timing, group = self.timing, bank % self.timing.bank_groups
        self.last_read = max(
            activation + timing.tRCD,
            self.last_read + timing.tCCD_S,
            self.read_of_group[group] + timing.tCCD_L,
        )
        return self.last_read
