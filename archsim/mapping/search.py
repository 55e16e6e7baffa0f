"""The search for the best mapping of an operation on a unit.

Every tiling is looked at as closely as its rank demands. A look gives what it costs at least,
and the closer it is, the more: the traffic at the channels' peaks; the service of full tiles by
off-chip memory, of all tiles by the unit, of full ones by networks; the way of the first tile and
of the last one; the closed form of its stream; its stream alone on the machine. The first tiling
to be known to the end is the best.
"""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import accumulate, product
from math import prod

from archsim.hardware.component import ceil_div
from archsim.ir.tile import AXES, Tile
from archsim.mapping.mapping import Mapping
from archsim.mapping.stream import StageKind, TileStream
from archsim.mapping.tile_class import TileClasses
from archsim.mapping.tilings import Tiling, only_tile, tilings_of
from archsim.mapping.work import Work

Alone = Callable[[TileStream], int]
"""Ticks that a stream takes with the machine to itself, at least its closed form."""
Cost = tuple[int, int, int]
"""Ticks, bits that pass stages, tiles: less is better, the first counts most."""
Look = Callable[[int, Cost], Cost]
"""Given a tiling's number and what is known of its cost, a closer look at it."""
OFF_CHIP = (StageKind.FETCH, StageKind.STORE)
ON_CHIP = (StageKind.DISTRIBUTE, StageKind.COLLECT)


def cheapest(work: Work, alone: Alone | None) -> Mapping:
    """Return the mapping of least cost; of equals, the first.

    Raises:
        MappingError: if no tile fits the unit's buffer.
    """
    only = only_tile(work)
    if only is not None:
        return Mapping(tile=only)
    tilings = tilings_of(work)
    looks = _looks(work, tilings, alone)
    waiting = [((one.ticks, one.bits, one.tiles), number, 0) for number, one in enumerate(tilings)]
    heapify(waiting)
    while True:
        cost, number, looked = heappop(waiting)
        if looked == len(looks):
            return tilings[number].mapping
        heappush(waiting, (looks[looked](number, cost), number, looked + 1))


def _looks(work: Work, tilings: Sequence[Tiling], alone: Alone | None) -> list[Look]:
    """Return the looks at tilings by their number, each closer than the one before."""
    bound = Bound(work)
    streams: dict[int, TileStream] = {}

    def service(stages: Sequence[int]) -> Look:
        def cost(number: int, known: Cost) -> Cost:
            ticks, bits, tiles = known
            return max(ticks, bound.busiest(tilings[number], stages)), bits, tiles

        return cost

    def ways(number: int, known: Cost) -> Cost:
        ticks, bits, tiles = known
        return max(ticks, bound.ways(tilings[number])), bits, tiles

    def closed_form(number: int, _: Cost) -> Cost:
        streams[number] = stream = tilings[number].mapping.stream(work, bound.classes)
        return stream.uncontended_ticks, sum(stream.bits), stream.tiles

    def by_itself(number: int, known: Cost) -> Cost:
        assert alone is not None
        _, bits, tiles = known
        return alone(streams[number]), bits, tiles

    found = [*map(service, (bound.off_chip, [bound.unit], bound.on_chip)), ways, closed_form]
    return found if alone is None else [*found, by_itself]


class Bound:
    """Ticks that a tiling takes at least, worked out from a few of its tiles."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.classes = TileClasses(work, counted=False)
        """Of tiles looked at so far: tilings have many in common."""
        stages = list(enumerate(work.stages))
        self.off_chip = [n for n, stage in stages if stage.kind in OFF_CHIP]
        """Stages of off-chip memory."""
        (self.unit,) = [n for n, stage in stages if stage.kind is StageKind.COMPUTE]
        """The stage of the unit: how it works on a tile can take a search to find."""
        self.on_chip = [n for n, stage in stages if stage.kind in ON_CHIP]
        """Stages of links: how a network passes a tile can take a search to find."""
        channels = work.architecture.channels
        self._routes = any(channels[work.stages[n].component].absorbs for n in self.on_chip)
        self._cycle = [work.architecture.ticks(stage.component, 1) for stage in work.stages]
        """A cycle of each stage's component."""
        self._busy: dict[tuple[Tiling, int], int] = {}
        self._seen: dict[tuple[Tile, bool, bool], list[int]] = {}

    def busiest(self, tiling: Tiling, stages: Sequence[int]) -> int:
        """Service at some stages, of the component that serves longest."""
        found: dict[str, int] = {}
        for number in stages:
            component = self.work.stages[number].component
            found[component] = found.get(component, 0) + self.busy(tiling, number)
        return max(found.values(), default=0)

    def busy(self, tiling: Tiling, number: int) -> int:
        """Ticks of service at a stage: of all tiles at the unit, of full ones on the way."""
        key = tiling, number
        found = self._busy.get(key)
        if found is None:
            found = self._busy[key] = self._cycles(tiling, number) * self._cycle[number]
        return found

    def _cycles(self, tiling: Tiling, number: int) -> int:
        if number == self.unit:
            return self._unit_cycles(tiling.tile)
        moving = [(n, tiling.full_moves[n]) for n in self.work.passing[number]]
        return self._least_cycles(tiling.sizes, number, moving)

    def _unit_cycles(self, tile: Tile) -> int:
        """Cycles of the unit: what comes once, and all tiles, as small as they are at edges."""
        total = sum(self.classes.once_cycles.values())
        for pieces in product(*self._cut(tile)):
            sizes, times = zip(*pieces, strict=True)
            total += prod(times) * sum(self.classes.cycles(Tile(*sizes)).values())
        return total

    def _least_cycles(
        self, sizes: tuple[int, ...], number: int, moving: list[tuple[int, int]]
    ) -> int:
        """Cycles of a channel for operands of a tile that each pass so often."""
        if number in self.off_chip:
            passing = [(self.classes.stored(sizes, n), times) for n, times in moving]
        else:
            moved = self.classes.moved(Tile(*sizes))
            passing = [(moved[n].transfer, times) for n, times in moving]
        stage = self.work.stages[number]
        return self.work.architecture.channels[stage.component].least_cycles(passing)

    def ways(self, tiling: Tiling) -> int:
        """The stream's closed form, if channels served no tile that an edge cuts short.

        The longest of: the first tile's way to a component, the service there, the last
        tile's way on; the turns of slots between two stages.
        """
        stages = self.work.stages
        busy = [self.busy(tiling, number) for number in range(len(stages))]
        begins, last = self._begins(tiling), self._last(tiling)
        found: list[int] = []
        begun: dict[str, tuple[int, int]] = {}
        for number, stage in enumerate(stages):
            is_again = stage.component in begun
            begin, before = begun.get(stage.component, (begins[number], 0))
            begun[stage.component] = begin, before + busy[number]
            is_served_last = number >= self.unit and last[number] > 0
            on = 0 if is_again and not is_served_last else self._onwards(last, number)
            found.append(begin + before + busy[number] + on)
            if tiling.tiles > stage.slots and number + 1 < len(stages):
                found.append(ceil_div(busy[number] + busy[number + 1], stage.slots))
        return max(found)

    def _begins(self, tiling: Tiling) -> list[int]:
        """Ticks until the first tile, a full one that loads all inputs, is at each stage."""
        tile = tiling.tile
        ends = tile.k == self.work.space.k
        first = self._services(tile, complete=ends, is_first=True)
        hops = (self._hop(first, number) for number in range(len(first) - 1))
        return list(accumulate(hops, initial=0))

    def _last(self, tiling: Tiling) -> Sequence[int]:
        """Service of the last tile at each stage, as if it loaded all inputs."""
        sizes = [pieces[-1][0] for pieces in self._cut(tiling.tile)]
        return self._services(Tile(*sizes), complete=True, is_first=False)

    def _cut(self, tile: Tile) -> list[list[tuple[int, int]]]:
        """Along each axis, the lengths of tiles in order, and how many there are of each."""
        space = self.work.space
        return [_pieces(space.extent(axis), tile.extent(axis)) for axis in AXES]

    def _services(self, tile: Tile, *, complete: bool, is_first: bool) -> Sequence[int]:
        """Ticks at each stage of a tile that loads all inputs, as far as is quickly seen."""
        if not self._routes:
            loads = (True,) * len(self.work.reads)
            return self.classes.of(tile, loads, complete=complete, is_first=is_first).service
        key = tile, complete, is_first
        if key not in self._seen:
            self._seen[key] = [
                self._service(tile, number, complete=complete, is_first=is_first)
                for number in range(len(self.work.stages))
            ]
        return self._seen[key]

    def _service(self, tile: Tile, number: int, *, complete: bool, is_first: bool) -> int:
        work = self.work
        if number == self.unit:
            once = self.classes.once_cycles if is_first else {}
            cycles = sum({**self.classes.cycles(tile), **once}.values())
        else:
            inputs = len(work.reads)
            moving = [(n, 1) for n in work.passing[number] if n < inputs or complete]
            sizes = tuple(map(tile.extent, AXES))
            cycles = self._least_cycles(sizes, number, moving)
        return cycles * self._cycle[number]

    def _onwards(self, last: Sequence[int], number: int) -> int:
        """Ticks from the last tile's service at a stage to its end, but for what it loads."""
        ahead = sum(self._hop(last, n) for n in range(max(number + 1, self.unit), len(last)))
        own = self._hop(last, number) - last[number] if number >= self.unit else 0
        return own + ahead

    def _hop(self, services: Sequence[int], number: int) -> int:
        """Ticks that a tile takes at a stage, and from there to the next."""
        return services[number] + (self.work.stages[number].latency if services[number] else 0)


def _pieces(extent: int, size: int) -> list[tuple[int, int]]:
    """The lengths of tiles along an axis, and how many have each."""
    full, edge = divmod(extent, size)
    return [(size, full), (edge, 1)] if edge else [(size, full)]
