"""A comparison's file: what it makes of axes, what it refuses, and how it runs."""

import html
import json
import subprocess
import sys
from pathlib import Path

import pytest

import archsim
import archsim.comparison.runs
from archsim.cli import main
from archsim.comparison import read_plan
from archsim.errors import ConfigError
from tests.conftest import EXPERIMENTS

GEMM = EXPERIMENTS / "array_gemm.yaml"
SMALL = f"""
name: small
experiment: {GEMM}
axes:
  size:
    small: {{workload.m: 16, workload.n: 16, workload.k: 16}}
    large: {{workload.m: 64, workload.n: 16, workload.k: 16}}
  clock:
    slow: {{architecture.components.array.clock: 500 MHz}}
    fast: {{}}
    tiny:
      architecture.components.dram.capacity: 64 B
      architecture.components.sram.capacity: 64 B
leave_out: [{{size: large, clock: tiny}}]
baseline: {{clock: slow}}
"""


@pytest.fixture
def written(tmp_path):
    """Write a comparison's file, with some text of it replaced."""

    def write(old="", new=""):
        assert old in SMALL
        file = tmp_path / "small.yaml"
        file.write_text(SMALL.replace(old, new) if old else SMALL)
        return file

    return write


def test_every_combination_is_a_case_but_for_those_left_out(written):
    plan = read_plan(written())

    assert [case.name for case in plan.cases] == [
        "small, slow", "small, fast", "small, tiny", "large, slow", "large, fast",
    ]  # fmt: skip
    assert plan.cases[0].overrides["architecture.components.array.clock"] == "500 MHz"


def test_what_values_of_two_axes_change_together_only_cases_with_both_change(written):
    combined = """combined:
  - labels: {size: large, clock: fast}
    changes: {architecture.components.array.rows: 16, workload.k: 8}
leave_out"""
    changed = {
        case.name: (case.overrides.get("architecture.components.array.rows"), case.overrides)
        for case in read_plan(written("leave_out", combined)).cases
    }

    assert {name for name, (rows, _) in changed.items() if rows} == {"large, fast"}
    assert changed["large, fast"][1]["workload.k"] == 8  # over the 16 of its size
    assert changed["large, slow"][1]["workload.k"] == 16


@pytest.mark.parametrize("workers", [1, 2])
def test_a_case_that_fails_stays_in_the_table_with_its_reason(written, workers):
    report = archsim.compare(written(), workers=workers)

    table = report.table
    assert list(table["name"][table["status"] != "simulated"]) == ["small, tiny"]
    assert "does not fit" in table["status"][2]
    alone = archsim.run(GEMM, overrides={f"workload.{side}": 16 for side in "mnk"})
    assert table["latency_s"][1] == alone.latency_s
    assert table["latency_x"][0] == 1
    assert table["latency_x"][1] == pytest.approx(table["latency_s"][0] / alone.latency_s)


def test_a_comparison_that_was_stopped_runs_only_what_is_left(written, tmp_path, monkeypatch):
    out = tmp_path / "out"
    runs = []
    simulate = archsim.comparison.runs.simulate_experiment

    def counted(experiment, *arguments, **options):
        runs.append(experiment)
        if len(runs) == 3:
            raise KeyboardInterrupt
        return simulate(experiment, *arguments, **options)

    monkeypatch.setattr("archsim.comparison.runs.simulate_experiment", counted)
    with pytest.raises(KeyboardInterrupt):
        archsim.compare(written(), out=out, workers=1)

    archsim.compare(written(), out=out, workers=1)

    assert len(runs) == 3 + 3  # five cases, two of them known
    assert (out / "comparison.html").exists()
    assert not (out / ".runs").exists()


@pytest.mark.parametrize("out", ["a report", None])
def test_the_command_to_make_it_again_is_as_it_was_given(written, monkeypatch, capsys, out):
    monkeypatch.chdir(written().parent)
    command = "archsim compare small.yaml" + (f" --out '{out}'" if out else "")

    with pytest.raises(SystemExit):
        main(["compare", "small.yaml", *(["--out", out] if out else []), "--workers", "1"])

    assert f"again: {command}\n" in capsys.readouterr().out
    if out:
        for document in ("comparison.md", "comparison.html", "memory.svg"):
            text = html.unescape((Path(out) / document).read_text())
            assert command in text, document


@pytest.mark.parametrize(("columns", "room"), [("80", 80), ("300", 100), ("", 100)])
def test_tables_are_as_wide_as_the_terminal_at_most(written, monkeypatch, capsys, columns, room):
    monkeypatch.setenv("COLUMNS", columns)
    file = written("name: small", f"name: small\nquestion: {'why ' * 60}")

    with pytest.raises(SystemExit):
        main(["compare", str(file), "--workers", "1"])

    lines = capsys.readouterr().out.splitlines()
    widest = max(len(line) for line in lines if not line.startswith("again"))
    assert room - 4 <= widest <= room


def test_a_failure_ends_the_command_with_one_and_everything_else_is_told(written, capsys):
    with pytest.raises(SystemExit) as left:
        main(["compare", str(written()), "--json", "--workers", "1"])

    told = json.loads(capsys.readouterr().out)
    assert left.value.code == 1
    assert [bool(case["result"]) for case in told["cases"]] == [True, True, False, True, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "baseline: {clock: slow}",
            "baseline: {clock: slw}",
            "no clock 'slw' (did you mean 'slow'?)",
        ),
        (
            "baseline: {clock: slow}",
            "baseline: {clok: slow}",
            "no axis 'clok' (did you mean 'clock'?)",
        ),
        ("baseline: {clock: slow}", "", "baseline: missing"),
        (f"experiment: {GEMM}", "", "no experiment for small, slow"),
        (
            "leave_out",
            "published: [{metric: energy_j, better: {}, than: {}, ratio: 2}]\nleave_out",
            "published.0: a published value needs a source",
        ),
        (
            "leave_out",
            "subject: {clock: fast, size: large}\nleave_out",
            "expected a value on each axis of the baseline: ",
        ),
        ("leave_out", "subject: {sise: large}\nleave_out", "no axis 'sise' (did you mean 'size'?)"),
        (
            "leave_out",
            "combined: [{labels: {size: large, clock: tiny}, changes: {}}]\nleave_out",
            "no case has it: all that do are left out",
        ),
        (
            "leave_out",
            "combined: [{labels: {size: huge}, changes: {}}]\nleave_out",
            "no size 'huge'",
        ),
        (
            "leave_out",
            "combined: [{labels: {size: large}, change: {}}]\nleave_out",
            "unknown key (did you mean 'changes'?)",
        ),
        (
            SMALL[SMALL.index("axes") : SMALL.index("baseline")],
            "experiments: [{name: a}, {name: a}]\n",
            "two experiments are called 'a'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_one_message(written, old, new, message):
    with pytest.raises(ConfigError) as error:
        read_plan(written(old, new))

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_value_of_a_case_ends_it_all(written, workers):
    file = written("500 MHz", "0 MHz")

    with pytest.raises(ConfigError, match="clock"):
        archsim.compare(file, workers=workers)


def test_several_comparisons_are_what_each_is_alone(written, tmp_path, capsys):
    first = written()
    second = first.with_name("other.yaml")
    second.write_text(first.read_text().replace("name: small", "name: other"))
    out = tmp_path / "reports"

    with pytest.raises(SystemExit) as ended:
        main(["compare", str(first), str(second), "--workers", "2", "--out", str(out)])

    assert ended.value.code == 1  # a case of each fails
    told = capsys.readouterr().out
    for file in (first, second):
        folder = out / file.stem
        assert f"wrote {folder / 'comparison.html'}" in told
        alone = archsim.compare(file, workers=1).table
        rows = (folder / "comparison.csv").read_text().splitlines()
        assert len(rows) == len(alone) + 1
        assert f"archsim compare {file} --out {folder}" in (folder / "comparison.md").read_text()


def test_a_script_compares_as_it_is_read(written, tmp_path):
    """Without a guard against the processes that it starts."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import archsim\nprint(len(archsim.compare({str(written())!r}, workers=2).table))\n"
    )

    done = subprocess.run(  # noqa: S603
        [sys.executable, script], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


def test_several_comparisons_as_json_are_a_list(written, capsys):
    file = written()
    other = file.with_name("other.yaml")
    other.write_text(file.read_text())

    with pytest.raises(SystemExit):
        main(["compare", str(file), str(other), "--workers", "1", "--json"])

    found = json.loads(capsys.readouterr().out)
    assert [len(one["cases"]) for one in found] == [5, 5]


def test_reports_that_would_overwrite_each_other_are_refused(written, tmp_path, capsys):
    file = written()
    there = tmp_path / "elsewhere" / file.name
    there.parent.mkdir()
    there.write_text(file.read_text())

    with pytest.raises(SystemExit) as ended:
        main(["compare", str(file), str(there), "--out", str(tmp_path / "out")])

    assert ended.value.code == 2
    assert f"would both be written to {tmp_path / 'out' / 'small'}" in capsys.readouterr().err
