"""`archsim sweep`: what it prints, what it writes, and how it ends."""

import json

import pytest
from click.testing import CliRunner

from archsim.cli import main
from archsim.sweep import run as run_module
from tests.sweep.conftest import GEMM


@pytest.fixture
def cli():
    def run(*arguments):
        return CliRunner().invoke(main, ["sweep", *map(str, arguments)])

    return run


def test_a_sweep_tells_its_answer_and_writes_its_report(written, tmp_path, cli):
    out = tmp_path / "out"

    done = cli(written(), "--workers", 1, "--out", out)

    assert done.exit_code == 0
    assert done.stdout.startswith("All 36 points are feasible")
    assert "no other is better in time and energy" in done.stdout
    assert f"wrote {out}/sweep.html" in done.stdout
    assert done.stderr == ""
    assert {"points.csv", "outcomes.csv", "sweep.html", "front.csv", "pareto.png"} <= {
        file.name for file in out.iterdir()
    }


def test_json_is_one_object_and_nothing_else(written, cli):
    done = cli(written(), "--workers", 1, "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert len(told["points"]) == 36
    assert told["name"] == "small"
    assert told["command"].endswith("small.yaml")


def test_plot_only_draws_again_what_was_run_and_runs_nothing(written, tmp_path, cli, monkeypatch):
    out = tmp_path / "out"
    text = f"experiment: {GEMM}\naxes: {{m: {{path: workload.m, values: [8]}}}}"
    cli(written(text=text), "--workers", 1, "--out", out)
    (out / "pareto.png").unlink()
    monkeypatch.setattr(run_module, "executor_named", None)

    done = cli(written(text=text), "--plot-only", "--out", out)

    assert done.exit_code == 0
    assert (out / "pareto.png").exists()


def test_points_that_are_infeasible_are_no_failure(written, cli):
    text = f"experiment: {GEMM}\naxes: {{m: {{path: workload.m, values: [8, -8]}}}}"

    done = cli(written(text=text), "--workers", 1)

    assert done.exit_code == 0
    assert "infeasible: 1 of 2 (50 %)" in done.stdout
    assert "got -8" in done.stdout


def test_a_point_that_could_not_be_run_is_a_failure(written, cli, monkeypatch):
    class Deadly(run_module.executor_named("local")(None, 2, print).__class__):
        def run(self, groups):
            yield from ((number, None) for group in groups for number in group)

    monkeypatch.setattr(run_module, "executor_named", lambda _: Deadly)

    assert cli(written()).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plot-only"], "--plot-only draws what is in a folder: name it with --out"),
        (["--executor", "rya"], "no executor named 'rya'; did you mean 'ray'?"),
        (["--plot-only", "--out", "{tmp}/none"], "no such file; run the sweep first"),
        (["--out", "{tmp}/small.yaml"], "small.yaml"),
    ],
)
def test_what_makes_no_sense_is_one_message_and_2(written, tmp_path, cli, arguments, said):
    done = cli(written(), *(text.format(tmp=tmp_path) for text in arguments))

    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there_is_told_of(tmp_path, cli):
    done = cli(tmp_path / "none.yaml")

    assert done.exit_code == 2
    assert "no such file" in done.stderr
