"""Convolution of feature maps: a matrix product whose left operand is windows of a map.

Maps lie channels last, (images, rows, columns, channels), so that nothing is permuted: m is
images x rows x columns of the output, k rows x columns of the kernel x channels in, n
channels out, and groups are a batch. A unit that multiplies matrices needs to know no more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import ClassVar

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir.operation import Array, Operation
from archsim.ir.tile import AXES, Access, Axis, Tile
from archsim.ir.window import Window


@dataclass(frozen=True, kw_only=True)
class Convolution(Operation):
    """``y[b, p, q, n] = sum over i, j, c of x[b, s p + i - P, s q + j - P, c] w[i, j, c, n]``.

    ``s`` is the stride, P the padding. Inputs are the map x and the kernel w, with the
    groups as a first index where there are several. Where ``dilation`` is above 1, x has as
    many less one zeros between its rows, and its columns; where ``flipped``, w is taken from
    its last row and column to its first. An input's gradient is so: that of a stride s, a
    kernel of K rows and padding P is the convolution of the gradient, dilated by s and padded
    by K - 1 - P, with the flipped kernel whose channels in and out have changed places.

    The output's shape says how many windows there are; those that reach beyond the map see
    zeros there.
    """

    kind: ClassVar[str] = "contraction"

    stride: int = 1
    padding: int = 0
    """Rows, and columns, of zeros before the map's first."""
    dilation: int = 1
    groups: int = 1
    flipped: bool = False

    def __post_init__(self) -> None:
        if len(self.inputs) != 2:
            raise self.fail(f"a convolution takes a map and a kernel, got {len(self.inputs)}")
        feature_map, kernel = self.inputs
        for name, least in {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}.items():
            if getattr(self, name) < least:
                raise self.fail(f"{name} must be >= {least}, got {getattr(self, name)}")
        if self.stride > 1 and self.dilation > 1:
            raise self.fail(f"stride {self.stride} and dilation {self.dilation}: one must be 1")
        if len(feature_map.shape) != 4 or len(self.output.shape) != 4:
            raise self.fail(
                "maps are (images, rows, columns, channels), got "
                f"{feature_map.shape} -> {self.output.shape}"
            )
        self._check_kernel(kernel.shape)
        self._check_windows()

    def _check_kernel(self, shape: tuple[int, ...]) -> None:
        images, _, _, channels = self.inputs[0].shape
        made, _, _, features = self.output.shape
        grouped = self.groups > 1
        if len(shape) != 4 + grouped or (grouped and shape[0] != self.groups):
            wanted = "groups, " * grouped + "rows, columns, channels in, channels out"
            raise self.fail(f"the kernel must be ({wanted}), got {shape}")
        taken, given = shape[-2] * self.groups, shape[-1] * self.groups
        if (images, channels, features) != (made, taken, given):
            raise self.fail(
                f"a kernel {shape} takes {taken} channels to {given}, not "
                f"{self.inputs[0].shape} to {self.output.shape}"
            )
        if self.padding >= min(self._kernel):
            raise self.fail(f"padding {self.padding} hides whole windows of {self._kernel}")

    def _check_windows(self) -> None:
        for extent, count in zip(self.inputs[0].shape[1:3], self.output.shape[1:3], strict=True):
            last = (count - 1) * self.stride - self.padding
            # A stride's last windows may have passed over rows: these lie between, and behind.
            if last >= extent * self.dilation:
                raise self.fail(
                    f"window {count} begins {last} behind the first of {extent} rows or columns "
                    f"that lie {self.dilation} apart"
                )

    @property
    def _kernel(self) -> tuple[int, int]:
        rows, columns = self.inputs[1].shape[-4:-2]
        return rows, columns

    @cached_property
    def space(self) -> Tile:
        images, rows, columns, _ = self.output.shape
        down, across, channels, features = self.inputs[1].shape[-4:]
        return Tile(
            batch=self.groups,
            m=images * rows * columns,
            n=features,
            k=down * across * channels,
        )

    @property
    def functions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return AXES

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @cached_property
    def window(self) -> Window:
        """How the windows lie over the map."""
        images, rows, columns, channels = self.inputs[0].shape
        _, down, across, _ = self.output.shape
        return Window(
            shape=(images, rows, columns, channels),
            outputs=(down, across),
            kernel=self._kernel,
            channels=channels // self.groups,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )

    @property
    def reads(self) -> tuple[Access, ...]:
        feature_map, kernel = self.inputs
        return (
            Access(feature_map, ("batch", "m", "k"), window=self.window),
            Access(kernel, ("batch", "k", "n")),
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m", "batch", "n")),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        feature_map, kernel = arrays
        kernel = kernel.reshape(self.groups, *self.inputs[1].shape[-4:])
        if self.flipped:
            kernel = kernel[:, ::-1, ::-1]
        total = sum(np.matmul(seen, kernel[:, i, j]) for i, j, seen in self.taps(feature_map))
        return (np.transpose(total, (1, 0, 2)).reshape(self.output.shape),)

    def taps(self, feature_map: Array) -> Iterator[tuple[int, int, Array]]:
        """Yield each place of the kernel, and what it sees: (groups, windows, channels)."""
        padded = self._padded(feature_map)
        images, rows, columns, _ = self.output.shape
        down, across, channels = self.inputs[1].shape[-4:-1]
        shape = (images * rows * columns, self.groups, channels)
        for i, j in product(range(down), range(across)):
            seen = padded[
                :,
                i : i + (rows - 1) * self.stride + 1 : self.stride,
                j : j + (columns - 1) * self.stride + 1 : self.stride,
            ]
            yield i, j, seen.reshape(shape).transpose(1, 0, 2)

    def _padded(self, feature_map: Array) -> Array:
        """Return the map with zeros between its rows and columns, and around it."""
        images, rows, columns, channels = feature_map.shape
        sides = [
            (count - 1) * self.stride + kernel
            for count, kernel in zip(self.output.shape[1:3], self._kernel, strict=True)
        ]
        spread = [
            max(side, self.padding + (extent - 1) * self.dilation + 1)
            for side, extent in zip(sides, (rows, columns), strict=True)
        ]
        padded = np.zeros((images, *spread, channels))
        inside = slice(self.padding, None, self.dilation)
        padded[:, inside, inside][:, :rows, :columns] = feature_map
        return padded
