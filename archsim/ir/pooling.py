"""The largest number of each window of a feature map, and the gradient that it hands back.

Maps lie channels last, and windows over them as a convolution's; what a window reaches beyond
the map is never the largest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import ClassVar

import numpy as np

from archsim.ir.operation import Array, Operation
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import Access, Axis, Tile
from archsim.ir.window import Window


@dataclass(frozen=True)
class Pool:
    """Square windows of ``size`` rows, ``stride`` apart, the first ``padding`` before the map."""

    size: int
    stride: int
    padding: int

    def __post_init__(self) -> None:
        for name, least in {"size": 1, "stride": 1, "padding": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: must be >= {least}, got {getattr(self, name)}")
        if 2 * self.padding > self.size:
            raise ValueError(
                f"padding: at most half of the size {self.size}, or a window sees no map, "
                f"got {self.padding}"
            )

    def outputs(self, extent: int) -> int:
        """Windows along so many rows, or columns."""
        return (extent + 2 * self.padding - self.size) // self.stride + 1

    def shape(self, feature_map: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what is made of a map (images, rows, columns, channels)."""
        images, rows, columns, channels = feature_map
        return images, self.outputs(rows), self.outputs(columns), channels

    def views(self, feature_map: Array, outside: float) -> Iterator[Array]:
        """Yield what each place of all windows sees, row by row; views of one padded copy."""
        _, rows, columns, _ = self.shape(feature_map.shape)
        edge = (self.padding, self.padding)
        padded = np.pad(feature_map, ((0, 0), edge, edge, (0, 0)), constant_values=outside)
        yield padded
        for i, j in product(range(self.size), repeat=2):
            yield padded[
                :,
                i : i + (rows - 1) * self.stride + 1 : self.stride,
                j : j + (columns - 1) * self.stride + 1 : self.stride,
            ]


@dataclass(frozen=True, kw_only=True)
class MaxPool(Operation):
    """``y[b, p, q, c] = max over i, j of x[b, s p + i - P, s q + j - P, c]``."""

    kind: ClassVar[str] = "reduction"

    pool: Pool

    def __post_init__(self) -> None:
        _check(self, self.inputs[0], self.output, self.pool)

    @cached_property
    def space(self) -> Tile:
        images, rows, columns, channels = self.output.shape
        return Tile(m=images * rows * columns, k=self.pool.size**2 * channels)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"maximum": 1}

    @property
    def reads(self) -> tuple[Access, ...]:
        images, rows, columns, channels = self.inputs[0].shape
        window = Window(
            shape=(images, rows, columns, channels),
            outputs=(self.output.shape[1], self.output.shape[2]),
            kernel=(self.pool.size, self.pool.size),
            channels=channels,
            stride=self.pool.stride,
            padding=self.pool.padding,
        )
        return (Access(self.inputs[0], ("m", "k"), window=window),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m",), grain=self.output.shape[-1]),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        _, first, *others = self.pool.views(arrays[0], -np.inf)
        top = first.copy()
        for seen in others:
            np.maximum(top, seen, out=top)
        return (top,)


@dataclass(frozen=True, kw_only=True)
class MaxPoolGradient(Operation):
    """The gradient of each number of a map: the sum over the windows whose largest it is.

    Inputs are the map x, the pooled y and its gradient. Of equal numbers the window's first
    is the largest. Each number is compared at every place of the dilated y that a window
    could hold it from, as a strided convolution's input gradient multiplies zeros, too.
    """

    kind: ClassVar[str] = "reduction"

    pool: Pool

    def __post_init__(self) -> None:
        feature_map, pooled, gradient = self.inputs
        _check(self, feature_map, pooled, self.pool)
        if (gradient.shape, self.output.shape) != (pooled.shape, feature_map.shape):
            raise self.fail(
                f"{pooled.shape} of {feature_map.shape} have gradients of these shapes, "
                f"got {gradient.shape} -> {self.output.shape}"
            )

    @cached_property
    def space(self) -> Tile:
        images, rows, columns, channels = self.output.shape
        return Tile(m=images * rows * columns, k=self.pool.size**2 * channels)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"maximum": 1, "add": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m",)

    @property
    def reads(self) -> tuple[Access, ...]:
        feature_map, pooled, gradient = self.inputs
        _, rows, columns, channels = feature_map.shape
        images, down, across, _ = pooled.shape
        window = Window(
            shape=(images, down, across, channels),
            outputs=(rows, columns),
            kernel=(self.pool.size, self.pool.size),
            channels=channels,
            padding=self.pool.size - 1 - self.pool.padding,
            dilation=self.pool.stride,
        )
        return (
            Access(feature_map, ("m",), grain=channels),
            Access(pooled, ("m", "k"), window=window),
            Access(gradient, ("m", "k"), window=window),
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m",), grain=self.output.shape[-1]),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        feature_map, pooled, gradient = arrays
        _, *seen = self.pool.views(feature_map, -np.inf)
        total, *places = self.pool.views(np.zeros(feature_map.shape), 0.0)
        left = np.ones(pooled.shape, dtype=bool)
        for numbers, place in zip(seen, places, strict=True):
            hit = left & (numbers == pooled)
            np.add(place, np.where(hit, gradient, 0.0), out=place)
            left &= ~hit
        _, rows, columns, _ = feature_map.shape
        edge = self.pool.padding
        return (total[:, edge : edge + rows, edge : edge + columns].copy(),)


def _check(operation: Operation, feature_map: TensorSpec, pooled: TensorSpec, pool: Pool) -> None:
    if len(feature_map.shape) != 4 or min(feature_map.shape[1:3]) + 2 * pool.padding < pool.size:
        raise operation.fail(f"no window of {pool.size} rows fits in {feature_map.shape}")
    if pool.shape(feature_map.shape) != pooled.shape:
        raise operation.fail(
            f"{feature_map.shape} is pooled to {pool.shape(feature_map.shape)}, not {pooled.shape}"
        )
