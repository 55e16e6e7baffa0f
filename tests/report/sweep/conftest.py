"""Sweeps of made-up numbers, in the files that reports read."""

import csv
from itertools import product

import pytest

from archsim.results.sweep import Sweep, SweptAxis

RANKS, SHAPES = (4, 8, 16), ("wide", "long")


def rows():
    """A latency and an energy for each rank and shape; one of them is infeasible."""
    for number, (rank, shape) in enumerate(product(RANKS, SHAPES)):
        latency = 1e-3 * rank * (1 if shape == "wide" else 3)
        energy = 0.5 / rank * (1 if shape == "wide" else 1.5)
        if (rank, shape) == (16, "long"):
            yield [number, rank, shape, "false", "no room <here>", *[""] * 9, "ab" * 8]
        else:
            numbers = [repr(x) for x in (latency, energy, latency * energy, energy / latency)]
            counts = [1000, 64, 128, 256, "bandwidth"]
            yield [number, rank, shape, "true", "", *numbers, *counts, f"{number:016x}"]


@pytest.fixture
def make(tmp_path):
    """Write a table and return its sweep; some of its rows, or its words, may be changed."""

    def make_sweep(keep=lambda row: True, **changes):
        axes = (
            SweptAxis(
                name="rank",
                labels=("4", "8", "16"),
                settings=RANKS,
                numbers=RANKS,
                changes=tuple({"workload.rank": rank} for rank in RANKS),
            ),
            SweptAxis(
                name="shape",
                labels=SHAPES,
                settings=SHAPES,
                changes=({"architecture.a": 1, "energy": "it's"}, {"architecture.a": [2, 3]}),
            ),
        )
        sweep = Sweep(
            **{
                "name": "made_up",
                "title": "Made <up>",
                "question": "Which is it?",
                "experiment": "some.yaml",
                "axes": axes,
                "changes": {"workload.batch": 2},
                "table": tmp_path / "points.csv",
                "command": "archsim sweep made_up.yaml --out here",
                "config_hash": "0123456789ab",
                "assumptions": ("all of it",),
                **changes,
            }
        )
        with sweep.table.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(sweep.columns)
            writer.writerows(row for row in rows() if keep(row))
        return sweep

    return make_sweep
