"""The full two-encoder model against torch autograd and torch's optimisers, in float64."""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from workloads.tensor_transformer import TensorTransformer

torch = pytest.importorskip("torch")
functional = pytest.importorskip("torch.nn.functional")
pytestmark = pytest.mark.reference

ATIS = TensorTransformer()


def torch_loss(model, values, data):
    """The same loss with torch's own layers; weights are built from the cores by einsum."""
    b, s, e, h = model.batch, model.sequence, model.hidden, model.heads

    def linear(x, name):
        if f"{name}.weight" in values:
            weight = values[f"{name}.weight"]
        else:
            cores = [values[f"{name}.G{n}"] for n in range(6)]
            weight = torch.einsum("ap,pbq,qcr,rds,set,tf->abcdef", *cores).reshape(e, e)
        return functional.linear(x, weight.T, values[f"{name}.bias"])

    def norm(x, name):
        gamma, beta = values[f"{name}.gamma"], values[f"{name}.beta"]
        return functional.layer_norm(x, (e,), gamma, beta, eps=model.layer_norm_epsilon)

    def attention(x, name):
        parts = (
            linear(x, f"{name}.{part}").reshape(b, s, h, e // h).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(*parts)
        return linear(mixed.transpose(1, 2).reshape(b, s, e), f"{name}.projection")

    if model.flow == "dense":
        table = values["embedding.table"]
    else:
        cores = [values[f"embedding.core{n}"] for n in range(3)]
        table = torch.einsum("uaip,vpjq,wqkb->uvwijk", *cores).reshape(-1, e)
    tokens = torch.as_tensor(data["tokens"])
    x = functional.embedding(tokens, table).reshape(b, s, e) + values["embedding.positions"]
    x = norm(x, "embedding.norm")
    for n in range(model.encoders):
        name = f"encoder{n}"
        x = norm(x + attention(x, name), f"{name}.attention_norm")
        inner = functional.gelu(linear(x, f"{name}.feed_forward.in"), approximate="tanh")
        x = norm(x + linear(inner, f"{name}.feed_forward.out"), f"{name}.output_norm")
    total = 0
    for name, rows in (("intent", x[:, 0]), ("slot", x.reshape(b * s, e))):
        head = {"intent": "intent", "slot": "slots"}[name]
        logits = linear(torch.tanh(linear(rows, f"{head}.hidden")), f"{head}.classifier")
        total = total + functional.cross_entropy(logits, torch.as_tensor(data[f"{name}_targets"]))
    return total


OPTIMIZERS = {
    "sgd": lambda model, values: torch.optim.SGD(values, lr=model.learning_rate),
    "adam": lambda model, values: torch.optim.Adam(
        values, lr=model.learning_rate, betas=(0.9, 0.999), eps=1e-8
    ),
}


@pytest.mark.parametrize(
    ("flow", "optimizer", "batch"),
    [
        ("bidirectional", "sgd", 1),
        ("bidirectional", "adam", 2),
        ("right_to_left", "sgd", 1),
        ("left_to_right", "sgd", 1),
        ("dense", "adam", 1),
    ],
)
def test_loss_gradients_and_updates_equal_torch_s(flow, optimizer, batch):
    model = replace(ATIS, flow=flow, optimizer=optimizer, batch=batch, learning_rate=0.01)
    rng = np.random.default_rng(1)
    initial, data = model.initial_parameters(rng), model.random_batch(rng)
    graph = model.lower()
    leaves = {
        name: torch.tensor(initial[name], dtype=torch.float64, requires_grad=True)
        for name in model.parameters
    }
    optimiser = OPTIMIZERS[optimizer](model, leaves.values())

    results = execute(graph, initial | data)
    expected = torch_loss(model, leaves, data)
    expected.backward()
    optimiser.step()

    assert results["loss"] == pytest.approx(expected.item(), rel=1e-9)
    for name, leaf in leaves.items():
        gradient = leaf.grad.numpy()
        scale = max(np.abs(gradient).max(), 1e-6)  # keys' biases have the gradient 0
        np.testing.assert_allclose(
            results[f"{name}.gradient"], gradient, rtol=0, atol=1e-9 * scale, err_msg=name
        )
        if optimizer == "sgd" or not name.endswith("key.bias"):  # Adam divides 0 by 0 there
            # Adam's first step is g / (|g| + epsilon): rounding of a tiny g grows by g / epsilon
            np.testing.assert_allclose(
                results[f"{name}.updated"], leaf.detach().numpy(), rtol=1e-9, atol=1e-9
            )
