"""The selection of the largest numbers, best first: what a beam search keeps of a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.operation import Array, Operation
from archsim.ir.tile import Access, Axis, Tile


@dataclass(frozen=True, kw_only=True)
class TopK(Operation):
    """The places of the k largest of n scores, the best first; of equal ones the first.

    Along n of the space are the ``ceil(log2(k + 1))`` levels of a heap of k: each score, along
    k, is compared once at each, as it is when the heap takes it in or refuses it.
    """

    kind: ClassVar[str] = "reduction"

    def __post_init__(self) -> None:
        if self.output.elements > self.inputs[0].elements:
            raise self.fail(
                f"{self.inputs[0].elements} scores have no {self.output.elements} largest"
            )

    @property
    def space(self) -> Tile:
        return Tile(n=self.output.elements.bit_length(), k=self.inputs[0].elements)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("k",)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"maximum": 1}

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("k",)),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, (), self.output.elements),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        order = np.argsort(-arrays[0].reshape(-1), kind="stable")
        return (order[: self.output.elements].reshape(self.output.shape).astype(np.float64),)
