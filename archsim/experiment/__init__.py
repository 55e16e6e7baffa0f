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
    run,
    simulate_experiment,
)

__all__ = [
    "Epoch",
    "Experiment",
    "MappingOptions",
    "Prepared",
    "check",
    "lower",
    "lower_experiment",
    "machine_search",
    "prepare",
    "provenance_of",
    "read",
    "run",
    "simulate_experiment",
]
