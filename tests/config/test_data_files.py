"""Files of data that a configuration names: relative to whoever says it, and there."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from archsim import config
from archsim.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads a file, if any."""

    words: Path | None = None
    """A file of words."""
    count: int = 1
    """How many."""


def test_a_path_starts_at_the_file_that_says_it(write, tmp_path):
    write("data/words.txt", "a")
    file = write("configs/inner/x.yaml", "workload: {words: ../../data/words.txt, count: 2}")

    reader = config.build(Reader, config.load(file)["workload"])

    assert reader.words.resolve() == tmp_path / "data" / "words.txt"
    assert reader.count == 2


def test_a_path_of_an_override_starts_where_the_user_is(write, tmp_path):
    write("here.txt", "a")
    file = write("configs/x.yaml", "workload: {count: 2}")

    document = config.load(file, {"workload.words": "here.txt"})

    assert config.build(Reader, document["workload"]).words.resolve() == tmp_path / "here.txt"


def test_a_path_of_an_extended_file_starts_there(write, tmp_path):
    write("lists/words.txt", "a")
    write("lists/base.yaml", "words: words.txt")
    file = write("x.yaml", "workload: {extends: lists/base.yaml}")

    reader = config.build(Reader, config.load(file)["workload"])

    assert reader.words.resolve() == tmp_path / "lists" / "words.txt"


def test_no_file_is_needed_where_none_is_named(write):
    file = write("x.yaml", "workload: {words: null}")

    assert config.build(Reader, config.load(file)["workload"]) == Reader()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{words: none.txt}", r"^x\.yaml:1: workload\.words: no such file: none\.txt$"),
        ("{words: 3}", r"^x\.yaml:1: workload\.words: expected the path of a file, got 3"),
    ],
)
def test_a_missing_file_is_named_with_its_line(write, text, message):
    file = write("x.yaml", f"workload: {text}")

    with pytest.raises(ConfigError, match=message):
        config.build(Reader, config.load(file)["workload"])
