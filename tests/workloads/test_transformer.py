"""The transformer of real size: its numbers are those of plain numpy, its fields are checked."""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from archsim.ir import WORKLOADS, Phase, Role
from tests.workloads.transformer_reference import (
    BERT,
    FORMATS,
    LLAMA,
    STYLES,
    VIT,
    densified,
    loss,
    result,
    weight,
)
from workloads.transformer import Transformer
from workloads.transformer.data import next_tokens

BLOCK = replace(LLAMA, input="states", head="none", layers=1)
ENDS = {
    "block": BLOCK,
    "pooler": replace(BERT, head="pooler"),
    "bare encoder": replace(BERT, head="none", segments=0, max_positions=3, feed_forward="relu"),
    "decoder with learned positions": replace(
        LLAMA,
        positions="learned",
        norm="layer_norm",
        feed_forward="gelu",
        biases=("query", "head"),
        kv_heads=0,
    ),
    "one shared head": replace(LLAMA, kv_heads=1, batch=1, head="classifier"),
    "images with spare positions": replace(VIT, max_positions=8, batch=1),
    "jacobian": replace(LLAMA, softmax_backward="jacobian", positions="none"),
    "tensorised head": replace(
        BERT, linear="tensor_train", tensorised=("head",), classes=12, kv_heads=1
    ),
}
"""Other choices of fields than the three styles make."""


def drawn(model, seed=3):
    """Parameters and state away from zero and one, and data."""
    rng = np.random.default_rng(seed)
    values = model.initial_parameters(rng)
    for name in model.parameters:
        values[name] = values[name] + 0.2 * rng.standard_normal(values[name].shape)
    return values, model.random_batch(rng)


def test_it_is_a_registered_workload():
    assert WORKLOADS["transformer"] is Transformer


@pytest.mark.parametrize("model", [*STYLES.values(), *ENDS.values()], ids=[*STYLES, *ENDS])
def test_inference_gives_the_numbers_of_a_dense_transformer(model):
    values, data = drawn(model)
    graph = model.lower()

    results = execute(graph, values | data)

    expected = result(model, values, data)
    assert {op.phase for op in graph.operations} == {Phase.INFERENCE}
    assert len(graph.outputs) == 1
    np.testing.assert_allclose(results[graph.outputs[0]], expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("linear", FORMATS)
@pytest.mark.parametrize("style", STYLES)
def test_tensorised_inference_gives_them_too(style, linear):
    model = replace(STYLES[style], linear=linear, order="optimal")
    values, data = drawn(model)
    graph = model.lower()

    results = execute(graph, values | data)

    expected = result(model, values, data)
    np.testing.assert_allclose(results[graph.outputs[0]], expected, rtol=1e-11, atol=1e-13)


def assert_gradients_are_differences(model):
    """Along one random direction of every parameter; the truncation error is of order 1e-9."""
    values, data = drawn(model)
    dense = densified(model, values)
    rng = np.random.default_rng(7)

    def moved(name, change):
        if ".G" not in name:
            return dense | {name: values[name] + change}
        layer = name.rpartition(".G")[0]
        whole = weight(model, values | {name: values[name] + change}, layer)
        return dense | {f"{layer}.weight": whole}

    results = execute(model.lower(), values | data)

    assert model.parameters
    for name in model.parameters:
        direction = rng.standard_normal(values[name].shape)
        sides = [loss(model, moved(name, step * direction), data) for step in (1e-5, -1e-5)]
        along = float((results[f"{name}.gradient"] * direction).sum())
        assert along == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-8), name
        updated = values[name] - model.learning_rate * results[f"{name}.gradient"]
        np.testing.assert_allclose(results[f"{name}.updated"], updated, rtol=1e-12, atol=1e-15)
    return results, values, data


@pytest.mark.parametrize("model", [*STYLES.values(), *ENDS.values()], ids=[*STYLES, *ENDS])
def test_loss_gradients_and_updates_are_those_of_a_dense_transformer(model):
    model = replace(model, mode="training", learning_rate=0.1)

    results, values, data = assert_gradients_are_differences(model)

    if "dY" not in data:
        assert results["loss"] == pytest.approx(loss(model, values, data), rel=1e-12)


@pytest.mark.parametrize("linear", FORMATS)
@pytest.mark.parametrize(
    ("style", "order"),
    [
        ("bert", "shared_optimal"),
        ("vit", "optimal"),
        ("llama", "optimal"),
        ("llama", "shared_optimal"),
    ],
)
def test_gradients_of_cores_are_the_loss_s_central_differences(style, linear, order):
    model = replace(STYLES[style], layers=1, mode="training", linear=linear, order=order)

    assert_gradients_are_differences(model)


@pytest.mark.parametrize("order", ["bidirectional", "right_to_left", "left_to_right", "greedy"])
def test_every_order_computes_the_same(order):
    model = replace(BERT, mode="training", linear="tensor_train")
    values, data = drawn(model)
    expected = execute(model.lower(), values | data)

    results = execute(replace(model, order=order).lower(), values | data)

    for name in model.parameters:
        found = results[f"{name}.gradient"]
        np.testing.assert_allclose(found, expected[f"{name}.gradient"], rtol=1e-9, atol=1e-13)


def test_the_gradient_of_states_handed_in_is_an_output():
    model = replace(BLOCK, mode="training")
    values, data = drawn(model)
    graph = model.lower()
    direction = np.random.default_rng(1).standard_normal(data["X"].shape)

    results = execute(graph, values | data)

    sides = [
        loss(model, values, data | {"X": data["X"] + shift * direction}) for shift in (1e-5, -1e-5)
    ]
    assert "layer0.input.gradient" in graph.outputs
    along = float((results["layer0.input.gradient"] * direction).sum())
    assert along == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6)


def test_adam_keeps_moments_between_steps():
    """After one step from zero the moments are (1 - beta) times the gradient, or its square."""
    model = replace(VIT, mode="training", optimizer="adam", adam_beta1=0.8, adam_beta2=0.9)
    values, data = drawn(model)

    results = execute(model.lower(), values | data)
    after = model.next_parameters(results)

    for name in model.parameters:
        gradient = results[f"{name}.gradient"]
        np.testing.assert_allclose(after[f"{name}.first_moment"], 0.2 * gradient, rtol=1e-12)
        np.testing.assert_allclose(after[f"{name}.second_moment"], 0.1 * gradient**2, rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("style", STYLES)
def test_every_parameter_is_updated_once_in_its_own_storage(style, optimizer):
    model = replace(STYLES[style], mode="training", optimizer=optimizer, linear="tensor_ring")
    graph = model.lower()

    held = {n for n in graph.inputs if graph.tensors[n].role in (Role.PARAMETER, Role.STATE)}
    updates = [op for op in graph.operations if op.phase is Phase.UPDATE]
    assert sorted(op.overwrites for op in updates) == sorted(held)
    assert set(model.initial_parameters(np.random.default_rng(0))) == held
    assert set(graph.outputs) == {"loss", *(op.output.name for op in updates)}


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("model", [*STYLES.values(), *ENDS.values()], ids=[*STYLES, *ENDS])
def test_inputs_are_parameters_and_data(model, mode):
    model = replace(model, mode=mode)
    values, data = drawn(model)

    assert set(model.lower().inputs) == {*values, *data}


def test_a_causal_model_sees_no_later_token():
    values, data = drawn(LLAMA)
    later = np.tile([0, 0, 1, 1], 2)
    other = {**data, "tokens": (data["tokens"] + later) % 9}
    graph = LLAMA.lower()

    logits = execute(graph, values | data)["classifier.output"].reshape(2, 4, 9)
    changed = execute(graph, values | other)["classifier.output"].reshape(2, 4, 9)

    np.testing.assert_array_equal(logits[:, :2], changed[:, :2])
    assert np.abs(logits[:, 2:] - changed[:, 2:]).max() > 1e-3


def test_rows_without_a_target_are_left_out_of_the_mean():
    """-1 stands for no target: the loss is the mean over the two others."""
    model = replace(LLAMA, batch=1, mode="training")
    values, _ = drawn(model)
    words = [[1, 2, 3, 4]]

    def found(targets):
        return execute(model.lower(), values | model.step_inputs(tokens=words, targets=targets))

    logits = result(model, values, model.step_inputs(tokens=words, targets=[[0, 0, 0, 0]]))
    likely = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    assert found([[5, -1, 6, -1]])["loss"] == pytest.approx(-(likely[0, 5] + likely[2, 6]) / 2)
    assert next_tokens(words).tolist() == [[2, 3, 4, -1]]


def test_data_that_no_step_reads_or_that_is_missing_is_refused_by_name():
    with pytest.raises(ValueError, match="images: the step reads no such data but tokens, "):
        BERT.step_inputs(images=np.zeros(3), tokens=np.zeros(6))
    with pytest.raises(ValueError, match="segments: the step reads it, and it is not given"):
        BERT.step_inputs(tokens=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="target_places: the step reads it"):
        replace(VIT, mode="training").step_inputs(images=np.zeros((2, 3, 4, 4)))


def test_every_tensor_has_the_number_format_asked_for():
    graph = replace(LLAMA, number_format="bf16").lower()

    assert {t.format.name for t in graph.tensors.values()} == {"bf16", "int32"}


REAL = replace(
    Transformer(), linear="tensor_train_matrix", modes=((12, 8, 8), (16, 16, 12)), rank=12
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "trainig"}, "mode: 'trainig' is none of inference, training; did you mean"),
        ({"linear": "tensor_trane"}, "linear: 'tensor_trane' is .*; did you mean 'tensor_train'"),
        ({"order": "optimum"}, "order: 'optimum' is none of .*; did you mean 'optimal'"),
        ({"tensorised": ("querry",)}, "tensorised: 'querry' is none of .* mean 'query'"),
        ({"biases": ("all",)}, "biases: 'all' is none of query, "),
        ({"tensorised": ()}, "tensorised: names no layer to hold as tensor_train_matrix"),
        ({"tensorised": ("gate",)}, "tensorised: names no layer"),  # a plain net has no gate
        ({"heads": 5}, "heads: 5 heads do not divide hidden 768"),
        ({"kv_heads": 5}, "kv_heads: 5 heads of keys and values do not divide 12 heads"),
        ({"kv_heads": 24}, r"kv_heads: must be in \[0, 12\], got 24"),
        ({"positions": "rotary", "heads": 256}, "positions: rotary turns pairs .* has 3"),
        ({"sequence": 513}, "sequence: 513 tokens are more than the 512 learned positions"),
        ({"modes": ((12, 8, 7), (16, 16, 12))}, "modes: 12 x 8 x 7 make 672, tensorised layers"),
        ({"modes": ((12, 8, 8),)}, "modes: none of 12 x 8 x 8 make 3072"),
        ({"modes": ((12, 64), (16, 16, 12))}, "modes: .* 768 inputs of feed_in have 2 and its"),
        ({"modes": ((0, 8),)}, "modes: every mode must be >= 1, got 0 x 8"),
        ({"modes": ((),)}, r"modes: every mode must be >= 1, got \(\)"),
        ({"modes": (), "feed_width": 3079}, "modes: give some; 3079 has no 3 factors"),
        ({"rank": 769}, r"rank: must be in \[1, 768\], the fewest features .* got 769"),
        ({"rank": 0}, r"rank: must be in \[1, 768\]"),
        ({"order": "bidirectional"}, "order: a core of a tensor_train_matrix carries"),
        ({"order": "latency"}, "order: 'latency' is searched for steps of training"),
        ({"input": "patches"}, "sequence: must be 197, the 196 patches .* got 128"),
        ({"input": "patches", "patch": 15}, "patch: 15 pixels do not divide the image's 224"),
        ({"input": "patches", "positions": "none"}, "positions: those of images are learned"),
        ({"layers": 0}, r"layers: must be in \[1, 1024\], got 0"),
        ({"batch": -1}, "batch: must be in"),
        ({"vocabulary": 0}, "vocabulary: must be in"),
        ({"segments": -1}, "segments: must be in"),
        ({"norm_epsilon": 0.0}, "norm_epsilon: must be > 0 and finite"),
        ({"rotary_base": float("inf")}, "rotary_base: must be > 0 and finite"),
        ({"adam_beta1": 1.0}, r"adam_beta1: must be in \[0, 1\), got 1.0"),
        ({"number_format": "fp31x"}, "number_format: no number format named 'fp31x'"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        replace(REAL, **changes)


def test_a_dense_model_needs_no_modes():
    assert replace(REAL, linear="dense", feed_width=3079).lower().macs > 0
