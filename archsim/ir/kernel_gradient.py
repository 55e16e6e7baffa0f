"""The gradient of a convolution's kernel: a matrix product that sums over all windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.convolution import Convolution
from archsim.ir.operation import Array, Operation
from archsim.ir.tile import AXES, Access, Axis, Tile


@dataclass(frozen=True, kw_only=True)
class KernelGradient(Operation):
    """``dw[i, j, c, n] = sum over b, p, q of x[b, s p + i - P, s q + j - P, c] dy[b, p, q, n]``.

    Inputs are the map x and the gradient dy of what ``forward``, the convolution, made of it.
    m is a window's numbers, k images x rows x columns of dy, n channels out. What makes
    windows for a convolution is taken to make them in this order, too: nothing is permuted.
    """

    kind: ClassVar[str] = "contraction"

    forward: Convolution

    def __post_init__(self) -> None:
        conv = self.forward
        if conv.dilation > 1 or conv.flipped:
            raise self.fail(f"{conv.name!r} is an input's gradient already")
        expected = (conv.inputs[0].shape, conv.output.shape, conv.inputs[1].shape)
        found = (*(tensor.shape for tensor in self.inputs), self.output.shape)
        if found != expected:
            raise self.fail(
                f"map, gradient and kernel of {conv.name!r} are {expected}, got {found}"
            )

    @cached_property
    def space(self) -> Tile:
        forward = self.forward.space
        return Tile(batch=forward.batch, m=forward.k, n=forward.n, k=forward.m)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return AXES

    @property
    def number_format(self) -> NumberFormat:
        """The gradient's, whose numbers differ most in size."""
        return self.inputs[1].format

    @property
    def reads(self) -> tuple[Access, ...]:
        feature_map, gradient = self.inputs
        return (
            Access(feature_map, ("batch", "k", "m"), window=self.forward.window),
            Access(gradient, ("k", "batch", "n")),
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("batch", "m", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        feature_map, gradient = arrays
        groups = self.forward.groups
        rows = gradient.reshape(self.space.k, groups, self.space.n).transpose(1, 0, 2)
        kernel = np.zeros((groups, *self.output.shape[-4:]))
        for i, j, seen in self.forward.taps(feature_map):
            kernel[:, i, j] = np.matmul(seen.transpose(0, 2, 1), rows)
        return (kernel.reshape(self.output.shape),)
