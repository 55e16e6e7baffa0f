"""Rates against what machines could do: a roofline of a comparison's cases."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import ceil, floor, log10

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from archsim.report.comparison.rivals import name_of
from archsim.report.comparison.rows import MOST_CASES, SHORT_NAME, comparison_figure
from archsim.report.frame import GREY, GRID, INK, TEXT, plain
from archsim.report.palette import COMPONENTS, NEUTRAL
from archsim.report.quantities import count, ellipsize, percent, quantity
from archsim.results import Case, Comparison, Labels
from archsim.results.comparison import geometric_mean

MOST_NAMES = 20
"""Rivals that a roofline tells apart, and at most as many lines of its legend for roofs."""
MARKERS = "osD^v"
DASHES = ("-", "--", "-.", ":", (0, (8, 2, 2, 2, 2, 2)), (0, (1, 4)))
"""Styles of roofs."""


def roofline(comparison: Comparison) -> Figure:
    """Draw the rate of multiply-accumulates over those per byte of off-chip memory."""
    cases = [case for case in comparison.cases if case.digest and case.digest["macs"]]
    points = {case.name: _intensity_and_rate(case) for case in cases}
    known = [x for x, _ in points.values() if x is not None]
    roofs = _roofs(cases)
    edge = _right_edge(known, roofs)
    inside = sum(x is None for x, _ in points.values())
    is_each = len(cases) <= MOST_CASES
    words = [
        "a point per case"
        if is_each
        else "a dot per case, a large mark per rival at its geometric mean"
    ]
    words.append("lines are what each machine could do at most")
    if inside:
        words.append(
            f"{count(inside, 'cases' if inside > 1 else 'case')} without DRAM traffic at ∞"
        )
    if len(cases) < len(comparison.cases):
        words.append(f"{len(comparison.cases) - len(cases)} without a result or without MACs")
    title = _roofline_in_words(comparison, cases)
    figure = comparison_figure(comparison, title=title, subtitle="; ".join(words), height=5.6)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log")
    lowest = min([*known, edge / 100, *(peak / speed for peak, speed in roofs if speed)]) / 2
    styles = _styles(comparison)
    handles = _draw_roofs(axes, comparison, roofs, (lowest, edge * 2))
    handles += _draw_points(axes, comparison, cases, styles, edge, is_each=is_each)
    if inside:
        axes.axvline(edge / 1.6, color=GREY, linestyle=":", linewidth=1)
    ticks = [10.0**n for n in range(ceil(log10(lowest)), floor(log10(edge / 1.8)) + 1)]
    ticks = ticks[:: ceil(len(ticks) / 10) or 1] + ([edge] if inside else [])
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: "∞" if inside and x == edge else f"{x:g}")
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(lowest, edge * 2)
    axes.set_xlabel("multiply-accumulates per byte of DRAM traffic [MACs/B]", fontsize=TEXT)
    axes.set_ylabel("rate achieved [MACs/s]", fontsize=TEXT)
    axes.tick_params(labelsize=TEXT)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if handles:
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
            frameon=False,
            fontsize=TEXT - 0.5,
            borderaxespad=0,
        )
    return figure


def _intensity_and_rate(case: Case) -> tuple[float | None, float]:
    """Return MACs per byte of DRAM traffic, none where there is no traffic, and MACs a second."""
    assert case.digest is not None
    macs, traffic = case.digest["macs"], case.digest["dram_bytes"]
    return macs / traffic if traffic else None, macs / case.digest["latency_s"]


def _roof(case: Case) -> tuple[float, float]:
    assert case.digest is not None
    return case.digest["peak_macs_per_s"], case.digest["dram_peak_bytes_per_s"]


def _roofs(cases: Sequence[Case]) -> dict[tuple[float, float], list[Case]]:
    """Return all roofs, each with the cases under it."""
    found: dict[tuple[float, float], list[Case]] = {}
    for case in cases:
        found.setdefault(_roof(case), []).append(case)
    return found


def _right_edge(known: Sequence[float], roofs: Mapping[tuple[float, float], object]) -> float:
    corners = [peak / speed for peak, speed in roofs if speed]
    return max([*known, *corners, 1.0]) * 6


def _styles(comparison: Comparison) -> dict[Labels, tuple[str, str]]:
    """Return a colour and a marker for each of the first rivals; both repeat, never together."""
    pairs = zip(cycle(COMPONENTS), cycle(MARKERS), strict=False)
    return dict(zip(comparison.rivals[:MOST_NAMES], pairs, strict=False))


def _draw_roofs(
    axes: Axes,
    comparison: Comparison,
    roofs: Mapping[tuple[float, float], Sequence[Case]],
    limits: tuple[float, float],
) -> list[Artist]:
    low, high = limits
    lines: list[Artist] = []
    room = max(3, MOST_NAMES - len(comparison.rivals))
    for number, ((peak, speed), under) in enumerate(roofs.items()):
        corner = peak / speed if speed else low
        (line,) = axes.plot(
            [low, max(low, corner), high],
            [min(peak, low * speed) if speed else peak, peak, peak],
            color=INK,
            linewidth=1.4,
            linestyle=DASHES[number % len(DASHES)],
            zorder=1,
        )
        whose = "all" if len(roofs) == 1 else _whose(comparison, under)
        rates = f"{quantity(peak, 'MACs/s')}, {_bandwidth(speed)}"
        line.set_label(plain(f"roof of {whose}:\n{rates}"))
        lines.append(line)
    if len(lines) > room:
        rest = Line2D([], [], color="none", label=f"{len(lines) - room} more roofs")
        return [*lines[:room], rest]
    return lines


def _whose(comparison: Comparison, cases: Sequence[Case]) -> str:
    """Name the rivals that have a roof, or its groups where it is one of every rival."""
    whose = tuple(dict.fromkeys(map(comparison.rival, cases)))
    if len(whose) == len(comparison.rivals):
        whose = tuple(dict.fromkeys(map(comparison.group, cases)))
    first, *more = (name_of(comparison, labels) for labels in whose)
    return f"{ellipsize(first, SHORT_NAME)} and {len(more)} more" if more else first


def _bandwidth(speed: float) -> str:
    return quantity(speed, "B/s") if speed else "no DRAM in use"


def _draw_points(
    axes: Axes,
    comparison: Comparison,
    cases: Sequence[Case],
    styles: Mapping[Labels, tuple[str, str]],
    edge: float,
    *,
    is_each: bool,
) -> list[Artist]:
    """Draw cases, each rival in a colour; of many, dots and a mark at their geometric mean."""
    handles: list[Artist] = []
    others = [case for case in cases if comparison.rival(case) not in styles]
    sets = {rival: [c for c in cases if comparison.rival(c) == rival] for rival in styles}
    named = [
        (ellipsize(name_of(comparison, rival), SHORT_NAME), styles[rival], mine)
        for rival, mine in sets.items()
        if mine
    ]
    if others:
        more = len({comparison.rival(case) for case in others})
        named.append((f"{more} more rivals", (NEUTRAL, "P"), others))
    for name, (color, marker), mine in named:
        places = [_intensity_and_rate(case) for case in mine]
        if not is_each:
            xs = [edge if x is None else x for x, _ in places]
            axes.scatter(xs, [y for _, y in places], s=9, color=color, alpha=0.45, linewidths=0)
            places = [_mean_place(places)]
        handles.append(
            axes.scatter(
                [edge if x is None else x for x, _ in places],
                [y for _, y in places],
                s=58,
                color=color,
                marker=marker,
                alpha=0.8,
                edgecolors="white",
                linewidths=0.7,
                zorder=3,
                label=plain(name),
            )
        )
    return handles


def _mean_place(places: Sequence[tuple[float | None, float]]) -> tuple[float | None, float]:
    """Return the geometric mean of cases with DRAM traffic, or of all where none has any."""
    known = [place for place in places if place[0] is not None] or places
    rate = geometric_mean(y for _, y in known)
    assert rate is not None
    return geometric_mean(x for x, _ in known), rate


def _roofline_in_words(comparison: Comparison, cases: Sequence[Case]) -> str:
    """Say which rival comes closest to what its machine could do, and how close."""
    shares: dict[Labels, list[float]] = defaultdict(list)
    for case in cases:
        (x, rate), (peak, speed) = _intensity_and_rate(case), _roof(case)
        roof = min(peak, x * speed) if x is not None and speed else peak
        if roof:
            shares[comparison.rival(case)].append(rate / roof)
    means = {rival: geometric_mean(found) or 0.0 for rival, found in shares.items()}
    if not means:
        return "No case has a result with multiply-accumulates"
    best = max(means, key=lambda rival: means[rival])
    name = ellipsize(name_of(comparison, best), SHORT_NAME)
    number = len(shares[best])
    over = f" (geometric mean of {number})" if number > 1 else ""
    return f"{name} comes closest to its roof: {percent(means[best])} of it{over}"
