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

from collections import Counter
from dataclasses import dataclass
from math import inf

from archsim.machine.lane import Lane, Outline
from archsim.machine.server import Server

FIRST_MARK = 3
"""Looks before the first mark; before, buffers are still filling."""
LATEST_FIRST_MARK = 48
"""The same where skips are hardly worth their trouble: each that is not doubles it."""
DENSE_MARKS = 6
"""Marks at one look after the other; then each waits a quarter longer than the last."""
KEPT_MARKS = 256
"""Marks that outlive skips, to find longer periods by."""
PATIENCE = 128
"""Looks without a skip after which only one burst in four is made, of ``BURST`` looks."""
BURST = 64
LOST = 64
"""Looks after which skips should have saved as many turns, or there is no period to be found."""
WORTHWHILE = 16
"""Tiles left below which nothing is looked for."""

Ends = tuple[int, ...]
"""Some times from now on, and steps, that tell most states apart."""


@dataclass(frozen=True, slots=True)
class _Period:
    """What can be repeated: how often, how long each takes, and who moves in it."""

    times: int
    ticks: int
    moving: tuple[tuple[Lane, Lane, int, int], ...]
    """Lane, how it stood, the depth of its loop and its rounds."""
    servers: tuple[Server, ...]

    @property
    def saved(self) -> int:
        """Turns that need not be lived."""
        return self.times * sum(lane.moves - before.moves for lane, before, _, _ in self.moving)


class _Mark:
    """A domain as it stood."""

    def __init__(self, lanes: list[Lane], servers: list[Server], now: int, ends: Ends) -> None:
        self.now = now
        self._ends = ends
        self.free = [server.free for server in servers]
        self.lanes = [lane.copy() for lane in lanes]
        self._outlines: list[Outline | None] = [None for _ in lanes]

    def period(
        self, lanes: list[Lane], servers: list[Server], now: int, ends: Ends, stop: float
    ) -> _Period | None:
        """Return what can be repeated, if the domain stands as it did."""
        for lane, before, end, its_end in zip(lanes, self.lanes, ends, self._ends, strict=True):
            if end != its_end and lane.moves != before.moves:
                return None
        pairs = list(zip(lanes, self.lanes, strict=True))
        still = [lane.moves == before.moves for lane, before in pairs]
        giving = self._giving(servers, still, now)
        if giving is None:
            return None
        leaves = [lane.next_leave for lane, is_still in zip(lanes, still, strict=True) if is_still]
        turns = [_next_of_others(server, still, server in giving) for server in servers]
        limit = min([stop, *leaves, *turns])
        ticks = now - self.now
        times = (limit - 1 - now) // ticks if ticks and limit < inf else inf
        if times < 1:
            return None
        moving = []
        for (lane, before), is_still in zip(pairs, still, strict=True):
            if is_still:
                continue
            rounds = lane.place.rounds_since(before.place)
            if rounds is None:
                return None
            moving.append((lane, before, *rounds[:2]))
            times = min(times, rounds[2])
        if times < 1 or not self._is_alike(lanes, still, now):
            return None
        return _Period(int(times), ticks, tuple(moving), giving)

    def _giving(
        self, servers: list[Server], still: list[bool], now: int
    ) -> tuple[Server, ...] | None:
        """Return the channels that gave turns since, or None if one does not stand as it did."""
        found = []
        for server, free in zip(servers, self.free, strict=True):
            if server.free == free and all(still[request[2]] for request in server.requests):
                continue
            if max(server.free - now, 0) != max(free - self.now, 0):
                return None
            if server.rhythm is not None:
                first, period = server.rhythm
                if self.now < first or (now - self.now) % period:
                    return None
            found.append(server)
        return tuple(found)

    def _is_alike(self, lanes: list[Lane], still: list[bool], now: int) -> bool:
        for number, lane in enumerate(lanes):
            if still[number]:
                continue
            outline = self._outlines[number]
            if outline is None:
                outline = self._outlines[number] = self.lanes[number].outline(self.now)
            if lane.outline_of_ends(now) != outline[0] or lane.outline(now) != outline:
                return False
        return True


def _next_of_others(server: Server, still: list[bool], is_giving: bool) -> float:
    """When those who stand still come between: they ask, or a channel of theirs gives a turn."""
    asked = [request[0] for request in server.requests if still[request[2]]]
    if not asked:
        return inf
    return min(asked) if is_giving else server.turn


class Skipper:
    """Watches a domain's turns for periods, and skips them."""

    def __init__(self, lanes: list[Lane], servers: list[Server]) -> None:
        self._lanes = lanes
        self._servers = servers
        self._since = 0
        """Looks since the last skip."""
        self._lost = 0
        """Looks since the start that have not been paid for by turns saved."""
        self._first = self._due = FIRST_MARK
        """Looks from a skip to the first mark, and to the next one."""
        self._young: dict[Ends, _Mark] = {}
        """Marks since the last skip, by what is seen of the lane watched: periods in which
        others may stand still."""
        self._kept: dict[tuple[Ends, int, Ends, Ends], _Mark] = {}
        """Marks by the same, and by what is seen of all lanes, for each loop that the lane watched
        is in: periods of loops around loops, in which there are skips, have the same rounds of all
        others."""
        self._kept_by: Counter[Ends] = Counter()
        """How many of them there are by what is seen of the lane watched: mostly none."""
        self.place = lanes[0].place
        """That of the lane watched, if one is; it says when it has been round a loop."""
        self._watch()

    @property
    def is_lost(self) -> bool:
        """Whether periods have been looked for in vain."""
        return self._lost > LOST

    def _watch(self) -> None:
        """Watch the lane whose tiles follow one another fastest."""
        worth = [lane for lane in self._lanes if lane.left >= WORTHWHILE and not lane.place.is_over]
        self._watched = min(worth, key=lambda lane: lane.way.course.pace, default=None)
        if self._watched is not None:
            self.place = self._watched.place
        self.place.has_turned = False

    def look(self, now: int, stop: float) -> bool:
        """Skip what repeats; say whether anything did, so that all times have changed."""
        self.place.has_turned = False
        if self._watched is None or self.place.is_over:
            self._watch()
            return False
        self._since += 1
        self._lost += 1
        if self._since > PATIENCE and self._since % (4 * BURST) >= BURST:
            return False
        own = (*self.place.steps, self._watched.ends[0] - now, self._watched.last_end(now))
        is_due = self._since >= self._due
        if own not in self._young and own not in self._kept_by and not is_due:
            return False
        ends = tuple([end - now if (end := lane.ends[-1]) > now else 0 for lane in self._lanes])
        rounds = tuple(self.place.rounds)
        # The outermost loop is the course itself, which is run once.
        keys = [
            (own, depth, ends, rounds[:depth] + rounds[depth + 1 :])
            for depth in range(1, len(rounds))
        ]
        marks = dict.fromkeys([*map(self._kept.get, keys), self._young.get(own)])
        found = [
            period
            for mark in marks
            if mark and (period := mark.period(self._lanes, self._servers, now, ends, stop))
        ]
        if found:
            self._skip(max(found, key=lambda period: period.saved))
            return True
        if is_due:
            self._young[own] = mark = _Mark(self._lanes, self._servers, now, ends)
            self._keep(mark, keys)
            self._due += 1 if self._due < self._first + DENSE_MARKS else self._due // 4
        return False

    def _keep(self, mark: _Mark, keys: list[tuple[Ends, int, Ends, Ends]]) -> None:
        """Let a mark outlive skips; the oldest ones do so no longer."""
        for key in keys:
            self._kept_by[key[0]] += key not in self._kept
            self._kept[key] = mark
        while len(self._kept) > KEPT_MARKS:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._kept_by[oldest[0]] -= 1
            if not self._kept_by[oldest[0]]:
                del self._kept_by[oldest[0]]

    def _skip(self, period: _Period) -> None:
        self._lost = max(0, self._lost - period.saved // 4)
        is_poor = period.saved < 8 * len(self._lanes)
        self._first = min(2 * self._first, LATEST_FIRST_MARK) if is_poor else FIRST_MARK
        for lane, before, depth, rounds in period.moving:
            lane.repeat(before, period.ticks, period.times)
            lane.place.skip(depth, rounds * period.times)
        for server in period.servers:
            server.free += period.ticks * period.times
        self._young.clear()
        self._since, self._due = 0, self._first
