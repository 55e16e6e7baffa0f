"""The matrix product as a workload."""

import numpy as np
import pytest

import archsim
from archsim.formats import Posit
from archsim.ir import Role
from tests.conftest import EXPERIMENTS
from workloads.gemm import Gemm


def test_it_is_one_product_of_the_given_shape():
    graph = Gemm(m=3, n=5, k=7, batch=2).lower()

    assert [operation.kind for operation in graph.operations] == ["contraction"]
    assert graph.macs == 2 * 3 * 5 * 7
    random = np.random.default_rng(1)
    a, b = random.standard_normal((2, 3, 7)), random.standard_normal((2, 7, 5))
    np.testing.assert_allclose(archsim.execute(graph, {"A": a, "B": b})["C"], a @ b)


def test_a_posit_is_a_number_format_like_any_other():
    """The product is rounded as its tensors are: 1.03 to 1 + 2**-5, its square to 1 + 2**-4."""
    graph = Gemm(m=1, n=1, k=1, number_format="posit(8,0)").lower()
    value = np.full((1, 1, 1), 1.03)

    found = archsim.execute(graph, {"A": value, "B": value}, round_to_format=True)

    assert graph.tensors["C"].format == Posit(8, 0)
    assert found["A"].item() == 1 + 2.0**-5
    assert found["C"].item() == 1 + 2.0**-4


def test_a_machine_of_posits_runs_it():
    experiment = EXPERIMENTS / "array_gemm.yaml"
    posits = {
        "workload.number_format": "posit(8,1)",
        "architecture.components.array.number_formats": ["posit(8,1)"],
        'energy.functions.mac."posit(8,1)"': "0.1 pJ",
    }

    eight, sixteen = (
        archsim.run(experiment, overrides=chosen)
        for chosen in (posits, {"workload.number_format": "fp16"})
    )

    assert eight.ticks <= sixteen.ticks
    assert 0 < eight.energy_j < sixteen.energy_j


@pytest.mark.parametrize(
    ("fields", "role"),
    [({}, Role.PARAMETER), ({"batch": 2}, Role.DATA), ({"weights": False}, Role.DATA)],
)
def test_the_second_operand_is_a_parameter_unless_it_is_batched_or_said_not_to_be(fields, role):
    assert Gemm(m=2, n=2, k=2, **fields).lower().tensors["B"].role is role


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"m": 0}, r"m: must be in \[1, 16777216\], got 0"),
        ({"batch": -1}, "batch: must be"),
        ({"k": 1 << 25}, "k: must be"),
        ({"number_format": "fp33"}, "number_format: .*fp32"),
    ],
)
def test_a_bad_field_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Gemm(**fields)
