"""Findings as files: a picture and the numbers of each."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from archsim.ir.findings import Finding
from archsim.report.findings.figures import finding_figure
from archsim.report.findings.origin import Origin
from archsim.report.findings.rows import finding_csv


def file_name(finding: Finding) -> str:
    """Return the name of a finding's files, without its ending."""
    return f"findings_{finding.name}"


def finding_figures(findings: Sequence[Finding], origin: Origin) -> Mapping[str, Figure]:
    """Return a figure of each finding by the name of its files."""
    return {file_name(finding): finding_figure(finding, origin) for finding in findings}


def finding_tables(findings: Sequence[Finding]) -> Mapping[str, bytes]:
    """Return the numbers of each finding by the name of their file."""
    return {f"{file_name(finding)}.csv": finding_csv(finding).encode() for finding in findings}
