"""The search for the best mapping of an operation on a unit.

Every tiling is looked at as closely as its rank demands. A look gives what it costs at least,
and the closer it is, the more: traffic and arithmetic at their peaks; the service of full tiles by
off-chip memory, of all tiles by the unit, of full ones by networks; the way of the first tile and
of the last one; the closed form of its stream; its stream alone on the machine. The first tiling
to be known to the end is the best.
"""

from collections.abc import Callable
from functools import cache
from heapq import heapify, heappop, heappush

from archsim.mapping.bound import Bound
from archsim.mapping.mapping import Mapping
from archsim.mapping.stream import TileStream
from archsim.mapping.tile_class import TileClasses
from archsim.mapping.tilings import Candidates, Tiling, only_tile, tilings_of
from archsim.mapping.work import Work

Alone = Callable[[TileStream], int]
"""Ticks that a stream takes with the machine to itself, at least its closed form."""
Cost = tuple[int, int, int]
"""Ticks, bits that pass stages, tiles: less is better, the first counts most."""
Mapped = tuple[Mapping, TileStream]
"""A mapping, and the stream that it makes of a piece of work."""
Look = Callable[[int, Cost], Cost]
"""Given a tiling's number and what is known of its cost, a closer look at it."""


def mapped(work: Work, alone: Alone | None) -> Mapped:
    """Return the mapping of least cost, and its stream with all that is counted.

    Raises:
        MappingError: if no tile fits the unit's buffer.
    """
    classes = TileClasses(work, counted=False)
    best = cheapest(work, alone, classes)
    return best, best.stream(work, TileClasses(work, known=classes))


def cheapest(work: Work, alone: Alone | None, classes: TileClasses | None = None) -> Mapping:
    """Return the mapping of least cost; of equals, the first.

    Who goes on with it passes the ``classes`` of its tiles, so that what is found stays known.

    Raises:
        MappingError: if no tile fits the unit's buffer.
    """
    only = only_tile(work)
    if only is not None:
        return Mapping(tile=only)
    candidates = tilings_of(work)
    looks = _looks(Bound(work, classes), candidates, alone)
    waiting: list[tuple[Cost, int, int]] = [
        (cost, number, 0) for number, cost in enumerate(candidates.costs)
    ]
    heapify(waiting)
    while True:
        cost, number, looked = heappop(waiting)
        if looked == len(looks):
            return candidates[number].mapping
        heappush(waiting, (looks[looked](number, cost), number, looked + 1))


def _looks(bound: Bound, candidates: Candidates, alone: Alone | None) -> list[Look]:
    """Return the looks at tilings by their number, each closer than the one before."""
    streams: dict[int, TileStream] = {}
    tiling = cache(candidates.__getitem__)

    def at_least(ticks_of: Callable[[Tiling], int]) -> Look:
        def cost(number: int, known: Cost) -> Cost:
            ticks, bits, tiles = known
            return max(ticks, ticks_of(tiling(number))), bits, tiles

        return cost

    def closed_form(number: int, _: Cost) -> Cost:
        streams[number] = stream = tiling(number).mapping.stream(bound.work, bound.classes)
        return stream.uncontended_ticks, sum(stream.bits), stream.tiles

    def by_itself(number: int, known: Cost) -> Cost:
        assert alone is not None
        _, bits, tiles = known
        return alone(streams[number]), bits, tiles

    bounds = map(at_least, (bound.off_chip, bound.unit, bound.on_chip, bound.ways))
    found = [*bounds, closed_form]
    return found if alone is None else [*found, by_itself]
