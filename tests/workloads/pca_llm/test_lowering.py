"""The language model's graph computes what the numpy decoder does, in every variant."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import archsim
from archsim import formats
from archsim.ir import Role
from tests.workloads.pca_llm.networks import decoder, states
from workloads.pca_llm import LanguageModel
from workloads.pca_llm.baselines import factorise, sliced
from workloads.pca_llm.compression import compress, measured_importance
from workloads.pca_llm.ranks import inner_ratio
from workloads.pca_llm.weights import named_weights, rounded

SIZES = {
    "layers": 2,
    "hidden": 16,
    "heads": 4,
    "kv_heads": 2,
    "feed_width": 12,
    "vocabulary": 9,
    "rotary_base": 50.0,
    "number_format": "fp32",
}
MODEL = LanguageModel(batch=2, sequence=5, **SIZES)
RATIO = 0.7
WAYS = [("", "apart"), ("int8", "apart"), ("int4", "in_product")]


def compressed(variant):
    """A decoder of a variant, and the workload that is its like."""
    rng = np.random.default_rng(7)
    network = decoder(rng)
    calibration = states(rng, network)
    if variant == "dense":
        return network, MODEL
    if variant == "svd":
        return factorise(network, RATIO), replace(MODEL, variant=variant, ratio=RATIO)
    if variant == "slicegpt":
        model = replace(MODEL, variant=variant, ratio=RATIO)
        return sliced(network, calibration, model.width), model
    importance = measured_importance(network, calibration)
    model = replace(MODEL, variant=variant, ratio=RATIO, importance=importance)
    made = compress(network, calibration, inner_ratio(model.sides, RATIO))
    assert model.widths == tuple(zip(made.value_ranks, made.channels, strict=True))
    return made.network, model


VARIANTS = {name: compressed(name) for name in ("dense", "flat", "svd", "slicegpt")}


def words(model, extra=0):
    shape = (model.batch, model.sequence + extra)
    return np.random.default_rng(8).integers(model.vocabulary, size=shape)


@pytest.mark.parametrize(("weight_format", "dequantise"), WAYS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_prompt_and_a_word_more_are_the_decoders(variant, weight_format, dequantise):
    network, model = VARIANTS[variant]
    number_format = formats.parse(weight_format) if weight_format else None
    weights = named_weights(network, number_format)
    model = replace(model, weight_format=weight_format, dequantise=dequantise)
    tokens = words(model, extra=1)

    prompt = archsim.execute(model.lower(), weights | model.step_inputs(tokens[:, :-1]))
    later = replace(model, step="decode", sequence=model.sequence + 1)
    graph = later.lower()
    cache = {}
    for name in graph.inputs:
        if graph.tensors[name].role is Role.CACHE:
            kept = prompt[name].reshape(model.batch, model.kv_heads, model.sequence, -1)
            room = np.pad(kept, ((0, 0), (0, 0), (0, 1), (0, 0)))
            cache[name] = room.reshape(graph.tensors[name].shape)
    word = archsim.execute(graph, weights | cache | later.step_inputs(tokens[:, -1]))

    reference = rounded(network, number_format) if number_format else network
    expected = reference.logits(tokens)
    assert_allclose(prompt[model.lower().outputs[-1]], expected[:, -2], atol=1e-10)
    assert_allclose(word["classifier.output"], expected[:, -1], atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_and_cache_are_those_that_are_counted(variant):
    network, model = VARIANTS[variant]

    graph = replace(model, step="decode").lower()

    matrices = {n: a for n, a in named_weights(network).items() if n.startswith("layer")}
    counted = sum(array.size for array in matrices.values() if array.ndim == 2)
    assert network.parameters == counted == sum(model.block_parameters)
    held = [t for t in graph.tensors.values() if t.role is Role.CACHE and t.name in graph.inputs]
    assert sum(tensor.size_bytes for tensor in held) == replace(model, step="decode").cache_bytes


def test_drawn_parameters_fit_the_graph():
    _, model = VARIANTS["flat"]
    model = replace(model, weight_format="int4")
    rng = np.random.default_rng(9)

    result = archsim.execute(
        model.lower(), model.initial_parameters(rng) | model.step_inputs(words(model))
    )

    assert np.isfinite(result["classifier.output"]).all()
