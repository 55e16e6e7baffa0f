"""Lanes that share channels, at a moment: a contention domain, lived turn by turn.

Turns are given in the order of time, to the request that the event engine would choose:
(request time, write before read, rank of the task). When a turn is given at a time, all
requests of that time are known, because whatever a turn leads to lies later; leave to take
a tile leads to requests of the same time, so it is given first. A domain lived up to a time
has had all turns before it and none at it: others may still come and ask.
"""

from collections.abc import Mapping
from heapq import heappop, heappush
from math import inf

from archsim.machine.channel import Timing
from archsim.machine.course import NONE
from archsim.machine.drift import Drift, Drifts
from archsim.machine.lane import Lane
from archsim.machine.period import Skipper
from archsim.machine.server import NEVER, Server


class Domain:
    """Lanes in the order of their ranks, and from when on each channel is free."""

    __slots__ = ("free", "lanes", "now")

    def __init__(self, now: int, lanes: list[Lane], free: dict[str, int]) -> None:
        self.now = now
        self.lanes = sorted(lanes, key=lambda lane: lane.way.task.priority)
        self.free = free

    def copy(self) -> "Domain":
        """Return the same domain, to go on from."""
        return Domain(self.now, [lane.copy() for lane in self.lanes], self.free.copy())


class Run:
    """A domain on its way to a moment."""

    def __init__(
        self,
        domain: Domain,
        timings: Mapping[str, Timing],
        *,
        skips: bool = True,
        drifts: Drifts | None = None,
    ) -> None:
        self.domain = domain
        self.lanes = domain.lanes
        self.timings = timings
        self.numbers = {name: number for number, name in enumerate(domain.free)}
        self.servers = [Server(timings[name], free) for name, free in domain.free.items()]
        self.events: list[tuple[int, int]] = []
        """A heap of times and who gives a turn: a channel's number, or ``~number`` of a lane
        that leaves itself to take a tile."""
        self.load()
        self.skipper = Skipper(self.lanes, self.servers) if skips else None
        self.drifts = drifts
        self.drift: Drift | None = None

    def like(self, lanes: list[Lane], free: list[int]) -> "Run":
        """Return a run of other lanes that ask for the same channels, tile by tile."""
        names = dict(zip(self.numbers, free, strict=True))
        return Run(Domain(0, lanes, names), self.timings, skips=False)

    def load(self) -> None:
        """Collect what the lanes ask for."""
        self.events.clear()
        for server in self.servers:
            server.requests.clear()
            server.turn = NEVER
        for number, lane in enumerate(self.lanes):
            for stage, tile in enumerate(lane.waiting):
                if tile != NONE:
                    self.ask(number, stage)

    def ask(self, number: int, stage: int) -> None:
        """Let a lane ask for what it waits for at a stage."""
        lane = self.lanes[number]
        way, time = lane.way, lane.ends[stage]
        channel = way.channels[stage]
        if channel is None or not way.course.service[stage][lane.waiting[stage]]:
            heappush(self.events, (time, ~number))
            return
        place = self.numbers[channel]
        server = self.servers[place]
        heappush(server.requests, (time, way.course.is_read[stage], number, stage))
        turn = max(time, server.free)
        if server.turn == NEVER or turn < server.turn:
            server.turn = turn
            heappush(self.events, (turn, place))

    def turn(self) -> int:
        """Give the next turn; return the number of the lane that had it.

        ``NONE`` if its channel has given an earlier one in the meantime.
        """
        time, who = heappop(self.events)
        if who < 0:
            number, stage = ~who, 0
            lane = self.lanes[number]
            end = time + lane.way.course.service[0][lane.waiting[0]]
        else:
            server = self.servers[who]
            if time != server.turn:
                return NONE
            _, _, number, stage = heappop(server.requests)
            lane = self.lanes[number]
            lane.waited[stage] += time - lane.ends[stage]
            end = server.finish(time, lane.way.course.service[stage][lane.waiting[stage]])
            server.free = end
            server.turn = NEVER
            if server.requests:
                server.turn = max(end, server.requests[0][0])
                heappush(self.events, (server.turn, who))
        for asking in lane.settle(stage, time, end):
            self.ask(number, asking)
        return number

    def _drift(self, now: int, stop: float) -> bool:
        """Go on by what is known of lanes that drift; say whether that went anywhere."""
        if self.drifts is None:
            return False
        if self.drift is None:
            self.drift = self.drifts.of(self)
            if self.drift is None:
                self.drifts = None
                return False
        return self.drift.go(self, now, stop)

    def until(self, horizon: float) -> None:
        """Give all turns before a moment, or before a lane is over if that comes first."""
        lanes, events, skipper = self.lanes, self.events, self.skipper
        stop = min([horizon, *(lane.finish for lane in lanes if lane.finish is not None)])
        while events and events[0][0] < stop:
            time = events[0][0]
            number = self.turn()
            if number == NONE:
                continue
            finish = lanes[number].finish
            if finish is not None and finish < stop:
                stop = finish
            if (
                skipper is not None
                and skipper.place.has_turned
                and (skipper.look(time, stop) or (skipper.is_lost and self._drift(time, stop)))
            ):
                self.load()
        assert stop < inf, "a lane neither asks nor is over"
        self.domain.now = int(stop)
        self.domain.free = {
            name: server.free for name, server in zip(self.numbers, self.servers, strict=True)
        }
