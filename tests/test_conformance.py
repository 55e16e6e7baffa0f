"""What every component and every workload owes, whoever wrote it."""

import dataclasses

import pytest

from archsim.config import fields_of
from archsim.hardware import COMPONENTS, ChannelSpec, ComputeSpec, MemorySpec
from archsim.ir import WORKLOADS
from archsim.registry import load_plugins

load_plugins()


@pytest.mark.parametrize("name", tuple(COMPONENTS))
def test_a_component_is_of_one_sort_and_knows_its_name(name):
    spec = COMPONENTS[name]

    assert spec.kind == name
    assert issubclass(spec, ComputeSpec | ChannelSpec | MemorySpec)
    assert spec.__dataclass_params__.frozen


@pytest.mark.parametrize("registry", [COMPONENTS, WORKLOADS], ids=["components", "workloads"])
def test_each_is_a_frozen_dataclass_with_a_description(registry):
    for name in registry:
        spec = registry[name]
        assert dataclasses.is_dataclass(spec)
        assert spec.__doc__, name
        assert not spec.__doc__.startswith(f"{spec.__name__}("), f"{name} has no docstring"


@pytest.mark.parametrize("name", tuple(COMPONENTS))
def test_a_component_describes_each_of_its_fields(name):
    fields = fields_of(COMPONENTS[name]).values()
    undescribed = [field.name for field in fields if not field.description]

    assert undescribed == []


@pytest.mark.parametrize("name", tuple(WORKLOADS))
def test_a_workload_lowers_with_its_defaults(name):
    graph = WORKLOADS[name]().lower()

    assert graph.operations
    assert graph.macs > 0
