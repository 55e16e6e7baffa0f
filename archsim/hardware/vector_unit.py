"""A vector unit: lanes that apply scalar functions to streams of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from archsim.errors import did_you_mean
from archsim.formats import NumberFormat
from archsim.hardware.component import COMPONENTS, ComputeSpec, at_least_one, ceil_div
from archsim.ir.expression import FUNCTIONS
from archsim.ir.tile import Access, Tile


@COMPONENTS.register("vector_unit")
@dataclass(frozen=True, kw_only=True)
class VectorUnitSpec(ComputeSpec):
    """``lanes`` numbers side by side; a function costs its cycles per number and lane."""

    kind: ClassVar[str] = "vector_unit"

    lanes: int
    """Numbers worked on side by side."""
    depth: int = 1
    """Cycles from a number's arrival to its result."""
    chained: bool = False
    """Whether a formula's functions are laid out one behind the other, as in an FPGA
    pipeline whose slowest function sets the pace, or take turns on the lanes."""
    function_cycles: dict[str, int] = field(default_factory=dict)
    """Cycles per number of each scalar function that the unit has."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(lanes=self.lanes, depth=self.depth)
        for name, cycles in self.function_cycles.items():
            if name not in FUNCTIONS:
                hint = did_you_mean(name, FUNCTIONS)
                raise ValueError(f"function_cycles: no function {name!r}; {hint}")
            at_least_one(**{f"function_cycles.{name}": cycles})

    @property
    def partitions(self) -> int:
        return self.lanes

    def lacks(self, functions: Mapping[str, int]) -> str:
        return next((name for name in functions if name not in self.function_cycles), "")

    def cycles(
        self, tile: Tile, functions: Mapping[str, int], number_format: NumberFormat
    ) -> dict[str, int]:
        """``depth - 1 + ceil(points / lanes) pace``.

        The pace is the slowest function's cycles where functions are chained, the sum over
        all of a formula's functions otherwise.
        """
        cycles = self.function_cycles
        if self.chained:
            pace = max(cycles[name] for name in functions)
        else:
            pace = sum(count * cycles[name] for name, count in functions.items())
        return {"fill": self.depth - 1, "stream": ceil_div(tile.points, self.lanes) * pace}

    def operand_accesses(
        self, tile: Tile, reads: tuple[Access, ...], writes: tuple[Access, ...]
    ) -> tuple[int, ...]:
        """Each number is fetched once per tile and stays in its lane while it is broadcast."""
        return tuple(access.elements(tile) for access in (*reads, *writes))
