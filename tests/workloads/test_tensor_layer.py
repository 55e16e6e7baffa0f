"""TensorLayer: every format computes what its dense matrix does, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from archsim.contraction import ORDERS, LayerPlan, OrderTimes, search_training
from archsim.errors import InputError
from archsim.ir import Choice
from tests.workloads.test_tensor_layers import dense_truth
from workloads.tensor_layer import TensorLayer

SMALL = TensorLayer(in_modes=(4, 3), out_modes=(2, 5), rank=3, batch=6)
CASES = [
    (kind, order)
    for kind in ("tt", "ttm", "tr", "ht", "btd")
    for order in ("dense", *ORDERS)
    if (kind, order) not in {("ttm", "bidirectional"), ("btd", "bidirectional")}
]


class Optimal:
    """A machine that likes the trees of fewest multiply-accumulates, and shares them."""

    def find(self, network, order, number_format):
        return LayerPlan(trees=search_training(network, len(network.inputs) - 1))

    def seconds(self, network, order, number_format):
        return OrderTimes({order: 1.0, "optimal": 2.0}, {"left_to_right": 3.0})


@pytest.mark.parametrize(("kind", "order"), CASES)
def test_results_equal_the_dense_layer(kind, order):
    layer = replace(SMALL, format=kind, order=order)
    rng = np.random.default_rng(3)
    graph = layer.lower()
    arrays = {name: rng.standard_normal(graph.tensors[name].shape) for name in graph.inputs}

    results = execute(graph, arrays)

    assert results["Y"].shape == (6, 10)
    for target, expected in dense_truth(layer.network.cores, layer.network.sizes, arrays).items():
        np.testing.assert_allclose(results[target], expected, rtol=1e-10, atol=1e-10)


def test_the_default_is_the_tensor_train_of_the_transformer():
    """5 bonds of 12: 12·12 + 12·8·12 + 12·8·12, mirrored."""
    layer = TensorLayer()

    assert layer.network.parameters == 2 * (144 + 1152 + 1152)
    assert layer.lower().tensors["X"].shape == (32, 768)


def test_a_dense_layer_is_three_products_of_one_matrix():
    graph = TensorLayer(order="dense", batch=32).lower()

    assert graph.macs == 3 * 32 * 768 * 768
    assert graph.choices == ()


@pytest.mark.parametrize(
    ("kind", "rank", "expected"),
    [
        ("tt", 12, 4896),  # as above
        ("ttm", 12, 12 * 8 * 12 + 12 * 8 * 8 * 12 + 12 * 8 * 12),
        ("tr", 12, 12 * 12 * (12 + 8 + 8 + 8 + 8 + 12)),
        ("ht", 12, 12 * (12 + 8 + 8 + 8 + 8 + 12) + 4 * 12**3 + 12**2),
        ("btd", 8, 8**3 + 8 * (12 * 8 + 8 * 8 + 8 * 12)),
    ],
)
def test_a_format_holds_these_parameters(kind, rank, expected):
    layer = TensorLayer(format=kind, rank=rank, order="optimal")

    assert layer.network.parameters == expected


def test_an_order_for_a_machine_is_asked_of_it():
    layer = replace(SMALL, order="edp")

    graph = layer.lower_for(Optimal())

    assert graph.macs == replace(SMALL, order="shared_optimal").lower().macs
    assert graph.choices == (
        Choice("layer", "edp", "s", {"edp": 1.0, "optimal": 2.0}, {"left_to_right": 3.0}),
    )


def test_an_order_for_a_machine_is_refused_without_one():
    with pytest.raises(InputError, match="order 'latency' depends on the machine"):
        replace(SMALL, order="latency").lower()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "cp"}, "format: 'cp' is none of tt, ttm, tr, ht, btd"),
        ({"order": "backwards"}, "order: 'backwards' is none of dense, bidirectional"),
        ({"rank": 0}, r"rank: must be in \[1, 1048576\], got 0"),
        ({"batch": 0}, r"batch: must be in \[1, 16777216\], got 0"),
        ({"batch": 1 << 25}, r"batch: must be in \[1, 16777216\], got 33554432"),
        ({"in_modes": ()}, r"in_modes: every mode must be >= 1, and there must be one, got \(\)"),
        ({"out_modes": (2, -5)}, "out_modes: every mode must be >= 1, .* got 2 x -5"),
        ({"in_modes": (1 << 10, 1 << 11)}, "in_modes: 1024 x 2048 make more than 1048576"),
        (
            {"format": "ttm", "order": "optimal", "out_modes": (10,)},
            "out_modes: 1 output modes do not pair with 2 input modes, as format 'ttm' needs",
        ),
        ({"format": "ttm"}, "order: a core of format 'ttm' carries input and output modes"),
        ({"format": "btd"}, "order: a core of format 'btd' carries input and output modes"),
        ({"number_format": "fp31x"}, "number_format: no number format named 'fp31x'"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        replace(SMALL, **changes)


def test_a_dense_layer_needs_no_pairs_of_modes():
    layer = replace(SMALL, format="ttm", order="dense", out_modes=(10,))

    assert layer.lower().macs == 3 * 6 * 12 * 10
