"""The study of contraction orders as text: EDP of every order, and where MACs mislead."""

from collections.abc import Iterable, Mapping, Sequence

Cells = Mapping[str, Mapping[str, str]]
"""Rows of one machine, format and batch, by order."""

NAMES = {"u50": "Alveo U50 with HBM2, FP32", "array": "Generic 32 x 32 array, FP32"}
MARKS = {"no such order": "-", "does not fit": "too large", "too long": "long"}
LEGEND = """A training step (forward pass, input gradient, gradients of all cores) of one
768 x 768 layer, modes (12, 8, 8) x (8, 8, 12), every bond of the rank given. All numbers are
simulated; `table.csv` beside this file holds MACs, latency, energy and EDP of every cell.

- `-`: the format has no such order (its cores have no two halves).
- `too large`: an intermediate does not fit the machine's memory.
- `long`: not simulated, because it takes more than {tiles:,} tiles; `latency` and `edp`, whose
  search simulates gradients both of their own and shared, are left out where `optimal` would
  take that many. MACs of `long` cells are in the CSV.
- `dense` is the plain matrix. `optimal` searches every gradient for itself and shares nothing;
  `shared_optimal` and the fixed orders share intermediates between gradients.
"""


def tables(
    rows: Iterable[Mapping[str, str]],
    orders: Sequence[str],
    ranks: Mapping[str, int],
    tiles: int,
) -> str:
    """Return the whole study in Markdown."""
    groups: dict[tuple[str, str, int], dict[str, Mapping[str, str]]] = {}
    for row in rows:
        key = row["machine"], row["format"], int(row["batch"])
        groups.setdefault(key, {})[row["order"]] = row
    ordered = {key: groups[key] for key in sorted(groups, key=lambda k: _place(k, ranks))}
    parts = ["# Contraction orders of a tensorised layer", LEGEND.format(tiles=tiles)]
    for machine, name in NAMES.items():
        parts.append(f"## {name}: EDP over that of the best order")
        for kind, rank in ranks.items():
            chosen = {key[2]: g for key, g in ordered.items() if key[:2] == (machine, kind)}
            parts.append(f"{kind.upper()}, rank {rank}\n\n{_relative(chosen, orders)}")
    parts += ["## Fewest MACs against least EDP", _verdicts(ordered)]
    parts += ["## More MACs than the plain matrix", _dearer(ordered)]
    return "\n\n".join(parts) + "\n"


def _place(key: tuple[str, str, int], ranks: Mapping[str, int]) -> tuple[int, int, int]:
    return list(NAMES).index(key[0]), list(ranks).index(key[1]), key[2]


def _simulated(cells: Cells) -> dict[str, Mapping[str, str]]:
    return {order: row for order, row in cells.items() if row["status"] == "simulated"}


def _edp(row: Mapping[str, str]) -> float:
    return float(row["edp_js"])


def _relative(groups: Mapping[int, Cells], orders: Sequence[str]) -> str:
    lines = [_line(("batch", *orders, "best EDP (J s)")), _line(["--:"] * (len(orders) + 2))]
    for batch, cells in groups.items():
        best = min(map(_edp, _simulated(cells).values()))
        shown = [_cell(cells.get(order), best) for order in orders]
        lines.append(_line([str(batch), *shown, f"{best:.3g}"]))
    return "\n".join(lines)


def _cell(row: Mapping[str, str] | None, best: float) -> str:
    if row is None:
        return "missing"
    return MARKS.get(row["status"]) or _times(_edp(row) / best)


def _verdicts(groups: Mapping[tuple[str, str, int], Cells]) -> str:
    """Return, for all layers, what the order of fewest MACs costs beside the best one."""
    intro = (
        "Of the orders of the cores; of equally few MACs, `shared_optimal`. "
        "`loss`: EDP of the first over EDP of the second; `MACs`: those of the second over "
        "those of the first (1: as few, in another tree or way); `matrix`: EDP of the plain "
        "matrix over that of the second, below 1 where no order pays; `left out`: orders not "
        "simulated for their length. Where the first is one of them, the second is not known."
    )
    head = ("machine", "format", "batch", "fewest MACs", "least EDP", "loss", "MACs")
    lines = [_line((*head, "matrix", "left out"))]
    lines.append(_line(["---"] * 2 + ["--:"] + ["---"] * 2 + ["--:"] * 4))
    losses = []
    for (machine, kind, batch), cells in groups.items():
        done = _simulated(cells)
        dense = done.pop("dense", None)
        left_out = str(sum(row["status"] == "too long" for row in cells.values()))
        place = (machine, kind.upper(), str(batch))
        counts = {order: int(row["macs"]) for order, row in cells.items() if row["macs"]}
        counts.pop("dense", None)
        fewest = min(counts, key=lambda order: (counts[order], order != "shared_optimal"))
        if fewest not in done or dense is None:
            lines.append(_line((*place, fewest, "not known", *"???", left_out)))
            continue
        least = min(done, key=lambda order: (_edp(done[order]), order != fewest))
        losses.append(_edp(done[fewest]) / _edp(done[least]))
        macs = int(done[least]["macs"]) / int(done[fewest]["macs"])
        matrix = _times(_edp(dense) / _edp(done[least]))
        found = (
            ("same", "1", "1") if least == fewest else (least, f"{losses[-1]:.3f}", _times(macs))
        )
        lines.append(_line((*place, fewest, *found, matrix, left_out)))
    differ = sum(loss > 1 for loss in losses)
    worst = max(losses, default=1)
    count = f"They differ in {differ} of {len(losses)} layers; the loss is at most {worst:.2f}."
    return f"{intro}\n\n{count}\n\n" + "\n".join(lines)


def _dearer(groups: Mapping[tuple[str, str, int], Cells]) -> str:
    """Return a sentence for each layer whose best order still has more MACs than the matrix."""
    found: dict[str, None] = {}
    for (_, kind, batch), cells in groups.items():
        counts = {order: int(row["macs"]) for order, row in cells.items() if row["macs"]}
        dense = counts.pop("dense", None)
        if dense and counts and min(counts.values()) > dense:
            ratio = min(counts.values()) / dense
            found[f"{kind.upper()} at batch {batch}: {ratio:.4g} times the matrix's MACs."] = None
    if not found:
        return "No format has more MACs than the plain matrix at any batch."
    listed = "\n".join(f"- {sentence}" for sentence in found)
    return f"Such a layer saves parameters, not arithmetic, in its cheapest order:\n\n{listed}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.3g}"


def _line(columns: Iterable[str]) -> str:
    return f"| {' | '.join(columns)} |"
