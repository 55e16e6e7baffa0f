"""The answer in a terminal: one screen of plain text, the most asked first."""

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from archsim.report.explain import (
    bandwidth_in_words,
    cycles_in_words,
    order_in_words,
    passes_in_words,
    where_energy_goes,
    why_this_long,
)
from archsim.report.quantities import Scale, count, ellipsize, percent, quantity
from archsim.report.shares import SPLITS, Split, energy_split, room, room_taken, time_split
from archsim.results import MemoryPeak, Result

WIDTH = 100
ROWS = 5
"""Rows of each split."""
ORDERS = 2
"""Sorts of layer whose contraction order is told."""
METRIC_UNITS = {"_s": "s", "_j": "J", "_w": "W", "_js": "J·s"}
"""Units by the ending of a metric's name."""


def summary(result: Result) -> str:
    """Write a result as plain text of one screen: at most 45 lines of 100 columns."""
    blocks = [
        _answer(result),
        ["why this long?", *_paragraph(why_this_long(result))],
        _orders(result),
        _side_by_side([time_split(result, by) for by in SPLITS]),
        [
            *_side_by_side([energy_split(result, by) for by in SPLITS]),
            *_paragraph(where_energy_goes(result)),
        ],
        _memories(result),
        _published(result),
        _provenance(result),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def metric_unit(metric: str) -> str:
    """Return the unit that a metric's name ends in: ``"s"`` for ``"epoch_latency_s"``."""
    return METRIC_UNITS[metric[metric.rindex("_") :]]


def _paragraph(text: str) -> list[str]:
    return wrap(text, WIDTH - 2, initial_indent="  ", subsequent_indent="  ")


def _answer(result: Result) -> list[str]:
    what = "one step" if result.steps_per_epoch else "one run"
    lines = [
        f"{ellipsize(result.name, 40)}: {quantity(result.latency_s, 's')} and "
        f"{quantity(result.energy_j, 'J')} for {what}",
        f"  EDP {quantity(result.edp_js, 'J·s')}, power {quantity(result.power_w, 'W')}, "
        f"{count(result.macs)} MACs at {percent(result.utilization['macs'])} of peak, "
        f"{count(len(result.trace.operations))} operations",
    ]
    if result.steps_per_epoch:
        epoch_s, epoch_j = result.metric("epoch_latency_s"), result.metric("epoch_energy_j")
        lines.append(
            f"  an epoch of {count(result.steps_per_epoch)} steps: {quantity(epoch_s, 's')}, "
            f"{quantity(epoch_j, 'J')}"
        )
    return lines


def _orders(result: Result) -> list[str]:
    if not result.orders:
        return []
    told = [
        line for choice in result.orders[:ORDERS] for line in _paragraph(order_in_words(choice))
    ]
    more = len(result.orders) - ORDERS
    rest = [f"  {count(more)} more sorts of layer in result.json"] if more > 0 else []
    return ["contraction order, and what a layer costs in it", *told, *rest]


def _side_by_side(splits: Sequence[Split]) -> list[str]:
    columns = [_split(split) for split in splits if split.total]
    rows = zip_longest(*columns, fillvalue="")
    return ["  ".join(f"{cell:<32}" for cell in row).rstrip() for row in rows]


def _split(split: Split) -> list[str]:
    scale = Scale.of(split.total, split.unit, decimals=1)
    lines = [
        f"  {ellipsize(name, 15):<15} {scale.number(value):>5} {scale.symbol:<2} "
        f"{percent(value / split.total):>5}"
        for name, value in split.largest(ROWS).items()
    ]
    return [f"{split.title} by {split.by}", *lines]


def _memories(result: Result) -> list[str]:
    rows = [_memory_row(peak) for peak in result.memories.values() if peak.blocks]
    header = ("memory at its fullest", "taken", "", "data", "waste", "room left")
    return [*table(header, rows), *_components(result)]


def _components(result: Result) -> list[str]:
    """What is worth a sentence about units, networks and off-chip memories."""
    uses = result.components.values()
    told = [
        *(bandwidth_in_words(use) for use in uses if use.is_off_chip and use.busy_bits_per_s),
        *map(cycles_in_words, uses),
        *map(passes_in_words, uses),
    ]
    return [line for sentence in told if sentence for line in _paragraph(sentence)]


def _memory_row(peak: MemoryPeak) -> tuple[str, ...]:
    return (
        peak.name,
        room_taken(peak),
        percent(peak.blocks / peak.capacity_blocks),
        quantity(peak.used_bytes, "B"),
        f"{quantity(peak.waste_bytes, 'B')} ({percent(peak.waste_bytes / peak.taken_bytes)})",
        room(peak, peak.free_blocks),
    )


def _published(result: Result) -> list[str]:
    rows = []
    for comparison in result.published_pairs:
        published = comparison.published
        scale = Scale.of(published.value, metric_unit(published.metric))
        rows.append(
            (
                published.metric,
                scale.text(comparison.simulated),
                scale.text(published.value),
                f"{comparison.ratio:.2f} x",
                published.status,
                published.source.removeprefix(f"{published.status}: "),
            )
        )
    header = ("beside published values", "simulated", "published", "ratio", "status", "source")
    return table(header, rows)


def _provenance(result: Result) -> list[str]:
    provenance = result.provenance
    return [
        f"assumed or recalled input values: {count(len(provenance.assumptions))}; --out DIR lists "
        f"them with their sources in result.json",
        f"config hash {provenance.config_hash[:16]}, engine {provenance.engine}",
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows under a header in columns two spaces apart; no rows give no lines.

    A table wider than the screen loses the end of its last column.
    """
    if not rows:
        return []
    lines = [header, *([f"  {row[0]}", *row[1:]] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    aligned = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in aligned]
