"""The transformer's loss written down once more: plain numpy, dense weights, no graph."""

import numpy as np
from numpy.typing import NDArray

from workloads.tensor_transformer import TensorTransformer

Values = dict[str, NDArray[np.float64]]

LINEARS = ("query", "key", "value", "projection", "feed_forward.in", "feed_forward.out")


def linear_names(model: TensorTransformer) -> list[str]:
    """The hidden x hidden layers."""
    encoders = [f"encoder{n}.{part}" for n in range(model.encoders) for part in LINEARS]
    return [*encoders, "intent.hidden", "slots.hidden"]


def weight(values: Values, name: str) -> NDArray[np.float64]:
    """A layer's matrix, input features by output features, from its cores if it has any."""
    if f"{name}.weight" in values:
        return values[f"{name}.weight"]
    cores = []
    while f"{name}.G{len(cores)}" in values:
        cores.append(values[f"{name}.G{len(cores)}"])
    product = cores[0]
    for core in cores[1:]:
        product = np.tensordot(product, core, axes=1)
    features = int(np.sqrt(product.size))
    return product.reshape(features, features)


def table(values: Values) -> NDArray[np.float64]:
    """The embedding's table, tokens by features."""
    if "embedding.table" in values:
        return values["embedding.table"]
    product = np.ones((1, 1, 1))  # tokens, features, bond
    number = 0
    while f"embedding.core{number}" in values:
        core = values[f"embedding.core{number}"]
        rows, features = product.shape[0] * core.shape[0], product.shape[1] * core.shape[2]
        product = np.einsum("var,wrbs->vwabs", product, core).reshape(rows, features, -1)
        number += 1
    return product[:, :, 0]


def densified(model: TensorTransformer, values: Values) -> Values:
    """The parameters of the dense model that computes the same."""
    found = {
        name: array
        for name, array in values.items()
        if ".G" not in name and not name.startswith("embedding.core")
    }
    found |= {f"{name}.weight": weight(values, name) for name in linear_names(model)}
    return found | {"embedding.table": table(values)[: model.vocabulary]}


def loss(model: TensorTransformer, values: Values, data: Values) -> float:
    """Mean cross-entropy of the intents plus that of the slots."""
    b, s, e, h = model.batch, model.sequence, model.hidden, model.heads

    def norm(x, name):
        centered = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centered**2).mean(-1, keepdims=True) + model.layer_norm_epsilon)
        return centered / spread * values[f"{name}.gamma"] + values[f"{name}.beta"]

    def linear(x, name):
        return x @ weight(values, name) + values[f"{name}.bias"]

    def attention(x, name):
        q, k, v = (
            linear(x, f"{name}.{part}").reshape(b, s, h, e // h).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(e // h)
        weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        return (weights @ v).transpose(0, 2, 1, 3).reshape(b, s, e)

    def active(x):
        if model.activation == "relu":
            return np.where(x > 0, x, 0)
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    def cross_entropy(x, name, targets):
        logits = linear(np.tanh(linear(x, f"{name}.hidden")), f"{name}.classifier")
        log_likely = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        return -(log_likely * targets).sum(-1).mean()

    x = table(values)[data["tokens"].astype(int)].reshape(b, s, e) + values["embedding.positions"]
    if model.segments:
        x = x + values["embedding.segment.table"][data["segments"].astype(int)].reshape(b, s, e)
    x = norm(x, "embedding.norm")
    for n in range(model.encoders):
        name = f"encoder{n}"
        mixed = linear(attention(x, name), f"{name}.projection")
        x = norm(x + mixed, f"{name}.attention_norm")
        inner = active(linear(x, f"{name}.feed_forward.in"))
        x = norm(x + linear(inner, f"{name}.feed_forward.out"), f"{name}.output_norm")
    slots = cross_entropy(x.reshape(b * s, e), "slots", data["slot_targets"])
    return float(cross_entropy(x[:, 0], "intent", data["intent_targets"]) + slots)
