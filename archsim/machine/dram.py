"""One channel of a DRAM, command by command: what the closed form of its spec stands for.

Every bank is a process that precharges and activates, the bus is one that reads bursts in
order. They know rules about pairs of commands only, and nothing of periods: the engine takes
the closed form, and tests compare the two.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from archsim.hardware.dram import DramTiming, StreamTime


@dataclass
class _Activation:
    """A row of a bank, opened for some bursts."""

    bank: int
    bursts: list[int]
    is_open: simpy.Event
    is_read: simpy.Event


class CommandLevelChannel:
    """A channel that reads bursts of rows, visit after visit.

    Rows are opened in order, in the banks in turn; a visit opens one in each bank group, or
    as many as it has bursts, and reads them in turn.
    """

    def __init__(self, timing: DramTiming) -> None:
        self.timing = timing
        self.env = simpy.Environment()
        self._activated: list[int] = []
        self._reads: list[tuple[int, int]] = []
        """When each burst was read, and of which bank."""

    def read(self, visits: Sequence[int]) -> StreamTime:
        """Return what the bursts of all visits take."""
        activations: list[_Activation] = []
        order: list[_Activation] = []
        bank = burst = 0
        for size in visits:
            opened = []
            for _ in range(min(size, self.timing.bank_groups)):
                events = self.env.event(), self.env.event()
                opened.append(_Activation(bank, [], *events))
                bank = (bank + 1) % self.timing.banks
            for number in range(size):
                activation = opened[number % len(opened)]
                activation.bursts.append(burst)
                order.append(activation)
                burst += 1
            activations += opened
        turn = self.env.event()
        turn.succeed()
        last: dict[int, _Activation] = {}
        for activation in activations:
            after = self.env.event()
            before = last.get(activation.bank)
            self.env.process(self._open(activation, before, turn, after))
            last[activation.bank], turn = activation, after
        self.env.process(self._bus(order))
        self.env.run()
        first, end = self._reads[0][0], self._reads[-1][0] + self.timing.tCCD_S
        return StreamTime(cycles=end - first, activations=len(activations))

    def _open(
        self,
        activation: _Activation,
        before: _Activation | None,
        turn: simpy.Event,
        after: simpy.Event,
    ) -> Generator[simpy.Event, Any, None]:
        """Process: precharge a bank once its row is read, and activate when its turn comes."""
        timing = self.timing
        if before is not None:
            (opened, last_read) = yield before.is_read
            yield from self._until(max(opened + timing.tRAS, last_read + timing.tRTP))
            yield self.env.timeout(timing.tRP)
        else:
            yield self.env.timeout(timing.ready)
        yield turn
        if self._activated:
            yield from self._until(self._activated[-1] + timing.tRRD)
        if len(self._activated) >= 4:
            yield from self._until(self._activated[-4] + timing.tFAW)
        self._activated.append(int(self.env.now))
        activation.is_open.succeed(int(self.env.now))
        after.succeed()

    def _bus(self, order: Sequence[_Activation]) -> Generator[simpy.Event, Any, None]:
        """Process: read the bursts in order."""
        timing = self.timing
        for burst, activation in enumerate(order):
            opened = activation.is_open.value if activation.is_open.processed else None
            if opened is None:
                opened = yield activation.is_open
            yield from self._until(opened + timing.tRCD)
            for time, bank in reversed(self._reads):
                if int(self.env.now) >= time + timing.tCCD_L:
                    break
                is_near = bank % timing.bank_groups == activation.bank % timing.bank_groups
                yield from self._until(time + (timing.tCCD_L if is_near else timing.tCCD_S))
            self._reads.append((int(self.env.now), activation.bank))
            if burst == activation.bursts[-1]:
                activation.is_read.succeed((opened, int(self.env.now)))

    def _until(self, time: int) -> Generator[simpy.Event, Any, None]:
        if time > self.env.now:
            yield self.env.timeout(time - self.env.now)
