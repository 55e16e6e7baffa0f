"""Every architecture on the same work: six training steps of a transformer, and a suite of GEMMs.

Run it as ``python tests/benchmarks/machines.py [--out reports/machines] [--engine event]``. It
writes ``table.csv`` run by run, so that one that was stopped goes on where it was, and then
``table.md``. To make it anew, remove the folder first.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import archsim
from archsim.errors import InputError
from archsim.experiment import read

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ROOT / "configs" / "experiments"
MACHINES: Mapping[str, str] = {
    "fetta": "asic_16nm",
    "tpu_like": "asic_16nm",
    "sigma_like": "asic_16nm",
    "maeri_like": "asic_16nm",
    "ette_like": "asic_16nm",
    "u50": "fpga_16nm",
    "tpu_v3_like": "tpu_v3_like",
    "rtx3090": "rtx3090",
    "a100": "a100",
    "h100": "h100",
}
"""Architectures, and the energy table of each."""
STEPS = tuple(f"u50_atis_{encoders}enc{flow}" for encoders in (2, 4, 6) for flow in ("", "_tt"))
GEMMS = (
    (1, 1, 1, 1),
    (1, 4096, 4096, 1),
    (4096, 1, 4096, 1),
    (4096, 4096, 1, 1),
    (16, 4096, 16, 1),
    (4096, 16, 4096, 1),
    (64, 64, 64, 1),
    (128, 768, 768, 1),
    (997, 1009, 1013, 1),
    (1024, 1024, 1024, 1),
    (4096, 4096, 4096, 1),
    (128, 128, 64, 12),
    (1, 128, 64, 96),
    (12, 32, 12, 512),
)
"""m, n, k and batch: from a single product to a large one, vectors, skinny, batched, primes."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Some work on a machine."""

    machine: str
    work: str
    experiment: str
    overrides: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a case."""

    machine: str
    work: str
    status: str
    """``simulated``, or why not."""
    cycles: str = ""
    """Of the unit that multiplies matrices."""
    latency_s: str = ""
    energy_j: str = ""
    utilization: str = ""
    """Of all multipliers over the whole run."""
    limited_by: str = ""
    busiest: str = ""
    """The unit or channel that is busy longest."""


def cases() -> Iterator[Case]:
    """Yield every case, the machines of one work side by side."""
    for m, n, k, batch in GEMMS:
        for machine, energy in MACHINES.items():
            # The card's HBM holds what its blocks cannot.
            chosen = {"architecture": "u50_hbm" if machine == "u50" else machine, "energy": energy}
            sides = {"workload.m": m, "workload.n": n, "workload.k": k, "workload.batch": batch}
            work = f"{m} x {n} x {k}" + (f", {batch} times" if batch > 1 else "")
            yield Case(
                machine=machine, work=work, experiment="array_gemm", overrides={**chosen, **sides}
            )
    for step in STEPS:
        for machine, energy in MACHINES.items():
            chosen = {"architecture": machine, "energy": energy}
            yield Case(machine=machine, work=step[4:], experiment=step, overrides=chosen)


def simulated(case: Case, engine: str) -> Row:
    """Run a case."""
    path = EXPERIMENTS / f"{case.experiment}.yaml"
    try:
        _, experiment = read(path, case.overrides)
        result = archsim.run(path, overrides=case.overrides, engine=engine)
    except InputError as error:
        return Row(machine=case.machine, work=case.work, status=str(error))
    units = experiment.architecture.units.values()
    clock = max(units, key=lambda unit: unit.peak_macs_per_cycle * unit.clock * unit.count).clock
    busiest = max(result.components.values(), key=lambda part: part.busy_s / part.instances)
    return Row(
        machine=case.machine,
        work=case.work,
        status="simulated",
        cycles=f"{result.latency_s * clock:.0f}",
        latency_s=f"{result.latency_s:.6g}",
        energy_j=f"{result.energy_j:.6g}",
        utilization=f"{result.utilization['macs']:.4g}",
        limited_by=result.bounds.limited_by,
        busiest=busiest.sort,
    )


def rows_of(path: Path) -> list[Row]:
    """Return the rows that a table holds already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [Row(**row) for row in csv.DictReader(lines)]


def complete(path: Path, command: str, engine: str) -> None:
    """Append the cases that a table lacks, as they come."""
    done = {(row.machine, row.work) for row in rows_of(path)}
    missing = [case for case in cases() if (case.machine, case.work) not in done]
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if is_new:
            file.write(f"# {command}\n")
            writer.writeheader()
        for number, case in enumerate(missing, 1):
            writer.writerow(asdict(simulated(case, engine)))
            file.flush()
            print(f"{number}/{len(missing)} {case.machine}: {case.work}", file=sys.stderr)


LEGEND = """Cycles are those of the unit that multiplies matrices; utilization is that of all its
multipliers over the whole run; everything is FP32.
`limited by` is the bound that comes nearest to the run, `busiest` the component that is busy
longest. `fetta`, `tpu_like`, `sigma_like`, `maeri_like` and `ette_like` have the same 1,024
multipliers, SRAM, bandwidth, clock and prices. Most sizes of these machines are assumed: see
the sources in their files."""


def table(rows: Iterable[Row]) -> str:
    """Return the rows in Markdown, a table for each work."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.work, []).append(row)
    parts = ["# Every architecture on the same work", LEGEND]
    for work, here in found.items():
        is_step = "enc" in work
        title = f"Training step of {work}" if is_step else f"GEMM {work}"
        columns = ("machine", "cycles", "latency (s)", "energy (J)", "utilization", "limited by")
        lines = [_line((*columns, "busiest")), _line(["---", *["--:"] * 4, "---", "---"])]
        for row in here:
            if row.status != "simulated":
                lines.append(_line((row.machine, row.status, *[""] * 5)))
                continue
            share = f"{100 * float(row.utilization):.3g} %"
            times = (f"{int(row.cycles):,}", row.latency_s, row.energy_j, share)
            lines.append(_line((row.machine, *times, row.limited_by, row.busiest)))
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _line(columns: Iterable[str]) -> str:
    return f"| {' | '.join(columns)} |"


def main(arguments: list[str] | None = None) -> None:
    """Complete the table and write it up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reports/machines"))
    parser.add_argument("--engine", default="fast", help="the engine that simulates")
    chosen = parser.parse_args(arguments)
    out = chosen.out.as_posix()
    command = f"python tests/benchmarks/machines.py --out {out} --engine {chosen.engine}"
    complete(chosen.out / "table.csv", command, chosen.engine)
    text = table(rows_of(chosen.out / "table.csv"))
    (chosen.out / "table.md").write_text(f"<!-- {command} -->\n\n{text}")


if __name__ == "__main__":
    main()
