"""Comparison files for those who write them: in a list, in words, and as a JSON Schema."""

import json

import pytest
from click.testing import CliRunner

from archsim.cli import main
from archsim.comparison import describe_json
from archsim.comparison.plan import CLAIM, SECTIONS
from tests.comparison.test_compare import SMALL


def call(*arguments):
    """The output of a command that succeeds."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture
def small(tmp_path):
    """A file of five cases: two sizes on three clocks, but for one."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


def test_check_counts_the_cases_of_a_comparison(small):
    assert call("check", small) == "comparison small: 5 cases (2 size x 3 clock)\n"


def test_describe_says_what_a_comparison_asks(small):
    text = call("describe", small)

    assert text.splitlines()[0] == "small: a comparison of 5 cases (2 size x 3 clock)"
    assert "\n  baseline: clock slow, in each of 2 groups\n  experiments: array_gemm\n" in text
    assert "\nsmall: a configuration, " in text


def test_describe_finds_a_comparison_by_its_name():
    text = call("describe", "u50")

    assert text.startswith("u50: a comparison of ")
    assert "u50: a configuration, configs/architectures/u50.yaml" in text


def test_the_list_of_configurations_tells_what_a_comparison_is_about():
    (line,) = [line for line in call("list", "configs").splitlines() if "comparisons/u50" in line]

    assert line.endswith(
        "comparisons: Training a tensorised transformer on an Alveo U50 and on an RTX 3090"
    )


def test_describe_explains_the_keys_of_a_comparison():
    text = call("describe", "comparison")

    assert all(section in text for section in (*SECTIONS, *CLAIM))


def test_the_schema_has_the_keys_that_are_read():
    schema = json.loads(call("describe", "comparison", "--json"))

    assert schema == describe_json("comparison")
    assert set(schema["properties"]) == {*SECTIONS, "extends"}
    assert set(schema["properties"]["published"]["items"]["properties"]) == {*CLAIM, "source"}
    assert schema["required"] == ["baseline"]
