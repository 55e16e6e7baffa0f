"""The public surface: names that users, issues and other tools rely on."""

import importlib
import subprocess
import sys

import pytest

import archsim


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("archsim", "run"),
        ("archsim", "lower"),
        ("archsim", "execute"),
        ("archsim", "sweep"),
        ("archsim.experiment", "findings"),
        ("archsim.formats", "Posit"),
        ("archsim.formats", "parse"),
        ("archsim.hardware", "ButterflySpec"),
        ("archsim.hardware", "ProcessingArraySpec"),
        ("workloads.ctc_decoding", "PackedLexicon"),
        ("workloads.ctc_decoding", "beam_search"),
        ("workloads.lora_diffusion", "lora_step"),
        ("workloads.posit_training", "study"),
        ("workloads.tensor_layers", "training_graph"),
        ("workloads.pca_llm", "allocate_ranks"),
        ("workloads.pca_llm", "head_pca"),
        ("workloads.pca_llm", "select_channels"),
        ("workloads.spin_dynamics", "free_induction_decay"),
        ("workloads.spin_dynamics", "hahn_echo"),
        ("workloads.spin_dynamics", "pair_signal"),
    ],
)
def test_a_public_name_exists_and_is_described(module, name):
    value = getattr(importlib.import_module(module), name)

    assert callable(value)
    assert value.__doc__


def test_sweep_can_be_called_whether_or_not_its_package_was_imported():
    code = """
import archsim
first = archsim.sweep
import archsim.sweep.run
assert callable(first) and callable(archsim.sweep)
try:
    archsim.sweep("none.yaml")
except archsim.errors.InputError as error:
    assert "no such file" in str(error)
"""

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


def test_an_unknown_attribute_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulate'"):
        archsim.simulate  # noqa: B018


@pytest.mark.parametrize("heavy", ["simpy", "pandas", "matplotlib", "networkx", "pydantic"])
def test_importing_the_package_loads_nothing_heavy(heavy):
    code = f"import archsim, sys; sys.exit({heavy!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


def test_phases_and_macs_are_read_off_a_graph_in_topological_order(atis_graph):
    phases = {"forward", "backward", "weight_gradient", "update", "inference"}
    made = set(atis_graph.inputs)

    for operation in atis_graph.operations:
        assert operation.phase in phases
        assert operation.kind
        assert operation.macs >= 0
        assert {tensor.name for tensor in operation.inputs} <= made
        made |= {tensor.name for tensor in operation.outputs}
