"""The numbers of each row in another arrangement: picked, repeated, left out, negated."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from archsim.ir.operation import Array, Operation
from archsim.ir.tile import Access, Axis, Tile


@dataclass(frozen=True, kw_only=True)
class Arrange(Operation):
    """``out[row, j] = signs[j] in[row, picks[j]]``; inputs lie behind one another in a row.

    ``rows`` divides every tensor: a complex matrix of real pairs becomes a real one of twice
    the side, columns are cut out, vectors are joined.
    """

    kind: ClassVar[str] = "permute"

    rows: int
    picks: tuple[int, ...]
    signs: tuple[int, ...] = ()
    """1 or -1 for each pick; none means 1."""

    def __post_init__(self) -> None:
        for tensor in (*self.inputs, self.output):
            if tensor.elements % self.rows:
                raise self.fail(f"{tensor.name} {tensor.shape} has no {self.rows} equal rows")
        width = sum(tensor.elements for tensor in self.inputs) // self.rows
        if not self.picks or min(self.picks) < 0 or max(self.picks) >= width:
            raise self.fail(f"picks must be in [0, {width}), got {self.picks}")
        if self.output.elements != self.rows * len(self.picks):
            raise self.fail(
                f"{self.rows} rows of {len(self.picks)} picks do not make {self.output.shape}"
            )
        if self.signs and (len(self.signs) != len(self.picks) or set(self.signs) - {1, -1}):
            raise self.fail(f"signs must be 1 or -1, one for each pick, got {self.signs}")

    @cached_property
    def space(self) -> Tile:
        return Tile(m=self.rows, n=len(self.picks))

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m",)

    @property
    def reads(self) -> tuple[Access, ...]:
        return tuple(Access(t, ("m",), t.elements // self.rows) for t in self.inputs)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        row = np.concatenate([array.reshape(self.rows, -1) for array in arrays], axis=1)
        made = row[:, self.picks]
        return ((made * self.signs if self.signs else made).reshape(self.output.shape),)
