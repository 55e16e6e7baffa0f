"""Findings in a comparison's report: whose they are, and what they are, computed once.

What an experiment's workload shows is kept beside the runs until the report is written, under
the hash of its configuration, so that a comparison that was stopped need not find it again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from archsim import config
from archsim.comparison.kept import keep
from archsim.config import Section
from archsim.errors import ConfigError, InputError
from archsim.experiment import findings, read_workload
from archsim.ir.findings import BarChart, CurveChart, Finding, HasFindings, MapChart, Table

NAME, EXPERIMENT = "name", "experiment"
"""Keys of an entry that are no changes of its experiment."""
PLAIN: TypeAdapter[tuple[CurveChart | MapChart | BarChart | Table, ...]] = TypeAdapter(
    tuple[CurveChart | MapChart | BarChart | Table, ...],
    config=ConfigDict(ser_json_inf_nan="constants"),
)
"""Findings as JSON and back, each number to its last digit."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An experiment whose findings stand in the report."""

    experiment: Path
    overrides: Mapping[str, Any]
    name: str = ""
    """What tells its findings from those of others; nothing where it needs no telling."""

    def findings(self, kept: Path | None = None) -> tuple[Finding, ...]:
        """Return what the experiment shows; what lies in the folder of what is kept is not redone.

        Raises:
            InputError: if the experiment is wrong.
        """
        file = None
        if kept is not None:
            document = config.load(self.experiment, self.overrides)
            file = kept / f"{config.config_hash(document)}.findings.json"
        found: tuple[Finding, ...]
        if file is not None and file.exists():
            found = PLAIN.validate_json(file.read_bytes())
        else:
            found = findings(self.experiment, overrides=self.overrides)
            if file is not None:
                keep(file, PLAIN.dump_json(found))  # type: ignore[arg-type]
        return tuple(self._named(finding) for finding in found)

    def _named(self, finding: Finding) -> Finding:
        if not self.name:
            return finding
        prefix = re.sub("[^a-z0-9]+", "_", self.name.lower()).strip("_")
        return replace(
            finding, name=f"{prefix}_{finding.name}", title=f"{self.name}: {finding.title}"
        )


def read_shown(root: Section) -> tuple[Shown, ...]:
    """Read which experiments' findings a comparison's file wants in the report.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    section = root.get("findings")
    if section is None:
        return ()
    if not isinstance(section.data, list):
        raise section.fail("expected a list of experiments, e.g. [edfid_ramsey]")
    found: dict[tuple[str, type], str] = {}
    shown = []
    for number in range(len(section.data)):
        entry = section[str(number)]
        each = _entry(entry)
        kind = type(_workload(entry, each))
        first = found.setdefault((each.name, kind), str(number))
        if first != str(number):
            raise entry.fail(
                f"shows what findings.{first} shows", "give it a `name`, or leave it out"
            )
        shown.append(each)
    return tuple(shown)


def _entry(entry: Section) -> Shown:
    """Read the name of an experiment, or a mapping that has it with changes, as on an axis."""
    if isinstance(entry.data, str):
        return Shown(experiment=_file(entry), overrides={})
    if not isinstance(entry.data, dict):
        raise entry.fail(f"expected an experiment, or a mapping with one, got {entry.data!r}")
    name = entry.get(NAME)
    if name is not None and not (
        isinstance(name.data, str) and re.search("[a-zA-Z0-9]", name.data)
    ):
        raise name.fail(f"expected a text, got {name.data!r}")
    return Shown(
        experiment=_file(entry[EXPERIMENT]),
        overrides={key: entry[key].data for key in entry.keys if key not in (NAME, EXPERIMENT)},
        name=name.data if name else "",
    )


def _file(section: Section) -> Path:
    if not isinstance(section.data, str):
        raise section.fail(f"expected the name of an experiment, got {section.data!r}")
    path = section.path if section.path[-1] == EXPERIMENT else (*section.path, EXPERIMENT)
    return config.find(section.data, path, section.node.place)


def _workload(entry: Section, shown: Shown) -> HasFindings:
    """Return an experiment's workload, which must show something."""
    try:
        workload = read_workload(shown.experiment, shown.overrides)
    except ConfigError as error:
        raise entry.fail(str(error)) from error
    if not isinstance(workload, HasFindings):
        file = config.label_of(shown.experiment)
        raise entry.fail(f"the workload of {file} shows nothing by itself", "leave it out")
    return workload


def all_distinct(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings of several experiments, which must differ in name.

    Raises:
        InputError: if two have one name.
    """
    names = [finding.name for finding in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two findings are called {name!r}; give their experiments each a `name` under "
                "`findings`"
            )
    return found
