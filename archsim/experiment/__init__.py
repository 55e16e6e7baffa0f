"""One run, from its configuration to its result: the only package that sees every part."""

from archsim.experiment.experiment import (
    Epoch,
    Experiment,
    MappingOptions,
    Prepared,
    check,
    lower,
    lower_experiment,
    machine_search,
    prepare,
    provenance_of,
    read,
    read_workload,
    run,
    simulate_experiment,
)
from archsim.experiment.findings import findings, findings_in_words, findings_of

__all__ = [
    "Epoch",
    "Experiment",
    "MappingOptions",
    "Prepared",
    "check",
    "findings",
    "findings_in_words",
    "findings_of",
    "lower",
    "lower_experiment",
    "machine_search",
    "prepare",
    "provenance_of",
    "read",
    "read_workload",
    "run",
    "simulate_experiment",
]
