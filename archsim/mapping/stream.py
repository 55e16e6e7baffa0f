"""A tile stream: one operation on one unit, as the tiles that pass its stages in order.

A stream is nested repetition of a few tile classes, so that a million tiles are a few
numbers.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, islice

ActionCount = tuple[str, str, str, int]
"""Component, action, number format (or nothing), and how often."""
Tally = tuple[str, str, int]
"""Component, what is counted, and how often: for people, and without a price."""


class StageKind(StrEnum):
    """What a stage does with a tile."""

    FETCH = "fetch"
    """Off-chip memory to the chip."""
    DISTRIBUTE = "distribute"
    """On-chip memory, or the chip's edge, to the unit."""
    COMPUTE = "compute"
    COLLECT = "collect"
    """The unit to on-chip memory, or the chip's edge."""
    STORE = "store"
    """The chip to off-chip memory."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A place that each tile of a stream passes."""

    kind: StageKind
    component: str
    private: bool
    """Whether each unit has a component of this name to itself."""
    latency: int = 0
    """Ticks from the end of a tile's service to its arrival at the next stage."""
    slots: int = 2
    """Tiles that the buffer in front of the next stage holds."""

    def instance(self, unit: str) -> str:
        """The component that serves this stage for one of several identical units."""
        if self.kind is StageKind.COMPUTE:
            return unit
        return f"{self.component}[{unit}]" if self.private else self.component


@dataclass(frozen=True, slots=True)
class TileClass:
    """Tiles that are alike: ticks and bits at each stage, and the actions they cause.

    A tile without service at a stage passes it without waiting; it never overtakes.
    """

    service: tuple[int, ...]
    bits: tuple[int, ...]
    points: int
    actions: tuple[ActionCount, ...]
    tallies: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """A sequence of tiles, ``times`` over."""

    times: int
    body: tuple["TileClass | Repeat", ...]


@dataclass(frozen=True)
class TileStream:
    """The tiles of one operation, or of a part of it, and the stages they pass."""

    stages: tuple[Stage, ...]
    body: tuple[TileClass | Repeat, ...]

    @cached_property
    def classes(self) -> Counter[TileClass]:
        """How many tiles there are of each class."""
        found: Counter[TileClass] = Counter()
        _count(self.body, 1, found)
        return found

    def __iter__(self) -> Iterator[TileClass]:
        """Return every tile, in order."""
        return _flatten(self.body)

    @cached_property
    def tiles(self) -> int:
        """Tiles in all."""
        return sum(self.classes.values())

    @cached_property
    def points(self) -> int:
        """Points of the iteration space that the tiles cover."""
        return sum(tile.points * times for tile, times in self.classes.items())

    @cached_property
    def busy(self) -> tuple[int, ...]:
        """Ticks of service at each stage."""
        return self._totals([tile.service for tile in self.classes])

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """Bits passing each stage."""
        return self._totals([tile.bits for tile in self.classes])

    def _totals(self, columns: list[tuple[int, ...]]) -> tuple[int, ...]:
        weights = self.classes.values()
        return tuple(
            sum(row[stage] * times for row, times in zip(columns, weights, strict=True))
            for stage in range(len(self.stages))
        )

    @cached_property
    def actions(self) -> dict[tuple[str, str, str], int]:
        """How often each action runs."""
        totals: Counter[tuple[str, str, str]] = Counter()
        for tile, times in self.classes.items():
            for component, action, number_format, count in tile.actions:
                totals[component, action, number_format] += count * times
        return dict(totals)

    @cached_property
    def tallies(self) -> dict[tuple[str, str], int]:
        """Everything tallied, by component and name."""
        totals: Counter[tuple[str, str]] = Counter()
        for tile, times in self.classes.items():
            for component, name, count in tile.tallies:
                totals[component, name] += count * times
        return dict(totals)

    @cached_property
    def uncontended_ticks(self) -> int:
        """A lower bound of the stream's time.

        Exact for equal tiles in double buffers, where no latency stands between stages or
        there are slots enough to hide it. The longest of, for each stage,

        * the first tile's way to it, all service there, the last tile's way on:
          ``sum(stages) + (tiles - 1) max(stage)`` where all tiles are alike;
        * the first tile's way through the next stage, when the slot it took is free again, all
          service here of tiles for which there was none before, the last tile's way on;
        * the turns of slots: a tile leaves its slot to another when it has passed this stage,
          its latency and the next stage;
        * where one component serves several stages: the first tile's way to the first of them,
          all service at all of them, the last tile's way on from the last one.
        """
        first, last = next(iter(self)), _last(self.body)
        before, rest = self._way(first), self._way(last)

        def onwards(s: int) -> int:
            return rest[-1] - rest[s] - last.service[s]

        found = [before[s] + busy + onwards(s) for s, busy in enumerate(self.busy)]
        for s, stage in enumerate(self.stages[:-1]):
            if self.tiles > stage.slots:
                waiting = self.busy[s] - sum(t.service[s] for t in islice(self, stage.slots))
                freed = before[s + 1] + first.service[s + 1]
                found.append(freed + waiting + onwards(s))
                turns = self.busy[s] + self.busy[s + 1] + stage.latency * self._served(s)
                found.append(-(-turns // stage.slots))
        for served in self._places.values():
            tail = onwards(served[-1]) if last.service[served[-1]] else 0
            busy = sum(self.busy[s] for s in served)
            found.append(before[served[0]] + busy + tail)
        return max(found)

    def _way(self, tile: TileClass) -> list[int]:
        """Ticks that a tile takes to each stage, and through all of them."""
        hops = zip(self.stages, tile.service, strict=True)
        ticks = (service + stage.latency if service else 0 for stage, service in hops)
        return list(accumulate(ticks, initial=0))

    @property
    def _places(self) -> dict[str, list[int]]:
        """The stages that each component serves."""
        found: dict[str, list[int]] = {}
        for number, stage in enumerate(self.stages):
            found.setdefault(stage.component, []).append(number)
        return found

    def _served(self, stage: int) -> int:
        """Tiles with service at a stage."""
        return sum(times for tile, times in self.classes.items() if tile.service[stage])


def _count(body: tuple[TileClass | Repeat, ...], times: int, found: Counter[TileClass]) -> None:
    for part in body:
        if isinstance(part, Repeat):
            _count(part.body, times * part.times, found)
        else:
            found[part] += times


def _flatten(body: tuple[TileClass | Repeat, ...]) -> Iterator[TileClass]:
    for part in body:
        if isinstance(part, Repeat):
            for _ in range(part.times):
                yield from _flatten(part.body)
        else:
            yield part


def _last(body: tuple[TileClass | Repeat, ...]) -> TileClass:
    end = body[-1]
    return _last(end.body) if isinstance(end, Repeat) else end
