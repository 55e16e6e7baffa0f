"""Two lanes that drift: each keeps its own pace, and their turns hardly ever fall alike again.

No period is found then. But between two turns of the slower lane little happens, and it
happens alike for a whole range of offsets between the lanes. All times that matter for what
comes follow the one lane or the other: a stand is all of them but for the offset between
both, and a leg is what happens from there to the next turn of the slower lane, lived once in
moving times (:mod:`archsim.machine.moving`), with the offsets for which it holds. Where lanes
have been before, they walk (:mod:`archsim.machine.walk`).

The tiles that a lane begins on a leg are of one class; where the class changes in between, the
lanes are lived turn by turn. To learn legs takes longer than to live: only so much of that is
done as living, and walking, have paid for.
"""

from collections.abc import Hashable, Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from archsim.machine.course import Place
from archsim.machine.lane import Lane
from archsim.machine.moving import Moving, Span
from archsim.machine.walk import Follower, Leg, Side, Stand, Walk

if TYPE_CHECKING:
    from archsim.machine.domain import Run

LANES = 2
"""Lanes that can drift: between more of them there is more than one offset."""
MOST_PAIRS = 500
"""Pairs of courses that are remembered; those met first are forgotten first."""
MOST_TURNS = 100
"""Turns of a leg; longer ones are better left to the search for periods."""
CREDIT = 1500.0
"""Turns whose time may be lost to begin with; those that a walk saves are added."""
MOST_CREDIT = 20_000.0
EARNED = 0.5
"""What a look for periods in vain adds."""
ENTRY = 10
"""Turns that take the time of a walk without legs."""
PRICE = 6
"""Turns that take the time of learning one."""

Time = Any
"""A number, or a moving time."""


class _UnevenError(Exception):
    """A lane would begin tiles of different classes on one leg."""


class _Ahead(Place):
    """Tiles ahead of a lane, as far as they are of one class."""

    __slots__ = ("_side", "taken")

    def __init__(self, side: Side) -> None:
        self._side = side
        self.taken = 0
        self.has_turned = False

    def take(self) -> int:
        if self.taken == self._side.left:
            raise _UnevenError
        self.taken += 1
        return self._side.tile


class Drifts:
    """What is known of lanes that drift, by their courses and the channels that they share."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Drift] = {}

    def of(self, run: "Run") -> "Drift | None":
        """Return what is known of a run's lanes; none if they cannot drift."""
        lanes, servers = run.lanes, run.servers
        if len(lanes) != LANES or any(lane.finish is not None for lane in lanes):
            return None
        if any(server.rhythm is not None for server in servers):
            return None
        key = (
            *[lane.way.course.alike for lane in lanes],
            *[run.numbers.get(name or "") for lane in lanes for name in lane.way.channels],
        )
        drift = self._known.get(key)
        if drift is None:
            drift = self._known[key] = Drift()
            if len(self._known) > MOST_PAIRS:
                del self._known[next(iter(self._known))]
        return drift


class Drift:
    """What is known of two courses that share channels: where they may stand, and legs."""

    def __init__(self) -> None:
        self._stands: dict[Hashable, Stand] = {}
        self._credit = CREDIT

    def go(self, run: "Run", now: int, stop: float) -> bool:
        """Walk while all turns lie before ``stop``; say whether that led anywhere."""
        self._credit += EARNED
        if self._credit < 2 * ENTRY:
            return False
        slow = max(range(LANES), key=lambda number: run.lanes[number].way.course.pace)
        times = list(_times(run, slow, now))
        stand, (first, second) = self._stand(run.lanes, times)
        walk = Walk(run.lanes, stand, (times[first][1], times[second][1]))
        while not walk.is_over:
            leg = walk.known()
            if leg is None and self._credit + walk.saved > 0:
                leg = self._learned(run, walk, slow)
            if leg is None or not walk.go(leg, stop):
                break
        self._credit = min(self._credit + walk.saved - ENTRY, MOST_CREDIT)
        if not walk.saved:
            return False
        walk.arrive(run.servers)
        return True

    def _stand(
        self, lanes: Sequence[Lane], times: Sequence[tuple[int, int | None]]
    ) -> tuple[Stand, tuple[int, int]]:
        """Return a stand, given whom each time follows, and which times are its anchors."""
        anchors: dict[int, tuple[int, int]] = {}
        for number, (whom, time) in enumerate(times):
            if time is not None:
                anchors.setdefault(whom, (number, time))
        ranks = {whom: rank for rank, whom in enumerate(anchors)}
        followers = tuple(
            [
                None if time is None else (ranks[whom], time - anchors[whom][1])
                for whom, time in times
            ]
        )
        forms = tuple([lane.form for lane in lanes])
        stand = self._stands.get((forms, followers))
        if stand is None:
            stand = self._stands[forms, followers] = Stand(forms, followers)
        first, *others = [number for number, _ in anchors.values()]
        return stand, (first, others[0] if others else first)

    def _learned(self, run: "Run", walk: Walk, slow: int) -> Leg | None:
        """Live a leg in moving times; none if it cannot be told from where it begins."""
        span, anchors, stand = Span(), walk.anchors, walk.stand
        ahead = [_Ahead(side) for side in walk.sides]
        moving: Iterator[Time] = iter(
            [
                -inf if time is None else Moving(anchors[time[0]] + time[1], time[0], span)
                for time in stand.times
            ]
        )
        lanes = [
            Lane.standing(side.lane.way, form, moving, place)
            for side, form, place in zip(walk.sides, stand.forms, ahead, strict=True)
        ]
        short = run.like(lanes, list(moving))
        try:
            now = _last_turn(short, slow)
        except _UnevenError:
            return None
        if now is None:
            return None

        def follower(time: Moving) -> Follower:
            return time.slope, time.now - anchors[time.slope]

        times = list(_times(short, slow, now))
        then, (first, second) = self._stand(lanes, _grouped(times))
        offset = anchors[1] - anchors[0]
        logs: list[tuple[int, int, Time, Time, Time]] = [
            (number, stage, *log)
            for number, lane in enumerate(lanes)
            for stage, log in enumerate(zip(lane.waited, lane.began, lane.ended, strict=True))
        ]
        leg = Leg(
            least=offset + span.least,
            most=offset + span.most,
            begun=tuple(place.taken for place in ahead),
            last_turn=follower(now),
            then=then,
            anchors=(follower(times[first][1]), follower(times[second][1])),
            turns=tuple(lane.moves for lane in lanes),
            counts=tuple(lane.counts for lane in lanes),
            waited=[
                (number, stage, wait.now - wait.slope * offset, wait.slope)
                for number, stage, wait, _, _ in logs
                if isinstance(wait, Moving)
            ],
            served=[
                (number, stage, follower(began), follower(ended))
                for number, stage, _, began, ended in logs
                if isinstance(began, Moving)
            ],
        )
        self._credit -= PRICE * leg.effort
        one, other = walk.sides
        stand.legs.setdefault((one.tile, other.tile), []).append(leg)
        return leg


def _last_turn(run: "Run", slow: int) -> Time:
    """Live up to the next turn of the slower lane; return when it is, or none if too much is."""
    for _ in range(MOST_TURNS):
        now = run.events[0][0]
        is_slow = run.turn() == slow
        if any(lane.finish is not None for lane in run.lanes):
            return None
        if is_slow:
            return now
    return None


def _times(run: "Run", slow: int, now: Time) -> Iterator[tuple[int, Time]]:
    """Return all times of lanes and channels, and whose they are; none for those that are over.

    A channel is thought of as the faster lane's. One that is free from now on may have let
    somebody wait.
    """
    for number, lane in enumerate(run.lanes):
        for time in lane.times_that_matter(now):
            yield number, time
    for server in run.servers:
        yield 1 - slow, None if server.free < now else server.free


def _grouped(times: list[tuple[int, Time]]) -> list[tuple[int, int | None]]:
    """Return times by the anchors that they follow.

    If all follow one, both lanes are tied to each other at the moment. They may part again,
    so each is thought to go with whom it belongs to.
    """
    are_tied = len({time.slope for _, time in times if time is not None}) == 1
    return [
        (owner, None) if time is None else (owner if are_tied else time.slope, time.now)
        for owner, time in times
    ]
