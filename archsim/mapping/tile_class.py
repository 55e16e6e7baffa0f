"""Classes of tiles: the time at each stage, the bits and the actions of tiles that are alike."""

from collections import Counter
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property

from archsim.hardware.architecture import Architecture
from archsim.hardware.component import Transfer
from archsim.ir.tile import Access, Tile
from archsim.mapping.stream import ActionCount, Stage, StageKind, Tally, TileClass
from archsim.mapping.work import Operand, Work


def whole_tile(work: Work) -> TileClass:
    """Return all of the work as one tile, whatever the buffer.

    Its longest stage is about what a tiling takes whose stages overlap perfectly.
    """
    loads = (True,) * len(work.reads)
    return TileClasses(work).of(work.space, loads, complete=True, is_first=True)


class TileClasses:
    """The tiles of one piece of work, each class of them made once.

    Actions and tallies are left out of classes that are not ``counted``: whoever compares
    many tilings by time does without them, and what is ``known`` of times serves to count.
    """

    def __init__(
        self, work: Work, *, counted: bool = True, known: "TileClasses | None" = None
    ) -> None:
        self.work = work
        self.counted = counted
        self._known = known
        self._classes: dict[tuple[Tile, tuple[bool, ...], bool, bool], TileClass] = {}
        self._moved: dict[Tile, tuple[Moved, ...]] = {} if known is None else known._moved
        self._cycles: dict[Tile, dict[str, int]] = {} if known is None else known._cycles
        self._accesses = _accesses(work)

    def of(
        self, tile: Tile, loads: tuple[bool, ...], *, complete: bool, is_first: bool
    ) -> TileClass:
        """Return the class of a tile that brings the inputs it ``loads``.

        It brings its results out if the sum along k is ``complete``; with the first one comes
        what an operation takes once.
        """
        key = (tile, loads, complete, is_first and bool(self.once_cycles))
        if key not in self._classes:
            self._classes[key] = self._made(*key)
        return self._classes[key]

    @cached_property
    def once_cycles(self) -> dict[str, int]:
        """Parts of the unit's time that the operation takes once."""
        work = self.work
        operation = work.operation
        return work.spec.once_cycles(work.space, operation.functions, operation.number_format)

    def cycles(self, tile: Tile) -> dict[str, int]:
        """Parts of the unit's time for a tile."""
        if tile not in self._cycles:
            operation = self.work.operation
            found = self.work.spec.cycles(tile, operation.functions, operation.number_format)
            self._cycles[tile] = found
        return self._cycles[tile]

    def moved(self, tile: Tile) -> tuple["Moved", ...]:
        """Return the part of each operand that belongs to a tile."""
        if tile not in self._moved:
            work = self.work
            copies = work.spec.operand_copies(tile, *self._accesses)
            self._moved[tile] = tuple(
                Moved(operand, operand.transfer(tile, work.space, many), number < len(work.reads))
                for number, (operand, many) in enumerate(zip(work.operands, copies, strict=True))
            )
        return self._moved[tile]

    def _made(
        self, tile: Tile, loads: tuple[bool, ...], complete: bool, is_first: bool
    ) -> TileClass:
        work = self.work
        moves = (*loads, *(complete for _ in work.writes))
        moved = self.moved(tile)
        passing = [[moved[n] for n in numbers if moves[n]] for numbers in work.passing]
        cycles = self.cycles(tile)
        if is_first:
            cycles = cycles | self.once_cycles
        if self._known is None:
            service = tuple(
                work.architecture.ticks(work.unit, sum(cycles.values()))
                if stage.kind is StageKind.COMPUTE
                else _channel_ticks(work.architecture, stage, here)
                for stage, here in zip(work.stages, passing, strict=True)
            )
        else:
            service = self._known.of(tile, loads, complete=complete, is_first=is_first).service
        streaming = [
            one
            for one, moves_now in zip(moved, moves, strict=True)
            if moves_now and one.operand.streams
        ]
        return TileClass(
            service=service,
            bits=tuple(sum(one.transfer.bits for one in here) for here in passing),
            points=tile.points,
            actions=_actions(work, tile, streaming) if self.counted else (),
            tallies=_tallies(work, cycles, passing) if self.counted else (),
        )


def _accesses(work: Work) -> tuple[tuple[Access, ...], tuple[Access, ...]]:
    """Return what is read and what is written."""
    return tuple(one.access for one in work.reads), tuple(one.access for one in work.writes)


@dataclass(frozen=True, slots=True)
class Moved:
    """The part of an operand that moves with a tile."""

    operand: Operand
    transfer: Transfer
    is_read: bool

    def at(self, stage: Stage) -> Transfer:
        """Return it as it passes a stage."""
        is_off_chip = stage.kind in (StageKind.FETCH, StageKind.STORE)
        return self.operand.stored(self.transfer) if is_off_chip else self.transfer


def _channel_ticks(architecture: Architecture, stage: Stage, here: list[Moved]) -> int:
    """Ticks of a channel, or of the on-chip memory behind it where its banks are slower."""
    if not here:
        return 0
    ticks = [architecture.service(stage.component, [one.at(stage) for one in here])]
    for memory, own in _on_chip(here).items():
        ticks.append(architecture.ticks(memory, architecture.memories[memory].access_cycles(own)))
    return max(ticks)


def _on_chip(here: list[Moved]) -> dict[str, list[Transfer]]:
    """Return the transfers from or to each on-chip memory."""
    found: dict[str, list[Transfer]] = {}
    for one in here:
        if not one.operand.fetches:
            found.setdefault(one.operand.memory, []).append(one.transfer)
    return found


def _tallies(
    work: Work, cycles: MappingOf[str, int], passing: list[list[Moved]]
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


def _actions(work: Work, tile: Tile, moved: list[Moved]) -> tuple[ActionCount, ...]:
    actions: Counter[tuple[str, str, str]] = Counter()
    for one in moved:
        _move(actions, work, one)
    _compute(actions, work, tile)
    return tuple((*key, count) for key, count in actions.items())


def _move(actions: Counter[tuple[str, str, str]], work: Work, moved: Moved) -> None:
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
    counts = work.spec.operand_accesses(tile, *_accesses(work))
    for number, (operand, count) in enumerate(zip(operands, counts, strict=True)):
        way = "read" if number < len(work.reads) else "write"
        place = f"{work.unit}.buffer" if operand.streams else operand.memory
        actions[place, way, ""] += count * operand.access.tensor.format.bits
