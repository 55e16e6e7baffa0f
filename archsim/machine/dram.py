"""One channel of a DRAM, command by command: what the closed form of its spec stands for.

Every row that is opened is a process, and so are the bus and the refresh. A command starts a
timer for each rule of the standard that it begins, and waits for the timers of those it must
obey: rules about two commands (five, for ``tFAW``), and nothing of periods or sums. The
engine takes the closed form; tests compare the two.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from archsim.hardware.dram_timing import DramTiming, StreamTime

Waits = Generator[simpy.Event, Any, None]


@dataclass
class _Row:
    """A row of a bank, opened for some bursts; its events are timers but for the first two."""

    bank: int
    bursts: int
    """Those still to be read."""
    is_open: simpy.Event
    is_read: simpy.Event
    timers: dict[str, simpy.Event] = field(default_factory=dict)


class CommandLevelChannel:
    """A channel that reads a stream of bursts once, so many of each row that it opens.

    Rows are opened in order, in the banks in turn, and read together with those of the other
    bank groups, a burst of each in turn. The first burst has its slot at ``start``, by the
    clock that refreshes follow, or after the refresh that lasts then.
    """

    def __init__(self, timing: DramTiming, start: int = 0) -> None:
        self.timing = timing
        self.start = start
        self.env = simpy.Environment()
        self._timers: dict[str, list[simpy.Event]] = {"tRRD": [], "tFAW": [], "tCCD_S": []}
        self._groups: dict[int, simpy.Event] = {}
        """``tCCD_L`` of each bank group."""
        self._first_read = self.env.event()
        self._refresh = self.env.event()
        """The next one's beginning."""
        self._goes_on: simpy.Event | None = None
        """The end of a refresh, while there is one."""

    def read(self, bursts: int, *, per_row: int) -> StreamTime:
        """Return what so many bursts take, refreshes included."""
        groups = self.timing.bank_groups
        order = [burst // (groups * per_row) * groups + burst % groups for burst in range(bursts)]
        rows = [self._row(number, count) for number, count in sorted(Counter(order).items())]
        last_in: dict[int, _Row] = {}
        before: _Row | None = None
        for row in rows:
            self.env.process(self._open(row, last_in.get(row.bank), before))
            last_in[row.bank] = before = row
        self.env.process(self._refreshes())
        cycles = self.env.run(self.env.process(self._bus([rows[number] for number in order])))
        assert isinstance(cycles, int)
        return StreamTime(cycles=cycles, activations=len(rows))

    def _row(self, number: int, bursts: int) -> _Row:
        return _Row(number % self.timing.banks, bursts, self.env.event(), self.env.event())

    def _open(self, row: _Row, in_bank: _Row | None, before: _Row | None) -> Waits:
        """Process: precharge the bank once its row is read, and activate in turn."""
        timing = self.timing
        if in_bank is None:
            yield self._timer(timing.ready)
        else:
            yield in_bank.is_read
            yield in_bank.timers["tRAS"] & in_bank.timers["tRTP"]
            yield self._timer(timing.tRP)
        if before is not None:
            yield before.is_open
        yield self.env.all_of([*self._timers["tRRD"][-1:], *self._timers["tFAW"][-4:-3]])
        row.timers["tRCD"] = self._timer(timing.tRCD)
        row.timers["tRAS"] = self._timer(timing.tRAS)
        self._timers["tRRD"].append(self._timer(timing.tRRD))
        self._timers["tFAW"].append(self._timer(timing.tFAW))
        row.is_open.succeed()

    def _bus(self, order: Sequence[_Row]) -> Generator[simpy.Event, Any, int]:
        """Process: read the bursts in order; return the cycles from the first slot to the end."""
        timing, slots = self.timing, self._timers["tCCD_S"]
        begun = 0
        for row in order:
            group = row.bank % timing.bank_groups
            yield row.is_open
            near = [self._groups[group]] if group in self._groups else []
            yield self.env.all_of([row.timers["tRCD"], *slots[-1:], *near])
            if not self._first_read.triggered:
                begun = int(self.env.now)
                self._first_read.succeed()
            slots.append(self._timer(timing.tCCD_S))
            self._groups[group] = self._timer(timing.tCCD_L)
            row.bursts -= 1
            if not row.bursts:
                row.timers["tRTP"] = self._timer(timing.tRTP)
                row.is_read.succeed()
        yield slots[-1]
        return int(self.env.now) - begun

    def _refreshes(self) -> Waits:
        """Process: while rows are closed, refreshed and opened again, no timer runs."""
        timing = self.timing
        yield self._first_read
        passed = self.start % timing.tREFI
        if self.start >= timing.tREFI and passed < timing.refresh_cycles:
            yield from self._hold(timing.refresh_cycles - passed)
            passed = timing.refresh_cycles
        while True:
            yield self.env.timeout(timing.tREFI - passed)
            yield from self._hold(timing.refresh_cycles)
            passed = timing.refresh_cycles

    def _hold(self, cycles: int) -> Waits:
        begins, self._refresh = self._refresh, self.env.event()
        self._goes_on = self.env.event()
        begins.succeed()
        yield self.env.timeout(cycles)
        self._goes_on.succeed()
        self._goes_on = None

    def _timer(self, cycles: int) -> simpy.Event:
        return self.env.process(self._run(cycles))

    def _run(self, cycles: int) -> Waits:
        """Process: let cycles pass in which no refresh goes on."""
        while cycles:
            if self._goes_on is not None:
                yield self._goes_on
            begun = int(self.env.now)
            yield self.env.timeout(cycles) | self._refresh
            cycles -= int(self.env.now) - begun
