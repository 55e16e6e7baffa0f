"""The tiles of a stream as loops of numbered classes, and a place among them.

A place among a million tiles is a few numbers: for every loop that it is in, the round and
the step within the body. Two places that differ in the round of one loop only have the same
tiles ahead of them, up to the end of that loop.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from archsim.machine.channel import READS
from archsim.mapping.stream import Repeat, TileClass, TileStream

NONE = -1
"""The number of no class."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A sequence of tiles, by the numbers of their classes, and loops, ``times`` over."""

    times: int
    items: tuple["int | Loop", ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What so many tiles of each class are together."""

    tiles: int
    points: int
    busy: tuple[int, ...]
    """Ticks of service at each stage."""
    bits: tuple[int, ...]
    """Bits that pass each stage."""


class Course:
    """A stream in numbers: its classes, their services by stage, and its loops."""

    def __init__(self, stream: TileStream) -> None:
        numbers: dict[TileClass, int] = {}
        self.loop = Loop(1, _items(stream.body, numbers))
        self.classes = tuple(numbers)
        self.stages = stream.stages
        self.service = tuple(
            tuple(tile.service[stage] for tile in self.classes)
            for stage in range(len(stream.stages))
        )
        self.latency = tuple(stage.latency for stage in stream.stages)
        self.is_read = tuple(int(stage.kind in READS) for stage in stream.stages)
        self.tiles = stream.tiles
        self.pace = max(stream.busy) / stream.tiles
        """Ticks from tile to tile, about: those of the busiest stage."""
        self.alike = self
        """The course that stands for all of its form."""
        self._totals: dict[tuple[int, ...], Totals] = {}
        self._instances: dict[str, tuple[str, ...]] = {}

    def instances(self, unit: str) -> tuple[str, ...]:
        """Return the component that serves each stage for one of several identical units."""
        if unit not in self._instances:
            self._instances[unit] = tuple(stage.instance(unit) for stage in self.stages)
        return self._instances[unit]

    @property
    def form(self) -> Hashable:
        """All that time depends on: what tiles are worth in bits is not of it."""
        slots = tuple(stage.slots for stage in self.stages)
        return self.loop, self.service, self.latency, slots, self.is_read

    def follow(self, alike: "Course") -> None:
        """Let another course of the same form stand for this one, with one loop for both."""
        self.alike, self.loop = alike, alike.loop

    def totals(self, counts: tuple[int, ...]) -> Totals:
        """Return what so many tiles of each class are together; most tasks end with the same."""
        if counts not in self._totals:
            counted = list(zip(counts, self.classes, strict=True))
            stages = range(len(self.stages))
            self._totals[counts] = Totals(
                tiles=sum(counts),
                points=sum(count * tile.points for count, tile in counted),
                busy=tuple(sum(count * tile.service[n] for count, tile in counted) for n in stages),
                bits=tuple(sum(count * tile.bits[n] for count, tile in counted) for n in stages),
            )
        return self._totals[counts]


def _items(
    body: tuple[TileClass | Repeat, ...], numbers: dict[TileClass, int]
) -> tuple["int | Loop", ...]:
    return tuple(
        Loop(part.times, _items(part.body, numbers))
        if isinstance(part, Repeat)
        else numbers.setdefault(part, len(numbers))
        for part in body
    )


class Place:
    """A place in a course: the tiles before it have been taken."""

    __slots__ = ("_loops", "has_turned", "rounds", "steps")

    def __init__(self, course: Course) -> None:
        self._loops = [course.loop]
        self.rounds = [0]
        """Of each loop that the place is in, outermost first: the rounds that are over."""
        self.steps = [0]
        """Of each, the items of its body that have been begun."""
        self.has_turned = False
        """Whether a round has ended since somebody last looked, or the course has."""

    @classmethod
    def at(
        cls, course: Course, rounds: list[int], steps: list[int], *, has_turned: bool
    ) -> "Place":
        """Return a place by what tells it from others in a course."""
        place = cls(course)
        place.rounds, place.steps, place.has_turned = rounds, steps, has_turned
        if not steps:
            place._loops.clear()
        for step in steps[:-1]:
            inner = place._loops[-1].items[step - 1]
            assert isinstance(inner, Loop)
            place._loops.append(inner)
        return place

    @property
    def is_over(self) -> bool:
        """Whether no tile is left."""
        return not self._loops

    def take(self) -> int:
        """Take the next tile and return its class; none where the course is over."""
        loops, rounds, steps = self._loops, self.rounds, self.steps
        while loops:
            loop, step = loops[-1], steps[-1]
            if step == len(loop.items):
                rounds[-1] += 1
                self.has_turned = True
                if rounds[-1] == loop.times:
                    loops.pop()
                    rounds.pop()
                    steps.pop()
                    continue
                step = 0
            steps[-1] = step + 1
            item = loop.items[step]
            if isinstance(item, int):
                return item
            loops.append(item)
            rounds.append(0)
            steps.append(0)
        return NONE

    def ahead(self) -> tuple[int, int]:
        """Return the next tile's class, and how many there are of it up to a loop's end.

        None where the course is over.
        """
        if self._loops:
            items, step = self._loops[-1].items, self.steps[-1]
            if len(items) == 1 and isinstance(items[0], int):
                left = self._loops[-1].times - self.rounds[-1] - step
                if left:
                    return items[0], left
            elif step < len(items) and isinstance(item := items[step], int):
                return item, 1
        tile = self.copy().take()
        return tile, int(tile != NONE)

    def advance(self, tiles: int) -> None:
        """Take tiles, no more than are :meth:`ahead`."""
        if tiles > 1:
            self.rounds[-1] += self.steps[-1] + tiles - 1
            self.steps[-1] = 1
            self.has_turned = True
        elif tiles:
            self.take()

    def copy(self) -> "Place":
        """Return the same place, to go on from."""
        other = Place.__new__(Place)
        other._loops = self._loops[:]
        other.rounds = self.rounds[:]
        other.steps = self.steps[:]
        other.has_turned = self.has_turned
        return other

    def rounds_since(self, before: "Place") -> tuple[int, int, int] | None:
        """Return the one loop whose round alone tells two places apart.

        That is its depth, the rounds between the places, and how often as many more can
        follow before the loop ends. None if the places differ in more, or in nothing.
        """
        if self._loops != before._loops or self.steps != before.steps:
            return None
        apart = [
            (depth, now - then)
            for depth, (now, then) in enumerate(zip(self.rounds, before.rounds, strict=True))
            if now != then
        ]
        if len(apart) != 1:
            return None
        depth, between = apart[0]
        left = self._loops[depth].times - 1 - self.rounds[depth]
        return depth, between, left // between

    def skip(self, depth: int, rounds: int) -> None:
        """Go on by whole rounds of a loop that the place is in."""
        self.rounds[depth] += rounds
