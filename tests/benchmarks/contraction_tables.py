"""The study of contraction orders as text: EDP of every order, and where MACs mislead."""

from collections.abc import Iterable, Mapping, Sequence

Row = Mapping[str, str]
Cells = Mapping[str, Row]
"""Rows of one machine, format and batch, by order."""
Groups = Mapping[tuple[str, str, int], Cells]
"""Cells by machine, format and batch."""

NAMES = {"u50": "Alveo U50 with HBM2, FP32", "array": "Generic 32 x 32 array, FP32"}
MARKS = {"no such order": "-", "does not fit": "too large", "too long": "long"}
LEGEND = """A training step (forward pass, input gradient, gradients of all cores) of one
768 x 768 layer, modes (12, 8, 8) x (8, 8, 12), every bond of the rank given.

- `dense` is the plain matrix. `optimal` searches every gradient for itself and shares nothing;
  `shared_optimal` and the fixed orders share intermediates between gradients. `latency` and
  `edp` are searched for the machine.
- Plain numbers are simulated. `≥`: not simulated, for its length; what it costs at least,
  namely without contention on any channel. No order so marked can be the best unless the
  second table counts it as open.
- `long`: not searched, since every simulation takes too long. `-`: the format has no such
  order (its cores have no two halves). `too large`: an intermediate does not fit the memory."""
VERDICTS = """Of the orders of the cores; of equally few MACs, `shared_optimal`.

- `loss`: EDP of the first over EDP of the second.
- `MACs`: those of the second over those of the first (1: as few, in another tree or way).
- `matrix`: EDP of the plain matrix over that of the second, below 1 where no order pays.
- `open`: orders that might be better still, as neither a simulation nor a bound tells."""


def tables(rows: Iterable[Row], orders: Sequence[str], ranks: Mapping[str, int]) -> str:
    """Return the whole study in Markdown."""
    groups: dict[tuple[str, str, int], dict[str, Row]] = {}
    for row in rows:
        key = row["machine"], row["format"], int(row["batch"])
        groups.setdefault(key, {})[row["order"]] = row
    ordered = {key: groups[key] for key in sorted(groups, key=lambda k: _place(k, ranks))}
    parts = ["# Contraction orders of a tensorised layer", LEGEND]
    parts += ["## Fewest MACs against least EDP", VERDICTS, *_verdicts(ordered)]
    parts += ["## More MACs than the plain matrix", _dearer(ordered)]
    for title, of_one in (
        ("EDP over that of the best order", lambda chosen: _relative(chosen, orders)),
        ("every number", lambda chosen: _costs(chosen, orders)),
    ):
        for machine, name in NAMES.items():
            parts.append(f"## {name}: {title}")
            for kind, rank in ranks.items():
                chosen = {key[2]: g for key, g in ordered.items() if key[:2] == (machine, kind)}
                parts.append(f"{kind.upper()}, rank {rank}\n\n{of_one(chosen)}")
    return "\n\n".join(parts) + "\n"


def _place(key: tuple[str, str, int], ranks: Mapping[str, int]) -> tuple[int, int, int]:
    return list(NAMES).index(key[0]), list(ranks).index(key[1]), key[2]


def _simulated(cells: Cells) -> dict[str, Row]:
    return {order: row for order, row in cells.items() if row["status"] == "simulated"}


def _edp(row: Row) -> float:
    return float(row["edp_js"])


def _relative(groups: Mapping[int, Cells], orders: Sequence[str]) -> str:
    lines = [_line(("batch", *orders, "best EDP (J s)")), _line(["--:"] * (len(orders) + 2))]
    for batch, cells in groups.items():
        best = min(map(_edp, _simulated(cells).values()))
        shown = [
            MARKS.get(row["status"]) or _bound(row) + _times(_edp(row) / best)
            for row in (cells[order] for order in orders)
        ]
        lines.append(_line([str(batch), *shown, f"{best:.3g}"]))
    return "\n".join(lines)


def _costs(groups: Mapping[int, Cells], orders: Sequence[str]) -> str:
    lines = [_line(("batch", "order", "MACs", "latency (s)", "energy (J)", "EDP (J s)"))]
    lines.append(_line(["--:", "---", *["--:"] * 4]))
    for batch, cells in groups.items():
        for order in orders:
            row = cells[order]
            macs = f"{int(row['macs']):,}" if row["macs"] else ""
            found = (row[column] for column in ("latency_s", "energy_j", "edp_js"))
            costs = [f"{_bound(row)}{float(cost):.4g}" if cost else "" for cost in found]
            if row["status"] in MARKS:
                costs[0] = MARKS[row["status"]]
            lines.append(_line([str(batch), order, macs, *costs]))
    return "\n".join(lines)


def _bound(row: Row) -> str:
    return "≥ " if row["status"] == "at least" else ""


def _verdicts(groups: Groups) -> tuple[str, str]:
    """Return, in a sentence and layer by layer, what the fewest MACs cost beside the best order."""
    head = ("machine", "format", "batch", "fewest MACs", "least EDP", "loss", "MACs")
    lines = [_line((*head, "matrix", "open"))]
    lines.append(_line(["---"] * 2 + ["--:"] + ["---"] * 2 + ["--:"] * 4))
    losses = []
    for (machine, kind, batch), cells in groups.items():
        done = _simulated(cells)
        dense = done.pop("dense", None)
        counts = {order: int(row["macs"]) for order, row in cells.items() if row["macs"]}
        counts.pop("dense", None)
        fewest = min(counts, key=lambda order: (counts[order], order != "shared_optimal"))
        least = min(done, key=lambda order: (_edp(done[order]), order != fewest))
        still = [order for order, row in cells.items() if _is_open(row, _edp(done[least]))]
        place = (machine, kind.upper(), str(batch), fewest)
        if fewest in still:
            lines.append(_line((*place, "not known", *"???", str(len(still)))))
            continue
        losses.append(_edp(cells[fewest]) / _edp(done[least]))
        macs = int(done[least]["macs"]) / counts[fewest]
        matrix = _times(_edp(dense) / _edp(done[least])) if dense else "?"
        found = (
            ("same", "1", "1")
            if least == fewest
            else (least, f"{_bound(cells[fewest])}{losses[-1]:.3f}", _times(macs))
        )
        lines.append(_line((*place, *found, matrix, str(len(still)))))
    differ = sum(loss > 1 for loss in losses)
    worst = max(losses, default=1)
    count = (
        f"They differ in {differ} of {len(losses)} layers; the largest loss found is {worst:.2f}."
    )
    return count, "\n".join(lines)


def _is_open(row: Row, best: float) -> bool:
    """Whether an order that was not simulated might be better than the best of those that were."""
    return row["status"] == "too long" or (row["status"] == "at least" and _edp(row) < best)


def _dearer(groups: Groups) -> str:
    """Return a sentence for each layer whose best order still has more MACs than the matrix."""
    found: dict[str, None] = {}
    for (_, kind, batch), cells in groups.items():
        counts = {order: int(row["macs"]) for order, row in cells.items() if row["macs"]}
        dense = counts.pop("dense")
        if min(counts.values()) > dense:
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
