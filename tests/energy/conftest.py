"""A small energy table with round numbers, and the tables that come with archsim."""

from functools import cache
from pathlib import Path

import pytest

from archsim.config import build
from archsim.config import load as load_document
from archsim.energy import EnergyTable, Process


@pytest.fixture
def table_fields():
    """Fields of a table whose prices are easy to multiply in one's head."""
    return {
        "name": "round",
        "description": "round numbers",
        "process": Process(node=45, voltage=0.9),
        "functions": {"mac": {"fp32": 5.0, "int8": 1.0}, "exp": {"fp32": 50.0}},
        "traffic": {"bram": {"read": 0.25, "write": 0.5}, "dram": {"read": 4.0}},
        "computing": ("processing_array", "vector_unit"),
        "factors": {"processing_array": 2.0, "vector_unit": 1.0, "bram": 1.0, "dram": 1.0},
        "static_power": 10.0,
    }


@pytest.fixture
def table(table_fields):
    return EnergyTable(**table_fields)


CONFIGS = Path(__file__).parents[2] / "configs" / "energy"


@pytest.fixture(scope="session")
def load_table():
    """Load one of the tables that come with archsim, by name."""

    @cache
    def load(name):
        return build(EnergyTable, load_document(CONFIGS / f"{name}.yaml").root)

    return load


@pytest.fixture(scope="session")
def load_sources():
    """Load the sources of every number in a table, by dotted path; empty where there is none."""

    def load(name):
        nodes = load_document(CONFIGS / f"{name}.yaml").root.node.walk()
        return {
            ".".join(path): node.source
            for path, node in nodes
            if not isinstance(node.value, dict | list)
            and path[0] not in ("name", "description", "computing")
        }

    return load
