"""A mapping: how one operation is cut into tiles on one unit, and the stream that makes.

The loops run over tiles in the order of ``loops``, the last one fastest. An operand is
fetched again when a loop moves that it depends on, and stays in the unit's buffer
otherwise; results leave when the sum along k is complete.
"""

from collections import Counter
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from functools import cached_property

from archsim.errors import MappingError
from archsim.hardware.architecture import Architecture
from archsim.hardware.component import ComputeSpec, Transfer, ceil_div
from archsim.hardware.interleave import Interleave, runs_in_memory
from archsim.ir.operation import Operation
from archsim.ir.tile import AXES, Access, Axis, Tile
from archsim.mapping.stream import (
    ActionCount,
    Repeat,
    Stage,
    StageKind,
    Tally,
    TileClass,
    TileStream,
)


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor of an operation, and the way it takes to the unit or from it."""

    access: Access
    memory: str
    fetches: bool
    """Whether the memory is off the chip."""
    link: str
    """The link on its way; none where the unit is wired to the memory."""
    interleave: Interleave
    """Which of the memory's banks a word lies in."""

    @property
    def streams(self) -> bool:
        """Whether it passes the unit's buffer; a wired operand is read where it lies."""
        return self.fetches or bool(self.link)

    def stored(self, wanted: Transfer) -> Transfer:
        """Return a tile as off-chip memory gives or takes it: run by run, as it lies."""
        if wanted.layout is None:
            return wanted
        width = wanted.word_bits
        sizes = (wanted.bits // width, wanted.run_bits // width, wanted.stride_bits // width)
        runs, apart = runs_in_memory(*sizes, wanted.layout)
        run_bits = ceil_div(sizes[0], runs) * width
        return replace(wanted, run_bits=run_bits, stride_bits=apart * width, layout=None)

    def transfer(self, tile: Tile, space: Tile, copies: int) -> Transfer:
        """Return a tile of it, as it passes channels on its way."""
        access, width = self.access, self.access.tensor.format.bits
        return Transfer(
            bits=access.size_bits(tile),
            run_bits=access.run_elements(tile, space) * width,
            stride_bits=access.stride_elements(tile, space) * width,
            is_scattered=access.is_scattered,
            word_bits=width,
            layout=access.layout,
            interleave=self.interleave,
            copies=copies,
        )


class Work:
    """An operation, or one part of it, beside the unit that shall do it.

    Raises:
        MappingError: if the unit does not reach one of the operation's tensors.
    """

    def __init__(
        self,
        architecture: Architecture,
        unit: str,
        operation: Operation,
        space: Tile,
        placement: MappingOf[str, str],
    ) -> None:
        self.architecture = architecture
        self.unit = unit
        self.spec: ComputeSpec = architecture.units[unit].prepared(
            space, operation.functions, operation.number_format
        )
        self.operation = operation
        self.space = space
        self.placement = placement
        self.reads = tuple(self._operand(access, True) for access in operation.reads)
        self.writes = tuple(self._operand(access, False) for access in operation.writes)

    def _operand(self, access: Access, is_read: bool) -> Operand:
        memory = self.placement[access.tensor.name]
        route = self.architecture.route(memory, self.unit)
        if route is None:
            raise MappingError(
                f"operation {self.operation.name!r}: {self.unit!r} does not reach {memory!r}, "
                f"where {access.tensor.name!r} lies; add a route or change architecture.placement"
            )
        link = route.read if is_read else route.write
        off_chip = self.architecture.memories[memory].off_chip
        return Operand(access, memory, off_chip, link, self._interleaving(memory, link))

    def _interleaving(self, memory: str, link: str) -> Interleave:
        """How words lie; what comes from off chip by an on-chip memory's link, as they do there."""
        memories = self.architecture.memories
        if memories[memory].off_chip:
            ends = (
                r.memory for r in self.architecture.routes if link and link in (r.read, r.write)
            )
            memory = next((end for end in ends if not memories[end].off_chip), memory)
        return memories[memory].interleaving

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for two pieces of work that can be mapped alike."""
        signature = tuple(
            (
                o.memory,
                o.access.axes,
                o.access.grain,
                o.access.is_scattered,
                o.access.layout,
                o.access.tensor.format.name,
            )
            for o in (*self.reads, *self.writes)
        )
        functions = tuple(sorted(self.operation.functions.items()))
        number_format = self.operation.number_format.name
        kind = self.operation.kind
        return (
            self.unit,
            kind,
            self.space,
            self.operation.cuts,
            functions,
            number_format,
            signature,
        )

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that tiles pass; those that no operand needs are absent."""
        spec, units = self.spec, self.architecture
        slots = spec.buffered_tiles
        drain = units.ticks(self.unit, spec.latency_cycles)

        def channel(kind: StageKind, name: str, private: bool) -> Stage:
            latency = units.ticks(name, units.channels[name].arrival_cycles)
            return Stage(kind, name, private, latency, slots)

        def links(kind: StageKind, operands: tuple[Operand, ...]) -> list[Stage]:
            names = sorted({operand.link for operand in operands if operand.link})
            return [channel(kind, name, units.channels[name].private) for name in names]

        def memories(kind: StageKind, operands: tuple[Operand, ...]) -> list[Stage]:
            names = sorted({operand.memory for operand in operands if operand.fetches})
            return [channel(kind, name, False) for name in names]

        return (
            *memories(StageKind.FETCH, self.reads),
            *links(StageKind.DISTRIBUTE, self.reads),
            # A result that is still on its way out of the unit is in nobody's buffer.
            Stage(StageKind.COMPUTE, self.unit, True, drain, slots + bool(drain)),
            *links(StageKind.COLLECT, self.writes),
            *memories(StageKind.STORE, self.writes),
        )

    def buffer_bits(self, tile: Tile) -> int:
        """Bits of buffer that tiles of this size need: every gap between stages has its slots."""
        compute = next(n for n, s in enumerate(self.stages) if s.kind is StageKind.COMPUTE)
        incoming = sum(o.access.size_bits(tile) for o in self.reads if o.streams)
        outgoing = sum(o.access.size_bits(tile) for o in self.writes if o.streams)
        gaps_out = len(self.stages) - 1 - compute
        return self.spec.buffered_tiles * (compute * incoming + gaps_out * outgoing)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Tile sizes and loop order of one operation on one unit."""

    tile: Tile
    """The size of a tile; those at the edges are as small as what is left."""
    loops: tuple[Axis, ...] = AXES
    """Loops over tiles, outermost first; k is always innermost."""

    def __post_init__(self) -> None:
        if sorted(self.loops) != sorted(AXES) or self.loops[-1] != "k":
            raise ValueError(f"loops: must be {', '.join(AXES)}, k last, got {self.loops}")

    def loads(self, space: Tile, access: Access) -> int:
        """How many times a tensor that is read is brought in as a whole.

        As often as the loops go round that it does not depend on, around those that it does.
        """
        times, is_inside = 1, False
        for axis in reversed(self.loops):
            trips = ceil_div(space.extent(axis), self.tile.extent(axis))
            if axis not in access.axes:
                times *= trips if is_inside else 1
            elif trips > 1:
                is_inside = True
        return times

    def stream(self, work: Work, *, counted: bool = True) -> TileStream:
        """Return the tiles of ``work`` in order, with their time at each stage.

        Actions are left out of a stream that is not ``counted``: whoever compares many
        tilings by time does without them.

        Raises:
            MappingError: if the tiles do not fit the unit's buffer.
        """
        needed, capacity = work.buffer_bits(self.tile), 8 * work.spec.buffer
        if needed > capacity:
            raise MappingError(
                f"operation {work.operation.name!r}: tiles of {self.tile} need "
                f"{ceil_div(needed, 8):,} B of buffer, {work.unit!r} has {work.spec.buffer:,} B; "
                f"raise architecture.components.{work.unit}.buffer"
            )
        tiles = _Nest(self, work, counted).level(0, {}, None, True)
        return TileStream(work.stages, tuple(tiles))


class _Nest:
    """Unrolls the loops into nested repetition, one loop level after the other."""

    def __init__(self, mapping: Mapping, work: Work, counted: bool) -> None:
        self.mapping = mapping
        self.work = work
        self.counted = counted
        self._classes: dict[tuple[Tile, tuple[bool, ...], bool, bool], TileClass] = {}

    def level(
        self, depth: int, sizes: dict[Axis, int], moved: frozenset[Axis] | None, complete: bool
    ) -> list[TileClass | Repeat]:
        """Tiles of the loops from ``depth`` inwards.

        ``moved`` holds the axes that have advanced since the last tile, None before the
        first one; ``complete`` says whether the sum along k ends here.
        """
        if depth == len(self.mapping.loops):
            return [self._tile_class(Tile(**sizes), moved, complete)]
        axis = self.mapping.loops[depth]
        extent = self.work.space.extent(axis)
        size = min(self.mapping.tile.extent(axis), extent)
        trips = ceil_div(extent, size)
        edge = extent - (trips - 1) * size

        def inner(
            length: int, now_moved: frozenset[Axis] | None, is_last: bool
        ) -> list[TileClass | Repeat]:
            ends = complete and (axis != "k" or is_last)
            return self.level(depth + 1, {**sizes, axis: length}, now_moved, ends)

        if trips == 1:
            return inner(edge, moved, True)
        entered = None if moved is None else moved | {axis}
        step = frozenset({axis})
        middle = [Repeat(trips - 2, tuple(inner(size, step, False)))] if trips > 2 else []
        return [*inner(size, entered, False), *middle, *inner(edge, step, True)]

    def _tile_class(self, tile: Tile, moved: frozenset[Axis] | None, complete: bool) -> TileClass:
        loads = tuple(
            moved is None or not moved.isdisjoint(operand.access.axes)
            for operand in self.work.reads
        )
        key = (tile, loads, complete, moved is None)
        if key not in self._classes:
            self._classes[key] = _tile_class(
                self.work, tile, loads, complete, is_first=moved is None, counted=self.counted
            )
        return self._classes[key]


def whole_tile(work: Work) -> TileClass:
    """Return all of the work as one tile, whatever the buffer.

    Its longest stage is about what a tiling takes whose stages overlap perfectly.
    """
    loads = (True,) * len(work.reads)
    return _tile_class(work, work.space, loads, complete=True, is_first=True, counted=True)


def _tile_class(
    work: Work,
    tile: Tile,
    loads: tuple[bool, ...],
    complete: bool,
    *,
    is_first: bool,
    counted: bool,
) -> TileClass:
    operation, spec = work.operation, work.spec
    operands = (*work.reads, *work.writes)
    moves = (*loads, *(complete for _ in work.writes))
    copies = spec.operand_copies(tile, operation.reads, operation.writes)
    moved = [
        _Moved(operand, operand.transfer(tile, work.space, many), number < len(loads))
        for number, (operand, moves_now, many) in enumerate(
            zip(operands, moves, copies, strict=True)
        )
        if moves_now and operand.streams
    ]
    passing = [[one for one in moved if one.passes(stage)] for stage in work.stages]
    cycles = spec.cycles(tile, operation.functions, operation.number_format)
    if is_first:
        cycles |= spec.once_cycles(work.space, operation.functions, operation.number_format)
    service = tuple(
        work.architecture.ticks(work.unit, sum(cycles.values()))
        if stage.kind is StageKind.COMPUTE
        else _channel_ticks(work.architecture, stage, here)
        for stage, here in zip(work.stages, passing, strict=True)
    )
    return TileClass(
        service=service,
        bits=tuple(sum(one.transfer.bits for one in here) for here in passing),
        points=tile.points,
        actions=_actions(work, tile, moved) if counted else (),
        tallies=_tallies(work, cycles, passing) if counted else (),
    )


@dataclass(frozen=True, slots=True)
class _Moved:
    """An operand that moves with a tile."""

    operand: Operand
    transfer: Transfer
    is_read: bool

    def at(self, stage: Stage) -> Transfer:
        """Return it as it passes a stage."""
        is_off_chip = stage.kind in (StageKind.FETCH, StageKind.STORE)
        return self.operand.stored(self.transfer) if is_off_chip else self.transfer

    def passes(self, stage: Stage) -> bool:
        """Whether it passes a stage."""
        operand = self.operand
        match stage.kind:
            case StageKind.FETCH:
                return self.is_read and operand.fetches and operand.memory == stage.component
            case StageKind.DISTRIBUTE:
                return self.is_read and operand.link == stage.component
            case StageKind.COLLECT:
                return not self.is_read and operand.link == stage.component
            case StageKind.STORE:
                return not self.is_read and operand.fetches and operand.memory == stage.component
            case StageKind.COMPUTE:
                return False


def _channel_ticks(architecture: Architecture, stage: Stage, here: list[_Moved]) -> int:
    """Ticks of a channel, or of the on-chip memory behind it where its banks are slower."""
    if not here:
        return 0
    transfers = [one.at(stage) for one in here]
    cycles = architecture.channels[stage.component].stream_cycles(transfers)
    ticks = [architecture.ticks(stage.component, cycles)]
    for memory, own in _on_chip(here).items():
        ticks.append(architecture.ticks(memory, architecture.memories[memory].access_cycles(own)))
    return max(ticks)


def _on_chip(here: list[_Moved]) -> dict[str, list[Transfer]]:
    """Return the transfers from or to each on-chip memory."""
    found: dict[str, list[Transfer]] = {}
    for one in here:
        if not one.operand.fetches:
            found.setdefault(one.operand.memory, []).append(one.transfer)
    return found


def _tallies(
    work: Work, cycles: MappingOf[str, int], passing: list[list[_Moved]]
) -> tuple[Tally, ...]:
    """Count the parts of the unit's time, and what channels and the banks behind them count."""
    found = [(work.unit, f"{part}_cycles", count) for part, count in cycles.items() if count]
    for stage, here in zip(work.stages, passing, strict=True):
        if here:
            channel = work.architecture.channels[stage.component]
            counts = channel.tallies([one.at(stage) for one in here])
            found += [(stage.component, name, count) for name, count in counts.items()]
            conflicts = sum(
                work.architecture.memories[memory].conflict_cycles(own)
                for memory, own in _on_chip(here).items()
            )
            if conflicts:
                found.append((stage.component, "bank_conflict_cycles", conflicts))
    return tuple(found)


def _actions(work: Work, tile: Tile, moved: list[_Moved]) -> tuple[ActionCount, ...]:
    actions: Counter[tuple[str, str, str]] = Counter()
    for one in moved:
        _move(actions, work, one)
    _compute(actions, work, tile)
    return tuple((*key, count) for key, count in actions.items())


def _move(actions: Counter[tuple[str, str, str]], work: Work, moved: _Moved) -> None:
    """Count an operand's way between its memory and the unit's buffer."""
    operand, size = moved.operand, moved.transfer.bits
    actions[operand.memory, "read" if moved.is_read else "write", ""] += size
    if operand.link:
        channel = work.architecture.channels[operand.link]
        for action, count in channel.actions(moved.transfer).items():
            actions[operand.link, action, ""] += count
    actions[f"{work.unit}.buffer", "write" if moved.is_read else "read", ""] += size


def _compute(actions: Counter[tuple[str, str, str]], work: Work, tile: Tile) -> None:
    """Count the arithmetic, and its accesses to buffers and wired memories."""
    operation = work.operation
    for function, count in operation.functions.items():
        actions[work.unit, function, operation.number_format.name] += count * tile.points
    operands = (*work.reads, *work.writes)
    counts = work.spec.operand_accesses(tile, operation.reads, operation.writes)
    for number, (operand, count) in enumerate(zip(operands, counts, strict=True)):
        way = "read" if number < len(work.reads) else "write"
        place = f"{work.unit}.buffer" if operand.streams else operand.memory
        actions[place, way, ""] += count * operand.access.tensor.format.bits
