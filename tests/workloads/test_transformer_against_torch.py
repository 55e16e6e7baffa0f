"""Three styles of transformer against torch: its layers, autograd and optimisers, in float64.

The sizes are small, as every size lowers alike; weights are built from cores by einsum.
"""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from tests.workloads.transformer_reference import FORMATS, STYLES

torch = pytest.importorskip("torch")
functional = pytest.importorskip("torch.nn.functional")
pytestmark = pytest.mark.reference


def linear(model, values, x, name):
    if f"{name}.weight" in values:
        weight = values[f"{name}.weight"]
    else:
        equation = FORMATS[model.linear]
        cores = [values[f"{name}.G{n}"] for n in range(equation.count(",") + 1)]
        product = torch.einsum(equation, *cores)
        weight = product.reshape(int(np.prod(product.shape[:3])), -1)
    return functional.linear(x, weight.T, values.get(f"{name}.bias"))


def norm(model, values, x, name):
    shape, gamma = (model.hidden,), values[f"{name}.gamma"]
    if model.norm == "rms_norm":
        return functional.rms_norm(x, shape, gamma, model.norm_epsilon)
    return functional.layer_norm(x, shape, gamma, values[f"{name}.beta"], model.norm_epsilon)


def rotated(model, x):
    """As transformers writes it: the halves of a head exchanged, one of them negated."""
    size = x.shape[-1]
    steps = torch.arange(0, size, 2, dtype=torch.float64) / size
    angles = torch.outer(torch.arange(x.shape[-2]), 1 / model.rotary_base**steps)
    angles = torch.cat([angles, angles], dim=-1)
    exchanged = torch.cat([-x[..., size // 2 :], x[..., : size // 2]], dim=-1)
    return x * angles.cos() + exchanged * angles.sin()


def attention(model, values, x, name):
    b, s, e = x.shape
    kv_heads = model.kv_heads or model.heads
    q, k, v = (
        linear(model, values, x, f"{name}.{part}").reshape(b, s, heads, -1).transpose(1, 2)
        for part, heads in (("query", model.heads), ("key", kv_heads), ("value", kv_heads))
    )
    if model.positions == "rotary":
        q, k = rotated(model, q), rotated(model, k)
    k, v = (torch.repeat_interleave(y, model.heads // kv_heads, dim=1) for y in (k, v))
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=model.causal)
    return linear(model, values, mixed.transpose(1, 2).reshape(b, s, e), f"{name}.projection")


def feed_forward(model, values, x, name):
    inner = linear(model, values, x, f"{name}.in")
    if model.feed_forward == "swiglu":
        inner = functional.silu(linear(model, values, x, f"{name}.gate")) * inner
    else:
        inner = functional.gelu(inner, approximate="tanh")
    return linear(model, values, inner, f"{name}.out")


def embedded(model, values, data):
    b, s, e = model.batch, model.sequence, model.hidden
    if model.input == "patches":
        kernel = values["embedding.patches.weight"].T
        kernel = kernel.reshape(e, model.channels, model.patch, model.patch)
        images = torch.as_tensor(data["images"])
        bias = values["embedding.patches.bias"]
        patches = functional.conv2d(images, kernel, bias, stride=model.patch)
        first = values["embedding.class"].expand(b, 1, e)
        x = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
        return x + values["embedding.positions"]
    x = functional.embedding(
        torch.as_tensor(data["tokens"]).reshape(b, s), values["embedding.table"]
    )
    if model.positions == "learned":
        x = x + values["embedding.positions"][:s]
    if model.segments:
        kinds = torch.as_tensor(data["segments"]).reshape(b, s)
        x = x + functional.embedding(kinds, values["embedding.segment.table"])
    return norm(model, values, x, "embedding.norm") if model.norm_place == "after" else x


def logits(model, values, data):
    x = embedded(model, values, data)
    for n in range(model.layers):
        name = f"layer{n}"
        if model.norm_place == "before":
            x = x + attention(model, values, norm(model, values, x, f"{name}.attention_norm"), name)
            y = norm(model, values, x, f"{name}.feed_forward_norm")
            x = x + feed_forward(model, values, y, f"{name}.feed_forward")
        else:
            y = attention(model, values, x, name)
            x = norm(model, values, x + y, f"{name}.attention_norm")
            y = feed_forward(model, values, x, f"{name}.feed_forward")
            x = norm(model, values, x + y, f"{name}.output_norm")
    if model.norm_place == "before":
        x = norm(model, values, x, "head.norm")
    if model.head != "tokens":
        x = x[:, 0]
    if model.head == "pooled_classifier":
        x = torch.tanh(linear(model, values, x, "pooler"))
    return linear(model, values, x, "classifier").reshape(-1, model.logits)


def drawn(model):
    rng = np.random.default_rng(1)
    initial = model.initial_parameters(rng)
    for name in model.parameters:
        initial[name] = initial[name] + 0.1 * rng.standard_normal(initial[name].shape)
    leaves = {
        name: torch.tensor(initial[name], dtype=torch.float64, requires_grad=True)
        for name in model.parameters
    }
    data = model.random_batch(rng)
    if model.head == "tokens":  # the last word of a sequence has no next one
        words = data["tokens"].reshape(model.batch, model.sequence)
        padding = np.full((model.batch, 1), -1)
        return initial, leaves, data, np.concatenate([words[:, 1:], padding], axis=1).reshape(-1)
    targets = rng.integers(model.classes, size=model.batch)
    given = {name: data[name] for name in ("tokens", "segments", "images") if name in data}
    if model.trains:
        data = model.step_inputs(targets=targets, **given)
    return initial, leaves, data, targets


@pytest.mark.parametrize("linear_kind", ["dense", *FORMATS])
@pytest.mark.parametrize("style", STYLES)
def test_logits_equal_torch_s(style, linear_kind):
    model = replace(STYLES[style], linear=linear_kind)
    initial, leaves, data, _ = drawn(model)
    graph = model.lower()

    results = execute(graph, initial | data)

    expected = logits(model, leaves, data).detach().numpy()
    np.testing.assert_allclose(results[graph.outputs[0]], expected, rtol=1e-10, atol=1e-12)


OPTIMIZERS = {
    "sgd": lambda model, leaves: torch.optim.SGD(leaves, lr=model.learning_rate),
    "adam": lambda model, leaves: torch.optim.Adam(leaves, lr=model.learning_rate, eps=1e-2),
}


@pytest.mark.parametrize("order", ["optimal", "shared_optimal"])
@pytest.mark.parametrize("linear_kind", ["dense", *FORMATS])
@pytest.mark.parametrize("style", STYLES)
def test_loss_gradients_and_updates_equal_torch_s(style, linear_kind, order):
    optimizer = "sgd" if order == "optimal" else "adam"
    model = replace(
        STYLES[style],
        mode="training",
        linear=linear_kind,
        order=order,
        optimizer=optimizer,
        learning_rate=0.01,
        adam_epsilon=1e-2,
    )
    initial, leaves, data, targets = drawn(model)
    optimiser = OPTIMIZERS[optimizer](model, leaves.values())

    results = execute(model.lower(), initial | data)
    expected = functional.cross_entropy(
        logits(model, leaves, data), torch.as_tensor(targets), ignore_index=-1
    )
    expected.backward()
    optimiser.step()

    assert results["loss"] == pytest.approx(expected.item(), rel=1e-9)
    for name, leaf in leaves.items():
        gradient = leaf.grad.numpy()
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(
            results[f"{name}.gradient"], gradient, rtol=0, atol=1e-9 * scale, err_msg=name
        )
        np.testing.assert_allclose(
            results[f"{name}.updated"], leaf.detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=name
        )
