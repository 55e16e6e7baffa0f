"""Ticks that a tiling takes at least, worked out from a few of its tiles.

Tilings have tiles in common, and pieces of work have operands in common: what off-chip memory
makes of a part of an operand is known to the machine, whatever operation asks for it.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, product
from math import prod
from operator import floordiv, itemgetter

from archsim.hardware.component import Transfer, ceil_div
from archsim.ir.tile import AXES, Axis, Tile
from archsim.mapping.stream import StageKind
from archsim.mapping.tile_class import TileClasses
from archsim.mapping.tilings import Tiling
from archsim.mapping.work import Work

OFF_CHIP = (StageKind.FETCH, StageKind.STORE)
ON_CHIP = (StageKind.DISTRIBUTE, StageKind.COLLECT)

Groups = Sequence[Sequence[int]]
"""Stages by their numbers, those that one component serves together."""


class Bound:
    """Ticks that tilings of one piece of work take at least."""

    def __init__(self, work: Work, classes: TileClasses | None = None) -> None:
        self.work = work
        self.classes = classes or TileClasses(work, counted=False)
        """Of tiles looked at so far: tilings have many in common."""
        stages = list(enumerate(work.stages))
        off_chip = [n for n, stage in stages if stage.kind in OFF_CHIP]
        on_chip = [n for n, stage in stages if stage.kind in ON_CHIP]
        (self._unit,) = [n for n, stage in stages if stage.kind is StageKind.COMPUTE]
        self._off_chip = self._grouped(off_chip)
        self._on_chip = self._grouped(on_chip)
        channels = work.architecture.channels
        self._routes = any(channels[work.stages[n].component].absorbs for n in on_chip)
        self._parts = {
            number: [(n, _Parts(work, n, work.stages[number].component)) for n in passing]
            for number, passing in enumerate(work.passing)
            if number in off_chip
        }
        """For each stage of off-chip memory, the operands that pass it."""
        self._busy: dict[tuple[int, tuple[int, ...], tuple[int, ...]], int] = {}
        self._seen: dict[tuple[Tile, bool, bool], list[int]] = {}

    def _grouped(self, stages: Iterable[int]) -> Groups:
        found: dict[str, list[int]] = {}
        for number in stages:
            found.setdefault(self.work.stages[number].component, []).append(number)
        return list(found.values())

    def off_chip(self, tiling: Tiling) -> int:
        """Service of off-chip memory: nearly all tilings are looked at so far, few further."""
        sizes, moves = tiling.sizes, tiling.full_moves
        most = 0
        for stages in self._off_chip:
            ticks = 0
            for number in stages:
                ticks += self._least_ticks(sizes, number, moves)
            most = ticks if ticks > most else most
        return most

    def on_chip(self, tiling: Tiling) -> int:
        """Service of links: how a network passes a tile can take a search to find."""
        return max(
            [sum([self._service_of_all(tiling, n) for n in stages]) for stages in self._on_chip],
            default=0,
        )

    def _service_of_all(self, tiling: Tiling, number: int) -> int:
        """Ticks of service at a stage: of all tiles at the unit, of full ones on the way."""
        key = number, tiling.sizes, () if number == self._unit else tiling.full_moves
        found = self._busy.get(key)
        if found is None:
            found = self._busy[key] = (
                self._unit_ticks(tiling.tile)
                if number == self._unit
                else self._least_ticks(tiling.sizes, number, tiling.full_moves)
            )
        return found

    def unit(self, tiling: Tiling) -> int:
        """Service of the unit, or the wait for what it takes once and all that comes after."""
        held_up, feeding = self._held_up(tiling), self._unit - 1
        if held_up and self._moves_last(tiling, feeding):
            held_up += self.work.stages[feeding].latency
        return max(self._service_of_all(tiling, self._unit), held_up)

    def _unit_ticks(self, tile: Tile) -> int:
        """Ticks of the unit: what comes once, and all tiles, as small as they are at edges."""
        total = sum(self.classes.once_cycles.values())
        for pieces in product(*self._cut(tile)):
            sizes, times = zip(*pieces, strict=True)
            total += prod(times) * sum(self.classes.cycles(Tile(*sizes)).values())
        return self._ticks(total)

    def _ticks(self, cycles: int) -> int:
        """Cycles of the unit in ticks."""
        return self.work.architecture.ticks(self.work.unit, cycles)

    def _least_ticks(self, sizes: tuple[int, ...], number: int, moves: Sequence[int]) -> int:
        """Ticks of a channel for operands of a tile that each pass so often."""
        if number in self._parts:
            total = 0
            for n, parts in self._parts[number]:
                ticks = parts.of(sizes)[1]
                if ticks is None:
                    break
                total += ticks * moves[n]
            else:
                return total
            passing = [(parts.of(sizes)[0], moves[n]) for n, parts in self._parts[number]]
        else:
            moved = self.classes.moved(Tile(*sizes))
            passing = [(moved[n].transfer, moves[n]) for n in self.work.passing[number]]
        architecture, channel = self.work.architecture, self.work.stages[number].component
        return architecture.held(channel, architecture.channels[channel].least_cycles(passing))

    def _held_up(self, tiling: Tiling) -> int:
        """Ticks until what the unit takes once is over, and those who waited for slots are in."""
        feeding = self._unit - 1
        if not self.classes.once_cycles or feeding not in self._parts:
            return 0
        stage = self.work.stages[feeding]
        if tiling.tiles <= stage.slots or self._first_full(tiling) < stage.slots:
            return 0
        own = [parts.of(tiling.sizes)[1] for _, parts in self._parts[feeding]]
        if not own or None in own:
            return 0
        tile = sum(filter(None, own))
        cycles = {**self.classes.cycles(tiling.tile), **self.classes.once_cycles}
        first = tile + stage.latency + self._ticks(sum(cycles.values()))
        return first + max(0, self._service_of_all(tiling, feeding) - stage.slots * tile)

    def _served(self, tiling: Tiling, number: int) -> int:
        """How many tiles have service at a stage, at least."""
        if number == self._unit:
            full = prod(map(floordiv, map(self.work.space.extent, AXES), tiling.sizes))
            return full if any(self.classes.cycles(tiling.tile).values()) else 0
        return max([tiling.full_moves[n] for n in self.work.passing[number]])

    def _first_full(self, tiling: Tiling) -> int:
        """How many of the first tiles no edge cuts short, at least."""
        axis = self._fastest(tiling)
        return self.work.space.extent(axis) // tiling.tile.extent(axis) if axis else 1

    def _moves_last(self, tiling: Tiling, number: int) -> bool:
        """Whether the last tile moves something at a stage: it brings what its loop changes."""
        if number >= self._unit:
            return True
        axis = self._fastest(tiling)
        operands = self.work.operands
        return axis is None or any(
            axis in operands[n].access.axes for n in self.work.passing[number]
        )

    def _fastest(self, tiling: Tiling) -> Axis | None:
        """Return the axis of the innermost loop; none where there is one tile only."""
        space, tile = self.work.space, tiling.tile
        return next(
            (axis for axis in reversed(tiling.loops) if tile.extent(axis) < space.extent(axis)),
            None,
        )

    def ways(self, tiling: Tiling) -> int:
        """The stream's closed form, if channels served no tile that an edge cuts short.

        The longest of: the first tile's way to a component, the service there, the last
        tile's way on; the turns of slots between two stages.
        """
        stages = self.work.stages
        busy = [self._service_of_all(tiling, number) for number in range(len(stages))]
        begins, last = self._begins(tiling), self._last(tiling)
        found: list[int] = []
        begun: dict[str, tuple[int, int]] = {}
        for number, stage in enumerate(stages):
            is_again = stage.component in begun
            begin, before = begun.get(stage.component, (begins[number], 0))
            begun[stage.component] = begin, before + busy[number]
            is_served_last = last[number] > 0 and self._moves_last(tiling, number)
            on = 0 if is_again and not is_served_last else self._onwards(last, number)
            on += stage.latency if is_served_last else 0
            found.append(begin + before + busy[number] + on)
            if number == self._unit - 1:
                found.append(self._held_up(tiling) + on)
            if tiling.tiles > stage.slots and number + 1 < len(stages):
                turns = (
                    busy[number] + busy[number + 1] + stage.latency * self._served(tiling, number)
                )
                found.append(ceil_div(turns, stage.slots))
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
        if number == self._unit:
            once = self.classes.once_cycles if is_first else {}
            return self._ticks(sum({**self.classes.cycles(tile), **once}.values()))
        inputs = len(work.reads)
        moves = [int(n < inputs or complete) for n in range(len(work.operands))]
        return self._least_ticks(tuple(map(tile.extent, AXES)), number, moves)

    def _onwards(self, last: Sequence[int], number: int) -> int:
        """Ticks from the last tile's arrival behind a stage to its end, but for what it loads."""
        return sum(self._hop(last, n) for n in range(max(number + 1, self._unit), len(last)))

    def _hop(self, services: Sequence[int], number: int) -> int:
        """Ticks that a tile takes at a stage, and from there to the next."""
        return services[number] + (self.work.stages[number].latency if services[number] else 0)


class _Parts:
    """The parts of an operand that belong to tiles, as off-chip memory sees them."""

    def __init__(self, work: Work, number: int, memory: str) -> None:
        operand = work.operands[number]
        access = operand.access
        self._operand = operand
        self._space = work.space
        self._architecture, self._memory = work.architecture, memory
        self._sides = _sides(access.axes)
        key = (
            memory,
            access.axes,
            access.grain,
            access.is_scattered,
            access.layout,
            access.window,
            access.tensor.format.bits,
            operand.interleave,
            *map(work.space.extent, access.axes),
        )
        self._known: dict[object, tuple[Transfer, int | None]] = work.architecture.known.setdefault(
            key, {}
        )

    def of(self, sizes: tuple[int, ...]) -> tuple[Transfer, int | None]:
        """Return what belongs to a tile, and the memory's ticks for it.

        Tiles that differ along other axes have it in common. The ticks are none where they
        depend on what else passes.
        """
        key = self._sides(sizes)
        found = self._known.get(key)
        if found is None:
            wanted = self._operand.transfer(Tile(*sizes), self._space, copies=1)
            transfer = self._operand.stored(wanted)
            own = self._architecture.own_service(self._memory, transfer)
            found = self._known[key] = transfer, own
        return found


def _sides(axes: Sequence[Axis]) -> Callable[[tuple[int, ...]], object]:
    """Return what takes, of a tile's sizes, those along some axes."""
    if not axes:
        return lambda _: None
    return itemgetter(*map(AXES.index, axes))


def _pieces(extent: int, size: int) -> list[tuple[int, int]]:
    """The lengths of tiles along an axis, and how many have each."""
    full, edge = divmod(extent, size)
    return [(size, full), (edge, 1)] if edge else [(size, full)]
