"""What the workload of an experiment shows by itself, on no machine."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

from archsim.errors import InputError
from archsim.experiment.experiment import read_workload
from archsim.ir.findings import Finding, HasFindings

NAME = re.compile(r"[a-z0-9_]+")
"""What a finding may be called: its files have the name."""


def findings(
    path: str | Path, *, overrides: Mapping[str, object] | None = None
) -> tuple[Finding, ...]:
    """Return what the workload of the experiment in a file shows by itself; may take its time.

    Nothing where it has no ``findings()``.

    Raises:
        InputError: if the file, or a finding's name, is wrong.
    """
    workload = read_workload(path, overrides)
    return findings_of(workload) if isinstance(workload, HasFindings) else ()


def findings_of(workload: HasFindings) -> tuple[Finding, ...]:
    """Return what a workload shows, under names that differ and that files may have.

    Raises:
        InputError: for any other name, or values with which it cannot be computed.
    """
    try:
        found = tuple(workload.findings())
    except ValueError as error:
        raise InputError(f"findings of {type(workload).__name__}: {error}") from error
    names = [finding.name for finding in found]
    for name in names:
        if not NAME.fullmatch(name) or names.count(name) > 1:
            raise InputError(
                f"{type(workload).__name__}: a finding is called {name!r}; names are of a-z, 0-9 "
                "and _, each for one finding"
            )
    return found


def findings_in_words(path: str | Path, *, overrides: Mapping[str, object] | None = None) -> str:
    """Return what a workload's findings are of, without computing them; nothing without any.

    It is what the first line on ``findings()`` says after its verb.

    Raises:
        ConfigError: if the file is wrong.
    """
    workload = read_workload(path, overrides)
    if not isinstance(workload, HasFindings):
        return ""
    line = (inspect.getdoc(workload.findings) or "").partition("\n")[0]
    return line.partition(" ")[2].removesuffix(".")
