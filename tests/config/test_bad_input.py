"""Bad input: one clear message each, exit code 2, through the command line."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest
from click.testing import CliRunner

from archsim.cli import main

EXPERIMENT = """\
name: case
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
architecture: small
energy: table
"""
ARCHITECTURE = """\
name: small
components:
  array: {kind: processing_array, rows: 4, columns: 4, number_formats: [fp32]}
  dram: {kind: dram, capacity: 8 GiB, channels: 2, burst: 64 B, burst_cycles: 4}
  bus: {kind: link, width: 64 bit}
routes:
- {memory: dram, units: [array], read: bus, write: bus}
"""
TABLE = """\
name: table
description: prices nothing
process: {node: 16 nm, voltage: 0.8 V}
functions: {}
traffic: {}
computing: []
factors: {}
static_power: 1 W
"""
FILES = {
    "experiments/case.yaml": EXPERIMENT,
    "architectures/small.yaml": ARCHITECTURE,
    "energy/table.yaml": TABLE,
}

BAD_FILES: Sequence[tuple[str, str | bytes, str]] = [
    ("empty", "", "experiments/case.yaml: empty"),
    ("comments only", "# nothing\n", "experiments/case.yaml: empty"),
    ("a list", "- a\n- b\n", "case.yaml:1: expected keys and values at the top of the file"),
    ("a word", "hello\n", "case.yaml:1: expected keys and values at the top of the file"),
    ("not UTF-8", b"name: x\nwhat: \xff\xfe\n", "case.yaml:2: not UTF-8 text: byte 0xff"),
    ("UTF-16", "name: x\n".encode("utf-16"), "case.yaml:1: not UTF-8 text: byte 0xff"),
    ("a NUL", b"name: x\nb: \x00\n", "case.yaml:2: not YAML: the character #x0000 is not"),
    ("a tab", "workload:\n\tkind: x\n", "case.yaml:2: not YAML: found character '\\t'"),
    ("an open bracket", "name: [a, b\n", "not YAML: expected ',' or ']'"),
    ("an open quote", 'name: "abc\n', "not YAML: found unexpected end of stream"),
    ("two colons", "name: a: b\n", "case.yaml:1: not YAML: mapping values are not allowed here"),
    ("two documents", "a: 1\n---\nb: 2\n", "not YAML: but found another document"),
    (
        "a duplicate key",
        "name: a\nepoch: {steps: 1}\nname: b\n",
        "case.yaml:3: name: written twice",
    ),
    (
        "a duplicate nested key",
        "epoch:\n  steps: 1\n  steps: 2\n",
        "case.yaml:3: epoch.steps: writ",
    ),
    ("a key that is a list", "[a]: 1\n", "case.yaml:1: a key must be text"),
    ("no key", "'': 1\n", "case.yaml:1: a key must be text"),
    ("a tag", "name: !!python/name:os.system x\n", "case.yaml:1: name: the tag"),
    (
        "a merge key",
        "a: &a {b: 1}\nc:\n  <<: *a\n",
        "'<<' has no meaning here (write extends: NAME)",
    ),
    ("an unknown alias", "a: *b\n", "not YAML: found undefined alias"),
    (
        "an alias bomb",
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "more than 100000 values in one document",
    ),
    ("an alias of itself", "a: &a [*a]\n", "nested more than 60 levels deep"),
    ("deep nesting", "a: " + "[" * 5000 + "]" * 5000 + "\n", "nested more than 60 levels deep"),
    ("too much", "# " + "x" * (1 << 20), "case.yaml: larger than 1048576 bytes"),
    ("a long number", f"epoch: {{steps: {'9' * 5000}}}\n", "a number of 5000 characters is not a"),
    ("half a letter", 'name: "\\ud800"\n', "name: half a surrogate pair is not text"),
    ("a source that is no text", "name: {value: a, source: 3}\n", "name.source: expected text"),
    (
        "an unknown section",
        EXPERIMENT + "engrgy: x\n",
        "engrgy: unknown key (did you mean 'energy'",
    ),
    ("no workload", "name: x\narchitecture: small\nenergy: table\n", "workload: missing"),
    ("no architecture", EXPERIMENT.replace("architecture: small\n", ""), "architecture: missing"),
    (
        "a circle of one",
        f"extends: case\n{EXPERIMENT}",
        "case.yaml:1: extends: extends itself: exp",
    ),
    (
        "an unknown architecture",
        EXPERIMENT.replace("small", "smal"),
        "case.yaml:13: architecture: no architecture configuration named 'smal' (did you mean 'sm",
    ),
    ("a missing path", "extends: ./cse.yaml\n", "extends: no such file: experiments/cse.yaml (did"),
    ("a name that is a number", "extends: 3\n", "extends: expected a name or a path, got 3"),
    (
        "a section that is a list",
        EXPERIMENT.replace(" small", " [1]"),
        "architecture: expected a map",
    ),
    (
        "a section left empty",
        EXPERIMENT.replace(" small", ""),
        "architecture: expected a mapping, got n",
    ),
]

BAD_VALUES: Sequence[tuple[str, str]] = [
    ("no equals sign", "expected KEY=VALUE"),
    ("=3", "expected a dotted path"),
    ("workload..rank=3", "expected a dotted path"),
    ("workload.tt_rank=[1", "--set workload.tt_rank: not YAML"),
    ("workload.tt_rnk=3", "--set workload.tt_rnk: unknown key (did you mean 'tt_rank'?)"),
    ("workload.tt_rank=0", "--set workload.tt_rank: must be"),
    ("workload.tt_rank=-4", "--set workload.tt_rank: must be"),
    ("workload.tt_rank=9", "--set workload.tt_rank: must be"),
    ("workload.tt_rank=1e2", "--set workload.tt_rank: expected a whole number, got 100.0"),
    ("workload.tt_rank='8'", "--set workload.tt_rank: expected a whole number, got '8'"),
    ("workload.tt_rank=true", "--set workload.tt_rank: expected a whole number, got true"),
    ("workload.tt_rank=", "--set workload.tt_rank: expected a whole number, got nothing"),
    ("workload.tt_rank.x=3", "workload.tt_rank is 2, nothing lies below it"),
    ("workload.encoders=99999999999999999999", "must be at most 9007199254740991"),
    ("workload.encoders=0", "--set workload.encoders: must be"),
    ("workload.heads=3", "workload.heads"),
    ("workload.tt_modes=[2, 2, 3]", "--set workload.tt_modes: "),
    ("workload.tt_modes=[2, -2, -2]", "--set workload.tt_modes"),
    ("workload.tt_modes=8", "--set workload.tt_modes: expected a list, got 8"),
    ("workload.ttm_modes=[[2, 4], [2, 4]]", "workload.ttm_modes"),
    ("workload.flow=sideways", "--set workload.flow: expected 'dense', 'bidirectional'"),
    ("workload.number_format=fp33", "fp33"),
    (
        "workload.learning_rate=.nan",
        "--set workload.learning_rate: expected a finite number, got nan",
    ),
    ("workload.kind=tensor_transfomer", "no workload named 'tensor_transfomer'"),
    ("workload=nowhere", "--set workload: no workload configuration named 'nowhere'"),
    ("energy=nowhere", "no energy configuration named 'nowhere' (known: a100, asic_16nm, "),
    ("workload=/nowhere.yaml", "--set workload: no such file: /nowhere.yaml"),
    ("architecture.components.bus.width=64", "one of bit, bits, B, got 64 without a unit"),
    ("architecture.components.bus.width=64 MHz", "one of bit, bits, B, got '64 MHz'"),
    ("architecture.components.bus.width=0.3 bit", "'0.3 bit' is not a whole number of bit"),
    ("architecture.components.bus.width=0 bit", "components.bus.width: must be >= 1, got 0"),
    ("architecture.components.bus.kind=lnk", "no component named 'lnk'; did you mean 'link'?"),
    ("architecture.components.dram.capacity=8 GB/s", "one of B, KiB, MiB, GiB, kB, MB, GB, got"),
    ("architecture.components.dram.capacty=8 GB", "unknown key (did you mean 'capacity'?)"),
    ("architecture.components.array.clock=9999999999 GHz", "must be at most 9007199254740991"),
    ("architecture.components.array.rows=0", "components.array.rows: must be >= 1, got 0"),
    ("architecture.components.array.number_formats=[fp23]", "did you mean 'fp32'?"),
    (
        "architecture.components.dram={extends: ddr4_240}",
        "dram.extends: no component configuration named 'ddr4_240' (did you mean 'ddr4_2400'?)",
    ),
    (
        "architecture.components.dram={extends: ddr4_2400, timing: {tRFC: 9999}}",
        "dram.timing.tRFC: must be <= tREFI - tRP - tRCD - 1 (9327), got 9999",
    ),
    ("architecture.components={}", "--set architecture.components: no compute unit"),
    ("architecture.routes=[]", "--set architecture.routes: unit 'array' reaches no memory"),
    ("architecture.placement.paramter=[dram]", "unknown key (did you mean 'parameter'?)"),
    ("energy.static_power=1 MHz", "--set energy.static_power: expected a number and one of mW, W"),
    ("energy.functions.mac.fp32=3", "energy.functions.mac.fp32: expected a number and one of fJ"),
    ("energy.functions.mak={}", "no such scalar function; did you mean 'mac'?"),
    ("epoch.steps=0", "--set epoch.steps: must be >= 1, got 0"),
    ("published.latency=3", "--set published.latency: unknown key"),
]


def write_all(write, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        write(name, content)


def assert_one_clear_message(code: int, out: str, err: str, fragment: str) -> None:
    assert fragment in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert len(err) < 1000
    assert out == ""
    assert code == 2


@pytest.mark.parametrize(
    ("content", "fragment"),
    [row[1:] for row in BAD_FILES],
    ids=[row[0] for row in BAD_FILES],
)
def test_a_bad_file_is_one_message(write, content, fragment):
    write_all(write, FILES | {"experiments/case.yaml": content})

    result = CliRunner().invoke(main, ["run", "experiments/case.yaml"])

    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


@pytest.mark.parametrize(("override", "fragment"), BAD_VALUES, ids=[row[0] for row in BAD_VALUES])
def test_a_bad_value_is_one_message(write, override, fragment):
    write_all(write, FILES)

    result = CliRunner().invoke(main, ["run", "experiments/case.yaml", "--set", override])

    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


@pytest.mark.parametrize(
    ("path", "fragment"),
    [
        ("experiments/cas.yaml", "cas.yaml: no such file (did you mean 'case.yaml'?)"),
        ("nowhere/case.yaml", "nowhere/case.yaml: no such file"),
        ("experiments", "experiments: a folder, not a file (it holds case.yaml)"),
        ("experiments/case.yaml/x", "cannot be read: Not a directory"),
        ("x" * 300, "cannot be read: File name too long"),
        ("", "a folder, not a file"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_message(write, path, fragment):
    write_all(write, FILES)

    result = CliRunner().invoke(main, ["run", path])

    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


def test_files_that_extend_each_other_are_shown_as_a_circle(write):
    files = {"a.yaml": "extends: ./b\n", "b.yaml": "extends: ./c\n", "c.yaml": "extends: ./b\n"}
    write_all(write, files)

    result = CliRunner().invoke(main, ["run", "a.yaml"])

    fragment = "c.yaml:1: extends: extends itself: b.yaml -> c.yaml -> b.yaml"
    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


def test_files_that_multiply_through_references_are_bounded(write):
    doubled = "".join(f"k{n}: {{extends: ./NEXT}}\n" for n in range(10))
    files = {f"f{n}.yaml": doubled.replace("NEXT", f"f{n + 1}") for n in range(12)}
    write_all(write, files | {"f12.yaml": "a: 1\n"})

    result = CliRunner().invoke(main, ["run", "f0.yaml"])

    fragment = "more than 100000 values in one document"
    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


def test_the_message_points_into_the_file_that_is_wrong(write):
    write_all(
        write, FILES | {"architectures/small.yaml": ARCHITECTURE.replace("rows: 4", "rows: 0")}
    )

    result = CliRunner().invoke(main, ["run", "experiments/case.yaml"])

    fragment = "architectures/small.yaml:3: architecture.components.array.rows: must be >= 1, got 0"
    assert_one_clear_message(result.exit_code, result.stdout, result.stderr, fragment)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["run", "experiments/case.yaml", "--set", "workload.tt_rank=0"], "tt_rank: must be"),
        (["run", "no.yaml"], "no.yaml: no such file"),
        (["check", "experiments/case.yaml", "no.yaml"], "no.yaml: no such file"),
    ],
)
def test_a_real_process_ends_with_code_2_and_no_traceback(write, arguments, fragment):
    write_all(write, FILES)
    command = [sys.executable, "-c", "from archsim.cli import main; main()", *arguments]

    done = subprocess.run(  # noqa: S603  (our own command)
        command, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert fragment in done.stderr
    assert "Traceback" not in done.stderr
