"""What every operation is: tensors in, tensors out, work to do, numbers to compute.

An operation says what it computes (:meth:`Operation.evaluate`), how much work that is
(``space``, ``functions``) and what it touches (``reads``, ``writes``). Hardware needs no
more than the latter two.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from numpy.typing import NDArray

from archsim.errors import GraphError
from archsim.formats import NumberFormat
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access, Axis, Tile

Array = NDArray[Any]
Indices = tuple[str, ...]


class Phase(StrEnum):
    """The part of a training step that an operation belongs to."""

    FORWARD = "forward"
    BACKWARD = "backward"
    """Gradients of activations (dX)."""
    WEIGHT_GRADIENT = "weight_gradient"
    UPDATE = "update"
    INFERENCE = "inference"


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    """One node of work: tensors in, tensors out."""

    name: str
    phase: Phase
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    overwrites: str = ""
    """The input whose storage the first output takes over, if any."""

    kind: ClassVar[str]

    @property
    def output(self) -> TensorSpec:
        """The first output: most operations have no other."""
        return self.outputs[0]

    @property
    @abstractmethod
    def space(self) -> Tile:
        """The whole iteration space."""

    @property
    @abstractmethod
    def functions(self) -> Mapping[str, int]:
        """How often each scalar function runs at a point of ``space``, e.g. ``{"mac": 1}``."""

    @property
    @abstractmethod
    def reads(self) -> tuple[Access, ...]:
        """What a tile reads, one entry per input."""

    @property
    @abstractmethod
    def writes(self) -> tuple[Access, ...]:
        """What a tile writes, one entry per output."""

    @property
    def cuts(self) -> tuple[Axis, ...]:
        """The axes along which the work can be cut into tiles."""
        return ("m",)

    @property
    def rounds(self) -> int:
        """Tiles along m of which each waits for the one before; 0 where none does.

        Look-ups are so whose next address stands in what was read last.
        """
        return 0

    @property
    def number_format(self) -> NumberFormat:
        """The format that the arithmetic works in."""
        return self.output.format

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.functions.get("mac", 0) * self.space.points

    @abstractmethod
    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        """Compute the outputs' values from the inputs', in the inputs' precision."""

    def fail(self, problem: str) -> GraphError:
        """Return an error that names this operation."""
        return GraphError(f"operation {self.name!r} ({self.kind}): {problem}")
