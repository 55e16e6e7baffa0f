"""Findings in comparisons: whose they are, found once, and where they stand."""

import csv
from math import inf, nan

import pytest
from click.testing import CliRunner

import archsim
from archsim.cli import main
from archsim.comparison import read_plan
from archsim.comparison.findings import PLAIN
from archsim.errors import ConfigError, InputError
from archsim.experiment import findings
from archsim.ir.findings import Bars
from archsim.report.findings.rows import finding_csv
from tests.conftest import EXPERIMENTS
from tests.report.findings.shown import ALL, BARS, CURVES

GEMM = EXPERIMENTS / "array_gemm.yaml"
ENTRIES = "[edfid_array]"
FILE = f"""
name: small
experiment: {GEMM}
axes:
  size:
    small: {{workload.m: 16, workload.n: 16, workload.k: 16}}
    large: {{workload.m: 64, workload.n: 16, workload.k: 16}}
baseline: {{size: small}}
findings: {ENTRIES}
"""
TWICE = """
  - {experiment: edfid_array, name: Far off, workload.detuning_mhz: 30}
  - edfid_array"""


@pytest.fixture
def written(tmp_path):
    """Write a comparison's file that wants these findings."""

    def write(entries=ENTRIES):
        file = tmp_path / "small.yaml"
        file.write_text(FILE.replace(ENTRIES, entries))
        return file

    return write


@pytest.fixture
def asked(monkeypatch):
    """Findings that are there at once, and the overrides with which they were asked for.

    What the machines did is not drawn: it takes longer.
    """
    calls = []
    monkeypatch.setattr("archsim.report.comparison.files.figures_of", lambda _: {})

    def find(_, *, overrides):
        calls.append(dict(overrides))
        return ALL

    monkeypatch.setattr("archsim.comparison.findings.findings", find)
    return calls


def test_findings_come_back_from_disk_to_the_last_digit():
    odd = Bars("odd", (nan, inf, 0.1 + 0.2, 5e-324, -1 / 3))
    bars = BARS.__class__(**{**vars(BARS), "bars": (odd,), "categories": tuple("abcde")})

    (again, *others) = PLAIN.validate_json(PLAIN.dump_json((bars, *ALL)))

    assert repr(again) == repr(bars)  # nan equals nothing
    assert repr(tuple(others)) == repr(ALL)


def test_experiments_are_named_or_changed_as_on_an_axis(written):
    far, plain = read_plan(written(TWICE)).shown

    assert far.experiment == plain.experiment
    assert (far.name, far.overrides) == ("Far off", {"workload.detuning_mhz": 30})
    assert (plain.name, plain.overrides) == ("", {})


def test_findings_stand_in_all_documents(written, asked, tmp_path):
    out = tmp_path / "out"

    archsim.compare(written(TWICE), out=out, workers=1)

    page, text = (out / "comparison.html").read_text(), (out / "comparison.md").read_text()
    assert asked == [{"workload.detuning_mhz": 30}, {}]
    for finding in ALL:
        for prefix, before in (("far_off_", "Far off: "), ("", "")):
            name = f"findings_{prefix}{finding.name}"
            assert len(list(csv.reader((out / f"{name}.csv").read_text().splitlines()))) > 2
            assert (out / f"{name}.png").exists()
            assert before + finding.title.partition("<")[0] in page
            assert before + finding.title.partition("<")[0] in text
    assert not (out / ".runs").exists()


def test_what_was_found_before_a_stop_is_not_found_again(written, asked, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("archsim.comparison.runs.simulate_experiment", stop)
        with pytest.raises(KeyboardInterrupt):
            archsim.compare(written(), out=out, workers=1)

    archsim.compare(written(), out=out, workers=1)

    assert asked == [{}]
    assert (out / "findings_decay.csv").exists()


def test_without_documents_nothing_is_computed_until_it_is_asked_for(written, asked, tmp_path):
    made = archsim.compare(written(), workers=1)

    assert asked == []
    assert made.to_dict()["findings"] == []
    made.to_html(tmp_path / "page.html")
    made.to_html(tmp_path / "page.html")
    assert asked == [{}]
    assert "What the algorithm shows" in (tmp_path / "page.html").read_text()


def test_the_screen_says_what_is_shown_where(written, asked, tmp_path):
    call = CliRunner().invoke

    plain = call(main, ["compare", str(written()), "--workers", "1"])
    out = call(main, ["compare", str(written()), "--workers", "1", "--out", str(tmp_path / "o")])

    assert "--out DIR also shows the findings of edfid_array" in plain.stdout
    assert f"shown in findings_decay.png: {CURVES.title}" in out.stdout
    assert asked == [{}]


def test_another_process_finds_the_same(written, tmp_path, monkeypatch):
    few = {"workload.delays": 3}
    monkeypatch.setattr("archsim.report.comparison.files.figures_of", lambda _: {})

    file = written("[{experiment: edfid_array, workload.delays: 3}]")
    archsim.compare(file, out=tmp_path / "out", workers=2)

    for finding in findings(EXPERIMENTS / "edfid_array.yaml", overrides=few):
        text = (tmp_path / "out" / f"findings_{finding.name}.csv").read_bytes().decode()
        assert text == finding_csv(finding)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("edfid_array", ":9: findings: expected a list of experiments"),
        ("[7]", ":9: findings.0: expected an experiment, or a mapping with one, got 7"),
        ("[edfid_aray]", ":9: findings.0.experiment: no experiment configuration named "
                         "'edfid_aray' (did you mean 'edfid_array'?)"),
        ("[./nowhere.yaml]", ":9: findings.0.experiment: no such file: "),
        ("[{workload.delays: 8}]", ":9: findings.0.experiment: missing"),
        ("[{experiment: 3}]", ":9: findings.0.experiment: expected the name of an experiment"),
        ("[{experiment: edfid_array, name: 3}]", ":9: findings.0.name: expected a text, got 3"),
        ("[{experiment: edfid_array, name: '--'}]", ":9: findings.0.name: expected a text"),
        ("[{experiment: edfid_array, workload.delay: 3}]",
         ":9: findings.0: --set workload.delay: unknown key (did you mean 'delays'?)"),
        ("[{experiment: edfid_array, workload.delays: 1}]",
         ":9: findings.0: --set workload.delays: "),
        ("[edfid_array, edfid_ramsey]", ":9: findings.1: shows what findings.0 shows"),
        (f"[{GEMM}]", ":9: findings.0: the workload of "),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_file_and_line(written, entries, message):
    with pytest.raises(ConfigError) as error:
        read_plan(written(entries))

    assert f"small.yaml{message}" in str(error.value)
    assert "\n" not in str(error.value)


def test_two_workloads_with_a_finding_of_one_name_are_told_apart_by_names(written, monkeypatch):
    monkeypatch.setattr("archsim.comparison.findings.findings", lambda *_, **__: (CURVES, CURVES))

    made = archsim.compare(written(), workers=1)

    with pytest.raises(InputError, match="two findings are called 'decay'; give their"):
        _ = made.findings
