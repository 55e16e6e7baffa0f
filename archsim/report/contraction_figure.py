"""The drawing of a contraction tree: tensors as boxes, the darker the costlier their step.

The result stands on top and the inputs at the ends of the branches, from left to right as
they are listed wherever the tree allows it. All lengths are inches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from archsim.contraction import ContractionTree
from archsim.contraction.compare import OrderComparison
from archsim.contraction.objective import Quantity
from archsim.contraction.study import ContractionStudy
from archsim.report.contraction import (
    NAMES,
    UNITS,
    command,
    counts,
    expression,
    operands,
    shares,
    summed_before,
    whole,
)
from archsim.report.frame import LETTER, LINE, SOFT, TEXT, plain, png
from archsim.report.palette import PHASES, mixed
from archsim.report.quantities import Scale, ellipsize, percent, ratio_text

COLUMN = 1.75
"""From one input to the next."""
BOX = 1.6
"""Width of a box."""
GAP = 0.42
"""Between a box and those below it."""
MARGIN = 0.2
NARROWEST = 7.5
"""Width of a figure, for the sake of its heading."""
LETTERS = 16
"""Letters of a line in a box."""
LINES = 3
"""Lines of indices in a box."""
NAME_LINE, FACT_LINE = 0.175, 0.163
"""Inches from one line to the next in a box."""
PAD = 0.09
"""Above and below the words in a box."""
DARK = 0.65
"""From this share of the cost on, a box is dark and its text light."""
INK, LIGHT, GREY = "#1A1A1A", "#FFFFFF", "#666666"
SHADE = PHASES["forward"]


@dataclass(frozen=True, slots=True)
class Box:
    """A tensor in a drawing: where it stands, what it says, its step's share of the cost."""

    tensor: int
    column: float
    level: int
    name: str
    facts: tuple[str, ...]
    is_input: bool
    share: float

    @property
    def name_height(self) -> float:
        """Room for its indices."""
        return NAME_LINE * (self.name.count("\n") + 1) + 0.03

    @property
    def height(self) -> float:
        """Room for all its lines."""
        return self.name_height + FACT_LINE * len(self.facts) + 2 * PAD


def tree_png(study: ContractionStudy, comparison: OrderComparison) -> bytes:
    """Render the best tree, with the command that draws it again in the file's metadata."""
    figure = tree_figure(study, comparison)
    figure.set_label(f"{expression(comparison.best.tree)}; {command(study)}")
    return png(figure, study.equation)


def tree_figure(study: ContractionStudy, comparison: OrderComparison) -> Figure:
    """Draw the best tree of a comparison: indices and elements of tensors, costs of steps."""
    boxes = {box.tensor: box for box in tree_boxes(comparison)}
    columns = len(comparison.network.inputs)
    width = max(NARROWEST, 2 * MARGIN + COLUMN * columns)
    heading = _heading(study, comparison, int((width - 2 * MARGIN) / LETTER))
    levels = range(max(box.level for box in boxes.values()) + 1)
    heights = [max(b.height for b in boxes.values() if b.level == level) for level in levels]
    head, foot = 0.6 + LINE * len(heading[1:]), 0.5
    height = head + foot + sum(heights) + GAP * (len(levels) - 1)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    _draw_words(axes, heading, command(study))
    left = (width - COLUMN * columns) / 2 + COLUMN / 2
    tops = [height - head - sum(heights[:level]) - GAP * level for level in levels]
    for box in boxes.values():
        x, top = left + COLUMN * box.column, tops[box.level]
        for below in operands(comparison.best.tree, box.tensor):
            there = left + COLUMN * boxes[below].column
            _draw_branch(axes, (x, top - box.height), (there, tops[box.level + 1]))
        _draw_box(axes, box, x, top)
    return figure


def tree_boxes(comparison: OrderComparison) -> list[Box]:
    """Return the boxes of the best tree, the result first.

    Inputs stand in columns 0, 1, …, and what is made stands midway above its operands.
    """
    order, objective = comparison.best, comparison.objective
    tree, share = order.tree, shares(order, objective)
    inputs, columns, found = len(tree.network.inputs), _columns(tree), list[Box]()
    for tensor, level in _levels(tree, len(tree.members) - 1, 0):
        is_input = tensor < inputs
        indices = tree.network.inputs[tensor] if is_input else tree.indices[tensor]
        facts = [f"{short(tree.network.elements(tree.indices[tensor]))} elements"]
        part = None if is_input else share[tensor - inputs]
        if not is_input:
            macs = order.steps[tensor - inputs].costs["macs"]
            facts += _step_facts(objective, macs, part)
        name = name_lines(indices)
        found.append(Box(tensor, columns[tensor], level, name, tuple(facts), is_input, part or 0.0))
    return found


def _step_facts(objective: Quantity, macs: int, share: float | None) -> list[str]:
    counted = f"{short(macs)} MACs"
    if share is None:
        return [counted]
    if objective == "macs":
        return [f"{counted}, {percent(share)}"]
    return [counted, f"{percent(share)} of {NAMES[objective]}"]


def short(value: int) -> str:
    """Write a count in few letters: three digits and a prefix from 10,000 on."""
    if value < 10**4:
        return f"{value:,}"
    return Scale.of(value, "").text(value) if value < 10**12 else f"{float(value):.2e}"


def name_lines(indices: tuple[str, ...]) -> str:
    """Write indices in the lines that a box has room for."""
    names = " ".join(ellipsize(index, LETTERS) for index in indices) or "a number"
    lines = wrap(names, LETTERS, break_long_words=False)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"… {lines[-1]}"[: LETTERS + 2]]
    return "\n".join(lines)


def _columns(tree: ContractionTree) -> dict[int, float]:
    """Return the column of every tensor, by which no two branches cross."""
    leaves = [n for n, _ in _levels(tree, len(tree.members) - 1, 0) if not operands(tree, n)]
    columns = {tensor: float(column) for column, tensor in enumerate(leaves)}
    for tensor in range(len(tree.network.inputs), len(tree.members)):
        one, other = operands(tree, tensor)
        columns[tensor] = (columns[one] + columns[other]) / 2
    return columns


def _levels(tree: ContractionTree, tensor: int, level: int) -> Iterator[tuple[int, int]]:
    """Yield a tensor and all it is made from, each with its distance from the result."""
    yield tensor, level
    for below in operands(tree, tensor):
        yield from _levels(tree, below, level + 1)


def _heading(study: ContractionStudy, comparison: OrderComparison, letters: int) -> list[str]:
    """Return the title, and lines that say what is drawn."""
    best, objective = comparison.best, comparison.objective
    named = NAMES[objective]
    sizes = ", ".join(f"{index}={size}" for index, size in study.sizes.items())
    lines = [
        study.equation,
        expression(best.tree),
        ", ".join(counts(best)),
        _others(comparison),
        f"the darker a box, the more of the {named}; sizes: {sizes}",
        summed_before(best.tree),
    ]
    title = f"Best tree by {named}: {whole(best.costs[objective])} {UNITS[objective]}"
    return [title, *(part for line in lines for part in wrap(line, letters))]


def _others(comparison: OrderComparison) -> str:
    """Say how many times as much the other orders cost."""
    ratios = [
        f"{order.name.replace('_', ' ')} {ratio_text(ratio)}"
        for order in comparison.alternatives
        if (ratio := comparison.ratio(order, comparison.objective)) != 1
    ]
    return f"other orders: {', '.join(ratios) if ratios else 'none costs more'}"


def _draw_words(axes: Axes, heading: list[str], footer: str) -> None:
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    axes.text(
        0.1,
        height - 0.12,
        plain(heading[0]),
        va="top",
        fontsize=TEXT + 4,
        fontweight="bold",
    )
    axes.text(
        0.1, height - 0.45, plain("\n".join(heading[1:])), va="top", fontsize=TEXT, color=SOFT
    )
    words = ellipsize(footer, int(1.4 * width / LETTER))
    axes.text(0.1, 0.1, plain(words), fontsize=TEXT - 3, color=GREY)


def _draw_branch(axes: Axes, above: tuple[float, float], below: tuple[float, float]) -> None:
    """Draw a line from the foot of a box to the top of one below, in right angles."""
    turn = below[1] + GAP / 2
    axes.plot(
        [above[0], above[0], below[0], below[0]],
        [above[1], turn, turn, below[1]],
        color=GREY,
        linewidth=1.4,
        zorder=1,
        solid_joinstyle="round",
    )


def _draw_box(axes: Axes, box: Box, x: float, top: float) -> None:
    pad = 0.05
    axes.add_patch(
        FancyBboxPatch(
            (x - BOX / 2 + pad, top - box.height + pad),
            BOX - 2 * pad,
            box.height - 2 * pad,
            boxstyle=f"round,pad={pad}",
            facecolor=LIGHT if box.is_input else mixed(SHADE, 0.1 + 0.9 * box.share),
            edgecolor=GREY if box.is_input else SHADE,
            linewidth=1.2,
            zorder=2,
        )
    )
    ink = LIGHT if box.share >= DARK else INK
    facts = plain("\n".join(box.facts))
    for text, below, size, weight in (
        (plain(box.name), PAD, TEXT, "bold"),
        (facts, PAD + box.name_height, TEXT - 1, "normal"),
    ):
        axes.text(
            x,
            top - below,
            text,
            ha="center",
            va="top",
            color=ink,
            fontsize=size,
            fontweight=weight,
            zorder=3,
        )
