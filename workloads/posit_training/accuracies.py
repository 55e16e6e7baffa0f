"""Accuracies of the study as they were recorded, one per network, recipe and seed.

``python -m workloads.posit_training`` records them again: a minute of two processors.
"""

import json
from pathlib import Path

from workloads.posit_training.recipe import RECIPES
from workloads.posit_training.study import Row, accuracies, as_rows
from workloads.posit_training.training import NETWORKS, Schedule

FILE = Path(__file__).with_name("accuracies.json")
SHOWN = (
    "fp32",
    "posit16",
    "posit8",
    "posit8, no warm-up",
    "posit8, no scaling",
    "posit8, neither",
    "posit8, backward (8,1)",
    "posit8, backward (8,1), neither",
    "fp8",
    "int8",
)
"""Recipes that are recorded; ``python -m workloads.posit_training.study`` has all."""
CHOSEN = [recipe for recipe in RECIPES if recipe.name in SHOWN]
SEEDS, PROCESSES = 5, 2
SCHEDULE = Schedule(epochs=10)


def recorded() -> list[Row]:
    """Return the file's accuracies as intervals over seeds."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    values = {
        (network, recipe.name): found[network][recipe.name]
        for network in NETWORKS
        for recipe in CHOSEN
    }
    return as_rows(CHOSEN, values)


def record() -> None:
    """Train everything and write the file."""
    found = accuracies(tuple(NETWORKS), CHOSEN, SEEDS, SCHEDULE, processes=PROCESSES)
    nested = {
        network: {recipe.name: found[network, recipe.name] for recipe in CHOSEN}
        for network in NETWORKS
    }
    FILE.write_text(json.dumps(nested, indent=1) + "\n", encoding="utf-8")
