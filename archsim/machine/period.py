"""Periods: a domain that stands as it stood before does again what it has done since.

One lane's rounds are watched. From time to time the domain is marked; whenever the lane has
been round a loop, the domain is compared with a mark. If they are alike, but for the time and
for the rounds of loops, what happened in between happens again, as often as every lane still
has the rounds for it and nobody else comes in between; all of that is skipped at once, by
adding.

*Alike* is exact: all times relative to now, whatever is past being as good as now
(:meth:`Lane.outline`). Lanes that had no turn since the mark stand still; what they ask for
next ends the period. A channel that keeps time of its own (refresh) must be in the same phase.

A run without periods pays for looking: marks come ever more seldom, and most comparisons
end at the first few numbers.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.machine.course import NONE
from archsim.machine.lane import Lane, Outline

if TYPE_CHECKING:
    from archsim.machine.domain import Run, Server

FIRST_MARK = 4
"""Rounds before the first mark; before, buffers are still filling."""
WORTHWHILE = 16
"""Tiles left below which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class _Period:
    """What can be repeated: how often, how long each takes, and who moves in it."""

    times: int
    ticks: int
    moving: tuple[tuple[Lane, Lane, int, int], ...]
    """Lane, how it stood, the depth of its loop and its rounds."""
    servers: tuple["Server", ...]


class _Mark:
    """A domain as it stood."""

    def __init__(self, run: "Run", now: int, looks: int) -> None:
        self.now = now
        self.looks = looks
        self.free = [server.free for server in run.servers]
        self.lanes = [lane.copy() for lane in run.lanes]
        self.outlines: list[Outline] = [lane.outline(now) for lane in run.lanes]
        self._first = 0
        """The lane that differed last: it is likely to differ again."""

    def period(self, run: "Run", now: int, stop: float) -> _Period | None:
        """Return what can be repeated, if the domain stands as it did."""
        if not self._is_alike(run.lanes, now):
            return None
        moving = []
        times: float = float("inf")
        limit = stop
        for lane, before in zip(run.lanes, self.lanes, strict=True):
            if lane.moves == before.moves:
                limit = min(limit, _next_leave(lane))
                continue
            rounds = lane.place.rounds_since(before.place)
            if rounds is None:
                return None
            moving.append((lane, before, *rounds[:2]))
            times = min(times, rounds[2])
        ticks = now - self.now
        servers = []
        for server, free in zip(run.servers, self.free, strict=True):
            still = [request for request in server.requests if self._is_still(run, request[2])]
            if server.free == free and len(still) == len(server.requests):
                if still:
                    limit = min(limit, server.turn)
                continue
            if max(server.free - now, 0) != max(free - self.now, 0):
                return None
            if server.timing.rhythm is not None:
                first, period = server.timing.rhythm
                if self.now < first or ticks % period:
                    return None
            limit = min([limit, *(request[0] for request in still)])
            servers.append(server)
        if ticks:
            times = min(times, (limit - 1 - now) // ticks)
        if times < 1:
            return None
        return _Period(int(times), ticks, tuple(moving), tuple(servers))

    def _is_still(self, run: "Run", number: int) -> bool:
        return run.lanes[number].moves == self.lanes[number].moves

    def _is_alike(self, lanes: list[Lane], now: int) -> bool:
        order = (self._first, *range(len(lanes)))
        for number in order:
            lane = lanes[number]
            if lane.moves == self.lanes[number].moves:
                continue
            outline = self.outlines[number]
            if lane.outline_of_ends(now) != outline[0] or lane.outline(now) != outline:
                self._first = number
                return False
        return True


def _next_leave(lane: Lane) -> float:
    """When a lane that stands still takes a tile by its own leave."""
    tile = lane.waiting[0]
    if tile == NONE:
        return float("inf")
    by_leave = lane.way.channels[0] is None or not lane.way.course.service[0][tile]
    return lane.ends[0] if by_leave else float("inf")


class Skipper:
    """Watches a run for periods, and skips them."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self._looks = 0
        self._since = 0
        """Looks since the last skip."""
        self._due = FIRST_MARK
        self._young: _Mark | None = None
        self._old: _Mark | None = None
        """One that outlives skips: loops around loops are found by it."""
        self._watch()

    def _watch(self) -> None:
        """Watch the lane whose tiles follow one another fastest."""
        worth = [
            lane
            for lane in self.run.lanes
            if lane.left >= WORTHWHILE and not lane.place.is_over
        ]
        self._watched = min(worth, key=lambda lane: lane.way.course.pace, default=None)
        if self._watched is not None:
            self._watched.place.has_turned = False

    @property
    def is_called(self) -> bool:
        """Whether the watched lane has been round a loop."""
        return self._watched is not None and self._watched.place.has_turned

    def look(self, now: int, stop: float) -> None:
        """Skip what repeats, if anything does."""
        assert self._watched is not None
        self._watched.place.has_turned = False
        if self._watched.place.is_over:
            self._watch()
            return
        self._looks += 1
        self._since += 1
        for mark in (self._young, self._old):
            period = mark.period(self.run, now, stop) if mark is not None else None
            if mark is not None and period is not None:
                self._skip(mark, period)
                return
        if self._since >= self._due:
            self._young = _Mark(self.run, now, self._looks)
            self._due += max(1, self._due // 2)

    def _skip(self, mark: _Mark, period: _Period) -> None:
        for lane, before, depth, rounds in period.moving:
            lane.repeat(before, period.ticks, period.times)
            lane.place.skip(depth, rounds * period.times)
        for server in period.servers:
            server.free += period.ticks * period.times
        self.run.load()
        if self._old is None or self._looks >= 2 * self._old.looks:
            self._old = mark
        self._young, self._since, self._due = None, 0, FIRST_MARK
