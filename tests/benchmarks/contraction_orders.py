"""What every contraction order of a tensorised layer costs, on an FPGA and on a generic array.

Run it as ``python tests/benchmarks/contraction_orders.py [--out reports/contraction_orders]``.
It simulates a training step of a 768 x 768 layer in every format, batch and order and writes
``table.csv`` row by row, so that a run that was stopped goes on where it was, and then
``table.md``. Cells of more than ``--tiles`` tiles are planned, not simulated, and say so.
"""

import argparse
import csv
import multiprocessing
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsim.contraction import (
    HARDWARE_ORDERS,
    HardwareOrder,
    LayerPlan,
    OrderTimes,
    TensorNetwork,
)
from archsim.energy import account
from archsim.errors import CapacityError, ConfigError
from archsim.experiment import read
from archsim.experiment.machine_search import MachineSearch
from archsim.formats import NumberFormat
from archsim.hardware import Architecture
from archsim.ir import OperationGraph
from archsim.machine import simulate
from archsim.schedule import Schedule, plan_memory, schedule
from tests.benchmarks.contraction_tables import tables
from workloads.tensor_layer import TensorLayer

ROOT = Path(__file__).parents[2]
RANKS = {"tt": 12, "ttm": 12, "tr": 12, "ht": 12, "btd": 8}
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
PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One simulation: where, what, and the most tiles that it may take."""

    machine: str
    format: str
    batch: int
    order: str
    tiles: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a cell; ``status`` says why later columns are empty."""

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


class PlansOnly:
    """A machine's plans without the time of all other orders, which this study takes itself."""

    def __init__(self, search: MachineSearch) -> None:
        self._search = search

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> LayerPlan:
        return self._search.find(network, order, number_format)

    def seconds(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> OrderTimes:
        return OrderTimes({order: 0.0})


def simulated(cell: Cell) -> Row:
    """Simulate a cell, or say why not."""
    rank = RANKS[cell.format]
    row = Row(
        machine=cell.machine, format=cell.format, rank=rank, batch=cell.batch, order=cell.order
    )
    overrides = {
        "workload.format": cell.format,
        "workload.rank": rank,
        "workload.batch": cell.batch,
        "workload.order": cell.order,
    }
    try:
        _, experiment = read(ROOT / f"configs/experiments/{cell.machine}_layer.yaml", overrides)
    except ConfigError:
        return replace(row, status="no such order")
    layer, architecture = experiment.workload, experiment.architecture
    assert isinstance(layer, TensorLayer)
    if cell.order in HARDWARE_ORDERS:
        # Finding the plan simulates gradients with and without sharing: about as many tiles.
        apart = replace(layer, order="optimal").lower()
        if tiles_of(planned(apart, architecture)) > cell.tiles:
            return replace(row, status="too long")
    graph = layer.lower_for(PlansOnly(MachineSearch(architecture, experiment.energy)))
    row = replace(row, macs=graph.macs)
    try:
        plan = planned(graph, architecture)
    except CapacityError:
        return replace(row, status="does not fit")
    row = replace(row, tiles=tiles_of(plan))
    if tiles_of(plan) > cell.tiles:
        return replace(row, status="too long")
    trace = simulate(plan, architecture)
    seconds = trace.makespan / trace.tick_rate_hz
    joules = account(trace, experiment.energy).total_pj * 1e-12
    return replace(
        row, status="simulated", latency_s=seconds, energy_j=joules, edp_js=seconds * joules
    )


def planned(graph: OperationGraph, architecture: Architecture) -> Schedule:
    """Return a graph's schedule, with its memory."""
    return schedule(graph, architecture, plan_memory(graph, architecture))


def tiles_of(plan: Schedule) -> int:
    """Return how many tiles a schedule holds."""
    return sum(task.stream.tiles for task in plan.tasks)


def cells(tiles: int) -> list[Cell]:
    """Return all cells, small batches first."""
    return [
        Cell(machine=machine, format=kind, batch=batch, order=order, tiles=tiles)
        for batch in BATCHES
        for machine in MACHINES
        for kind in RANKS
        for order in ORDERS
    ]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows that a table holds already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def complete(path: Path, tiles: int, command: str) -> None:
    """Append the rows that a table lacks, as they come."""
    places = ("machine", "format", "batch", "order")
    done = {tuple(row[place] for place in places) for row in rows_of(path)}
    missing = [
        cell
        for cell in cells(tiles)
        if tuple(str(getattr(cell, place)) for place in places) not in done
    ]
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file, multiprocessing.Pool(PROCESSES) as pool:
        if is_new:
            file.write(f"# {command}\n")
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        for number, row in enumerate(pool.imap_unordered(simulated, missing), 1):
            writer.writerow(asdict(row))
            file.flush()
            where = f"{row.machine} {row.format} batch {row.batch} {row.order}"
            print(f"{number}/{len(missing)} {where}: {row.status}", file=sys.stderr)


def main(arguments: Iterable[str] | None = None) -> None:
    """Complete the table and write it up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reports/contraction_orders"))
    parser.add_argument("--tiles", type=int, default=300_000, help="most tiles of a simulation")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    command = (
        f"python tests/benchmarks/contraction_orders.py --out {chosen.out.as_posix()}"
        f" --tiles {chosen.tiles}"
    )
    table = chosen.out / "table.csv"
    complete(table, chosen.tiles, command)
    text = tables(rows_of(table), ORDERS, RANKS, chosen.tiles)
    (chosen.out / "table.md").write_text(f"<!-- {command} -->\n\n{text}")


if __name__ == "__main__":
    main()
