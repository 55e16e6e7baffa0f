"""Calibration as a graph of operations computes what the algorithm does."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import archsim
from archsim.experiment import prepare, read
from archsim.machine import simulate
from tests.conftest import EXPERIMENTS
from tests.workloads.pca_llm.networks import decoder
from workloads.pca_llm import Calibration, LanguageModel
from workloads.pca_llm.compression import compress
from workloads.pca_llm.ranks import inner_ratio
from workloads.pca_llm.weights import named_weights

SIZES = {
    "layers": 2,
    "hidden": 16,
    "heads": 4,
    "kv_heads": 2,
    "feed_width": 12,
    "rotary_base": 50.0,
    "number_format": "fp32",
    "importance": (2.0, 3.0),
    "ratio": 0.7,
}


@pytest.mark.parametrize("chunks", [1, 3])
def test_the_graph_makes_the_algorithms_weights(chunks):
    rng = np.random.default_rng(21)
    network = decoder(rng)
    model = Calibration(batch=6 // chunks, sequence=7, chunks=chunks, **SIZES)
    x = rng.standard_normal((6, 7, 16))
    ratio = inner_ratio(model.sides, model.ratio)
    graph = model.lower()

    weights = {n: a for n, a in named_weights(network).items() if n in graph.inputs}
    made = archsim.execute(graph, weights | model.step_inputs(x))

    expected = compress(network, x, ratio, importance=model.importance)
    assert len(set(model.widths)) == 2
    for name, array in named_weights(expected.network).items():
        if f"{name}.compressed" in made and "value" not in name and "projection" not in name:
            assert_allclose(made[f"{name}.compressed"], array, atol=1e-8)
    for number, block in enumerate(expected.network.blocks):
        name = f"layer{number}"
        rank = expected.value_ranks[number]
        value = made[f"{name}.value.weight.compressed"].reshape(16, 2, rank)
        out = made[f"{name}.projection.weight.compressed"].reshape(2, 2, rank, 16)
        # An eigenvector's sign is free: what the two do together is not.
        together = np.einsum("ehr,hiro->hieo", value, out)
        value = block.value.weight.reshape(16, 2, rank)
        out = block.projection.weight.reshape(2, 2, rank, 16)
        assert_allclose(together, np.einsum("ehr,hiro->hieo", value, out), atol=1e-8)
    last = np.concatenate([made[f"layer1.after{n}.output_residual"] for n in range(chunks)])
    assert_allclose(last, expected.network.states(x)[-1].reshape(-1, 16), atol=1e-8)


def test_weights_have_the_shapes_that_inference_reads():
    model = Calibration(batch=2, sequence=4, **SIZES)
    used = LanguageModel(variant="flat", vocabulary=9, **SIZES)

    graph = model.lower()

    shapes = {n: p.tensor.shape for n, p in used.parameters.items() if n.startswith("layer")}
    for name, shape in shapes.items():
        made = graph.tensors.get(f"{name}.compressed", graph.tensors[name])
        assert made.shape == shape


def test_both_engines_live_a_block_alike():
    overrides = {
        "workload.batch": 1,
        "workload.sequence": 16,
        "workload.hidden": 32,
        "workload.heads": 2,
        "workload.kv_heads": 2,
        "workload.feed_width": 48,
        "workload.chunks": 2,
    }
    _, experiment = read(EXPERIMENTS / "a100_llama2_7b_calibration.yaml", overrides)
    plan = prepare(experiment).schedule

    fast, event = (simulate(plan, experiment.architecture, engine=e) for e in ("fast", "event"))

    assert fast == event


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "svd"}, "variant: 'svd' is none of flat"),
        ({"step": "decode"}, "step: calibration reads whole sequences, got 'decode'"),
        ({"weight_format": "int8"}, "weight_format: calibration works on the model as it was"),
        ({"chunks": 0}, "chunks: must be in [1, 1048576], got 0"),
        ({"covariance_format": "fp65"}, "covariance_format: no number format named 'fp65'"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Calibration(**fields)
