"""Transformers written down once more: plain numpy, dense weights, no graph, no gradients."""

from functools import cache

import numpy as np

from workloads.transformer import Transformer

BERT = Transformer(
    batch=2,
    sequence=3,
    layers=2,
    hidden=8,
    heads=2,
    feed_width=12,
    max_positions=5,
    vocabulary=7,
    segments=2,
    head="pooled_classifier",
    classes=3,
    norm_epsilon=1e-3,
    rank=2,
)
VIT = Transformer(
    batch=2,
    sequence=5,
    layers=2,
    hidden=8,
    heads=2,
    feed_width=12,
    norm_place="before",
    norm_epsilon=1e-3,
    max_positions=5,
    input="patches",
    image=4,
    patch=2,
    channels=3,
    head="classifier",
    classes=3,
    rank=2,
)
LLAMA = Transformer(
    batch=2,
    sequence=4,
    layers=2,
    hidden=16,
    heads=4,
    kv_heads=2,
    feed_forward="swiglu",
    feed_width=12,
    norm="rms_norm",
    norm_place="before",
    norm_epsilon=1e-3,
    causal=True,
    positions="rotary",
    rotary_base=50.0,
    biases=(),
    vocabulary=9,
    segments=0,
    head="tokens",
    rank=2,
)
STYLES = {"bert": BERT, "vit": VIT, "llama": LLAMA}
"""One toy of each style; hidden features have three factors, as cores need."""

FORMATS = {
    "tensor_train": "yap,pbq,qcr,rds,set,tfz->abcdef",
    "tensor_train_matrix": "yadp,pbeq,qcfz->abcdef",
    "tensor_ring": "zap,pbq,qcr,rds,set,tfz->abcdef",
    "hierarchical_tucker": "ap,bq,pqr,cs,rst,du,ev,uvw,fx,wxy,ty->abcdef",
    "block_term": "pqr,adp,beq,cfr->abcdef",
}
"""A weight of three input and three output modes as the product of its cores."""


@cache
def contraction_path(equation, shapes):
    return np.einsum_path(equation, *map(np.empty, shapes), optimize="greedy")[0]


def weight(model, values, name):
    """A layer's matrix, input features by output features, from its cores if it has any."""
    if f"{name}.weight" in values:
        return values[f"{name}.weight"]
    equation = FORMATS[model.linear]
    cores = [values[f"{name}.G{n}"] for n in range(equation.count(",") + 1)]
    path = contraction_path(equation, tuple(core.shape for core in cores))
    product = np.einsum(equation, *cores, optimize=path)
    return product.reshape(np.prod(product.shape[:3]), -1)


def densified(model, values):
    """The parameters of the dense model that computes the same."""
    layers = {name.rpartition(".G")[0] for name in values if name.endswith(".G0")}
    kept = {name: array for name, array in values.items() if ".G" not in name}
    return kept | {f"{name}.weight": weight(model, values, name) for name in layers}


def linear(model, values, x, name):
    product = x @ weight(model, values, name)
    return product + values[f"{name}.bias"] if f"{name}.bias" in values else product


def norm(model, values, x, name):
    if model.norm == "rms_norm":
        scale = np.sqrt((x**2).mean(-1, keepdims=True) + model.norm_epsilon)
        return x / scale * values[f"{name}.gamma"]
    centered = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centered**2).mean(-1, keepdims=True) + model.norm_epsilon)
    return centered / spread * values[f"{name}.gamma"] + values[f"{name}.beta"]


def turned(model, x):
    """Pair p of position n, as a complex number, turned by the angle n base^(-2 p / d)."""
    half = x.shape[-1] // 2
    pairs = x[..., :half] + 1j * x[..., half:]
    angles = np.outer(np.arange(x.shape[-2]), model.rotary_base ** (-np.arange(half) / half))
    pairs = pairs * np.exp(1j * angles)
    return np.concatenate([pairs.real, pairs.imag], axis=-1)


def attention(model, values, x, name):
    b, s, e = x.shape
    size = e // model.heads

    def heads(part, count):
        y = linear(model, values, x, f"{name}.{part}").reshape(b, s, count, size)
        return y.transpose(0, 2, 1, 3)

    kv_heads = model.kv_heads or model.heads
    q, k, v = heads("query", model.heads), heads("key", kv_heads), heads("value", kv_heads)
    if model.positions == "rotary":
        q, k = turned(model, q), turned(model, k)
    k, v = (np.repeat(y, model.heads // kv_heads, axis=1) for y in (k, v))
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(size)
    if model.causal:
        scores = np.where(np.tri(s, dtype=bool), scores, -np.inf)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = powers / powers.sum(-1, keepdims=True) @ v
    return linear(model, values, mixed.transpose(0, 2, 1, 3).reshape(b, s, e), f"{name}.projection")


def feed_forward(model, values, x, name):
    inner = linear(model, values, x, f"{name}.feed_forward.in")
    match model.feed_forward:
        case "swiglu":
            gate = linear(model, values, x, f"{name}.feed_forward.gate")
            inner = gate / (1 + np.exp(-gate)) * inner
        case "relu":
            inner = np.where(inner > 0, inner, 0)
        case "gelu":
            inner = inner / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
    return linear(model, values, inner, f"{name}.feed_forward.out")


def embedded(model, values, data):
    b, s, e = model.batch, model.sequence, model.hidden
    if model.input == "states":
        return data["X"].reshape(b, s, e)
    positions = values["embedding.positions"][:s] if model.positions == "learned" else 0
    if model.input == "patches":
        side, p = model.image // model.patch, model.patch
        kernel = values["embedding.patches.weight"].reshape(model.channels, p, p, e)
        patches = [
            np.tensordot(image[:, y * p : (y + 1) * p, x * p : (x + 1) * p], kernel, 3)
            for image in data["images"]
            for y in range(side)
            for x in range(side)
        ]
        patches = np.array(patches).reshape(b, s - 1, e) + values["embedding.patches.bias"]
        first = np.broadcast_to(values["embedding.class"], (b, 1, e))
        return np.concatenate([first, patches], axis=1) + positions
    x = values["embedding.table"][data["tokens"].astype(int)].reshape(b, s, e) + positions
    if model.segments:
        x = x + values["embedding.segment.table"][data["segments"].astype(int)].reshape(b, s, e)
    return norm(model, values, x, "embedding.norm") if model.norm_place == "after" else x


def states(model, values, data):
    """What the blocks make of the input, (batch, sequence, hidden)."""
    x = embedded(model, values, data)
    for n in range(model.layers):
        name = f"layer{n}"
        if model.norm_place == "before":
            x = x + attention(model, values, norm(model, values, x, f"{name}.attention_norm"), name)
            y = norm(model, values, x, f"{name}.feed_forward_norm")
            x = x + feed_forward(model, values, y, name)
        else:
            x = norm(model, values, x + attention(model, values, x, name), f"{name}.attention_norm")
            x = norm(model, values, x + feed_forward(model, values, x, name), f"{name}.output_norm")
    return x


def result(model, values, data):
    """What the head gives: logits, the pooled first tokens, or the states; one row for each."""
    x = states(model, values, data)
    if model.head == "none":
        return x.reshape(-1, model.hidden)
    if model.norm_place == "before":
        x = norm(model, values, x, "head.norm")
    if model.head == "tokens":
        return linear(model, values, x.reshape(-1, model.hidden), "classifier")
    x = x[:, 0]
    if model.head in ("pooler", "pooled_classifier"):
        x = np.tanh(linear(model, values, x, "pooler"))
    return x if model.head == "pooler" else linear(model, values, x, "classifier")


def loss(model, values, data):
    """Weighted cross-entropy, or the product of the result with the gradient handed in."""
    rows = result(model, values, data)
    if "dY" in data:
        return float((rows * data["dY"]).sum())
    likely = rows - np.log(np.exp(rows).sum(-1, keepdims=True))
    targets = data["target_places"] - np.arange(len(rows)) * rows.shape[1]
    return float(-(likely[np.arange(len(rows)), targets] * data["loss_weights"]).sum())
