"""Contraction orders in words, as JSON and as files: the best tree, and what others lose.

A tree is written as an expression of its inputs' terms, ``((i j, j k), k l)``, and as an
indented list, the result on top and below each tensor the two that it is made from.
"""

import shlex
from collections.abc import Iterator, Mapping
from textwrap import wrap

from archsim.contraction import ContractionTree
from archsim.contraction.compare import Loss, OrderComparison, OrderCost, StepCost
from archsim.contraction.objective import QUANTITIES, Quantity
from archsim.contraction.study import ContractionStudy
from archsim.report.chrome_trace import Json
from archsim.report.columns import aligned
from archsim.report.quantities import ellipsize, percent, ratio_text
from archsim.report.summary import WIDTH

NAMES: Mapping[Quantity, str] = {"macs": "MACs", "peak": "peak", "traffic": "traffic"}
"""What people call each quantity."""
UNITS: Mapping[Quantity, str] = {
    "macs": "MACs",
    "peak": "elements at the peak",
    "traffic": "elements moved",
}
"""What each quantity counts."""
LABEL = 60
"""Letters of a tensor's indices, with the lines that lead to it, in an indented tree."""
EXACT = 10**12
"""Counts below this are written with all their digits."""


def whole(value: int) -> str:
    """Write a count, with all digits unless it has very many."""
    return f"{value:,}" if value < EXACT else f"{float(value):.3g}"


def counts(order: OrderCost) -> list[str]:
    """Write a tree's costs by every quantity."""
    return [f"{whole(order.costs[quantity])} {UNITS[quantity]}" for quantity in QUANTITIES]


def operands(tree: ContractionTree, tensor: int) -> tuple[int, ...]:
    """Return the two tensors that a tensor is made from, in the order of the inputs; or none."""
    step = tensor - len(tree.network.inputs)
    return tuple(sorted(tree.steps[step], key=lambda n: min(tree.members[n]))) if step >= 0 else ()


def expression(tree: ContractionTree) -> str:
    """Write a tree as nested pairs of the inputs' terms."""

    def nested(tensor: int) -> str:
        below = operands(tree, tensor)
        if not below:
            return " ".join(tree.network.inputs[tensor])
        return f"({', '.join(map(nested, below))})"

    return nested(len(tree.members) - 1)


def contraction_text(study: ContractionStudy, comparison: OrderComparison) -> str:
    """Write a comparison of orders as plain text: the best tree, the others, where they lose."""
    best = comparison.best
    blocks = [
        [
            *_wrapped(study.equation, 0),
            f"best tree by {NAMES[comparison.objective]}: {', '.join(counts(best))}",
            *_wrapped(expression(best.tree), 2),
        ],
        _tree_lines(comparison),
        _wrapped(summed_before(best.tree), 0),
        _order_lines(comparison),
        _loss_lines(comparison),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def contraction_json(study: ContractionStudy, comparison: OrderComparison) -> dict[str, Json]:
    """Return a comparison of orders as what JSON can hold."""
    return {
        "equation": study.equation,
        "sizes": dict(study.sizes),
        "objective": study.objective,
        "outer_products": study.outer_products,
        "hyperedges": study.hyperedges,
        "best": _order_json(comparison, comparison.best),
        "alternatives": [_order_json(comparison, order) for order in comparison.alternatives],
        "command": command(study),
    }


def command(study: ContractionStudy) -> str:
    """Return the command that compares the same orders again, whatever file they came from."""
    parts = ["archsim", "contract", study.equation]
    for index, size in study.sizes.items():
        parts += ["--size", f"{index}={size}"]
    parts += ["--objective", study.objective]
    parts += ["--outer-products"] * study.outer_products + ["--hyperedges"] * study.hyperedges
    return shlex.join(parts)


def summed_before(tree: ContractionTree) -> str:
    """Say which indices are in one tensor alone, whose sums no step counts; if there are any.

    Those of extent 1 leave nothing to sum.
    """
    sizes = tree.network.sizes
    found = [
        f"{' '.join(lone)} (of {' '.join(term)})"
        for term, indices in zip(tree.network.inputs, tree.indices, strict=False)
        if (lone := [index for index in term if index not in indices and sizes[index] > 1])
    ]
    return f"summed before any step, and not counted: {', '.join(found)}" if found else ""


def shares(order: OrderCost, quantity: Quantity) -> list[float | None]:
    """Return each step's share of a tree's cost; of a peak, how much of it the step makes.

    The last step makes no intermediate: it has no share of a peak.
    """
    total = order.costs[quantity]
    found: list[float | None] = [step.costs[quantity] / (total or 1) for step in order.steps]
    return [*found[:-1], None] if quantity == "peak" and found else found


def _order_json(comparison: OrderComparison, order: OrderCost) -> dict[str, Json]:
    loss = comparison.loss(order)
    return {
        "order": order.name,
        "expression": expression(order.tree),
        **_costs_json(order.costs),
        "ratios": {quantity: comparison.ratio(order, quantity) for quantity in QUANTITIES},
        "same_tree_as_best": order.is_same_tree(comparison.best),
        "steps": [
            {"operands": list[Json](operands), **_step_json(step)}
            for operands, step in zip(order.tree.steps, order.steps, strict=True)
        ],
        "loses_most_at": None
        if loss is None
        else {"step": _step_json(loss.step), "best_has": _step_json(loss.instead_of)},
    }


def _step_json(step: StepCost) -> dict[str, Json]:
    return {
        "left": list[Json](step.left),
        "right": list[Json](step.right),
        "made": list[Json](step.made),
        "outer_product": step.is_outer_product,
        **_costs_json(step.costs),
    }


def _costs_json(costs: Mapping[Quantity, int]) -> dict[str, Json]:
    return {
        "macs": costs["macs"],
        "peak_elements": costs["peak"],
        "traffic_elements": costs["traffic"],
    }


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    return wrap(text, WIDTH, initial_indent=space, subsequent_indent=f"{space}  ")


def _tree_lines(comparison: OrderComparison) -> list[str]:
    """Write the best tree, a tensor a line, with each step's cost and share of the objective."""
    order, objective = comparison.best, comparison.objective
    tree, inputs = order.tree, len(order.tree.network.inputs)
    share = shares(order, objective)
    whole_cost = f"of {'the' if objective == 'peak' else 'all'} {NAMES[objective]}"
    rows = [("tensor", "elements", "MACs of step", whole_cost)]
    for label, tensor in _walk(tree, len(tree.members) - 1):
        cells = ("", "")
        if tensor >= inputs:
            step = tensor - inputs
            part = share[step]
            macs = whole(order.steps[step].costs["macs"])
            cells = (macs, "" if part is None else percent(part))
        elements = whole(tree.network.elements(tree.indices[tensor]))
        rows.append((ellipsize(label, LABEL), elements, *cells))
    return aligned(rows)


def _walk(
    tree: ContractionTree, tensor: int, first: str = "", below: str = ""
) -> Iterator[tuple[str, int]]:
    """Yield a tensor and those it is made from, each with the line of an indented list."""
    parts = operands(tree, tensor)
    indices = tree.indices[tensor] if parts else tree.network.inputs[tensor]
    yield f"{first}{' '.join(indices) or 'a number'}", tensor
    for place, part in enumerate(parts, 1):
        is_last = place == len(parts)
        branch, rest = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _walk(tree, part, below + branch, below + rest)


def _order_lines(comparison: OrderComparison) -> list[str]:
    rows = [("order", *(cell for quantity in QUANTITIES for cell in (NAMES[quantity], "")))]
    for order in (comparison.best, *comparison.alternatives):
        same = order is not comparison.best and order.is_same_tree(comparison.best)
        cells = [_order_name(order) + (" (same tree)" if same else "")]
        for quantity in QUANTITIES:
            ratio = ratio_text(comparison.ratio(order, quantity))
            cells += [whole(order.costs[quantity]), ratio]
        rows.append(tuple(cells))
    return aligned(rows)


def _order_name(order: OrderCost) -> str:
    return order.name.replace("_", " ")


def _loss_lines(comparison: OrderComparison) -> list[str]:
    """Say at which step each order loses, or that it wins by steps nobody searched."""
    lines = []
    for order in comparison.alternatives:
        loss, text = comparison.loss(order), ""
        if loss is not None:
            text = _in_words(loss, comparison.objective)
        elif comparison.ratio(order, comparison.objective) < 1:
            text = "costs less, by an outer product; --outer-products searches those as well"
        lines += _wrapped(f"{_order_name(order)}: {text}", 2) if text else []
    return [f"where they lose most {NAMES[comparison.objective]}", *lines] if lines else []


def _in_words(loss: Loss, objective: Quantity) -> str:
    step, best = loss.step, loss.instead_of
    more = f"{_step_words(step)} costs {whole(step.costs[objective])}"
    return f"{more}; the best has {_step_words(best)} for {whole(best.costs[objective])}"


def _step_words(step: StepCost) -> str:
    sides = ", ".join(" ".join(side) or "a number" for side in (step.left, step.right))
    made = " ".join(step.made) or "a number"
    return f"{sides} -> {made}{' (an outer product)' if step.is_outer_product else ''}"
