"""What time and energy went to: stacked bars of a comparison's cases."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from archsim.report.comparison.rows import (
    ROW,
    SAME_SCALE,
    SHORT_NAME,
    Row,
    Table,
    comparison_figure,
    digests,
    head_groups,
    name_rows,
    places_of,
    table_of,
)
from archsim.report.frame import GREY, INK, LINE, TEXT, plain
from archsim.report.palette import (
    NEUTRAL,
    REST,
    component_colors,
    part_colors,
    phase_colors,
    phase_order,
)
from archsim.report.quantities import Scale, ellipsize, percent, quantity
from archsim.report.shares import STATIC
from archsim.results import Comparison, Labels
from archsim.results.comparison import geometric_mean
from archsim.results.digest import PARTS
from archsim.results.metrics import IDLE

MOST_PARTS = 8
"""Components with a colour of their own; those beyond are added up."""


def time_parts(comparison: Comparison) -> Figure:
    """Draw what the time of each case went to, or each rival's average shares of time."""
    order = [*PARTS, IDLE]
    return _parts_figure(
        comparison,
        take=lambda digest: digest["time_parts_s"],
        noun="time",
        unit="s",
        colors=part_colors(order),
        order=order,
    )


def phases(comparison: Comparison) -> Figure:
    """Draw the time of each case by phase, or each rival's average shares of time."""
    order = phase_names(comparison)
    return _parts_figure(
        comparison,
        take=_time_by_phase,
        noun="time by phase",
        unit="s",
        colors=phase_colors(order),
        order=order,
    )


def phase_names(comparison: Comparison) -> list[str]:
    """Return what the cases have time in by phase, idle time included, in order."""
    names = {name for digest in digests(comparison) for name in _time_by_phase(digest)}
    return sorted(names, key=lambda name: (phase_order(name), name))


def _time_by_phase(digest: Mapping[str, Any]) -> Mapping[str, float]:
    parts: Mapping[str, float] = digest["breakdown"]["time_s"]["phase"]
    return parts


def energy_parts(comparison: Comparison) -> Figure:
    """Draw dynamic energy by component, and static energy, or each rival's average shares."""
    shown = _largest(comparison)
    rest = set(_by_share(comparison)) - set(shown)
    others = f"{len(rest)} others"

    def take(digest: Mapping[str, Any]) -> dict[str, float]:
        parts: dict[str, float] = defaultdict(float)
        for name, value in _energy(digest).items():
            parts[others if name in rest else name] += value
        return parts

    colors = {**machine_colors(comparison), others: NEUTRAL, STATIC: REST}
    order = [*shown, *([others] if rest else []), STATIC]
    return _parts_figure(comparison, take=take, noun="energy", unit="J", colors=colors, order=order)


def machine_colors(comparison: Comparison) -> dict[str, str]:
    """Return the colours of memories and drawn components, the same in all its figures."""
    names = {name for digest in digests(comparison) for name in digest["memories"]}
    return component_colors(names | set(_largest(comparison)))


def _largest(comparison: Comparison) -> list[str]:
    """Return the components with the largest shares of energy, the largest first."""
    return _by_share(comparison)[:MOST_PARTS]


def _by_share(comparison: Comparison) -> list[str]:
    """Return all components by their shares of energy, added up over cases."""
    sums: dict[str, float] = defaultdict(float)
    for digest in digests(comparison):
        for name, share in _shares(_energy(digest)).items():
            sums[name] += share
    return sorted((name for name in sums if name != STATIC), key=lambda name: -sums[name])


def _energy(digest: Mapping[str, Any]) -> Mapping[str, float]:
    parts: Mapping[str, float] = digest["breakdown"]["energy_j"]["component"]
    return parts


def _shares(parts: Mapping[str, float]) -> dict[str, float]:
    total = sum(parts.values())
    return {name: value / total for name, value in parts.items()} if total else dict(parts)


def _parts_figure(
    comparison: Comparison,
    *,
    take: Callable[[Mapping[str, Any]], Mapping[str, float]],
    noun: str,
    unit: str,
    colors: Mapping[str, str],
    order: Sequence[str],
) -> Figure:
    """Draw rows of stacked parts, each with its total; names in the order given."""
    table = table_of(comparison)
    parts = {
        place: [take(case.digest) for case in row.cases if case.digest is not None]
        for place, row in enumerate(table.rows)
    }
    factor, label, words = _scale(table, parts, noun, unit)
    bars = {place: _bar(found, factor[place]) for place, found in parts.items() if found}
    names = [name for name in order if any(bar.get(name) for bar in bars.values())]
    places, headings = places_of(comparison, table)
    depth = max(places, default=0.0) + 1
    title = _parts_in_words(bars, table, noun)
    height = ROW * depth + 0.75 + LINE * 1.3 * ceil(len(names) / 5)
    figure = comparison_figure(comparison, title=title, subtitle=words, height=height)
    axes = figure.subplots()
    hatches = _hatches(names, colors)
    longest = max((sum(bar.values()) for bar in bars.values()), default=1.0)
    lefts = dict.fromkeys(bars, 0.0)
    for name in names:
        widths = [bars[place].get(name, 0.0) for place in bars]
        axes.barh(
            [places[place] for place in bars],
            widths,
            left=list(lefts.values()),
            height=0.72,
            color=colors[name],
            hatch=hatches[name],
            edgecolor="white",
            linewidth=0.6,
            label=name,
        )
        lefts = {place: lefts[place] + bars[place].get(name, 0.0) for place in bars}
    metric = "latency_s" if unit == "s" else "energy_j"
    for place, row in enumerate(table.rows):
        text = _total(row, metric, unit)
        axes.text(
            lefts.get(place, 0.0) + longest * 0.01,
            places[place],
            text,
            va="center",
            fontsize=TEXT,
            color=INK if row.cases else GREY,
        )
    axes.set_xlim(0, longest * 1.22)
    if label.endswith("[%]"):
        axes.set_xticks([0, 20, 40, 60, 80, 100])
    name_rows(axes, [row.name for row in table.rows], places)
    head_groups(axes, headings)
    axes.set_xlabel(label, fontsize=TEXT)
    _legend(axes, [(name, colors[name], hatches[name]) for name in names])
    return figure


def _scale(
    table: Table, parts: Mapping[int, list[Mapping[str, float]]], noun: str, unit: str
) -> tuple[list[float], str, str]:
    """Return what to divide each row's parts by, the axis' label and the subtitle.

    A single group has an axis with a unit. Of several groups, each is scaled to its largest
    case. Where a case would be too short to be seen beside another, and of averages, what is
    drawn are shares (a factor of 0), so that each case counts as much as any other.
    """
    beside = "latency" if unit == "s" else "energy"
    if not table.is_each:
        means = f"means of shares over its cases; on the right the geometric mean of {beside}"
        label = f"share of {noun} [%]"
        return [0.0] * len(table.rows), label, f"{noun}, {table.words(means)}"
    totals: dict[Labels, list[float]] = defaultdict(list)
    for place, found in parts.items():
        totals[table.rows[place].group] += [sum(each.values()) for each in found]
    largest = {group: max(found, default=0.0) for group, found in totals.items()}
    words = f"{noun}, {table.words('')}; {beside} on the right"
    if any(max(found) > SAME_SCALE * min(found) for found in totals.values() if found):
        words = f"shares of {noun}, one bar per case; {beside}, which differs widely, on the right"
        return [0.0] * len(table.rows), f"share of {noun} [%]", words
    if len({row.group for row in table.rows}) == 1:
        scale = Scale.of(max(largest.values(), default=0.0), unit)
        return [scale.factor] * len(table.rows), f"{noun} [{scale.symbol}]", words
    label = f"{noun}, as a share of the largest case of the group [%]"
    factors = [(largest[row.group] or 1.0) / 100 for row in table.rows]
    return factors, label, f"{words}; each group has its own scale"


def _bar(found: Sequence[Mapping[str, float]], factor: float) -> dict[str, float]:
    """Return what to draw of the parts of a row's cases."""
    if factor:
        return {name: value / factor for name, value in found[0].items()}
    means: dict[str, float] = defaultdict(float)
    for parts in found:
        for name, share in _shares(parts).items():
            means[name] += 100 * share / len(found)
    return means


def _total(row: Row, metric: str, unit: str) -> str:
    """Write what stands on the right of a row."""
    mean = geometric_mean(case.metric(metric) or None for case in row.cases)
    if mean is None:
        return row.missing or "none"
    return f"{quantity(mean, unit)}" + (f" ({row.missing})" if row.missing else "")


def _parts_in_words(bars: Mapping[int, Mapping[str, float]], table: Table, noun: str) -> str:
    """Say the largest part of time or energy, on average, and who has most and least of it."""
    shares = {place: _shares(bar) for place, bar in bars.items()}
    sums: dict[str, float] = defaultdict(float)
    for parts in shares.values():
        for name, share in parts.items():
            sums[name] += share / len(shares)
    if not sums:
        return "No case has a result"
    part = max(sums, key=lambda name: sums[name])
    noun = noun.removesuffix(" by phase")
    said = f"{ellipsize(part, SHORT_NAME)} is the largest part of {noun}: {percent(sums[part])}"
    of_rival: dict[str, list[float]] = defaultdict(list)
    for place, parts in shares.items():
        of_rival[table.rows[place].name].append(parts.get(part, 0.0))
    means = {name: sum(found) / len(found) for name, found in of_rival.items()}
    least, most = min(means, key=lambda n: means[n]), max(means, key=lambda n: means[n])
    if percent(means[least]) == percent(means[most]):
        return f"{said} of it on average"
    low, high = ellipsize(least, SHORT_NAME), ellipsize(most, SHORT_NAME)
    return f"{said} on average, {percent(means[least])} ({low}) to {percent(means[most])} ({high})"


def _hatches(names: Sequence[str], colors: Mapping[str, str]) -> dict[str, str]:
    """Return a hatch for each part whose colour another part of the figure has, too."""
    taken: dict[str, int] = defaultdict(int)
    found = {}
    for name in names:
        found[name] = ("", "//", "..", "xx")[taken[colors[name]] % 4]
        taken[colors[name]] += 1
    return found


def _legend(axes: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    """Explain colours above a panel."""
    handles = [
        Patch(
            facecolor=color,
            hatch=hatch,
            edgecolor="white",
            label=plain(ellipsize(name, SHORT_NAME)),
        )
        for name, color, hatch in entries
    ]
    if handles:
        axes.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=min(5, len(handles)),
            frameon=False,
            fontsize=TEXT,
            borderaxespad=0.2,
            handlelength=1.4,
            columnspacing=1.2,
        )
