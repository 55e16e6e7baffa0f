"""Selections of the largest numbers: best first, as a beam search keeps them, or in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.operation import Array, Operation
from archsim.ir.tile import Access, Axis, Tile


@dataclass(frozen=True, kw_only=True)
class _Selection(Operation):
    """Reads n scores along k, and writes the places of the largest ones at the end."""

    kind: ClassVar[str] = "reduction"

    def __post_init__(self) -> None:
        if self.output.elements > self.inputs[0].elements:
            raise self.fail(
                f"{self.inputs[0].elements} scores have no {self.output.elements} largest"
            )

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("k",)

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("k",)),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, (), self.output.elements),)

    def _best_first(self, scores: Array) -> Array:
        order = np.argsort(-scores.reshape(-1), kind="stable")
        return order[: self.output.elements]


@dataclass(frozen=True, kw_only=True)
class TopK(_Selection):
    """The places of the k largest of n scores, the best first; of equal ones the first.

    Along n of the space are the ``ceil(log2(k + 1))`` levels of a heap of k: each score, along
    k, is compared once at each, as it is when the heap takes it in or refuses it.
    """

    @property
    def space(self) -> Tile:
        return Tile(n=self.output.elements.bit_length(), k=self.inputs[0].elements)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"maximum": 1}

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        best = self._best_first(arrays[0])
        return (best.reshape(self.output.shape).astype(np.float64),)


@dataclass(frozen=True, kw_only=True)
class TopIndices(_Selection):
    """The numbers of the k largest of n scores, in ascending order; of equal ones the first.

    Each score is compared ``ceil(log2 n)`` times, as in a merge.
    """

    @property
    def space(self) -> Tile:
        return Tile(k=self.inputs[0].elements)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"maximum": max(1, (self.inputs[0].elements - 1).bit_length())}

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        best = self._best_first(arrays[0])
        return (np.sort(best).reshape(self.output.shape),)
