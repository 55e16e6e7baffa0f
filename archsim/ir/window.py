"""The windows of a convolution over a feature map: what a tile of them touches.

The array works on an m x k operand that nobody stores: a row per output pixel, a column per
number of a window (rows, columns, channels of the kernel). What is fetched is the part of
the map under it, each number once per tile however many windows share it; the next tile
fetches its halo again.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """Windows of ``kernel`` rows and columns over a map (images, rows, columns, channels).

    Windows begin ``stride`` apart, the first one ``padding`` before the map; the map's rows
    and columns lie ``dilation`` apart, with zeros between them that nobody stores.
    """

    shape: tuple[int, int, int, int]
    """The map as it is stored, row-major."""
    outputs: tuple[int, int]
    """Rows and columns of windows in an image."""
    kernel: tuple[int, int]
    """Rows and columns of a window."""
    channels: int
    """Channels of a window: all of the map's, or those of a group."""
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def elements(self, groups: Any, m: Any, k: Any) -> Any:
        """Numbers of the map under a tile of m windows' first k numbers, in each of the groups.

        ``images x rows x columns x channels``, each as many as the tile reaches. Exact where
        the tile is whole rows of windows, or part of one, and whole rows of the kernel, or
        part of one, of all channels or one position; for any other, the grid of rows, columns
        and channels that holds it. Tiles that reach into the padding are counted as those
        that do not, but for one of all windows. The arguments are numbers, or columns of them.
        """
        if isinstance(m, int):
            return prod(_reach(self, groups, m, k))
        counted = np.frompyfunc(lambda *tile: prod(_reach(self, *tile)), 3, 1)
        return counted(groups, m, k).astype(m.dtype)

    def run(self, groups: int, m: int, k: int) -> tuple[int, int]:
        """Numbers that lie together in memory, and from one such run's start to the next's.

        The distance is 0 where all that the tile touches is one run.
        """
        axes = self._axes(groups, m, k)
        pitch = 1
        for place, axis in enumerate(axes):
            if axis.piece < axis.touched:
                return axis.piece * pitch, axis.step * pitch
            if axis.touched < axis.extent:
                run = axis.touched * pitch
                for slower, inner in zip(axes[place + 1 :], axes[place:], strict=False):
                    pitch *= inner.extent
                    if slower.touched > 1:
                        return run, pitch * (slower.step if slower.piece == 1 else 1)
                return run, 0
            pitch *= axis.extent
        return pitch, 0

    def _axes(self, groups: int, m: int, k: int) -> "tuple[_Axis, ...]":
        """The map's axes, the fastest first, and what a tile touches along each."""
        images, rows, columns, channels = _reach(self, groups, m, k)
        per_image, height, width, depth = self.shape
        taps_down, taps_across = _taps(self, k)
        of_group = channels // groups
        return (
            _Axis(self.channels, of_group, of_group),
            _Axis(depth // self.channels, groups, groups),
            _Axis(width, columns, self._piece(columns, taps_across), self.stride),
            _Axis(height, rows, self._piece(rows, taps_down), self.stride),
            _Axis(per_image, images, images),
        )

    def _piece(self, touched: int, taps: int) -> int:
        return min(touched, taps) if taps < self.stride else touched


@dataclass(frozen=True, slots=True)
class _Axis:
    """How many of an axis's places are touched: pieces of neighbours, a step apart."""

    extent: int
    touched: int
    piece: int
    step: int = 1


@lru_cache(maxsize=1 << 16)
def _reach(window: Window, groups: int, m: int, k: int) -> tuple[int, int, int, int]:
    """Images, rows, columns and channels that a tile touches."""
    down, across = window.outputs
    taps_down, taps_across = _taps(window, k)
    rows = _touched(window, 0, min(-(-m // across), down), taps_down)
    columns = _touched(window, 1, min(m, across), taps_across)
    return -(-m // (down * across)), rows, columns, min(k, window.channels) * groups


def _taps(window: Window, k: int) -> tuple[int, int]:
    """Rows and columns of the kernel that its first k numbers reach into."""
    taps = -(-k // window.channels)
    across = window.kernel[1]
    return -(-taps // across), min(taps, across)


def _touched(window: Window, axis: int, windows: int, taps: int) -> int:
    """Rows (axis 0) or columns of the map under so many taps of so many windows."""
    if taps < window.stride:
        span = windows * taps
    else:
        span = (windows - 1) * window.stride + taps
        if windows == window.outputs[axis] and taps == window.kernel[axis]:
            span -= window.padding
    extent = window.shape[1 + axis]
    return max(1, min(extent, -(-span // window.dilation)))
