"""The README: its commands are the gate's, its Python runs, its files exist."""

import re
from pathlib import Path

import pytest

from archsim.comparison import read_plan
from archsim.hardware import COMPONENTS
from archsim.ir import WORKLOADS
from archsim.sweep.read import read_plan as read_sweep

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
FIRST_PYTHON, *EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_gate_runs_the_readmes_test_command():
    commands = re.findall(r"```sh\n(.*?)\n```", README, flags=re.DOTALL)
    test_command = next(command for command in commands if "pytest" in command)

    assert f"\n{test_command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_first_example_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    exec(FIRST_PYTHON, {})  # noqa: S102  (the README's own text)

    latency, macs = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+\.\d ms, \d+ mJ, \w+", latency)
    assert int(macs) > 0


def test_the_comparison_reads_and_every_shipped_one_is_told_of(tmp_path):
    file = tmp_path / "orders.yaml"
    file.write_text(FILES[0])

    plan = read_plan(file)

    assert [case.name for case in plan.cases][:2] == [
        "32, fewest MACs",
        "32, searched for the machine",
    ]
    shipped = (ROOT / "configs" / "comparisons").glob("*.yaml")
    assert all(f"\n| `{file.stem}` |" in README for file in shipped)


def test_the_sweep_reads_and_every_shipped_one_is_told_of(tmp_path):
    file = tmp_path / "shapes.yaml"
    file.write_text(FILES[1])

    points = list(read_sweep(file).points())

    assert len(points) == 14  # of 15, one is skipped
    shipped = (ROOT / "configs" / "sweeps").glob("*.yaml")
    assert all(f"\n| `{file.stem}` |" in README for file in shipped)


def test_a_workload_and_a_component_are_one_file_each():
    names: dict[str, object] = {"__name__": "my_package"}
    try:
        for example in EXAMPLES:
            exec(example, names)  # noqa: S102  (the README's own text)

        assert WORKLOADS["low_rank_linear"]().lower().macs == 2 * 32 * 768 * 8
        assert COMPONENTS["serial_link"]().transfer_cycles(100) == 108
    finally:
        WORKLOADS._values.pop("low_rank_linear", None)
        COMPONENTS._values.pop("serial_link", None)


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:archsim|workloads|configs|tests)/[\w/.]+)`", README)
)
def test_a_file_that_is_named_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_a_picture_that_is_shown_exists(path):
    assert (ROOT / path).exists()
