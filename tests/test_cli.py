"""The command line: what it prints where, and the code it ends with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import archsim.experiment
from archsim.cli import main
from archsim.errors import ArchsimError, CapacityError, ConservationError, StalledError
from tests.conftest import EXPERIMENTS

EXPERIMENT = """\
name: tiny
workload:
  kind: tensor_transformer
  encoders: 1
  hidden: 8
  heads: 2
  sequence: 4
  vocabulary: 10
  tt_modes: [2, 2, 2]
  tt_rank: 2
  ttm_modes: [[2, 5], [2, 4]]
  ttm_rank: 2
  intents: 3
  slots: 3
architecture:
  name: one of each
  components:
    array: {kind: processing_array, rows: 4, columns: 4, number_formats: [fp32], buffer: 4 KiB}
    vector:
      kind: vector_unit
      runs: [elementwise, reduction, permute, gather, scatter_add]
      lanes: 4
      buffer: 4 KiB
      number_formats: [fp32, int32]
      function_cycles:
        {add: 1, divide: 4, exp: 4, log: 4, maximum: 1, move: 1, multiply: 1, sqrt: 4, tanh: 4}
    dram: {kind: dram, capacity: 1 GiB, channels: 2, burst: 64 B, burst_cycles: 4}
    bus: {kind: link, width: 64 bit}
  routes:
  - {memory: dram, units: [array, vector], read: bus, write: bus}
energy: asic_45nm
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """The path of an experiment that runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(EXPERIMENT)
    return "tiny.yaml"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def process(*arguments: str, start: str = "main") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"from archsim.cli import {start}; {start}()", *arguments]
    return subprocess.run(  # noqa: S603  (our own command)
        command, capture_output=True, text=True, timeout=60, check=False
    )


def test_json_is_one_object_and_nothing_else(experiment):
    done = process("run", experiment, "--json")

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    assert found["name"] == "tiny"
    assert found["latency_s"] > 0
    assert found["edp_js"] == pytest.approx(found["energy_j"] * found["latency_s"])


def test_a_run_answers_in_words(experiment):
    result = call("run", experiment)

    assert result.exit_code == 0
    assert "tiny" in result.stdout
    assert result.stderr == ""


def test_set_changes_what_runs(experiment):
    arguments = ("run", experiment, "--json", "--set")

    small = json.loads(call(*arguments, "workload.batch=1").stdout)
    large = json.loads(call(*arguments, "workload.batch=2").stdout)

    assert large["macs"] > small["macs"]
    assert large["provenance"]["overrides"] == {"workload.batch": 2}
    assert large["provenance"]["config_hash"] != small["provenance"]["config_hash"]


def test_out_holds_what_the_output_lists(experiment, tmp_path):
    result = call("run", experiment, "--out", "results")

    lines = result.stdout.splitlines()
    written = [line.removeprefix("wrote ") for line in lines if line.startswith("wrote ")]
    assert result.exit_code == 0
    assert len(written) >= 5
    assert all((tmp_path / file).is_file() for file in written)
    assert (tmp_path / "results" / "result.json").is_file()


SHOWING = "workload: {kind: edfid, delays: 3}\narchitecture: generic_array\nenergy: asic_16nm\n"


def test_out_draws_what_a_workload_shows_by_itself_and_names_it(experiment, tmp_path):
    (tmp_path / "showing.yaml").write_text(SHOWING)

    drawn = call("run", "showing.yaml", "--out", "results")
    told = call("run", "showing.yaml")

    assert "\nshown in findings_fringes.png: Ramsey fringes " in drawn.stdout
    assert (tmp_path / "results" / "findings_fringes.csv").is_file()
    assert f"wrote {Path('results') / 'findings_echo.png'}\n" in drawn.stdout
    assert told.stdout.endswith(
        "\n--out DIR also draws Ramsey fringes, the echo, which couplings are seen, and errors by "
        "number format\n"
    )
    assert "also draws" not in call("run", experiment).stdout


def test_check_says_a_line_about_each_file(experiment):
    result = call("check", experiment, experiment)

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert "tiny" in result.stdout


def test_check_goes_on_after_a_file_that_is_wrong(experiment):
    result = call("check", "none.yaml", experiment)

    assert result.exit_code == 2
    assert "tiny" in result.stdout
    assert result.stderr.startswith("error: none.yaml: no such file")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CapacityError("too big"), 2),
        (StalledError("stuck"), 1),
        (ConservationError("a byte is lost"), 1),
        (ArchsimError("something"), 1),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "results"), 1),
    ],
)
def test_errors_become_exit_codes(monkeypatch, error, code):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(archsim.experiment, "run", fail)

    result = call("run", "x.yaml", "--json")

    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_a_long_error_is_cut_to_a_screen(monkeypatch):
    def fail(*arguments, **options):
        raise CapacityError("x" * 100_000)

    monkeypatch.setattr(archsim.experiment, "run", fail)

    assert len(call("run", "x.yaml").stderr) < 2100


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["rn"], "no command 'rn'; did you mean 'run'?"),
        (["lists"], "no command 'lists'; did you mean 'list'?"),
        (["run"], "Missing argument 'EXPERIMENT.yaml'"),
        (["check"], "Missing argument 'FILE...'"),
        (["run", "x.yaml", "--sett", "a=1"], "--set"),
        (["run", "x.yaml", "--engine", "warp"], "no engine named 'warp'; known: event, fast"),
        (["run", "x.yaml", "--engine", "evnt"], "no engine named 'evnt'; did you mean 'event'?"),
        (["list", "workload"], "'workload' is not one of 'workloads'"),
        (["describe"], "Missing argument 'NAME'"),
    ],
)
def test_wrong_usage_ends_with_code_2(arguments, fragment):
    result = call(*arguments)

    assert result.exit_code == 2
    assert fragment in result.stderr
    assert result.stdout == ""


def test_a_file_in_place_of_the_out_folder_is_wrong_usage(experiment):
    result = call("run", experiment, "--out", experiment)

    assert result.exit_code == 2
    assert "is a file" in result.stderr


def test_lists_name_every_sort():
    result = call("list")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line for line in lines if not line.startswith(" ")] == [
        "workloads:",
        "components:",
        "configs:",
    ]
    names = {words[0]: words[1:] for line in lines if (words := line.split())}
    assert names["tensor_transformer"][:3] == ["One", "training", "step"]
    assert "dram" in names


def test_a_list_of_one_sort_has_no_other():
    result = call("list", "components")

    assert "link" in result.stdout
    assert "tensor_transformer" not in result.stdout


def test_listing_imports_nothing_slow():
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom archsim.cli import main\n"
        "assert CliRunner().invoke(main, ['list']).exit_code == 0\n"
        "print([name for name in ('pandas', 'matplotlib') if name in sys.modules])"
    )

    done = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "fragments"),
    [
        ("dram", ["dram: a component", "capacity", "required", "one of B, KiB", "timing.tRCD"]),
        ("tensor_transformer", ["a workload", "tt_rank", "Source: ", "'dense'", "default"]),
        ("transformer", ["a workload", "kv_heads", "'swiglu'", "'tensor_ring'", "Heads of"]),
        ("bf16", ["bf16: a number format of 16 bits", "exponent_bits", "8"]),
        ("int8", ["int8: a number format of 8 bits", "signed", "true"]),
        ("asic_45nm", ["a configuration", "static_power", "Horowitz"]),
    ],
)
def test_describe_explains_a_name(name, fragments):
    result = call("describe", name)

    assert result.exit_code == 0
    for fragment in fragments:
        assert fragment in result.stdout


def test_describe_gives_a_schema_for_editors():
    schema = json.loads(call("describe", "link", "--json").stdout)

    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["properties"]["kind"]["const"] == "link"
    assert schema["properties"]["clock"]["anyOf"][0]["default"] == "1 GHz"


def test_describe_gives_a_file_s_values_and_their_sources(experiment):
    found = json.loads(call("describe", experiment, "--json").stdout)

    assert found["values"]["workload"]["tt_rank"] == 2
    assert "Horowitz" in found["sources"]["energy.traffic.dram.read"]


def test_describe_gives_a_number_format_s_bits():
    assert json.loads(call("describe", "tf32", "--json").stdout) == {"name": "tf32", "bits": 19}


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_describe_names_the_nearest(option):
    result = call("describe", "drum", *option)

    assert result.exit_code == 2
    assert result.stderr == "error: nothing is called 'drum'; did you mean 'dram'?\n"


def test_a_reader_that_leaves_is_no_error():
    command = [sys.executable, "-c", "from archsim.cli import main; main()", "list"]
    with subprocess.Popen(  # noqa: S603  (our own command)
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        complaint = running.stderr.read()
        running.wait(timeout=60)

    assert complaint == ""


def test_the_version_is_the_package_s():
    assert call("--version").stdout == f"archsim, version {archsim.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["list"], 0, "workloads:"),
        (["rnu"], 2, "did you mean 'run'?"),
        (["run", "nowhere.yaml"], 2, "nowhere.yaml: no such file"),
        (["--version"], 0, "archsim, version"),
    ],
)
def test_the_command_leaves_with_its_code_and_all_that_it_said(arguments, code, told):
    """It ends without freeing what was made, so its output must be out by then."""
    done = process(*arguments, start="entry")

    assert done.returncode == code
    assert told in done.stdout + done.stderr


def test_the_command_ends_quietly_where_nobody_reads_on():
    command = [sys.executable, "-c", "from archsim.cli import entry; entry()", "list"]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        complaints = process.stderr.read()

    assert complaints == b""


@pytest.mark.skipif(
    (os.cpu_count() or 1) < 2 or not Path("/proc").exists(), reason="one process does it all"
)
def test_an_interrupt_is_told_in_a_line_by_the_one_who_asked():
    """It reaches all processes, as from a terminal, while they search for mappings."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from archsim.cli import entry; entry()"
    )
    command = [sys.executable, "-c", code, "run", str(EXPERIMENTS / "array_sd15_lora.yaml")]
    with subprocess.Popen(  # noqa: S603  (our own command)
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        while not children.read_text():
            assert running.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)  # they have begun
        os.killpg(running.pid, signal.SIGINT)
        _, complaint = running.communicate(timeout=60)

    assert (running.returncode, complaint) == (130, "error: interrupted\n")
