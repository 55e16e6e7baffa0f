"""What every contraction order of a tensorised layer costs, on an FPGA and on a generic array.

Run it as ``python tests/benchmarks/contraction_orders.py [--out reports/contraction_orders]``.
It simulates a training step of a 768 x 768 layer in every format, batch and order and writes
``table.csv`` layer by layer, so that a run that was stopped goes on where it was, and then
``table.md``. To make it anew, remove the folder first.

An order of more than ``SHORT`` tiles is simulated only where it might be the best or others
are compared to it, and none of more than ``--tiles`` is. Of the others the table gives what
they cost at least: what they would without contention on any channel.
"""

import argparse
import csv
import multiprocessing
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from math import inf
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsim import formats
from archsim.contraction import HARDWARE_ORDERS, LayerPlan, TensorNetwork
from archsim.errors import InputError
from archsim.experiment import read
from archsim.experiment.machine_search import MachineSearch
from archsim.formats import NumberFormat
from tests.benchmarks.contraction_tables import tables
from tests.contraction.networks import layer as network_of
from workloads.tensor_layer import TensorFormat, TensorLayer

ROOT = Path(__file__).parents[2]
RANKS: dict[TensorFormat, int] = {"tt": 12, "ttm": 12, "tr": 12, "ht": 12, "btd": 8}
BATCHES = (1, 32, 128, 512, 4096)
ORDERS = (
    "dense",
    "bidirectional",
    "right_to_left",
    "left_to_right",
    "optimal",
    "shared_optimal",
    "greedy",
    "latency",
    "edp",
)
MACHINES = ("u50", "array")
SHORT = 1_000_000
WANTED = ("dense", "shared_optimal")
"""Simulated beyond that, too: the others are told by what they cost beside these."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer on one machine, and the most tiles that a simulation may take."""

    machine: str
    format: TensorFormat
    batch: int
    tiles: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of an order; with the status ``at least``, costs are lower bounds.

    Other words say why later columns are empty.
    """

    machine: str
    format: str
    rank: int
    batch: int
    order: str
    status: str = ""
    macs: int | None = None
    tiles: int | None = None
    latency_s: float | None = None
    energy_j: float | None = None
    edp_js: float | None = None

    @property
    def edp(self) -> float:
        """The product of latency and energy, or of their bounds."""
        return inf if self.edp_js is None else self.edp_js

    def costing(self, status: str, seconds: float, joules: float) -> "Row":
        """Return the row with its costs."""
        return replace(
            self, status=status, latency_s=seconds, energy_j=joules, edp_js=seconds * joules
        )


@cache
def search_of(machine: str) -> MachineSearch:
    """Return the search for a machine; it remembers what all layers share, as the matrix."""
    _, experiment = read(ROOT / f"configs/experiments/{machine}_layer.yaml")
    return MachineSearch(experiment.architecture, experiment.energy)


class Study:
    """All orders of one layer on one machine."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        rank = RANKS[layer.format]
        linear = TensorLayer(format=layer.format, rank=rank, batch=layer.batch, order="optimal")
        self.format: NumberFormat = formats.parse(linear.number_format)
        self.search = search_of(layer.machine)
        weight, matrix = linear.network, replace(linear, order="dense").network
        self.cores: TensorNetwork = network_of(weight.cores, weight.sizes, layer.batch)
        self.matrix: TensorNetwork = network_of(matrix.cores, matrix.sizes, layer.batch)

    def rows(self) -> list[Row]:
        """Return a row per order."""
        found = {order: self._bounded(order) for order in ORDERS if order not in HARDWARE_ORDERS}
        for order in sorted(found, key=lambda order: found[order].edp):
            row = found[order]
            best = min((r.edp for r in found.values() if r.status == "simulated"), default=inf)
            is_wanted = order in WANTED or row.edp <= best
            if row.tiles and row.tiles <= (self.layer.tiles if is_wanted else SHORT):
                network, plan = self._plan(order)
                outcome = self.search.outcome(network, plan, self.format)
                found[order] = row.costing("simulated", *outcome)
        best = min(r.edp for r in found.values() if r.status == "simulated" and r.order != "dense")
        shared = found["shared_optimal"]
        is_long = shared.status == "at least" and shared.edp <= best  # else nobody simulates it
        found |= {
            order: self._empty(order, "too long") if is_long else self._searched(order)
            for order in HARDWARE_ORDERS
            if order in ORDERS
        }
        return [found[order] for order in ORDERS]

    def _plan(self, order: str) -> tuple[TensorNetwork, LayerPlan]:
        if order == "dense":
            return self.matrix, LayerPlan("shared_optimal")
        return self.cores, LayerPlan(order)

    def _empty(self, order: str, status: str) -> Row:
        layer = self.layer
        return Row(
            machine=layer.machine,
            format=layer.format,
            rank=RANKS[layer.format],
            batch=layer.batch,
            order=order,
            status=status,
        )

    def _bounded(self, order: str) -> Row:
        """Return what an order that has a name costs at least."""
        try:
            trial = self.search.trial(*self._plan(order), self.format)
        except InputError:
            return self._empty(order, "no such order")
        row = replace(self._empty(order, "does not fit"), macs=trial.macs)
        if trial.schedule is None:
            return row
        return replace(row, tiles=trial.tiles).costing("at least", trial.seconds, trial.joules)

    def _searched(self, order: str) -> Row:
        """Return what an order costs that is searched for the machine."""
        assert order in ("latency", "edp")
        found = self.search.find(self.cores, order, self.format)
        plan = replace(found, verdict="")
        trial = self.search.trial(self.cores, plan, self.format)
        row = replace(self._empty(order, ""), macs=trial.macs, tiles=trial.tiles)
        return row.costing("simulated", *self.search.outcome(self.cores, plan, self.format))


def studied(layer: Layer) -> list[Row]:
    """Return the rows of a layer."""
    return Study(layer).rows()


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows that a table holds already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def complete(path: Path, tiles: int, command: str, processes: int) -> None:
    """Append the layers that a table lacks, as they come; small batches first."""
    done = {(row["machine"], row["format"], int(row["batch"])) for row in rows_of(path)}
    missing = [
        Layer(machine=machine, format=kind, batch=batch, tiles=tiles)
        for batch in BATCHES
        for machine in MACHINES
        for kind in RANKS
        if (machine, kind, batch) not in done
    ]
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file, multiprocessing.Pool(processes) as pool:
        if is_new:
            file.write(f"# {command}\n")
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        for number, rows in enumerate(pool.imap_unordered(studied, missing), 1):
            writer.writerows(map(asdict, rows))
            file.flush()
            where = f"{rows[0].machine} {rows[0].format} batch {rows[0].batch}"
            print(f"{number}/{len(missing)} {where}", file=sys.stderr)


def main(arguments: Iterable[str] | None = None) -> None:
    """Complete the table and write it up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reports/contraction_orders"))
    parser.add_argument("--tiles", type=int, default=50_000_000, help="most tiles of a simulation")
    parser.add_argument("--processes", type=int, default=1, help="layers studied at once")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    command = (
        f"python tests/benchmarks/contraction_orders.py --out {chosen.out.as_posix()}"
        f" --tiles {chosen.tiles}"
    )
    table = chosen.out / "table.csv"
    complete(table, chosen.tiles, command, chosen.processes)
    text = tables(rows_of(table), ORDERS, {str(kind): rank for kind, rank in RANKS.items()})
    (chosen.out / "table.md").write_text(f"<!-- {command} -->\n\n{text}")


if __name__ == "__main__":
    main()
