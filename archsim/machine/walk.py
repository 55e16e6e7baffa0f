"""Walks of two lanes that drift: from stand to stand, leg by leg, by adding a few numbers.

What stands and legs are, and how they are found: :mod:`archsim.machine.drift`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archsim.machine.lane import Form, Lane
from archsim.machine.server import Server

Follower = tuple[int, int]
"""A time by the number of its anchor, and how much later than that it is."""
Anchors = tuple[int, int]
"""The times that all others follow; their difference is the offset between the lanes."""


@dataclass(eq=False, slots=True)
class Stand:
    """How two lanes and their channels stand, but for the offset between the lanes."""

    forms: tuple[Form, ...]
    """Of each lane."""
    times: tuple[Follower | None, ...]
    """Of lanes and channels; none for those that no longer matter."""
    legs: dict[tuple[int, int], list["Leg"]] = field(default_factory=dict)
    """What may come, by the classes of both lanes' next tiles."""


@dataclass(eq=False, slots=True, kw_only=True)
class Leg:
    """What happens up to the next turn of the slower lane; times follow the anchors before it."""

    least: float
    most: float
    """The offsets for which it holds."""
    begun: tuple[int, ...]
    """Tiles that each lane takes of its course."""
    last_turn: Follower
    then: Stand
    anchors: tuple[Follower, Follower]
    """Those of ``then``."""
    turns: tuple[int, ...]
    """Of each lane."""
    counts: tuple[list[int], ...]
    """Of each lane, the tiles of each class that pass its last stage."""
    waited: list[tuple[int, int, int, int]]
    """Lane, stage, ticks waited at no offset, and how many more for each tick of it."""
    served: list[tuple[int, int, Follower, Follower]]
    """Lane, stage, its first start and its last end."""
    done: tuple[int, ...] = ()
    """Of each lane, the tiles that pass its last stage."""
    effort: int = 0
    """Turns of both lanes."""
    times: int = 0
    """How often it was gone on this walk."""
    offsets: int = 0
    """The sum of all offsets then."""
    first: Anchors = (0, 0)
    """The anchors when it was gone first."""
    last: Anchors = (0, 0)
    """The anchors when it was gone last."""

    def __post_init__(self) -> None:
        self.done = tuple(map(sum, self.counts))
        self.effort = sum(self.turns)


class Side:
    """One of the lanes on a walk, and its tiles ahead."""

    __slots__ = ("due", "lane", "left", "stay", "tile")

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.stay = lane.left
        """Tiles that have not passed the last stage."""
        self.due = 0
        """Tiles that were taken of those ahead, and that the lane's place does not know of."""
        self.tile, self.left = lane.place.ahead()
        """The class of the next tile, and how many there are of it from there on."""

    def move(self, begun: int, done: int) -> None:
        """Take some tiles, and let some pass the last stage."""
        self.stay -= done
        self.due += begun
        self.left -= begun
        if not self.left:
            self.settle()
            self.tile, self.left = self.lane.place.ahead()

    def settle(self) -> None:
        """Tell the lane's place what was taken."""
        self.lane.place.advance(self.due)
        self.due = 0


class Walk:
    """Legs, one after the other."""

    def __init__(self, lanes: Sequence[Lane], stand: Stand, anchors: Anchors) -> None:
        self.stand = stand
        self.anchors = anchors
        self.sides = [Side(lane) for lane in lanes]
        self.saved = 0
        """Turns that need not be lived."""
        self._legs: list[Leg] = []

    @property
    def is_over(self) -> bool:
        """Whether a lane has no more tiles to take."""
        return not all(side.left for side in self.sides)

    def known(self) -> Leg | None:
        """Return the leg that comes next, if somebody has been there."""
        one, other = self.sides
        offset = self.anchors[1] - self.anchors[0]
        for leg in self.stand.legs.get((one.tile, other.tile), ()):
            if leg.least <= offset <= leg.most:
                return leg
        return None

    def go(self, leg: Leg, stop: float) -> bool:
        """Go a leg, if there are tiles enough and all its turns lie before ``stop``."""
        one, other = self.sides
        anchors = self.anchors
        begun, begun_other = leg.begun
        done, done_other = leg.done
        whom, later = leg.last_turn
        if (
            begun > one.left
            or begun_other > other.left
            or done >= one.stay
            or done_other >= other.stay
            or anchors[whom] + later >= stop
        ):
            return False
        if not leg.times:
            self._legs.append(leg)
            leg.first = anchors
        leg.times += 1
        leg.offsets += anchors[1] - anchors[0]
        leg.last = anchors
        self.saved += leg.effort
        one.move(begun, done)
        other.move(begun_other, done_other)
        (whom, later), (whom_other, later_other) = leg.anchors
        self.anchors = anchors[whom] + later, anchors[whom_other] + later_other
        self.stand = leg.then
        return True

    def arrive(self, servers: Sequence[Server]) -> None:
        """Let lanes and channels stand where the walk has led."""
        lanes = [side.lane for side in self.sides]
        times = iter(
            [0 if time is None else self.anchors[time[0]] + time[1] for time in self.stand.times]
        )
        for side, form in zip(self.sides, self.stand.forms, strict=True):
            side.settle()
            side.lane.stand(form, times)
        for server, free in zip(servers, times, strict=True):
            server.free = free
        was_served = [[began >= 0 for began in lane.began] for lane in lanes]
        for leg in self._legs:
            for lane, turns, counts in zip(lanes, leg.turns, leg.counts, strict=True):
                lane.pass_tiles(counts, turns, leg.times)
            for number, stage, ticks, slope in leg.waited:
                lanes[number].waited[stage] += leg.times * ticks + slope * leg.offsets
            for number, stage, (whom, began), (whom_last, ended) in leg.served:
                lane = lanes[number]
                lane.ended[stage] = max(lane.ended[stage], leg.last[whom_last] + ended)
                if not was_served[number][stage]:
                    start, known = leg.first[whom] + began, lane.began[stage]
                    lane.began[stage] = start if known < 0 else min(known, start)
            leg.times = leg.offsets = 0
        self._legs.clear()
