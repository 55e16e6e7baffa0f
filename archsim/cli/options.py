"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Let a command print for programs."""
    words = "Print one JSON object, nothing else."
    return click.option("--json", "as_json", is_flag=True, help=words)(command)


def workers_option(command: Command) -> Command:
    """Let a command be told how many processes to use."""
    words = "Processes; one a core by default."
    return click.option("--workers", type=click.IntRange(min=1), help=words)(command)


def out_folder(words: str) -> Callable[[Command], Command]:
    """Let a command write files into a folder."""
    return click.option("--out", type=click.Path(file_okay=False, path_type=Path), help=words)
