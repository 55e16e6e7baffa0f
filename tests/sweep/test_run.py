"""Running a sweep: what comes out, how it goes on after anything, and that nothing is run twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pandas as pd
import pytest

import archsim
from archsim.energy import EnergyTable
from archsim.errors import RunError
from archsim.sweep import run as run_module
from archsim.sweep.evaluate import Evaluator
from archsim.sweep.journal import Journal
from archsim.sweep.read import read_plan
from archsim.sweep.run import run_sweep
from tests.sweep.conftest import GEMM

METRICS = ["latency_s", "energy_j", "edp_js", "power_w"]


@pytest.fixture
def reference(written, tmp_path):
    """The table of an uninterrupted run, as bytes."""
    archsim.sweep(written(), workers=1, out=tmp_path / "reference")
    return (tmp_path / "reference" / "points.csv").read_bytes()


def test_the_table_has_a_row_per_point_with_what_a_run_of_its_own_gives(written):
    plan = read_plan(written())

    frame = archsim.sweep(written(), workers=1)

    assert list(frame["m"]) == [8] * 12 + [16] * 12 + [40] * 12
    assert list(frame.columns[:8]) == [
        "point", "m", "rows", "sram", "power", "feasible", "reason", "latency_s",
    ]  # fmt: skip
    assert frame["feasible"].all()
    assert set(frame["sram"]) == {"64 B", "1 MiB"}
    for number in range(0, 36, 5):
        alone = archsim.run(GEMM, overrides=plan.point(number).changes)
        assert [getattr(alone, metric) for metric in METRICS] == list(frame.loc[number, METRICS])
        assert alone.dram_bytes == frame.loc[number, "dram_bytes"]
        assert alone.macs == frame.loc[number, "macs"]
        assert alone.bounds.limited_by == frame.loc[number, "limited_by"]


def test_what_cannot_be_is_a_row_with_its_reason(written):
    """Every third machine has no room, every fourth workload no sense."""
    text = f"""
experiment: {GEMM}
axes:
  m: {{path: workload.m, values: [8, -3, 12, 16]}}
  dram: {{path: architecture.components.dram.capacity, values: [1 GiB, 64 B, 1 MiB]}}
  e: {{path: energy, values: [asic_16nm, nothing]}}
changes: {{architecture.components.sram.capacity: 64 B, workload.n: 16, workload.k: 16}}
"""
    frame = archsim.sweep(written(text=text), workers=1)

    wrong = frame[~frame["feasible"]]
    assert len(frame) == 24
    assert len(wrong) == 12 + 3 + 3
    assert wrong["latency_s"].isna().all()
    assert wrong["macs"].isna().all()
    reasons = wrong["reason"]
    assert reasons.str.contains("no energy configuration named 'nothing'").sum() == 12
    assert reasons.str.contains("does not fit").sum() >= 3
    assert reasons.str.contains(r"m: must be .*got -3").sum() >= 3
    assert not (frame[frame["feasible"]]["reason"] != "").any()


def test_a_bug_costs_its_point_and_no_other(written, monkeypatch):
    def priced(table, place):
        if table.static_power == 0.5:
            raise ZeroDivisionError("once in a while")
        return 1.0

    monkeypatch.setattr(EnergyTable, "price", lambda self, *place: priced(self, place))

    frame = archsim.sweep(written(), workers=1)

    assert Counter(frame["feasible"]) == {True: 24, False: 12}
    assert set(frame["reason"]) == {"", "a bug of archsim: ZeroDivisionError: once in a while"}


def test_what_points_have_in_common_is_done_once(written):
    plan = read_plan(written())
    evaluator = Evaluator(plan)

    outcomes = {point.number: evaluator.outcome(point) for point in plan.by_reuse()}

    done = evaluator.done
    assert dict(done) == {"points": 36, "simulations": 12, "graphs": 3}
    # Three tables price each simulation.
    fresh = {number: Evaluator(plan).outcome(plan.point(number)) for number in range(0, 36, 7)}
    assert all(outcomes[number] == outcome for number, outcome in fresh.items())


def test_a_machine_is_searched_for_orders_again_where_its_prices_change(written):
    """A workload that asks the machine for its orders depends on prices, too."""
    text = """
experiment: array_layer
changes: {workload.batch: 4, workload.rank: 4}
axes:
  order: {path: workload.order, values: [shared_optimal, edp]}
  power: {path: energy.static_power, values: [0.1 W, 9 W]}
"""
    plan = read_plan(written(text=text))
    evaluator = Evaluator(plan)

    outcomes = [evaluator.outcome(point) for point in plan.by_reuse()]

    assert evaluator.done["graphs"] == 3
    assert evaluator.done["simulations"] == 3
    for point, outcome in zip(plan.by_reuse(), outcomes, strict=True):
        alone = archsim.run(plan.experiment, overrides=point.changes)
        assert outcome["latency_s"] == alone.latency_s
        assert outcome["energy_j"] == alone.energy_j


def test_a_call_goes_on_where_another_was_stopped(written, tmp_path, reference):
    file, out = written(), tmp_path / "out"
    seen = []

    class StoppedError(Exception):
        pass

    def told(far):
        seen.append(far.done)
        if far.done == 7:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_sweep(file, out, workers=1, told=told)
    with Journal(out / "outcomes.csv") as journal:
        assert len(journal) == 7
    assert (out / "points.csv").read_text().count("\n") == 1 + 7  # a table of what is done

    made = run_sweep(file, out, workers=1)

    assert made.run_now == 36 - 7
    assert (out / "points.csv").read_bytes() == reference
    assert run_sweep(file, out, workers=1).run_now == 0


def test_the_order_in_which_points_were_run_does_not_show(written, tmp_path, reference):
    archsim.sweep(written(), workers=2, out=tmp_path / "out")

    assert (tmp_path / "out" / "points.csv").read_bytes() == reference


def test_values_that_are_added_are_all_that_is_run(written, tmp_path):
    run_sweep(written(), tmp_path / "out", workers=1)

    made = run_sweep(written("[8, 16, 40]", "[4, 8, 16, 40]"), tmp_path / "out", workers=1)

    assert made.run_now == 12
    assert made.points == 48


def test_only_the_point_of_a_cut_off_line_is_run_again(written, tmp_path, reference):
    file, out = written(), tmp_path / "out"
    run_sweep(file, out, workers=1)
    os.truncate(out / "outcomes.csv", (out / "outcomes.csv").stat().st_size - 20)
    notes = []

    made = run_sweep(file, out, workers=1, say=notes.append)

    assert made.run_now == 1
    assert "cut off" in notes[0]
    assert (out / "points.csv").read_bytes() == reference


def test_a_full_disk_ends_a_sweep_that_goes_on_when_there_is_room(
    written, tmp_path, reference, monkeypatch
):
    file, out = written(), tmp_path / "out"
    append = Journal.append

    def full(journal, rows):
        if len(journal) >= 6:
            raise RunError("No space left on device")
        append(journal, rows)

    monkeypatch.setattr(run_module, "MOST_WAITING", 3)
    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(RunError, match="No space left"):
        run_sweep(file, out, workers=1)
    monkeypatch.undo()

    assert run_sweep(file, out, workers=1).run_now == 30
    assert (out / "points.csv").read_bytes() == reference


def test_no_room_for_the_table_loses_no_outcome(written, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_module, "write_table", full)
    with pytest.raises(RunError, match="What was run is kept in"):
        run_sweep(written(), tmp_path / "out", workers=1)
    monkeypatch.undo()

    assert run_sweep(written(), tmp_path / "out", workers=1).run_now == 0


def test_derived_numbers_are_columns(written):
    text = """derived:
  area: {value: rows * 2 + sram / 1024, source: "assumed: for the test"}
  per_area: {value: latency_s * area, source: "the product"}"""

    frame = archsim.sweep(written("name: small", text), workers=1)

    assert list(frame["area"][:4]) == [16.0625, 16.0625, 16.0625, 1040]
    assert list(frame["per_area"]) == list(frame["latency_s"] * frame["area"])


def test_an_axis_that_a_point_does_not_have_is_missing_in_its_row(written):
    frame = archsim.sweep(written("sram: {path", "sram: {when: rows > 8, path"), workers=1)

    assert len(frame) == 3 * (1 + 2) * 3
    assert Counter(frame["sram"].fillna("none")) == {"none": 9, "64 B": 9, "1 MiB": 9}


def slow(tmp_path, written, points=20, clocks=1):
    """A sweep that takes some seconds: a point for each rank of a layer, at each clock."""
    rates = [f"{100 * (number + 1)} MHz" for number in range(clocks)]
    text = f"""
experiment: array_layer
axes:
  rank: {{path: workload.rank, range: {{from: 2, to: {points + 1}, step: 1}}}}
  clock: {{path: architecture.components.array.clock, values: {rates}}}
"""
    return written(text=text), tmp_path / "out"


def start(file, out, *more):
    # Whoever runs the tests in the background may have us ignore interrupts.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeding}; import sys; from archsim.cli import main; main(sys.argv[1:])"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code, "sweep", str(file), "--out", str(out), *more],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def wait_for(file, lines):
    for _ in range(600):
        if file.exists() and file.read_bytes().count(b"\n") > lines:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was written")


def test_a_sweep_killed_at_any_moment_goes_on_and_ends_alike(written, tmp_path):
    file, out = slow(tmp_path, written)
    for lines in (1, 3):
        running = start(file, out, "--workers", "2")
        wait_for(out / "outcomes.csv", lines)
        running.kill()
        running.communicate()

    made = run_sweep(file, out, workers=1)

    table = pd.read_csv(out / "outcomes.csv")
    assert table["config_hash"].is_unique  # no point was run twice
    assert len(table) == made.points == 20
    assert made.run_now <= 20 - 3
    fresh = run_sweep(file, tmp_path / "fresh", workers=1)
    assert fresh.run_now == 20
    assert (out / "points.csv").read_bytes() == (tmp_path / "fresh" / "points.csv").read_bytes()


def test_an_interrupt_ends_cleanly_with_what_is_done(written, tmp_path):
    file, out = slow(tmp_path, written, points=200, clocks=20)
    running = start(file, out, "--workers", "2")
    wait_for(out / "outcomes.csv", 2)

    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "points are kept in" in said
    assert "Traceback" not in said
    rows = (out / "points.csv").read_bytes().count(b"\n") - 1
    assert rows == (out / "outcomes.csv").read_bytes().count(b"\n") - 1 >= 2
