"""The matrix product as a workload."""

import numpy as np
import pytest

import archsim
from archsim.ir import Role
from workloads.gemm import Gemm


def test_it_is_one_product_of_the_given_shape():
    graph = Gemm(m=3, n=5, k=7, batch=2).lower()

    assert [operation.kind for operation in graph.operations] == ["contraction"]
    assert graph.macs == 2 * 3 * 5 * 7
    random = np.random.default_rng(1)
    a, b = random.standard_normal((2, 3, 7)), random.standard_normal((2, 7, 5))
    np.testing.assert_allclose(archsim.execute(graph, {"A": a, "B": b})["C"], a @ b)


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
