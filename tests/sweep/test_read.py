"""A sweep's file: the points that it means, and what it refuses."""

import itertools
import json
import re
import time
import tracemalloc
from itertools import islice

import pytest

from archsim.cli import main
from archsim.comparison import check, describe, describe_json
from archsim.errors import ConfigError
from archsim.sweep.read import read_plan
from tests.sweep.conftest import GEMM

AXES = f"""
experiment: {GEMM}
axes:
  format: {{path: workload.number_format, values: [fp32, int8]}}
  m: {{path: [workload.m, workload.n], values: [8, 16], when: format == 'fp32'}}
  shape:
    zip:
      architecture.components.array.rows: [8, 16]
      architecture.components.array.columns: [16, 8]
  machine:
    choices:
      small: {{architecture.components.dram.channels: 1}}
      large: {{architecture.components.dram.channels: 4, energy.static_power: 1 W}}
"""


def changes(plan):
    return [dict(point.changes) for point in plan.points()]


def test_points_are_the_product_of_all_axes(written):
    plan = read_plan(written())

    expected = itertools.product((8, 16, 40), (8, 16), ("64 B", "1 MiB"), ("0.1 W", "0.5 W", "2 W"))
    paths = [
        "workload.m",
        "architecture.components.array.rows",
        "architecture.components.sram.capacity",
        "energy.static_power",
    ]
    assert changes(plan) == [
        {"workload.k": 8, **dict(zip(paths, values, strict=True))} for values in expected
    ]
    assert [point.number for point in plan.points()] == list(range(36))
    assert sorted(p.number for p in plan.by_reuse()) == list(range(36))


def test_a_value_goes_to_several_paths_zipped_ones_change_together_choices_change_much(written):
    plan = read_plan(written(text=AXES))

    first = next(iter(plan.points())).changes
    assert first == {
        "workload.number_format": "fp32",
        "workload.m": 8,
        "workload.n": 8,
        "architecture.components.array.rows": 8,
        "architecture.components.array.columns": 16,
        "architecture.components.dram.channels": 1,
    }
    assert {tuple(c.items())[-1] for c in changes(plan) if "energy.static_power" in c} == {
        ("energy.static_power", "1 W")
    }


def test_an_axis_is_there_only_where_its_condition_holds(written):
    plan = read_plan(written(text=AXES))

    points = list(plan.points())
    assert len(points) == (2 + 1) * 2 * 2
    assert all((p.settings[1] is None) == (p.settings[0].value == "int8") for p in points)
    assert all(plan.point(p.number) == p for p in points)


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ("skip_if: m > 8", 12),
        ("skip_if: [m > 8 and rows > 8, sram == '64 B']", 12),
        ("skip_if: power < '1 W'", 12),
        ("skip_if: m < 0", 36),
    ],
)
def test_points_are_skipped_where_an_expression_holds(written, skip, left):
    plan = read_plan(written("name: small", skip))

    assert len(list(plan.points())) == left
    assert len(list(plan.by_reuse())) == left


def test_prices_change_fastest_and_workloads_slowest_whatever_the_order_of_axes(written):
    text = AXES.replace(
        "axes:\n", "axes:\n  watts: {path: energy.static_power, values: [1 W, 2 W]}\n"
    )
    plan = read_plan(written(text=text.replace(", energy.static_power: 1 W", "")))

    points = list(plan.by_reuse())
    assert [p.settings[0].label for p in points[:4]] == ["1 W", "2 W", "1 W", "2 W"]
    formats = [p.settings[1].label for p in points]
    assert formats == sorted(formats)


@pytest.mark.parametrize("method", ["random", "latin_hypercube", "sobol"])
def test_a_sample_is_made_of_points_of_the_grid_and_repeats_none(written, method):
    sampled = f"sampling: {{method: {method}, count: 20, seed: 4}}"
    plan, grid = read_plan(written("name: small", sampled)), read_plan(written())

    found = [point.number for point in plan.points()]
    assert len(set(found)) == len(found)
    assert len(found) <= 20
    assert len(found) == 20 or method != "random"
    assert set(found) <= {point.number for point in grid.points()}
    assert sorted(point.number for point in plan.by_reuse()) == sorted(found)
    assert found == [point.number for point in plan.points()]


def test_random_goes_on_until_it_has_as_many_as_it_was_asked_for(written):
    text = "skip_if: m > 8\nsampling: {method: random, count: 12}"
    plan = read_plan(written("name: small", text))

    assert sorted(p.number for p in plan.points()) == list(range(12))


def test_a_hundred_thousand_points_begin_within_a_second_and_are_never_all_held(written):
    text = f"""
experiment: {GEMM}
axes:
  m: {{path: workload.m, range: {{from: 1, to: 100, step: 1}}}}
  n: {{path: workload.n, range: {{from: 1, to: 100, step: 1}}}}
  k: {{path: workload.k, range: {{from: 1, to: 10, step: 1}}}}
"""
    file = written(text=text)
    read_plan(file)  # loads what any command loads
    start = time.process_time()
    tracemalloc.start()
    plan = read_plan(file)
    first = list(islice(plan.by_reuse(), 3))
    took = time.process_time() - start
    _, before = tracemalloc.get_traced_memory()
    count = sum(1 for _ in islice(plan.by_reuse(), 5000))
    _, after = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(first) == 3
    assert took < 1
    assert count == 5000
    assert after - before < 200_000


def test_a_point_of_another_configuration_has_another_hash(written, tmp_path):
    plan = read_plan(written())
    keys = [plan.key(point) for point in plan.points()]

    assert len(set(keys)) == 36
    longer = read_plan(written("values: [8, 16, 40]", "values: [4, 8, 16, 40]"))
    assert set(keys) < {longer.key(point) for point in longer.points()}
    other = read_plan(written("workload.k: 8", "workload.k: 4"))
    assert not set(keys) & {other.key(point) for point in other.points()}


def test_what_a_file_that_a_value_names_says_is_part_of_the_hash(written, tmp_path):
    table = tmp_path / "prices.yaml"
    text = f"experiment: {GEMM}\naxes: {{e: {{path: energy, values: [{table}]}}}}"

    def key(power):
        table.write_text(f"extends: asic_16nm\nstatic_power: {power}\n")
        plan = read_plan(written(text=text))
        return plan.key(plan.point(0))

    assert key("1 W") != key("2 W")
    assert key("1 W") == key("1 W")


WRONG = [
    ("axes:", "axis:", "axis: unknown key (did you mean 'axes'?)", 5),
    ("values: [8, 16, 40]", "valeus: [8]", "unknown key (did you mean 'values'?)", 6),
    ("values: [8, 16, 40]", "values: 8", "axes.m.values: expected a list of values, got 8", 6),
    ("values: [8, 16, 40]", "values: []", "expected 1 to 100,000 values, got 0", 6),
    ("values: [8, 16, 40]", "values: [8, 8]", "the value 8 is there twice", 6),
    ("path: workload.m,", "", "axes.m.path: missing", 6),
    ("path: workload.m", "path: workload.mm", "workload.mm: unknown key (did you mean 'm'?)", 6),
    ("path: workload.m", "path: worklaod.m", "leads nowhere: no 'worklaod' (did you mean", 6),
    ("components.sram.cap", "components.srma.cap", "no 'srma' (did you mean 'sram'?)", 8),
    ("path: workload.m", "path: 3", "axes.m.path: expected a dotted path", 6),
    ("step: 8}", "stpe: 8}", "axes.rows.range.stpe: unknown key (did you mean 'step'?)", 7),
    ("step: 8}", "count: 3, step: 8}", "expected `from`, `to` and one of step, count", 7),
    ("step: 8}", "step: 8 MiB}", "expected a number without a unit, got '8 MiB'", 7),
    ("  m:", "  m m:", "the name of an axis is a word", 6),
    ("  m:", "  latency_s:", "a table has a column 'latency_s' already", 6),
    ("  rows:", "  m:", "written twice, first on line 6", 7),
    ("path: energy.static_power", "path: workload.m", "is changed by the axis 'm' already", 9),
    ("array_gemm.yaml", "array_gem.yaml", "did you mean 'array_gemm.yaml'?", 3),
    ("name: small", "skip_if: mm > 3", "skip_if: no axis 'mm' here; did you mean 'm'?", 2),
    ("name: small", "skip_if: [m >]", "skip_if.0: 'm >' is not an expression", 2),
    ("name: small", "skip_if: 3", "skip_if: expected an expression", 2),
    ("name: small", "sampling: {method: sobel, count: 3}", "(did you mean 'sobol'?)", 2),
    ("name: small", "sampling: {method: grid, count: 3}", "a grid has all points", 2),
    ("name: small", "sampling: {method: random}", "sampling.count: missing", 2),
    ("name: small", "sampling: {method: random, count: 0}", "from 1 to 1,000,000,000, got 0", 2),
    ("name: small", "search: {method: tpf, trials: 3, objectives: [edp]}", "mean 'tpe'?", 2),
    ("name: small", "search: {method: tpe, trials: 3, objectives: [x]}", "no number named 'x'", 2),
    ("name: small", "search: {method: tpe, trials: 3, objectives: [area]}", "must be said", 2),
    ("name: small", "search: {method: tpe, trials: 3, objectives: []}", "expected a list of", 2),
    ("name: small", "search: {method: tpe, trials: 3, objectives: [edp], constraints: [m]}",
     "'m' is not a bound", 2),
    ("name: small", "derived: {a: m * 2}", "a derived number needs a source", 2),
    ("name: small", "derived: {a: {value: mm, source: x}}", "no axis 'mm' here", 2),
    ("name: small", "derived: {m: {value: m, source: x}}", "cannot be the name of a derived", 2),
    ("name: small", "name: [a]", "name: expected a text, got ['a']", 2),
    ("name: small", "assumptions: a", "expected a list of texts, got 'a'", 2),
    ("{workload.k: 8}", "3", "changes: expected values by dotted path", 4),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "problem", "line"), WRONG)
def test_what_is_wrong_is_told_with_its_line(written, old, new, problem, line):
    file = written(old, new)

    with pytest.raises(ConfigError) as caught:
        read_plan(file)

    assert f"small.yaml:{line}:" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("axis", "problem"),
    [
        ("{zip: {workload.m: [1, 2], workload.n: [1]}}", "equally long, got 2 of workload.m"),
        ("{zip: {workload.m: 1}}", "expected a list of values, got 1"),
        ("{zip: [1]}", "expected lists by path"),
        ("{choices: {a: 1}}", "expected what it changes"),
        ("{choices: {a: {}}, path: workload.m}", "`choices` has paths of its own"),
        ("{path: workload.m, values: [1], range: {}}", "got values and range"),
        ("{path: workload.m}", "expected one of values, range, log_range, zip, choices"),
        ("{path: workload.m, values: [1, 2], labels: [a]}", "a label for each of 2 values, got 1"),
        ("{path: workload.m, values: [1], labels: 3}", "expected a list of texts"),
        ("{path: workload.m, values: [1], when: m > 1}", "no axis 'm' here"),
        ("{path: workload.m, log_range: {from: 0, to: 1, factor: 2}}", "from a number > 0"),
        ("3", "expected a mapping"),
    ],
)
def test_an_axis_that_is_none_is_told_of(written, axis, problem):
    file = written(text=f"experiment: {GEMM}\naxes:\n  m: {axis}\n")

    with pytest.raises(ConfigError, match=re.escape(problem)):
        read_plan(file)


def test_the_command_line_ends_with_2_and_one_message(written, cli_run):
    done = cli_run(["sweep", str(written("path: workload.m", "path: workload.mm"))])

    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "unknown key (did you mean 'm'?)" in done.stderr


def test_check_and_describe_know_sweeps(written, cli_run):
    file = written("name: small", "name: small\ntitle: What fits?\nskip_if: m > 8")

    assert check(file) == "sweep small: up to 36 points (3 m x 2 rows x 2 sram x 3 power)"
    assert "a sweep of up to 36 points" in describe(str(file))
    assert "log_range" in describe("sweep")
    assert cli_run(["describe", "sweep"]).exit_code == 0
    schema = describe_json("sweep")
    assert set(schema["properties"]) >= {"axes", "skip_if", "sampling", "search"}
    assert json.loads(cli_run(["describe", "sweep", "--json"]).stdout) == schema
    assert cli_run(["check", str(file)]).exit_code == 0


@pytest.fixture
def cli_run():
    from click.testing import CliRunner  # noqa: PLC0415

    return lambda arguments: CliRunner().invoke(main, arguments)
