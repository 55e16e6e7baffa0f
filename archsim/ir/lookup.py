"""Operations on rows of a table, found by number: gather and scatter-add."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.ir.operation import Array, Operation
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access, Axis, Tile


def row_numbers(operation: Operation, rows: Array, table: TensorSpec) -> NDArray[np.int64]:
    """Return ``rows`` as whole numbers within the table.

    Raises:
        GraphError: for a number that is not a row of the table.
    """
    numbers = np.asarray(rows).astype(np.int64)
    if np.any(numbers != rows) or numbers.min() < 0 or numbers.max() >= table.shape[0]:
        raise operation.fail(f"rows must be whole numbers in [0, {table.shape[0]})")
    return numbers


@dataclass(frozen=True, kw_only=True)
class Gather(Operation):
    """Rows of a table: ``out[t] = table[rows[t]]``; inputs are (table, rows)."""

    kind: ClassVar[str] = "gather"

    def __post_init__(self) -> None:
        table, rows = self.inputs
        if self.output.elements * table.shape[0] != rows.elements * table.elements:
            raise self.fail(
                f"{rows.elements} rows of {table.shape} do not make {self.output.shape}"
            )

    @property
    def space(self) -> Tile:
        rows = self.inputs[1].elements
        return Tile(m=rows, n=self.output.elements // rows)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "n")

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def reads(self) -> tuple[Access, ...]:
        table, rows = self.inputs
        return (
            Access(table, ("m", "n"), is_scattered=True),
            Access(rows, ("m",)),
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        table, rows = arrays
        numbers = row_numbers(self, rows, self.inputs[0])
        return (table[numbers].reshape(self.output.shape),)


@dataclass(frozen=True, kw_only=True)
class ScatterAdd(Operation):
    """``table[rows[t]] += update[t]`` in place; inputs are (table, rows, update)."""

    kind: ClassVar[str] = "scatter_add"

    def __post_init__(self) -> None:
        table, rows, update = self.inputs
        if update.elements * table.shape[0] != rows.elements * table.elements:
            raise self.fail(f"{rows.elements} rows of {table.shape} do not make {update.shape}")
        if self.output.shape != table.shape or self.overwrites != table.name:
            raise self.fail(f"the output must overwrite the table {table.name} {table.shape}")

    @property
    def space(self) -> Tile:
        rows = self.inputs[1].elements
        return Tile(m=rows, n=self.inputs[2].elements // rows)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "n")

    @property
    def functions(self) -> Mapping[str, int]:
        return {"add": 1}

    @property
    def reads(self) -> tuple[Access, ...]:
        table, rows, update = self.inputs
        return (
            Access(table, ("m", "n"), is_scattered=True),
            Access(rows, ("m",)),
            Access(update, ("m", "n")),
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "n"), is_scattered=True),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        table, rows, update = arrays
        numbers = row_numbers(self, rows, self.inputs[0]).reshape(-1)
        result = np.array(table)
        np.add.at(result, numbers, update.reshape(len(numbers), *table.shape[1:]))
        return (result,)
