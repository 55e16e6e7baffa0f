"""How many designs a minute a sweep runs, and what they share.

    python tests/benchmarks/sweep_points.py

The training step of ViT-B/16 as tensor trains, all 3,900 operations of it, in the fast engine.
Axes of three sorts are swept by themselves and together, with two processes that use again what
points share; a few points are run by one that forgets everything after each. As benchmarks share
their machine, processor time is told beside time on the wall.
"""

import argparse
import resource
import tempfile
import time
from itertools import islice
from pathlib import Path

from archsim.experiment.memory import forget
from archsim.sweep.evaluate import Evaluator
from archsim.sweep.read import read_plan
from archsim.sweep.run import run_sweep

EXPERIMENT = Path(__file__).parents[2] / "configs" / "experiments" / "array_vit_b16_tt.yaml"
PRICES = """
  voltage: {path: energy.scale_to.voltage, range: {from: 0.6 V, to: 1 V, step: 0.1 V}}
  node: {path: energy.scale_to.node, values: [16 nm, 14 nm, 10 nm, 7 nm]}
  leakage: {path: energy.static_power, log_range: {from: 0.1 W, to: 2 W, count: 5}}
"""
MACHINES = """
  channels: {path: architecture.components.dram.channels, values: [1, 2, 4]}
  sram: {path: architecture.components.sram.capacity, values: [2 MiB, 4 MiB, 8 MiB]}
"""
WORKLOADS = """
  rank: {path: workload.rank, values: [8, 12]}
"""
SWEEPS = {
    "prices: voltage, node, leakage": PRICES,
    "machines: bandwidth, SRAM": MACHINES,
    "workloads: rank": WORKLOADS,
    "prices, machines and workloads": WORKLOADS + MACHINES + PRICES,
}


def main() -> None:
    """Print points a minute with and without reuse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--alone", type=int, default=3, help="points run without reuse")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, axes) in enumerate(SWEEPS.items()):
            file = Path(folder) / f"{number}.yaml"
            file.write_text(f"experiment: {EXPERIMENT}\naxes:{axes}")
            alone = without_reuse(file, options.alone)
            start, before = time.perf_counter(), cpu_seconds()
            made = run_sweep(file, Path(folder) / str(number), workers=options.workers)
            seconds, cpu = time.perf_counter() - start, cpu_seconds() - before
            rate = made.points / seconds
            print(
                f"{name}\n"
                f"  {made.points:,} points in {seconds:.1f} s on {options.workers} processes: "
                f"{60 * rate:,.0f} a minute ({60 * made.points * options.workers / cpu:,.0f} "
                f"where {options.workers} cores do nothing else: {cpu:.0f} s of processor time)\n"
                f"  {made.done['simulations']} simulations, {made.done['graphs']} graphs lowered, "
                f"a simulation for {made.points / made.done['simulations']:.3g} points\n"
                f"  without reuse a point takes {alone:.2f} s of processor time, "
                f"{60 * options.workers / alone:,.0f} a minute: reuse gives "
                f"{made.points * alone / cpu:.3g} times as many",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak:.0f} MiB of the largest worker, {here:.0f} MiB here")


def cpu_seconds() -> float:
    """Return the processor time of this process and of all that have ended."""
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def without_reuse(file: Path, points: int) -> float:
    """Return the seconds of a point that finds nothing remembered, libraries loaded."""
    plan = read_plan(file)
    times = []
    for point in islice(plan.by_reuse(), points):
        forget()
        start = time.process_time()
        Evaluator(plan).outcome(point)
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
