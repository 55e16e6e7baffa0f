"""Comparison files for those who write them: in a list, in words, and as a JSON Schema."""

import json

import pytest
from click.testing import CliRunner

from archsim.cli import main
from archsim.comparison import describe_json
from archsim.comparison.plan import CLAIM, SECTIONS
from tests.comparison.test_compare import COMPARISONS

U50 = COMPARISONS / "u50.yaml"


def call(*arguments):
    """The output of a command that succeeds."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_check_counts_the_cases_of_a_comparison():
    assert call("check", U50) == "comparison u50: 21 cases (3 model x 7 system)\n"


@pytest.mark.parametrize("name", [U50, "u50"])
def test_describe_says_what_a_comparison_asks(name):
    lines = call("describe", name).splitlines()

    assert lines[0] == "u50: a comparison of 21 cases (3 model x 7 system)"
    assert "  baseline: system RTX 3090, bi-directional, in each of 3 groups" in lines
    assert "  experiments: u50_atis_2enc, u50_atis_4enc, u50_atis_6enc" in lines
    assert "u50: a configuration, configs/comparisons/u50.yaml" in "\n".join(lines)


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
