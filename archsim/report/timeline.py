"""The timeline of one run: units as rows, operations as bars, memories below."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from archsim.report.explain import bound_in_words
from archsim.report.figures import component_names, run_figure
from archsim.report.frame import TEXT, plain
from archsim.report.palette import component_colors, phase_colors, phase_order
from archsim.report.quantities import Scale, ellipsize, percent, quantity
from archsim.report.shares import is_counted_in_blocks, room_taken
from archsim.results import ComponentRecord, Interval, MemoryPeak, MemoryRecord, Result, Trace
from archsim.results.metrics import busy_ticks

ROWS = 16
"""Units and channels that are shown; the busiest of more."""
ROW_HEIGHT = 0.42
"""Inches."""
MEMORY_HEIGHT = 1.15
"""Inches."""
BAR = 0.76
"""Height of a bar for a component that is always busy, in rows."""
NEARLY_EMPTY = 0.05
"""A memory that is never fuller than this is drawn on its own scale."""


def timeline(result: Result) -> Figure:
    """Draw when each unit served which phase's tiles, and how full each memory was."""
    trace = result.trace
    rows = shown_components(trace)
    memories = [memory for memory in trace.memories if result.memories[memory.name].blocks]
    heights = [ROW_HEIGHT * len(rows) + 0.5, *(MEMORY_HEIGHT for _ in memories)]
    figure = run_figure(result, width=12, height=sum(heights), subtitle=bound_in_words(result))
    panels = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    scale = Scale.of(result.latency_s, "s")
    per_tick = 1 / trace.tick_rate_hz / scale.factor
    _draw_units(panels[0], trace, rows, per_tick)
    colors = component_colors(component_names(result))
    for axes, memory in zip(panels[1:], memories, strict=True):
        peak = result.memories[memory.name]
        _draw_memory(axes, trace, memory, peak, colors[memory.name], per_tick)
    panels[-1].set_xlim(0, trace.makespan * per_tick)
    panels[-1].set_xlabel(f"time [{scale.symbol}]", fontsize=TEXT)
    panels[-1].tick_params(axis="x", labelsize=TEXT - 1)
    return figure


def shown_components(trace: Trace) -> list[ComponentRecord]:
    """Return the units, and the channels that units share; the busiest where there are many."""
    busy = busy_ticks(trace)
    wanted = [component for component in trace.components if _is_shown(component)]
    wanted = sorted(wanted, key=lambda component: -busy[component.name])[:ROWS]
    return [component for component in trace.components if component in wanted]


def _is_shown(component: ComponentRecord) -> bool:
    """Whether a component is a unit or shared: a unit's own channel repeats what the unit does."""
    return component.is_unit or component.name == component.sort


def _draw_units(axes: Axes, trace: Trace, rows: list[ComponentRecord], per_tick: float) -> None:
    phases = {record.name: record.phase for record in trace.operations}
    colors = phase_colors(sorted(set(phases.values()), key=phase_order))
    for place, component in enumerate(rows):
        served = [i for i in trace.intervals if i.component == component.name]
        for phase, boxes in profile(served, phases).items():
            corners = [_corners(box, place, per_tick) for box in boxes]
            # The outline keeps boxes that are thinner than a pixel in sight.
            axes.add_collection(PolyCollection(corners, color=colors[phase], linewidth=0.3))
    busy = busy_ticks(trace)
    labels = [
        f"{ellipsize(row.name, 18)}  {percent(busy[row.name] / trace.makespan):>5}" for row in rows
    ]
    axes.set_yticks(range(len(rows)), [plain(label) for label in labels], fontsize=TEXT)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    everyone = sum(_is_shown(component) for component in trace.components)
    busiest = f", the busiest {len(rows)} of {everyone}" if everyone > len(rows) else ""
    axes.set_title(f"how busy (height and %){busiest}", fontsize=TEXT + 1, loc="left")
    _legend(axes, [Patch(color=color, label=phase) for phase, color in colors.items()])
    axes.spines[["top", "right"]].set_visible(False)


def profile(
    intervals: Sequence[Interval], phases: Mapping[str, str]
) -> dict[str, list[tuple[int, int, float, float]]]:
    """Stack what a component does at every time: boxes of (start, end, low, high) by phase.

    A box is as high as the share of its interval in which the component was busy; where
    several intervals overlap and their averages add up to more than one, they share it.
    """
    edges: dict[int, list[tuple[Interval, bool]]] = defaultdict(list)
    for interval in intervals:
        edges[interval.start].append((interval, True))
        edges[interval.end].append((interval, False))
    boxes: dict[str, list[tuple[int, int, float, float]]] = defaultdict(list)
    active: set[Interval] = set()
    for start, end in pairwise(sorted(edges)):
        for interval, begins in edges[start]:
            (active.add if begins else active.discard)(interval)
        rates: dict[str, float] = defaultdict(float)
        for interval in active:
            rates[phases[interval.operation]] += interval.busy / (interval.end - interval.start)
        full, low = max(1.0, sum(rates.values())), 0.0
        for phase in sorted(rates, key=phase_order):
            high = low + rates[phase] / full
            boxes[phase].append((start, end, low, high))
            low = high
    return boxes


def _corners(
    box: tuple[int, int, float, float], place: int, per_tick: float
) -> list[tuple[float, float]]:
    """Return a box's corners in a row whose floor is below its label."""
    start, end, low, high = box
    left, right = start * per_tick, end * per_tick
    floor = place + BAR / 2
    bottom, top = floor - BAR * low, floor - BAR * high
    return [(left, bottom), (left, top), (right, top), (right, bottom)]


def _legend(axes: Axes, handles: Sequence[Artist]) -> None:
    """Explain colours in the line of the panel's title."""
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(handles),
        frameon=False,
        fontsize=TEXT,
        borderaxespad=0.1,
        handlelength=1.5,
    )


def _draw_memory(
    axes: Axes,
    trace: Trace,
    memory: MemoryRecord,
    peak: MemoryPeak,
    color: str,
    per_tick: float,
) -> None:
    """Draw what a memory holds: in blocks, or in bytes where these are small."""
    capacity = peak.capacity_blocks
    symbol = peak.block_name
    if not is_counted_in_blocks(peak):
        scale = Scale.of(peak.taken_bytes, "B")
        capacity, symbol = peak.capacity_bytes / scale.factor, scale.symbol
    per_bit = capacity / (memory.units * memory.unit_bits)
    samples = [sample for sample in trace.occupancy if sample.memory == memory.name]
    times = [sample.tick * per_tick for sample in samples] + [trace.makespan * per_tick]
    taken = [sample.blocks * memory.unit_bits * per_bit for sample in samples]
    data = [sample.used_bits * per_bit for sample in samples]
    axes.stairs(taken, times, fill=True, color=color, alpha=0.35, linewidth=0)
    axes.stairs(data, times, fill=True, color=color, linewidth=0)
    handles: list[Artist] = [
        Patch(color=color, label="data", linewidth=0),
        Patch(color=color, alpha=0.35, label="waste", linewidth=0),
    ]
    share = peak.blocks / peak.capacity_blocks
    axes.set_ylim(0, (max(taken) if share < NEARLY_EMPTY else capacity) * 1.08)
    if share >= NEARLY_EMPTY:
        line = axes.axhline(capacity, color="#333333", linestyle="--", linewidth=1.2)
        line.set_label("capacity")
        handles.append(line)
    _legend(axes, handles)
    axes.set_title(plain(_memory_heading(peak)), fontsize=TEXT + 1, loc="left")
    axes.set_ylabel(plain(symbol), fontsize=TEXT)
    axes.tick_params(axis="y", labelsize=TEXT - 1)
    axes.spines[["top", "right"]].set_visible(False)


def _memory_heading(peak: MemoryPeak) -> str:
    share = percent(peak.blocks / peak.capacity_blocks)
    waste = f"{quantity(peak.waste_bytes, 'B')} of it waste"
    return f"{ellipsize(peak.name, 20)}: peak {room_taken(peak)} ({share}), {waste}"
