"""The workload ``posit_training`` against PyTorch: loss, every gradient, momentum."""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from tests.workloads.posit_training.test_residual_network import CIFAR, TINY, drawn

pytestmark = pytest.mark.reference
torch = pytest.importorskip("torch")
functional = torch.nn.functional


def conv(x, values, name, stride=1):
    weight = values[f"{name}.weight"].permute(3, 2, 0, 1)
    return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def norm(x, values, name):
    gamma, beta = values[f"{name}.gamma"], values[f"{name}.beta"]
    return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


def block(x, values, name, stride):
    y = functional.relu(norm(conv(x, values, f"{name}.conv1", stride), values, f"{name}.bn1"))
    y = norm(conv(y, values, f"{name}.conv2"), values, f"{name}.bn2")
    if f"{name}.downsample.0.weight" in values:
        x = conv(x, values, f"{name}.downsample.0", stride)
        x = norm(x, values, f"{name}.downsample.1")
    return functional.relu(y + x)


def loss(model, values, data):
    x = torch.as_tensor(data["images"]).permute(0, 3, 1, 2)
    imagenet = model.stem == "imagenet"
    x = functional.relu(norm(conv(x, values, "conv1", 2 if imagenet else 1), values, "bn1"))
    if imagenet:
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
    for stage, blocks in enumerate(model.blocks, start=1):
        for number in range(blocks):
            stride = 2 if stage > 1 and number == 0 else 1
            x = block(x, values, f"layer{stage}.{number}", stride)
    weight = values["fc.weight"][0, 0]
    logits = x.mean(dim=(2, 3)) @ weight + values["fc.bias"]
    targets = data["target_places"] - np.arange(model.batch) * model.classes
    return functional.cross_entropy(logits, torch.as_tensor(targets))


@pytest.mark.parametrize("model", [TINY, CIFAR], ids=["imagenet", "cifar"])
def test_two_steps_are_torch_s(model):
    model = replace(model, learning_rate=0.05, momentum=0.8)
    initial, data = drawn(model)
    leaves = {
        name: torch.tensor(initial[name], dtype=torch.float64, requires_grad=True)
        for name in model.parameters
    }
    optimiser = torch.optim.SGD(leaves.values(), lr=0.05, momentum=0.8)
    graph, values = model.lower(), initial

    for _ in range(2):
        results = execute(graph, values | data)
        optimiser.zero_grad()
        expected = loss(model, leaves, data)
        expected.backward()
        gradients = {name: leaf.grad.numpy().copy() for name, leaf in leaves.items()}
        optimiser.step()
        values = values | model.next_parameters(results)

        assert results["loss"] == pytest.approx(expected.item(), rel=1e-10)
        for name, gradient in gradients.items():
            scale = np.abs(gradient).max()
            np.testing.assert_allclose(
                results[f"{name}.gradient"], gradient, rtol=0, atol=1e-8 * scale, err_msg=name
            )
            moved = leaves[name].detach().numpy()
            np.testing.assert_allclose(values[name], moved, rtol=1e-8, atol=1e-8, err_msg=name)
