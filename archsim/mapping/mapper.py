"""Chooses a mapping: which units can do an operation, and how it is cut into tiles."""

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from dataclasses import dataclass

from archsim.errors import MappingError
from archsim.hardware.architecture import Architecture
from archsim.ir.operation import Operation
from archsim.ir.tile import Tile
from archsim.mapping.mapping import Mapping
from archsim.mapping.search import Alone, Mapped, mapped
from archsim.mapping.stream import TileClass, TileStream
from archsim.mapping.tile_class import whole_tile
from archsim.mapping.tilings import only_tile
from archsim.mapping.together import mapped_together
from archsim.mapping.work import Work

Tilings = dict[tuple[object, ...], Mapped]
"""Tilings found, on any machine, for whoever maps many graphs."""


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
        self._able: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._made: dict[tuple[int, str], list[Work]] = {}
        """Work that is yet to be planned, by operation, which it holds, and unit."""

    def candidates(self, operation: Operation) -> tuple[str, ...]:
        """Units that can do an operation.

        Raises:
            MappingError: if there is none, saying what each lacks.
        """
        functions = tuple(operation.functions.items())
        key = (operation.kind, operation.phase, operation.number_format.name, functions)
        if key in self._able:
            return self._able[key]
        reasons = {name: self._objection(name, operation) for name in self.architecture.units}
        able = tuple(name for name, reason in reasons.items() if not reason)
        if not able:
            told = "; ".join(f"{name} {reason}" for name, reason in reasons.items())
            raise MappingError(
                f"operation {operation.name!r} ({operation.kind}, {operation.phase}, "
                f"{operation.number_format.name}): no unit of {self.architecture.name!r} "
                f"can do it: {told}; give a component of architecture.components what it lacks"
            )
        self._able[key] = able
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
        works = self._made.pop((id(operation), unit), None) or self._works(operation, unit)
        mapped = [self._best(work) for work in works]
        return Plan(unit, tuple(stream for _, stream in mapped), mapped[0][0])

    def overlapped(self, operation: Operation, unit: str) -> tuple[TileClass, ...]:
        """Return each independent part as one tile, as if all its stages overlapped perfectly."""
        return tuple(map(whole_tile, self._works(operation, unit)))

    def learn(self, operations: Iterable[Operation], workers: int) -> None:
        """Search for the mappings of many operations by several processes.

        What cannot be mapped is left to :meth:`plan`, which says why.
        """
        works: dict[tuple[object, ...], Work] = {}
        with suppress(MappingError):
            for operation in operations:
                for unit in self.candidates(operation):
                    made = self._made[id(operation), unit] = self._works(operation, unit)
                    works.update((work.key, work) for work in made)
        unknown = (work for key, work in works.items() if key not in self._known)
        asked = [work for work in unknown if only_tile(work) is None]
        for work, found in mapped_together(asked, self.alone, workers):
            if found is not None:
                self._known[work.key] = found

    def _works(self, operation: Operation, unit: str) -> list[Work]:
        """Return the independent parts of an operation on a sort of unit."""
        spaces = _parts(operation, self.architecture.units[unit].count)
        return [Work(self.architecture, unit, operation, s, self.placement) for s in spaces]

    def _best(self, work: Work) -> Mapped:
        key = work.key
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = mapped(work, self.alone)
        return found


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
