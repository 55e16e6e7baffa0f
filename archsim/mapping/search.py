"""The search for the best mapping of an operation on a unit.

Every tiling is looked at as closely as its rank demands. A look gives what it costs at least,
and the closer it is, the more: the traffic at the channels' peaks; the service of full tiles by
off-chip memory, by the unit, at every stage; the way of the first tile and of the last one; the
closed form of its stream; its stream alone on the machine. The first tiling to be known to the
end is the best.
"""

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import accumulate

from archsim.hardware.component import ceil_div
from archsim.ir.tile import AXES, Axis, Tile
from archsim.mapping.mapping import Mapping
from archsim.mapping.stream import StageKind, TileClass, TileStream
from archsim.mapping.tile_class import TileClasses
from archsim.mapping.tilings import Tiling, tilings_of
from archsim.mapping.work import Work

Alone = Callable[[TileStream], int]
"""Ticks that a stream takes with the machine to itself, at least its closed form."""
Cost = tuple[int, int, int]
"""Ticks, bits that pass stages, tiles: less is better, the first counts most."""


def cheapest(work: Work, alone: Alone | None) -> Mapping:
    """Return the mapping of least cost; of equals, the first.

    Raises:
        MappingError: if no tile fits the unit's buffer.
    """
    tilings = tilings_of(work)
    looks = _looks(work, tilings, alone)
    waiting = [(looks[0](number), number, 0) for number in range(len(tilings))]
    heapify(waiting)
    while True:
        _, number, looked = heappop(waiting)
        if looked == len(looks) - 1:
            return tilings[number].mapping
        heappush(waiting, (looks[looked + 1](number), number, looked + 1))


def _looks(
    work: Work, tilings: Sequence[Tiling], alone: Alone | None
) -> list[Callable[[int], Cost]]:
    """Return the looks at tilings by their number, each closer than the one before."""
    bound = Bound(work)
    streams: dict[int, TileStream] = {}

    def at_least(look: Callable[[Tiling], int]) -> Callable[[int], Cost]:
        def cost(number: int) -> Cost:
            tiling = tilings[number]
            return look(tiling), tiling.bits, tiling.tiles

        return cost

    def closed_form(number: int) -> Cost:
        stream = tilings[number].mapping.stream(work, bound.classes)
        streams[number] = stream
        return stream.uncontended_ticks, sum(stream.bits), stream.tiles

    def by_itself(number: int) -> Cost:
        assert alone is not None
        stream = streams[number]
        return alone(stream), sum(stream.bits), stream.tiles

    found = [
        *map(
            at_least, (bound.traffic, bound.off_chip, bound.arithmetic, bound.service, bound.ways)
        ),
        closed_form,
    ]
    return found if alone is None else [*found, by_itself]


class Bound:
    """Ticks that a tiling takes at least, worked out from a few of its tiles."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.classes = TileClasses(work, counted=False)
        """Of tiles looked at so far: tilings have many in common."""
        stages = enumerate(work.stages)
        self._unit = next(n for n, stage in stages if stage.kind is StageKind.COMPUTE)
        self._loads = (True,) * len(work.reads)
        off_chip = (StageKind.FETCH, StageKind.STORE)
        self._off_chip = [n for n, stage in enumerate(work.stages) if stage.kind in off_chip]
        self._known: dict[tuple[tuple[int, ...], tuple[Axis, ...], int], int] = {}

    def traffic(self, tiling: Tiling) -> int:
        """All that passes the busiest channel, at its peak."""
        return tiling.ticks

    def off_chip(self, tiling: Tiling) -> int:
        """The same, or the service of full tiles by off-chip memory."""
        return max(tiling.ticks, self._busiest(tiling, self._off_chip))

    def arithmetic(self, tiling: Tiling) -> int:
        """The same, or by the unit: how it works on a tile can take a search to find."""
        return max(self.off_chip(tiling), self._busy(tiling, self._unit))

    def service(self, tiling: Tiling) -> int:
        """The same, or at any stage: how a network passes a tile can take a search to find."""
        return max(tiling.ticks, self._busiest(tiling, range(len(self.work.stages))))

    def ways(self, tiling: Tiling) -> int:
        """The stream's closed form, if tiles that an edge cuts short took no service.

        The longest of: the first tile's way to a component, all service there of full tiles,
        the last tile's way on; the turns of slots between two stages.
        """
        stages = self.work.stages
        busy = [self._busy(tiling, number) for number in range(len(stages))]
        begins, last = self._begins(tiling), self._last(tiling)
        found = [tiling.ticks]
        begun: dict[str, tuple[int, int]] = {}
        for number, stage in enumerate(stages):
            is_again = stage.component in begun
            begin, before = begun.get(stage.component, (begins[number], 0))
            begun[stage.component] = begin, before + busy[number]
            is_served_last = number >= self._unit and last.service[number] > 0
            on = 0 if is_again and not is_served_last else self._onwards(last, number)
            found.append(begin + before + busy[number] + on)
            if tiling.tiles > stage.slots and number + 1 < len(stages):
                found.append(ceil_div(busy[number] + busy[number + 1], stage.slots))
        return max(found)

    def _busiest(self, tiling: Tiling, stages: Sequence[int]) -> int:
        return max((self._busy(tiling, number) for number in stages), default=0)

    def _busy(self, tiling: Tiling, number: int) -> int:
        """Ticks of service of full tiles at a stage."""
        key = tiling.sizes, tiling.loops, number
        if key not in self._known:
            cycles = self._cycles(tiling, number)
            self._known[key] = self.work.architecture.ticks(
                self.work.stages[number].component, cycles
            )
        return self._known[key]

    def _cycles(self, tiling: Tiling, number: int) -> int:
        tile, work = tiling.tile, self.work
        if number == self._unit:
            return tiling.full_tiles * sum(self.classes.cycles(tile).values())
        if number in self._off_chip:
            passing = [(n, self.classes.stored(tile, n)) for n in work.passing[number]]
        else:
            moved = self.classes.moved(tile)
            passing = [(n, moved[n].transfer) for n in work.passing[number]]
        channel = work.architecture.channels[work.stages[number].component]
        return channel.least_cycles([(each, tiling.full_moves[n]) for n, each in passing])

    def _begins(self, tiling: Tiling) -> list[int]:
        """Ticks until the first tile, a full one that loads all inputs, is at each stage."""
        tile = tiling.tile
        ends = tile.k == self.work.space.k
        first = self.classes.of(tile, self._loads, complete=ends, is_first=True)
        hops = (self._hop(first, number) for number in range(len(first.service) - 1))
        return list(accumulate(hops, initial=0))

    def _last(self, tiling: Tiling) -> TileClass:
        """The last tile, as if it loaded all inputs."""
        space, tile = self.work.space, tiling.tile

        def rest(axis: Axis) -> int:
            return (space.extent(axis) - 1) % tile.extent(axis) + 1

        return self.classes.of(Tile(*map(rest, AXES)), self._loads, complete=True, is_first=False)

    def _onwards(self, last: TileClass, number: int) -> int:
        """Ticks from the last tile's service at a stage to its end, but for what it loads."""
        ahead = sum(
            self._hop(last, n) for n in range(max(number + 1, self._unit), len(last.service))
        )
        own = self._hop(last, number) - last.service[number] if number >= self._unit else 0
        return own + ahead

    def _hop(self, tile: TileClass, number: int) -> int:
        """Ticks that a tile takes at a stage, and from there to the next."""
        service = tile.service[number]
        return service + (self.work.stages[number].latency if service else 0)
