"""What is to be mapped: an operation, or a part of it, and the unit that shall do it."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from archsim.errors import MappingError
from archsim.hardware.architecture import Architecture
from archsim.hardware.component import ComputeSpec, Transfer, ceil_div
from archsim.hardware.interleave import Interleave, runs_in_memory
from archsim.ir.operation import Operation
from archsim.ir.tile import Access, Box, Length_co, Tile
from archsim.mapping.stream import Stage, StageKind


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
    def way(self) -> tuple[str, ...]:
        """The channels that it passes."""
        link = (self.link,) if self.link else ()
        return (self.memory, *link) if self.fetches else link

    @property
    def streams(self) -> bool:
        """Whether it passes the unit's buffer; a wired operand is read where it lies."""
        return self.fetches or bool(self.link)

    def stored(self, wanted: Transfer) -> Transfer:
        """Return a tile as off-chip memory gives or takes it: once, run by run, as it lies."""
        if wanted.layout is None:
            return wanted if wanted.copies == 1 else replace(wanted, copies=1)
        width = wanted.word_bits
        sizes = (wanted.bits // width, wanted.run_bits // width, wanted.stride_bits // width)
        runs, apart = runs_in_memory(*sizes, wanted.layout)
        run_bits = ceil_div(sizes[0], runs) * width
        return replace(wanted, run_bits=run_bits, stride_bits=apart * width, layout=None, copies=1)

    def transfer(self, tile: Tile, space: Tile, copies: int) -> Transfer:
        """Return a tile of it, as it passes channels on its way."""
        access, width = self.access, self.access.tensor.format.bits
        run, stride = access.runs(tile, space)
        return Transfer(
            bits=access.size_bits(tile),
            run_bits=run * width,
            stride_bits=stride * width,
            is_scattered=access.is_scattered,
            word_bits=width,
            layout=access.layout,
            interleave=self.interleave,
            copies=copies,
        )


class Work:
    """An operation, or one part of it, beside the unit that shall do it.

    Most of what is looked at is known by its :attr:`key`, so the rest is worked out when asked
    for.
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
        self.operation = operation
        self.space = space
        self.placement = placement

    @cached_property
    def spec(self) -> ComputeSpec:
        """The unit, prepared for the operation."""
        operation = self.operation
        return self.architecture.units[self.unit].prepared(
            self.space, operation.functions, operation.number_format
        )

    @cached_property
    def reads(self) -> tuple[Operand, ...]:
        """The inputs.

        Raises:
            MappingError: if the unit does not reach one of them.
        """
        return tuple(self._operand(access, True) for access in self.operation.reads)

    @cached_property
    def writes(self) -> tuple[Operand, ...]:
        """The results.

        Raises:
            MappingError: if the unit does not reach one of them.
        """
        return tuple(self._operand(access, False) for access in self.operation.writes)

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        """All of them, the inputs first."""
        return (*self.reads, *self.writes)

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

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for two pieces of work that can be mapped alike, be it on different machines."""
        operation = self.operation
        reads, writes = operation.reads, operation.writes
        signature = tuple(
            (
                self.placement[access.tensor.name],
                access.axes,
                access.grain,
                access.is_scattered,
                access.layout,
                access.window,
                access.tensor.format.name,
            )
            for access in (*reads, *writes)
        )
        return (
            self.architecture.surroundings[self.unit],
            operation.kind,
            self.space,
            operation.cuts,
            operation.rounds,
            tuple(sorted(operation.functions.items())),
            operation.number_format.name,
            len(reads),
            signature,
        )

    @property
    def slots(self) -> int:
        """Tiles that each buffer holds: one where each waits for the one before."""
        return 1 if self.operation.rounds else self.spec.buffered_tiles

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that tiles pass; those that no operand needs are absent."""
        spec, units, slots = self.spec, self.architecture, self.slots
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

    @cached_property
    def passing(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the operands that pass each stage."""
        numbers = range(len(self.operands))
        return tuple(tuple(n for n in numbers if self._passes(n, stage)) for stage in self.stages)

    def _passes(self, number: int, stage: Stage) -> bool:
        operand, is_read = self.operands[number], number < len(self.reads)
        match stage.kind:
            case StageKind.FETCH:
                return is_read and operand.fetches and operand.memory == stage.component
            case StageKind.DISTRIBUTE:
                return is_read and operand.link == stage.component
            case StageKind.COMPUTE:
                return False
            case StageKind.COLLECT:
                return not is_read and operand.link == stage.component
            case StageKind.STORE:
                return not is_read and operand.fetches and operand.memory == stage.component

    def buffer_bits(self, box: Box[Length_co]) -> Length_co:
        """Bits of buffer that tiles of this size need: every gap between stages has its slots."""
        compute = next(n for n, s in enumerate(self.stages) if s.kind is StageKind.COMPUTE)
        gaps_out = len(self.stages) - 1 - compute
        sizes = [
            self.slots * gaps * operand.access.size_bits(box)
            for gaps, operands in ((compute, self.reads), (gaps_out, self.writes))
            for operand in operands
            if operand.streams
        ]
        return cast(Length_co, sum(sizes))
