"""Searches: what they find, that they repeat themselves, and go on where they were stopped."""

import pytest

import archsim
from archsim.sweep.run import run_sweep
from tests.sweep.conftest import GEMM

pytest.importorskip("optuna")

TEXT = f"""
name: small
experiment: {GEMM}
changes: {{workload.m: 64, workload.n: 64, workload.k: 64, energy.static_power: 2 W}}
axes:
  rows: {{path: architecture.components.array.rows, log_range: {{from: 1, to: 64, factor: 2}}}}
  columns:
    path: architecture.components.array.columns
    log_range: {{from: 1, to: 64, factor: 2}}
  dataflow:
    path: architecture.components.array.dataflow
    values: [output_stationary, weight_stationary]
    when: rows > 1
skip_if: rows * columns > 1024
derived:
  area_mm2: {{value: rows * columns * 0.001, source: "assumed: for the test"}}
search: {{method: tpe, trials: 40, seed: 2, batch: 10, objectives: [latency]}}
"""


def test_a_search_finds_the_best_of_the_grid_in_fewer_points(written):
    grid = archsim.sweep(written("search: {", "assumptions: []\n#", text=TEXT), workers=1)

    found = archsim.sweep(written(text=TEXT), workers=1)

    assert len(found) <= 40 < len(grid)
    assert found["latency_s"].min() == grid["latency_s"].min()
    assert found["point"].is_unique
    alike = grid.set_index("point").loc[found["point"]]
    assert list(alike["latency_s"]) == list(found["latency_s"])


def test_many_objectives_find_points_of_the_front(written):
    nsga = "method: nsga2, trials: 40, seed: 2, batch: 10, objectives: [latency, area]"
    grid = archsim.sweep(written("search: {", "assumptions: []\n#", text=TEXT), workers=1)

    found = archsim.sweep(
        written(
            "method: tpe, trials: 40, seed: 2, batch: 10, objectives: [latency]", nsga, text=TEXT
        ),
        workers=1,
    )

    def front(frame):
        pairs = list(zip(frame["latency_s"], frame["area_mm2"], strict=True))
        return {
            pair
            for pair in pairs
            if not any(o[0] <= pair[0] and o[1] <= pair[1] and o != pair for o in pairs)
        }

    assert len(front(found) & front(grid)) >= 3


@pytest.mark.parametrize("method", ["tpe", "nsga2"])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(written, tmp_path, method):
    file = written("tpe", method, text=TEXT)
    whole = run_sweep(file, tmp_path / "whole", workers=1)

    class StoppedError(Exception):
        pass

    def told(far):
        if far.done == 17:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_sweep(file, tmp_path / "parts", workers=1, told=told)
    rest = run_sweep(file, tmp_path / "parts", workers=1)

    assert rest.run_now == whole.run_now - 17
    tables = [(tmp_path / name / "points.csv").read_bytes() for name in ("whole", "parts")]
    assert tables[0] == tables[1]


def test_what_is_good_within_a_bound_is_found(written):
    limit = "objectives: [latency], constraints: [rows * columns <= 64]"
    found = archsim.sweep(written("objectives: [latency]", limit, text=TEXT), workers=1)

    grid = archsim.sweep(written("search: {", "assumptions: []\n#", text=TEXT), workers=1)
    within, all_within = (f["rows"] * f["columns"] <= 64 for f in (found, grid))
    assert found[within]["latency_s"].min() <= 1.1 * grid[all_within]["latency_s"].min()
    assert within.mean() < 1


def test_infeasible_points_are_learnt_from(written):
    whole = "columns\n    log_range: {from: 1, to: 64, factor: 2}"
    assert whole in TEXT
    text = TEXT.replace(whole, "columns\n    values: [-1, -2, -4, 8, 16, 32]")

    found = archsim.sweep(written(text=text), workers=1)

    assert not found["feasible"].all()
    assert found["feasible"].tail(10).mean() > found["feasible"].head(10).mean() - 0.3
    assert found["latency_s"].notna().any()
