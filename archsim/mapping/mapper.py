"""Chooses a mapping: which units can do an operation, and how it is cut into tiles."""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import product
from math import prod

from archsim.errors import MappingError
from archsim.hardware.architecture import Architecture
from archsim.hardware.component import ceil_div
from archsim.ir.operation import Operation
from archsim.ir.tile import AXES, Axis, Tile
from archsim.mapping.mapping import Mapping, Work, whole_tile
from archsim.mapping.stream import TileClass, TileStream

RIVALS = 10
"""Tilings of fewer tiles and no more buffer that rule a tiling out."""


Alone = Callable[[TileStream], int]
"""Ticks that a stream takes with the machine to itself, at least its closed form."""
Tilings = dict[tuple[object, ...], tuple[Mapping, TileStream]]
"""Tilings found for an architecture, for whoever maps many graphs to it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation on one sort of unit: the stream of each of its parts."""

    unit: str
    parts: tuple[TileStream, ...]
    mapping: Mapping

    @property
    def uncontended_ticks(self) -> int:
        """Time of the longest part, alone on the machine."""
        return max(part.uncontended_ticks for part in self.parts)


class Mapper:
    """Maps operations to an architecture, given the memory that each tensor lies in.

    The cost of a tiling is its stream's time, ``alone`` if that is given and by its closed form
    otherwise; of equals, the one that moves fewest bits, then the one of fewest tiles, wins.
    """

    def __init__(
        self,
        architecture: Architecture,
        placement: MappingOf[str, str],
        known: Tilings | None = None,
        alone: Alone | None = None,
    ) -> None:
        self.architecture = architecture
        self.placement = placement
        self.alone = alone
        self._known: Tilings = {} if known is None else known

    def candidates(self, operation: Operation) -> tuple[str, ...]:
        """Units that can do an operation.

        Raises:
            MappingError: if there is none, saying what each lacks.
        """
        reasons = {name: self._objection(name, operation) for name in self.architecture.units}
        able = tuple(name for name, reason in reasons.items() if not reason)
        if not able:
            told = "; ".join(f"{name} {reason}" for name, reason in reasons.items())
            raise MappingError(
                f"operation {operation.name!r} ({operation.kind}, {operation.phase}, "
                f"{operation.number_format.name}): no unit of {self.architecture.name!r} "
                f"can do it: {told}; give a component of architecture.components what it lacks"
            )
        return able

    def _objection(self, unit: str, operation: Operation) -> str:
        spec = self.architecture.units[unit]
        if operation.kind not in spec.runs:
            return f"runs {', '.join(spec.runs)}"
        if operation.phase not in spec.phases:
            return f"works in phases {', '.join(spec.phases)}"
        if missing := spec.lacks(operation.functions):
            return f"has no function {missing!r}"
        moves = set(operation.functions) <= {"move"}
        if not moves and operation.number_format not in spec.number_formats:
            return f"knows {', '.join(f.name for f in spec.number_formats) or 'no number format'}"
        return ""

    def plan(self, operation: Operation, unit: str) -> Plan:
        """Cut an operation into tiles on a sort of unit.

        Independent parts (heads, batches) are spread over the units of the sort.

        Raises:
            MappingError: if the unit does not reach a tensor, or no tile fits its buffer.
        """
        spaces = _parts(operation, self.architecture.units[unit].count)
        mapped = [
            self._best(Work(self.architecture, unit, operation, space, self.placement))
            for space in spaces
        ]
        return Plan(unit, tuple(stream for _, stream in mapped), mapped[0][0])

    def overlapped(self, operation: Operation, unit: str) -> tuple[TileClass, ...]:
        """Return each independent part as one tile, as if all its stages overlapped perfectly."""
        spaces = _parts(operation, self.architecture.units[unit].count)
        return tuple(
            whole_tile(Work(self.architecture, unit, operation, space, self.placement))
            for space in spaces
        )

    def _best(self, work: Work) -> tuple[Mapping, TileStream]:
        key = work.key
        if key not in self._known:
            best = _cheapest(work, self.alone)
            self._known[key] = (best, best.stream(work))
        return self._known[key]


def _cheapest(work: Work, alone: Alone | None) -> Mapping:
    """Return the mapping of least cost among those worth trying.

    Each is looked at as closely as its rank demands: by a lower bound first, then by the
    closed form of its stream, then alone. The first to be known to the end is the best,
    since no look makes a mapping cheaper.
    """
    mappings = list(_fitting(work))
    streams: dict[int, TileStream] = {}
    looks: list[Callable[[TileStream], int]] = [lambda stream: stream.uncontended_ticks]
    if alone is not None:
        looks.append(alone)
    waiting = [(_least_ticks(work, mapping), 0, 0, n, 0) for n, mapping in enumerate(mappings)]
    heapify(waiting)
    while True:
        *_, number, looked = heappop(waiting)
        if looked == len(looks):
            return mappings[number]
        if not looked:
            streams[number] = mappings[number].stream(work, counted=False)
        stream = streams[number]
        cost = looks[looked](stream), sum(stream.bits), stream.tiles
        heappush(waiting, (*cost, number, looked + 1))


def _least_ticks(work: Work, mapping: Mapping) -> int:
    """Ticks that the unit and the channels cannot do without, known before any tile is made.

    The unit is busy with the tiles that are not cut short by an edge; a channel passes
    nothing faster than at its peak.
    """
    operation, architecture, space = work.operation, work.architecture, work.space
    full = prod(space.extent(axis) // mapping.tile.extent(axis) for axis in AXES)
    cycles = work.spec.tile_cycles(mapping.tile, operation.functions, operation.number_format)
    moved: Counter[str] = Counter()
    for operand, times in (
        *((operand, mapping.loads(space, operand.access)) for operand in work.reads),
        *((operand, 1) for operand in work.writes),
    ):
        bits = times * operand.access.size_bits(space)
        if operand.fetches:
            moved[operand.memory] += bits
        if operand.link:
            moved[operand.link] += bits
    passing = [
        architecture.ticks(name, ceil_div(bits, architecture.channels[name].peak_bits_per_cycle))
        for name, bits in moved.items()
    ]
    return max(architecture.ticks(work.unit, full * cycles), *passing, 0)


def _parts(operation: Operation, units: int) -> list[Tile]:
    """Split the batch of an operation as evenly as it goes over units."""
    space = operation.space
    parts = min(units, space.batch)
    if parts == 1:
        return [space]
    most, extra = divmod(space.batch, parts)
    return [
        Tile(batch=most + (1 if part < extra else 0), m=space.m, n=space.n, k=space.k)
        for part in range(parts)
    ]


def _halvings(extent: int) -> list[int]:
    """Tile sizes along an axis: all of it, half of it, a quarter, … down to one."""
    sizes = [extent]
    while sizes[-1] > 1:
        sizes.append(ceil_div(sizes[-1], 2))
    return sizes


def _fitting(work: Work) -> Iterator[Mapping]:
    """Yield the tilings to compare, those of fewest tiles first, in each useful loop order.

    Raises:
        MappingError: if not even the smallest tile fits.
    """
    space = work.space
    axes = work.operation.cuts
    streams = any(operand.streams for operand in (*work.reads, *work.writes))
    choices = [_halvings(space.extent(axis)) if streams else [space.extent(axis)] for axis in axes]
    tiles = (_tile(space, axes, sizes) for sizes in product(*choices))
    by_count = sorted(tiles, key=lambda tile: (_count(space, tile), -tile.m, -tile.n))
    chosen = _worth_trying(work, by_count)
    if not chosen:
        smallest = min(by_count, key=work.buffer_bits)
        raise MappingError(
            f"operation {work.operation.name!r}: its smallest tile needs "
            f"{ceil_div(work.buffer_bits(smallest), 8):,} B of buffer, "
            f"{work.unit!r} has {work.spec.buffer:,} B; "
            f"raise architecture.components.{work.unit}.buffer"
        )
    for tile in chosen:
        yield Mapping(tile=tile)
        if tile.m < space.m and tile.n < space.n:
            yield Mapping(tile=tile, loops=("batch", "n", "m", "k"))


def _worth_trying(work: Work, by_count: Sequence[Tile]) -> list[Tile]:
    """Return the tiles that fit, but for those that many others beat.

    A tile is beaten by one that needs no more buffer and comes before it. Since a larger
    buffer beats none that a smaller one would try, it never makes an operation slower.
    """
    capacity = 8 * work.spec.buffer
    needs = [(work.buffer_bits(tile), rank) for rank, tile in enumerate(by_count)]
    smaller: list[int] = []
    chosen: list[int] = []
    for _, rank in sorted(need for need in needs if need[0] <= capacity):
        place = bisect(smaller, rank)
        smaller.insert(place, rank)
        if place < RIVALS:
            chosen.append(rank)
    return [by_count[rank] for rank in sorted(chosen)]


def _tile(space: Tile, axes: tuple[Axis, ...], sizes: tuple[int, ...]) -> Tile:
    full: dict[Axis, int] = {"batch": space.batch, "m": space.m, "n": space.n, "k": space.k}
    return Tile(**{**full, **dict(zip(axes, sizes, strict=True))})


def _count(space: Tile, tile: Tile) -> int:
    return (
        ceil_div(space.batch, tile.batch)
        * ceil_div(space.m, tile.m)
        * ceil_div(space.n, tile.n)
        * ceil_div(space.k, tile.k)
    )
