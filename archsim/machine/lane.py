"""One task's tiles between its stages, at a moment, and what follows without a turn.

A tile that a stage hands on is a token with the time of its arrival; a slot that it leaves
behind is a token with the time from which on it is free. A stage takes its next tile at the
latest of three times: its own last end, a tile's arrival, a slot's release. All that can be
worked out from tokens at hand is worked out at once, even if it lies ahead: nobody else
changes it. What a lane must *ask* for is a turn at a contended channel, and leave to take
a tile at its first stage, so that it never runs ahead by more than its buffers hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf

from archsim.machine.course import NONE, Course, Place
from archsim.schedule.schedule import Task

Outline = tuple[
    tuple[int, ...], tuple[int, ...], tuple[tuple[tuple[int, int], ...], ...], tuple[int, ...]
]
"""All that the future of a lane depends on, but for its place: the stages' last ends or
requests, what they ask for, the tiles between them, last arrivals and free slots; all times
from a moment on."""


Form = tuple[tuple[int, ...], tuple[tuple[int, ...], ...], tuple[int, ...]]
"""A lane without its times: what each stage asks for, the classes of the tiles in each gap,
how many of its slots are free."""


@dataclass(frozen=True, slots=True)
class Way:
    """What stays while a task lives: its course, its rank, the channels it must ask for."""

    task: Task
    course: Course
    channels: tuple[str | None, ...]
    """For each stage, the contended channel that serves it."""

    @classmethod
    def of(cls, task: Task, course: Course, contended: frozenset[str]) -> "Way":
        """Return the way of a task's tiles."""
        names = course.instances(task.unit)
        channels = tuple([name if name in contended else None for name in names])
        return cls(task, course, channels)


class Lane:
    """Tokens, logs and place of one task."""

    __slots__ = (
        "arrived",
        "began",
        "coming",
        "counts",
        "ended",
        "ends",
        "finish",
        "free",
        "left",
        "moves",
        "place",
        "waited",
        "waiting",
        "way",
    )

    def __init__(self, way: Way, now: int) -> None:
        stages = way.course.stages
        gaps = stages[:-1]
        self.way = way
        self.place = Place(way.course)
        self.waiting = [NONE for _ in stages]
        """The class of the tile for which each stage asks; none where it does not ask."""
        self.ends = [now for _ in stages]
        """When each stage was done with its last tile, or began to ask for the next one."""
        self.arrived = [now for _ in stages]
        """When the last tile that each stage handed on arrives."""
        self.coming: list[list[tuple[int, int]]] = [[] for _ in gaps]
        """In each gap, when the tiles that are there or on their way arrive, and their classes."""
        self.free = [[now] * stage.slots for stage in gaps]
        """From when on each gap's slots are free."""
        self.left = way.course.tiles
        self.finish: int | None = None
        """When the last tile arrives, once that is known."""
        self.moves = 0
        """Turns that the lane was given."""
        self.counts = [0] * len(way.course.classes)
        """Tiles of each class that have passed all stages."""
        self.waited = [0 for _ in stages]
        self.began = [-1 for _ in stages]
        self.ended = [0 for _ in stages]

    @classmethod
    def standing(cls, way: Way, form: Form, times: Iterator[int], place: Place) -> "Lane":
        """Return a lane in the midst of its course, of which nothing is known before."""
        lane = cls(way, 0)
        lane.place = place
        lane.stand(form, times)
        return lane

    def copy(self) -> "Lane":
        """Return the same lane, to go on from."""
        other = Lane.__new__(Lane)
        other.way = self.way
        other.place = self.place.copy()
        other.waiting = self.waiting[:]
        other.ends = self.ends[:]
        other.arrived = self.arrived[:]
        other.coming = [tiles[:] for tiles in self.coming]
        other.free = [times[:] for times in self.free]
        other.left = self.left
        other.finish = self.finish
        other.moves = self.moves
        other.counts = self.counts[:]
        other.waited = self.waited[:]
        other.began = self.began[:]
        other.ended = self.ended[:]
        return other

    def like(self, before: "Lane", after: "Lane", later: int) -> "Lane":
        """Return what becomes of this lane if it is another one ``before``, but for the time.

        The other one became ``after``; this one does the same, ``later``.
        """
        other = after.copy()
        other.way = self.way
        other.delay(later)
        other.moves = self.moves + after.moves - before.moves
        other.counts = _grown(self.counts, before.counts, after.counts)
        other.waited = _grown(self.waited, before.waited, after.waited)
        other.began = [
            mine if mine >= 0 or theirs < 0 else theirs + later
            for mine, theirs in zip(self.began, after.began, strict=True)
        ]
        other.ended = _moved(self.ended, before.ended, after.ended, later)
        return other

    def times_that_matter(self, now: int) -> Iterator[int | None]:
        """Return all times, in an order that the form tells; none for one that is over.

        What a stage does next it does now or later, and not before it is done with what it
        asks for; tiles and slots that are there by then need not be waited for.
        """
        ready = []
        for stage, (end, tile) in enumerate(zip(self.ends, self.waiting, strict=True)):
            is_ahead = end > now
            yield end if is_ahead or tile != NONE else None
            begin = end if is_ahead else now
            ready.append(begin if tile == NONE else begin + self.way.course.service[stage][tile])
        yield from (
            time if time > end else None for time, end in zip(self.arrived, ready, strict=True)
        )
        for gap, end in zip(self.coming, ready[1:], strict=True):
            yield from (time if time > end else None for time, _ in gap)
        for times, end in zip(self.free, ready[:-1], strict=True):
            yield from (time if time > end else None for time in times)

    @property
    def form(self) -> Form:
        """All but the times and the place."""
        gaps = tuple([tuple([tile for _, tile in gap]) for gap in self.coming])
        return tuple(self.waiting), gaps, tuple(map(len, self.free))

    def stand(self, form: Form, times: Iterator[int]) -> None:
        """Stand as another lane does whose form and times are given."""
        waiting, gaps, slots = form
        self.waiting = list(waiting)
        self.ends = [next(times) for _ in waiting]
        self.arrived = [next(times) for _ in waiting]
        self.coming = [[(next(times), tile) for tile in gap] for gap in gaps]
        self.free = [[next(times) for _ in range(count)] for count in slots]

    def pass_tiles(self, counts: list[int], turns: int, times: int) -> None:
        """Let tiles of each class pass all stages, in so many turns, ``times`` over."""
        self.moves += turns * times
        self.left -= sum(counts) * times
        self.counts = [mine + more * times for mine, more in zip(self.counts, counts, strict=True)]

    def repeat(self, before: "Lane", ticks: int, times: int) -> None:
        """Do ``times`` more what was done since ``before``, which took so many ticks.

        The caller has seen that the lane stands as it stood then, and where the round is
        that it skips.
        """
        later = ticks * times
        self.delay(later)
        self.left -= times * (before.left - self.left)
        self.counts = _grown(self.counts, before.counts, self.counts, times)
        self.waited = _grown(self.waited, before.waited, self.waited, times)
        self.ended = _moved(self.ended, before.ended, self.ended, later)

    def delay(self, ticks: int) -> None:
        """Move all that is ahead by some ticks; what lies behind no longer matters."""
        self.ends = [time + ticks for time in self.ends]
        self.arrived = [time + ticks for time in self.arrived]
        self.coming = [[(time + ticks, tile) for time, tile in tiles] for tiles in self.coming]
        self.free = [[time + ticks for time in times] for times in self.free]
        if self.finish is not None:
            self.finish += ticks

    def outline(self, now: int) -> Outline:
        """Return all that the future depends on, but for the place.

        What is not asked for depends on a turn that is still to be given: it happens now or
        later, so any earlier time is as good as now.
        """
        tiles = [[(t - now if t > now else 0, tile) for t, tile in gap] for gap in self.coming]
        return (
            self.outline_of_ends(now),
            tuple(self.waiting),
            tuple(map(tuple, tiles)),
            tuple([t - now if t > now else 0 for t in chain(self.arrived, *self.free)]),
        )

    def outline_of_ends(self, now: int) -> tuple[int, ...]:
        """Return the outline's first part, which tells most states apart."""
        return tuple(
            [
                time - now if time > now or tile != NONE else 0
                for time, tile in zip(self.ends, self.waiting, strict=True)
            ]
        )

    def last_end(self, now: int) -> int:
        """Return when the last stage will have ended its last tile, as a time from now on."""
        end = self.ends[-1]
        return end - now if end > now else 0

    def begin_tile(self) -> bool:
        """Ask leave for the next tile at the first stage; say whether there is one, and room."""
        if self.free and not self.free[0]:
            return False
        tile = self.place.take()
        if tile == NONE:
            return False
        if self.free:
            self.ends[0] = max(self.ends[0], self.free[0].pop(0))
        self.waiting[0] = tile
        return True

    @property
    def next_leave(self) -> float:
        """When the lane takes a tile by its own leave; never, if it must wait for others."""
        tile = self.waiting[0]
        if tile == NONE or (self.way.channels[0] and self.way.course.service[0][tile]):
            return inf
        return self.ends[0]

    def settle(self, stage: int, start: int, end: int) -> list[int]:  # noqa: PLR0912  (hot)
        """Serve the tile that a stage asked for, and do all that follows.

        Return the stages that now ask.
        """
        ends, waiting, arrived = self.ends, self.waiting, self.arrived
        coming, free = self.coming, self.free
        course, channels, last = self.way.course, self.way.channels, len(ends) - 1
        tile = waiting[stage]
        waiting[stage] = NONE
        self.moves += 1
        asks: list[int] = []
        stages: list[int] = []  # may go on: a stage that is done lets itself and its neighbours
        while True:
            ends[stage] = arrival = end
            if end > start:
                if self.began[stage] < 0:
                    self.began[stage] = start
                self.ended[stage] = end
                arrival += course.latency[stage]
            # No tile overtakes another, so none arrives before those that left before it.
            arrived[stage] = arrival = arrived[stage] if arrived[stage] > arrival else arrival
            if stage:
                free[stage - 1].append(end)
                stages.append(stage - 1)
            stages.append(stage)
            if stage < last:
                coming[stage].append((arrival, tile))
                stages.append(stage + 1)
            else:
                self._leave(tile, arrival)
            while stages:
                stage = stages.pop()
                if waiting[stage] != NONE:
                    continue
                if not stage:
                    if self.begin_tile():
                        asks.append(0)
                    continue
                if not coming[stage - 1] or (stage < last and not free[stage]):
                    continue
                start, tile = coming[stage - 1].pop(0)
                start = ends[stage] if ends[stage] > start else start
                if stage < last:
                    slot = free[stage].pop(0)
                    start = slot if slot > start else start
                ticks = course.service[stage][tile]
                if not ticks or channels[stage] is None:
                    end = start + ticks
                    break
                waiting[stage] = tile
                ends[stage] = start
                asks.append(stage)
            else:
                return asks

    def _leave(self, tile: int, arrival: int) -> None:
        """Count a tile that has passed the last stage."""
        self.counts[tile] += 1
        self.left -= 1
        if not self.left:
            self.finish = arrival


def _grown(mine: list[int], before: list[int], after: list[int], times: int = 1) -> list[int]:
    """Add what came between."""
    return [
        count + times * (now - then) for count, then, now in zip(mine, before, after, strict=True)
    ]


def _moved(mine: list[int], before: list[int], after: list[int], later: int) -> list[int]:
    """Move those times that changed in between."""
    return [
        time if now == then else now + later
        for time, then, now in zip(mine, before, after, strict=True)
    ]
