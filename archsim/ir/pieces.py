"""Pieces of tensors: numbers of the last dimension cut out, and tensors joined along it.

Both move numbers and compute nothing; units that permute do them. A tile may take some of the
columns, where :class:`~archsim.ir.arrange.Arrange` works on whole rows, in any arrangement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd, prod
from typing import ClassVar

import numpy as np

from archsim.ir.operation import Array, Operation
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access, Axis, Tile
from archsim.ir.window import Window


@dataclass(frozen=True, kw_only=True)
class Slice(Operation):
    """Numbers ``first … first + c - 1`` of the last dimension, c as the output says."""

    kind: ClassVar[str] = "permute"

    first: int

    def __post_init__(self) -> None:
        (whole,), part = self.inputs, self.output
        end = self.first + part.shape[-1]
        if whole.shape[:-1] != part.shape[:-1] or not 0 <= self.first < end <= whole.shape[-1]:
            raise self.fail(f"{self.first} … {end - 1} of {whole.shape} do not make {part.shape}")

    @property
    def space(self) -> Tile:
        *rows, columns = self.output.shape
        return Tile(m=prod(rows), n=columns)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "n")

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def reads(self) -> tuple[Access, ...]:
        *rows, columns = self.inputs[0].shape
        pixels = prod(rows)
        window = Window((1, 1, pixels, columns), (1, pixels), (1, 1), columns)
        return (Access(self.inputs[0], ("m", "n"), window=window),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return (arrays[0][..., self.first : self.first + self.output.shape[-1]].copy(),)


@dataclass(frozen=True, kw_only=True)
class Concatenate(Operation):
    """Tensors one behind the other along the last dimension.

    A tile takes the same share of each one's columns: n counts steps of such shares.
    """

    kind: ClassVar[str] = "permute"

    def __post_init__(self) -> None:
        *rows, columns = self.output.shape
        if any(list(tensor.shape[:-1]) != rows for tensor in self.inputs) or columns != sum(
            tensor.shape[-1] for tensor in self.inputs
        ):
            shapes = ", ".join(str(tensor.shape) for tensor in self.inputs)
            raise self.fail(f"{shapes} side by side do not make {self.output.shape}")

    @property
    def _steps(self) -> int:
        return gcd(*(tensor.shape[-1] for tensor in self.inputs))

    @property
    def space(self) -> Tile:
        *rows, columns = self.output.shape
        return Tile(m=prod(rows), n=self._steps, k=columns // self._steps)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "n")

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    def _access(self, tensor: TensorSpec) -> Access:
        return Access(tensor, ("m", "n"), grain=tensor.shape[-1] // self._steps)

    @property
    def reads(self) -> tuple[Access, ...]:
        return tuple(map(self._access, self.inputs))

    @property
    def writes(self) -> tuple[Access, ...]:
        return (self._access(self.output),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        return (np.concatenate(arrays, axis=-1),)
