"""Figures of a comparison: who wins by how much, and what time, energy and memory went to.

Every function returns a ``Figure`` of its own, whose title says the answer and whose subtitle
says what is drawn. Few cases are drawn one by one; of many, each rival is drawn once, averaged.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from math import ceil, floor, log10
from textwrap import wrap
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from archsim.report.figures import DPI, LETTER, LINE, TEXT, plain
from archsim.report.palette import (
    COMPONENTS,
    NEUTRAL,
    REST,
    component_colors,
    phase_colors,
    phase_order,
)
from archsim.report.quantities import Scale, count, ellipsize, percent, quantity
from archsim.report.shares import STATIC
from archsim.results import Case, Comparison, Labels
from archsim.results.comparison import geometric_mean
from archsim.results.digest import PARTS
from archsim.results.metrics import IDLE

WIDTH = 11.0
"""Inches."""
TITLE_LETTER = 0.115
"""Inches of a letter of a title, roughly."""
TITLE_LINE = 0.27
"""Inches from one line of a title to the next."""
ROW = 0.36
"""Inches of a row of bars."""
NAME = 30
"""Letters of a name beside a row."""
SHORT_NAME = 24
"""Letters of a name in a title or a legend."""
MOST_OF_A_GROUP = 12
"""Cases of one group that are drawn one by one."""
MOST_CASES = 24
"""Cases that are drawn one by one."""
MOST_ROWS = 40
"""Rivals that are drawn; the best of more."""
MOST_PARTS = 8
"""Components with a colour of their own; those beyond are added up."""
MOST_MEMORIES = 4
"""Memories that are drawn; the fullest of more."""
MOST_UNITS = 10
"""Units and channels of a case's timeline; the busiest of more."""
MOST_NAMES = 20
"""Rivals that a roofline tells apart, and at most as many lines of its legend for roofs."""
SAME_SCALE = 12
"""Timelines share their axis if the longest is at most this many times the shortest."""
INK, GREY = "#222222", "#666666"
MARKERS = "osD^vP"

METRIC_WORDS = {
    "latency_s": ("latency", "is {} faster than", "is {} slower than"),
    "energy_j": ("energy", "takes {} less energy than", "takes {} more energy than"),
    "edp_js": (
        "energy-delay product",
        "has a {} smaller energy-delay product than",
        "has a {} larger energy-delay product than",
    ),
}
"""What ratios of a metric are called, and how a sentence says better and worse."""

PART_COLORS = dict(zip((*PARTS, IDLE), (*(COMPONENTS[n] for n in (0, 1, 6, 5)), REST), strict=True))
"""Colours of what time goes to."""

GENERIC = {"on", "off", "true", "false", "yes", "no", "none", "default", "auto"}
"""Values that say nothing without their axis."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a figure: a case, or a rival averaged over its cases."""

    name: str
    group: Labels
    cases: tuple[Case, ...]
    """Those with a result."""
    asked: int
    """Cases that there should be."""

    @property
    def missing(self) -> str:
        """Say what has no result; nothing where all have one."""
        if len(self.cases) == self.asked:
            return ""
        return f"{len(self.cases)} of {self.asked}" if self.cases else "failed"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a figure, and whether each is one case."""

    rows: tuple[Row, ...]
    is_each: bool
    left_out: int
    """Rivals that there was no room for."""

    def words(self, how: str) -> str:
        """Say what a row is; ``how`` says what is done with the cases of a rival."""
        words = "one bar per case" if self.is_each else f"one bar per rival: {how}"
        if self.left_out:
            words += f"; the best {len(self.rows)} of {len(self.rows) + self.left_out} rivals"
        return words


def name_of(comparison: Comparison, labels: Labels) -> str:
    """Write labels as people say them: values, with their axis where they need it.

    Axes on which nothing differs are left out if others are left.
    """
    differing = [(axis, value) for axis, value in labels if len(comparison.values(axis)) > 1]
    words = [
        f"{axis} {value}" if value.lower() in GENERIC or not value[:1].isalpha() else value
        for axis, value in differing or labels
    ]
    return ", ".join(words) or "all"


def new_figure(
    comparison: Comparison,
    *,
    title: str,
    subtitle: str,
    height: float,
    legend: Sequence[Artist] = (),
) -> Figure:
    """Return a figure in inches with its words and how to make it again.

    ``height`` is left for what is drawn; the words around it, and a legend of what all
    panels have in common, come on top.
    """
    heading = wrap(title, int(WIDTH / TITLE_LETTER))
    lines = wrap(subtitle.replace(" %", "\N{NO-BREAK SPACE}%"), int(WIDTH / LETTER))
    words = 0.24 + TITLE_LINE * len(heading) + LINE * len(lines)
    head, foot = words + (0.34 if legend else 0.06), 0.3
    full = height + head + foot
    engine = ConstrainedLayoutEngine(rect=(0.005, foot / full, 0.99, height / full))
    figure = Figure(figsize=(WIDTH, full), layout=engine)
    across = 0.1 / WIDTH
    figure.suptitle(
        plain("\n".join(heading)),
        x=across,
        y=1 - 0.12 / full,
        ha="left",
        va="top",
        fontsize=TEXT + 4,
        fontweight="bold",
        in_layout=False,
    )
    below = 1 - (0.18 + TITLE_LINE * len(heading)) / full
    figure.text(
        across,
        below,
        plain("\n".join(lines)),
        va="top",
        fontsize=TEXT,
        color="#333333",
        in_layout=False,
    )
    if legend:
        figure.legend(
            handles=legend,
            loc="upper left",
            bbox_to_anchor=(across, 1 - words / full),
            ncols=len(legend),
            frameon=False,
            fontsize=TEXT,
            borderaxespad=0,
            borderpad=0.2,
        ).set_in_layout(False)
    figure.set_label(f"config hash {comparison.config_hash}; {comparison.command}")
    footer = f"config hash {comparison.config_hash[:16]} · {comparison.command}"
    figure.text(
        across,
        0.1 / full,
        plain(ellipsize(footer, int(1.5 * WIDTH / LETTER))),
        fontsize=TEXT - 3,
        color=GREY,
        in_layout=False,
    )
    return figure


def png(figure: Figure) -> bytes:
    """Render a figure, with its title and its command in the file's metadata."""
    image = BytesIO()
    metadata = {**_about(figure), "Software": "archsim"}
    figure.savefig(image, format="png", dpi=DPI, metadata=metadata)
    return image.getvalue()


def svg(figure: Figure) -> bytes:
    """Render a figure in lines and letters: the same bytes for the same figure."""
    image = BytesIO()
    metadata = {**_about(figure), "Creator": "archsim", "Date": None}
    with rc_context({"svg.hashsalt": "archsim"}):
        figure.savefig(image, format="svg", metadata=metadata)
    return image.getvalue()


def _about(figure: Figure) -> dict[str, str | None]:
    title = figure.get_suptitle().replace("\n", " ")
    return {"Title": title, "Description": str(figure.get_label())}


def figures_of(comparison: Comparison) -> dict[str, Figure]:
    """Return all figures of a comparison, by name."""
    return {
        "ratios_latency": ratios(comparison, "latency_s"),
        "ratios_energy": ratios(comparison, "energy_j"),
        "ratios_edp": ratios(comparison, "edp_js"),
        "time_parts": time_parts(comparison),
        "energy_parts": energy_parts(comparison),
        "phases": phases(comparison),
        "roofline": roofline(comparison),
        "memory": memory(comparison),
        "timelines": timelines(comparison, baseline_and_best(comparison)),
    }


def baseline_and_best(comparison: Comparison) -> tuple[Case, ...]:
    """Return the baseline and the case of least energy-delay product of the first group.

    That is the first group with a result; the best case may be the baseline.
    """
    for group in comparison.groups:
        cases = [c for c in comparison.cases if comparison.group(c) == group and not c.has_failed]
        if not cases:
            continue
        best = min(cases, key=lambda case: case.metric("edp_js") or 0.0)
        baseline = comparison.baseline_of(best)
        first = [baseline] if baseline in cases and baseline != best else []
        return (*(case for case in first if case is not None), best)
    return ()


# Who wins by how much


def ratios(comparison: Comparison, metric: str) -> Figure:
    """Draw how many times better than the baseline each rival is: every group, and the mean."""
    noun = METRIC_WORDS[metric][0]
    baseline = _baseline_name(comparison)
    rivals, left_out = _shown_rivals(comparison)
    found = {rival: _ratios(comparison, rival, metric) for rival in rivals}
    is_single = len(comparison.groups) == 1
    words = f"how many times less {noun} than {baseline} (1 is as much; right is better)"
    if not is_single:
        words += "; a dot per group, a bar at the geometric mean; ratios on the right are the means"
    if left_out:
        words += f"; the best {len(rivals)} of {len(rivals) + left_out} rivals"
    title = ratio_in_words(comparison, metric)
    height = max(1.6, ROW * 1.1 * len(rivals) + 0.75)
    figure = new_figure(comparison, title=title, subtitle=words, height=height)
    axes = figure.subplots()
    axes.set_xscale("log")
    _log_limits(axes, [ratio for known in found.values() for ratio in known])
    axes.axvline(1, color=INK, linewidth=1.2, zorder=1)
    for place, (rival, known) in enumerate(found.items()):
        _draw_ratios(axes, place, known, is_single=is_single)
        mean = comparison.geometric_mean(rival, metric)
        note = _what_is_missing(comparison, rival)
        _write_beside(axes, place, "" if mean is None else times(mean), note)
    _name_rows(axes, [name_of(comparison, rival) for rival in rivals])
    axes.set_xlabel(f"times better than {ellipsize(baseline, NAME)} in {noun} [×]", fontsize=TEXT)
    axes.grid(axis="x", color="#E4E7EB", zorder=0)
    axes.set_axisbelow(True)
    return figure


def ratio_in_words(comparison: Comparison, metric: str) -> str:
    """Say which rival is best in a metric, by how much, and over how many groups."""
    noun, better, worse = METRIC_WORDS[metric]
    baseline = ellipsize(_baseline_name(comparison), SHORT_NAME)
    others = [rival for rival in comparison.rivals if not _is_baseline(comparison, rival)]
    means = {rival: comparison.geometric_mean(rival, metric) for rival in others}
    known = {rival: mean for rival, mean in means.items() if mean is not None}
    if not known:
        return f"No {noun} to compare with that of {baseline}"
    best = max(known, key=lambda rival: known[rival])
    groups = len(_ratios(comparison, best, metric))
    name = ellipsize(name_of(comparison, best), SHORT_NAME)
    said = times(max(known[best], 1 / known[best]))
    over = f" (geometric mean of {groups})" if groups > 1 else ""
    if said == times(1.0):
        return f"{name}, the best, is as good as {baseline} in {noun}{over}"
    if known[best] > 1:
        return f"{name} {better.format(said)} {baseline}{over}"
    return f"None beats {baseline}: {name} {worse.format(said)} it{over}"


def times(ratio: float) -> str:
    """Write a ratio with three digits at most."""
    if ratio >= 1000 or ratio < 0.01:
        return f"{ratio:.2g} ×" if ratio < 0.01 or ratio >= 10**6 else f"{ratio:,.0f} ×"
    decimals = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return f"{ratio:.{decimals}f} ×"


def _draw_ratios(axes: Axes, place: int, known: Sequence[float], *, is_single: bool) -> None:
    mean = geometric_mean(known)
    if mean is None:
        return
    if is_single:
        color = COMPONENTS[0] if mean >= 1 else COMPONENTS[6]
        axes.barh(place, mean - 1, left=1, height=0.6, color=color, zorder=2)
        return
    # The golden ratio's multiples never come close to each other: a jitter without chance.
    rows = [place + 0.5 * ((number * 0.618034) % 1 - 0.5) for number in range(len(known))]
    axes.scatter(known, rows, s=26, color=COMPONENTS[0], alpha=0.45, linewidths=0)
    axes.plot([mean, mean], [place - 0.38, place + 0.38], color=COMPONENTS[7], linewidth=4)


def _write_beside(axes: Axes, place: int, ratio: str, note: str) -> None:
    """Write a row's ratio, and what is missing of it, on the right of the panel."""
    for text, across, weight, color in (
        (ratio, 6, "bold", INK),
        (note, 70 if ratio else 6, "normal", GREY),
    ):
        if text:
            axes.annotate(
                text,
                (1, place),
                xycoords=("axes fraction", "data"),
                xytext=(across, 0),
                textcoords="offset points",
                va="center",
                fontsize=TEXT,
                fontweight=weight,
                color=color,
            )


def _ratios(comparison: Comparison, rival: Labels, metric: str) -> list[float]:
    cases = [case for case in comparison.cases if comparison.rival(case) == rival]
    found = [comparison.ratio(case, metric) for case in cases]
    return [ratio for ratio in found if ratio is not None]


def _what_is_missing(comparison: Comparison, rival: Labels) -> str:
    """Say how many of a rival's cases failed, were never run or have nothing to compare to."""
    found = [comparison.case(group, rival) for group in comparison.groups]
    cases = [case for case in found if case is not None]
    failed = sum(case.has_failed for case in cases)
    alone = sum(
        not case.has_failed
        and ((baseline := comparison.baseline_of(case)) is None or baseline.has_failed)
        for case in cases
    )
    told = [(failed, "failed"), (len(found) - len(cases), "not run"), (alone, "without baseline")]
    if len(found) == 1:
        return ", ".join(words for number, words in told if number)
    return ", ".join(f"{number} {words}" for number, words in told if number)


def _is_baseline(comparison: Comparison, rival: Labels) -> bool:
    return dict(rival) == dict(comparison.baseline)


def _baseline_name(comparison: Comparison) -> str:
    return name_of(comparison, tuple(comparison.baseline.items()))


def _shown_rivals(comparison: Comparison) -> tuple[list[Labels], int]:
    """Return the rivals that there is room for, the baseline among them, and how many are not."""
    rivals = list(comparison.rivals)
    if len(rivals) <= MOST_ROWS:
        return rivals, 0
    means = {rival: comparison.geometric_mean(rival, "edp_js") or 0.0 for rival in rivals}
    rated = sorted(rivals, key=lambda r: (not _is_baseline(comparison, r), -means[r]))
    chosen = set(rated[:MOST_ROWS])
    return [rival for rival in rivals if rival in chosen], len(rivals) - MOST_ROWS


def _log_limits(axes: Axes, values: Sequence[float]) -> None:
    """Set limits around values and 1, and round numbers as ticks."""
    low, high = min([*values, 0.95]), max([*values, 1.05])
    room = (high / low) ** 0.06
    low, high = low / room, high * room
    axes.set_xlim(low, high)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    choices = (
        [1 + step / 50 for step in range(450)],
        [1 + step / 20 for step in range(180)],
        [1 + step / 10 for step in range(90)],
        [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8],
        [1, 1.5, 2, 3, 5, 7],
        [1, 2, 5],
        [1],
    )
    ticks: list[float] = []
    for steps in choices:
        ticks = [x * 10.0**n for n in decades for x in steps if low <= x * 10.0**n <= high]
        if len(ticks) <= 9:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks[:: ceil(len(ticks) / 9) or 1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _ratio_tick(x)))
    axes.xaxis.set_minor_locator(NullLocator())


def _ratio_tick(ratio: float) -> str:
    return f"{ratio:,.0f}" if 1000 <= ratio < 10**6 else f"{ratio:.3g}"


# What time and energy went to


def time_parts(comparison: Comparison) -> Figure:
    """Draw what the time of each case went to, or each rival's average shares of time."""
    return _parts_figure(
        comparison,
        take=lambda digest: digest["time_parts_s"],
        noun="time",
        unit="s",
        colors=PART_COLORS,
        order=[*PARTS, IDLE],
    )


def phases(comparison: Comparison) -> Figure:
    """Draw the time of each case by phase, or each rival's average shares of time."""

    def take(digest: Mapping[str, Any]) -> dict[str, float]:
        return {str(name): value for name, value in digest["breakdown"]["time_s"]["phase"].items()}

    names = {name for digest in _digests(comparison) for name in take(digest)}
    order = sorted(names, key=lambda name: (phase_order(name), name))
    return _parts_figure(
        comparison,
        take=take,
        noun="time by phase",
        unit="s",
        colors=phase_colors(order),
        order=order,
    )


def energy_parts(comparison: Comparison) -> Figure:
    """Draw dynamic energy by component, and static energy, or each rival's average shares."""
    taken = [_shares(_energy(digest)) for digest in _digests(comparison)]
    sums: dict[str, float] = defaultdict(float)
    for shares in taken:
        for name, share in shares.items():
            sums[name] += share
    ordered = sorted((name for name in sums if name != STATIC), key=lambda name: -sums[name])
    shown, rest = ordered[:MOST_PARTS], set(ordered[MOST_PARTS:])
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
    """Return the colour of every component and memory of a comparison, in all its figures."""
    names = {
        name
        for digest in _digests(comparison)
        for name in (*_energy(digest), *digest["memories"])
        if name != STATIC
    }
    return component_colors(names)


def _energy(digest: Mapping[str, Any]) -> Mapping[str, float]:
    parts: Mapping[str, float] = digest["breakdown"]["energy_j"]["component"]
    return parts


def _digests(comparison: Comparison) -> list[Mapping[str, Any]]:
    return [case.digest for case in comparison.cases if case.digest is not None]


def _shares(parts: Mapping[str, float]) -> dict[str, float]:
    total = sum(parts.values())
    return {name: value / total for name, value in parts.items()} if total else dict(parts)


def table_of(comparison: Comparison) -> Table:
    """Return the rows of a figure: cases while they are few, rivals otherwise."""
    sizes: dict[Labels, int] = defaultdict(int)
    for case in comparison.cases:
        sizes[comparison.group(case)] += 1
    if len(comparison.cases) <= MOST_CASES and max(sizes.values(), default=0) <= MOST_OF_A_GROUP:
        rows = [
            Row(
                name=name_of(comparison, comparison.rival(case)),
                group=group,
                cases=() if case.has_failed else (case,),
                asked=1,
            )
            for group in comparison.groups
            for case in comparison.cases
            if comparison.group(case) == group
        ]
        return Table(rows=tuple(rows), is_each=True, left_out=0)
    rivals, left_out = _shown_rivals(comparison)
    of_rival: dict[Labels, list[Case]] = defaultdict(list)
    for case in comparison.cases:
        of_rival[comparison.rival(case)].append(case)
    rows = [
        Row(
            name=name_of(comparison, rival),
            group=(),
            cases=tuple(case for case in of_rival[rival] if not case.has_failed),
            asked=len(comparison.groups),
        )
        for rival in rivals
    ]
    return Table(rows=tuple(rows), is_each=False, left_out=left_out)


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
    places, headings = _places(comparison, table)
    depth = max(places, default=0.0) + 1
    title = _parts_in_words(bars, table, noun)
    height = ROW * depth + 0.75 + LINE * 1.3 * ceil(len(names) / 5)
    figure = new_figure(comparison, title=title, subtitle=words, height=height)
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
    _name_rows(axes, [row.name for row in table.rows], places)
    _head_groups(axes, headings)
    axes.set_xlabel(label, fontsize=TEXT)
    _legend(axes, [(name, colors[name], hatches[name]) for name in names])
    return figure


def _scale(
    table: Table, parts: Mapping[int, list[Mapping[str, float]]], noun: str, unit: str
) -> tuple[list[float], str, str]:
    """Return what to divide each row's parts by, the axis' label and the subtitle.

    A single group has an axis with a unit. Of several groups, each is scaled to its largest
    case; of averages, each case counts as much as any other (a factor of 0).
    """
    beside = "latency" if unit == "s" else "energy"
    if not table.is_each:
        means = f"means of shares over its cases; on the right the geometric mean of {beside}"
        label = f"share of {noun} [%]"
        return [0.0] * len(table.rows), label, f"{noun}, {table.words(means)}"
    largest: dict[Labels, float] = defaultdict(float)
    for place, found in parts.items():
        for each in found:
            group = table.rows[place].group
            largest[group] = max(largest[group], sum(each.values()))
    words = f"{noun}, {table.words('')}; {beside} on the right"
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


def _places(comparison: Comparison, table: Table) -> tuple[list[float], dict[float, str]]:
    """Return where rows stand from the top down, and headings of groups between them."""
    if not table.is_each or len(comparison.groups) == 1:
        return [float(place) for place in range(len(table.rows))], {}
    places: list[float] = []
    headings: dict[float, str] = {}
    below = 0.0
    for number, row in enumerate(table.rows):
        if not number or row.group != table.rows[number - 1].group:
            headings[below] = name_of(comparison, row.group)
            below += 0.9
        places.append(below)
        below += 1
    return places, headings


def _name_rows(axes: Axes, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Write names beside rows, the first on top."""
    at = list(range(len(names))) if places is None else list(places)
    labels = [plain(ellipsize(name, NAME)) for name in names]
    axes.set_yticks(at, labels, fontsize=TEXT)
    top = -0.6 if not at or at[0] < 0.5 else -0.5
    axes.set_ylim(max(at, default=0) + 0.6, top)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)


def _head_groups(axes: Axes, headings: Mapping[float, str]) -> None:
    for place, heading in headings.items():
        words = plain(ellipsize(heading, 3 * NAME))
        axes.annotate(
            words,
            (0, place + 0.08),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=TEXT,
            fontweight="bold",
            color=INK,
        )


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


# Rates against what machines could do


def roofline(comparison: Comparison) -> Figure:
    """Draw the rate of multiply-accumulates over those per byte of off-chip memory."""
    cases = [case for case in comparison.cases if case.digest and case.digest["macs"]]
    points = {case.name: _intensity_and_rate(case) for case in cases}
    known = [x for x, _ in points.values() if x is not None]
    roofs = _roofs(comparison, cases)
    edge = _right_edge(known, roofs)
    inside = sum(x is None for x, _ in points.values())
    words = ["a point per case; lines are what each machine could do at most"]
    if inside:
        words.append(
            f"{count(inside, 'cases' if inside > 1 else 'case')} without DRAM traffic at ∞"
        )
    if len(cases) < len(comparison.cases):
        words.append(f"{len(comparison.cases) - len(cases)} without a result or without MACs")
    title = _roofline_in_words(comparison, cases)
    figure = new_figure(comparison, title=title, subtitle="; ".join(words), height=5.6)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log")
    lowest = min([*known, edge / 100, *(peak / speed for peak, speed in roofs if speed)]) / 2
    styles = _styles(comparison)
    handles = _draw_roofs(axes, comparison, roofs, (lowest, edge * 2))
    handles += _draw_points(axes, comparison, cases, styles, edge)
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
    axes.grid(color="#E4E7EB")
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


def _roofs(
    comparison: Comparison, cases: Sequence[Case]
) -> dict[tuple[float, float], tuple[Labels, ...]]:
    """Return all roofs, and the rivals that have a case under each."""
    found: dict[tuple[float, float], dict[Labels, None]] = {}
    for case in cases:
        found.setdefault(_roof(case), {})[comparison.rival(case)] = None
    return {roof: tuple(rivals) for roof, rivals in found.items()}


def _right_edge(known: Sequence[float], roofs: Mapping[tuple[float, float], object]) -> float:
    corners = [peak / speed for peak, speed in roofs if speed]
    return max([*known, *corners, 1.0]) * 6


def _styles(comparison: Comparison) -> dict[Labels, tuple[str, str]]:
    """Return a colour and a marker for each of the first rivals; both repeat, never together."""
    pairs = zip(cycle(COMPONENTS), cycle(MARKERS[:5]), strict=False)
    return dict(zip(comparison.rivals[:MOST_NAMES], pairs, strict=False))


def _draw_roofs(
    axes: Axes,
    comparison: Comparison,
    roofs: Mapping[tuple[float, float], tuple[Labels, ...]],
    limits: tuple[float, float],
) -> list[Artist]:
    low, high = limits
    lines: list[Artist] = []
    room = max(3, MOST_NAMES - len(comparison.rivals))
    for number, ((peak, speed), rivals) in enumerate(roofs.items()):
        corner = peak / speed if speed else low
        style = ("-", "--", "-.", ":")[number % 4]
        (line,) = axes.plot(
            [low, max(low, corner), high],
            [min(peak, low * speed) if speed else peak, peak, peak],
            color=INK,
            linewidth=1.4,
            linestyle=style,
            zorder=1,
        )
        whose = "all" if len(rivals) == len(comparison.rivals) else _listed(comparison, rivals)
        rates = f"{quantity(peak, 'MACs/s')}, {quantity(speed, 'B/s')}"
        line.set_label(plain(f"roof of {whose}:\n{rates}"))
        lines.append(line)
    if len(lines) > room:
        rest = Line2D([], [], color="none", label=f"{len(lines) - room} more roofs")
        return [*lines[:room], rest]
    return lines


def _listed(comparison: Comparison, rivals: Sequence[Labels]) -> str:
    names = ", ".join(name_of(comparison, rival) for rival in rivals)
    return ellipsize(names, NAME)


def _draw_points(
    axes: Axes,
    comparison: Comparison,
    cases: Sequence[Case],
    styles: Mapping[Labels, tuple[str, str]],
    edge: float,
) -> list[Artist]:
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


# Memories


def memory(comparison: Comparison) -> Figure:
    """Draw how full each memory was at its peak, data and waste apart."""
    table = table_of(comparison)
    peaks = [_peaks(row) for row in table.rows]
    fullest: dict[str, float] = defaultdict(float)
    for found in peaks:
        for name, (taken, _) in found.items():
            fullest[name] = max(fullest[name], taken)
    names = sorted(fullest, key=lambda name: -fullest[name])[:MOST_MEMORIES]
    words = f"share of the capacity taken when most of it was, {table.words('its fullest case')}"
    if len(fullest) > len(names):
        words += f"; the fullest {len(names)} of {len(fullest)} memories"
    places, headings = _places(comparison, table)
    title = _memory_in_words(comparison, table, peaks, names)
    figure = new_figure(
        comparison,
        title=title,
        subtitle=words,
        height=ROW * (max(places, default=0.0) + 1) + 0.85 + LINE,
        legend=_legend_of_memory(),
    )
    panels = figure.subplots(1, max(1, len(names)), sharey=True, squeeze=False)[0]
    colors = machine_colors(comparison)
    for axes, name in zip(panels, names, strict=False):
        shares = {places[n]: peak[name] for n, peak in enumerate(peaks) if name in peak}
        _draw_memory(axes, shares, colors[name])
        axes.set_title(plain(ellipsize(name, SHORT_NAME)), fontsize=TEXT + 1, loc="left")
    _name_rows(panels[0], [row.name for row in table.rows], places)
    _head_groups(panels[0], headings)
    for axes in panels:
        axes.set_xlabel("peak [% of capacity]", fontsize=TEXT)
        axes.tick_params(axis="x", labelsize=TEXT)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right"]].set_visible(False)
    for place, row in zip(places, table.rows, strict=True):
        if not row.cases:
            panels[0].text(1, place, row.missing, va="center", fontsize=TEXT, color=GREY)
    return figure


def _peaks(row: Row) -> dict[str, tuple[float, float]]:
    """Return the shares of each memory that were taken and used, of a row's fullest case."""
    found: dict[str, tuple[float, float]] = {}
    for case in row.cases:
        assert case.digest is not None
        for name, peak in case.digest["memories"].items():
            if capacity := peak["capacity_bytes"]:
                shares = (peak["taken_bytes"] / capacity, peak["used_bytes"] / capacity)
                found[name] = max(found.get(name, (0.0, 0.0)), shares)
    return found


def _draw_memory(axes: Axes, found: Mapping[float, tuple[float, float]], color: str) -> None:
    data = [100 * used for _, used in found.values()]
    waste = [100 * (taken - used) for taken, used in found.values()]
    axes.barh(list(found), data, height=0.72, color=color, label="data")
    axes.barh(list(found), waste, left=data, height=0.72, color=color, alpha=0.35, label="waste")
    for place, (taken, _) in found.items():
        text = f" {percent(taken)}" if taken >= 0.001 or not taken else " < 0.1 %"
        axes.text(100 * taken, place, text, va="center", fontsize=TEXT)
    axes.axvline(100, color="#333333", linestyle="--", linewidth=1.2)
    axes.set_xlim(0, 132)
    axes.set_xticks([0, 50, 100])


def _legend_of_memory() -> list[Artist]:
    return [
        Patch(color=NEUTRAL, label="data", linewidth=0),
        Patch(color=NEUTRAL, alpha=0.35, label="waste", linewidth=0),
        Line2D([], [], color="#333333", linestyle="--", linewidth=1.2, label="capacity"),
    ]


def _memory_in_words(
    comparison: Comparison,
    table: Table,
    peaks: Sequence[Mapping[str, tuple[float, float]]],
    names: Sequence[str],
) -> str:
    """Say which memory was fullest, and whose."""
    if not names:
        return "No case has a memory to show"
    name = names[0]
    place = max(range(len(peaks)), key=lambda n: peaks[n].get(name, (0.0, 0.0)))
    row = table.rows[place]
    whose = ellipsize(row.name, SHORT_NAME)
    if table.is_each and len(comparison.groups) > 1:
        whose += f", {ellipsize(name_of(comparison, row.group), SHORT_NAME)}"
    share = percent(peaks[place][name][0])
    return f"The fullest memory is {ellipsize(name, SHORT_NAME)}: {share} taken ({whose})"


# Who was busy when


def timelines(comparison: Comparison, cases: Sequence[Case]) -> Figure:
    """Draw how busy the units and channels of two or three cases were over time, by phase."""
    shown = [case for case in cases if case.digest is not None]
    lengths = [case.metric("latency_s") or 0.0 for case in shown]
    is_shared = bool(lengths) and max(lengths) <= SAME_SCALE * min(lengths)
    words = "height is the share of time that units of a sort were busy, by phase"
    words += ", and % over the run" if shown else ""
    if len(shown) > 1:
        words += "; all on one time axis" if is_shared else "; time axes differ"
    if len(shown) < len(cases):
        words += f"; {len(cases) - len(shown)} failed"
    title = _timelines_in_words(comparison, shown)
    rows = [_busiest(case) for case in shown]
    heights = [ROW * 1.3 * max(1, len(found)) + 0.8 for found in rows] or [1.0]
    served = {phase for found in rows for by_phase in found.values() for phase in by_phase}
    order = sorted(served, key=lambda phase: (phase_order(phase), phase))
    figure = new_figure(
        comparison,
        title=title,
        subtitle=words,
        legend=[Patch(color=color, label=plain(p)) for p, color in phase_colors(order).items()],
        height=sum(heights) + 0.3,
    )
    panels = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    scale = Scale.of(max(lengths, default=0.0), "s")
    if not shown:
        panels[0].set_axis_off()
    for axes, case, found, length in zip(panels, shown, rows, lengths, strict=False):
        own = scale if is_shared else Scale.of(length, "s")
        heading = f"{_case_name(comparison, case)}: {quantity(length, 's')}"
        axes.set_title(plain(ellipsize(heading, 4 * NAME)), fontsize=TEXT + 1, loc="left")
        _draw_timeline(axes, found, length / own.factor)
        axes.set_xlim(0, (max(lengths) if is_shared else length) / own.factor or 1.0)
        axes.set_xlabel(f"time [{own.symbol}]", fontsize=TEXT)
    return figure


def _case_name(comparison: Comparison, case: Case) -> str:
    rival, group = comparison.rival(case), comparison.group(case)
    if len(comparison.groups) == 1 or not group:
        return name_of(comparison, rival)
    return f"{name_of(comparison, rival)}, {name_of(comparison, group)}"


def _busiest(case: Case) -> dict[str, dict[str, list[float]]]:
    """Return the sorts of units that were ever busy, in order; the busiest of many."""
    assert case.digest is not None
    timeline: Mapping[str, dict[str, list[float]]] = case.digest["timeline"]
    busy = {sort: sum(map(sum, phases.values())) for sort, phases in timeline.items()}
    wanted = sorted((sort for sort in busy if busy[sort]), key=lambda sort: -busy[sort])
    return {sort: timeline[sort] for sort in timeline if sort in wanted[:MOST_UNITS]}


def _draw_timeline(
    axes: Axes, found: Mapping[str, Mapping[str, Sequence[float]]], length: float
) -> None:
    """Draw a row per sort, in which phases are stacked on its floor."""
    labels = []
    for place, (sort, by_phase) in enumerate(found.items()):
        bins = max(len(values) for values in by_phase.values())
        edges = [length * number / bins for number in range(bins + 1)]
        floors = [0.0] * bins
        # Averages of tiles that overlap may add up to more than a unit can do.
        tops = [max(1.0, sum(column)) for column in zip(*by_phase.values(), strict=True)]
        for phase in sorted(by_phase, key=phase_order):
            shares = [value / top for value, top in zip(by_phase[phase], tops, strict=True)]
            ceilings = [low + share for low, share in zip(floors, shares, strict=True)]
            axes.stairs(
                [place + 0.4 - 0.8 * high for high in ceilings],
                edges,
                baseline=[place + 0.4 - 0.8 * low for low in floors],
                fill=True,
                color=phase_colors([phase])[phase],
                linewidth=0,
                label=phase,
            )
            floors = ceilings
        axes.plot([0, length], [place + 0.4] * 2, color="#BBBBBB", linewidth=0.8)
        labels.append(f"{ellipsize(sort, 18)}  {percent(sum(floors) / bins):>5}")
    _name_rows(axes, labels)


def _timelines_in_words(comparison: Comparison, cases: Sequence[Case]) -> str:
    """Say how long each case takes."""
    if not cases:
        return "No case has a result"
    told = [
        f"{ellipsize(name_of(comparison, comparison.rival(case)), SHORT_NAME)} takes "
        f"{quantity(case.metric('latency_s') or 0.0, 's')}"
        for case in cases
    ]
    return ", ".join(told)
