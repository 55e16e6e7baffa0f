"""A metric over two axes: for each pair of values the best that the other axes allow."""

from collections.abc import Sequence
from math import isnan, log10
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archsim.report.frame import INK, TEXT, plain
from archsim.report.palette import REST
from archsim.report.quantities import Scale, ellipsize
from archsim.report.sweep.scales import sweep_figure
from archsim.report.sweep.study import METRICS, SweepStudy
from archsim.results.sweep import SweptAxis

COLORS = "viridis_r"
MOST_NUMBERS = 200
"""Cells in which a number still has room."""


def heat_map(study: SweepStudy, metric: str, axes: tuple[SweptAxis, SweptAxis]) -> Figure:
    """Draw a cell for each pair of values on two axes; what has no feasible point is hatched."""
    across, down = sorted(axes, key=lambda axis: -len(axis.labels))
    cells = _best(study.feasible, metric, across, down)
    tried = _best(study.frame.assign(**{metric: 1.0}), metric, across, down)
    scale = Scale.of(float(np.nanmax(cells)), METRICS[metric][1])
    best = np.unravel_index(int(np.nanargmin(cells)), cells.shape)
    others = [axis.name for axis in study.varied if axis not in (across, down)]
    noun = METRICS[metric][0]
    title = (
        f"Least {noun}: {across.name} {ellipsize(across.labels[best[1]], 24)}, "
        f"{down.name} {ellipsize(down.labels[best[0]], 24)}"
    )
    words = f"{noun} in {scale.symbol}, on a logarithmic scale of colours; the best has a frame"
    if others:
        words += f"; each cell is the best over {', '.join(others)}"
    if np.isnan(cells).any():
        words += "; hatched: no feasible point"
    height = min(9.0, 1.5 + 0.5 * len(down.labels))
    figure = sweep_figure(study, title=title, subtitle=words, width=10, height=height)
    panel = figure.subplots()
    low, high = float(np.nanmin(cells)), float(np.nanmax(cells))
    norm = LogNorm(low / scale.factor, max(high, low * 1.0001) / scale.factor)
    image = panel.imshow(cells / scale.factor, cmap=COLORS, norm=norm, aspect="auto")
    for row, column in np.argwhere(np.isnan(cells)):
        hatch = "///" if not isnan(tried[row, column]) else ""
        panel.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor=REST, hatch=hatch
            )
        )
    if cells.size <= MOST_NUMBERS:
        _write_numbers(panel, cells, scale, norm)
    panel.add_patch(
        Rectangle((best[1] - 0.5, best[0] - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=2.5)
    )
    turn = 30 if max(map(len, across.labels)) * len(across.labels) > 90 else 0
    panel.set_xticks(*_ticks(across.labels, 30), rotation=turn)
    panel.set_yticks(*_ticks(down.labels, 24))
    panel.set_xlabel(plain(across.name), fontsize=TEXT)
    panel.set_ylabel(plain(down.name), fontsize=TEXT)
    panel.tick_params(labelsize=TEXT - 1, length=0)
    bar = figure.colorbar(image, ax=panel, pad=0.015)
    bar.set_label(f"{noun} [{scale.symbol}]", fontsize=TEXT)
    ticks = np.geomspace(norm.vmin or low, norm.vmax or high, 4)
    bar.set_ticks(list(ticks), labels=[f"{tick:.3g}" for tick in ticks])
    bar.minorticks_off()
    return figure


def _write_numbers(panel: Any, cells: Any, scale: Scale, norm: LogNorm) -> None:
    """Write each value in its cell, light on dark and dark on light."""
    for (row, column), value in np.ndenumerate(cells):
        if isnan(value):
            continue
        red, green, blue, _ = colormaps[COLORS](norm(value / scale.factor))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        panel.text(
            column,
            row,
            _short(value / scale.factor),
            ha="center",
            va="center",
            fontsize=TEXT - 2,
            color="white" if is_dark else INK,
        )


def _short(value: float) -> str:
    """Write a number in three digits, more where it has more before the point."""
    return (
        f"{value:.{max(0, 2 - int(log10(max(value, 1e-12))))}f}" if value >= 1 else f"{value:.3f}"
    )


def _ticks(labels: Sequence[str], most: int) -> tuple[list[int], list[str]]:
    """Return places and labels of as many ticks as have room."""
    step = -(-len(labels) // most)
    places = list(range(0, len(labels), step))
    return places, [plain(ellipsize(labels[place], 24)) for place in places]


def _best(frame: pd.DataFrame, metric: str, across: SweptAxis, down: SweptAxis) -> Any:
    """Return the least of a metric for each pair of values; not a number where there is none."""
    least = frame.groupby([down.name, across.name])[metric].min()
    cells = np.full((len(down.labels), len(across.labels)), np.nan)
    rows = {value: place for place, value in enumerate(down.settings)}
    columns = {value: place for place, value in enumerate(across.settings)}
    for pair, value in zip(least.index.tolist(), least.tolist(), strict=True):
        cells[rows[pair[0]], columns[pair[1]]] = value
    return cells
