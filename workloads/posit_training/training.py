"""One training run: stochastic gradient descent with momentum on the digits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.posit_training.digits import Digits, load
from workloads.posit_training.layers import Layer, cnn, mlp
from workloads.posit_training.recipe import FP32, Recipe
from workloads.posit_training.rounding import Array, rounded

NETWORKS: dict[str, Callable[[np.random.Generator], list[Layer]]] = {"mlp": mlp, "cnn": cnn}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train and how fast; the rate falls to a tenth at two thirds of the epochs."""

    epochs: int = 15
    batch: int = 32
    rate: float = 0.05
    momentum: float = 0.9


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What an epoch ended with: mean loss in training, accuracy in percent in the test."""

    loss: float
    accuracy: float


def train(network: str, recipe: Recipe, seed: int, schedule: Schedule) -> Iterator[Epoch]:
    """Train a network and yield each epoch.

    The seed chooses digits held back, first weights and batches: alike for all recipes.
    """
    rng = np.random.default_rng(seed)
    digits = load(rng)
    layers = NETWORKS[network](rng)
    momenta = [
        {name: np.zeros_like(value) for name, value in layer.parameters.items()} for layer in layers
    ]
    for epoch in range(schedule.epochs):
        used = FP32 if epoch < recipe.warm_up else recipe
        rate = schedule.rate * (0.1 if 3 * epoch >= 2 * schedule.epochs else 1.0)
        order = rng.permutation(len(digits.train_labels))
        losses = []
        for first in range(0, len(order) - schedule.batch + 1, schedule.batch):
            chosen = order[first : first + schedule.batch]
            images, labels = digits.train_images[chosen], digits.train_labels[chosen]
            losses.append(_gradients(layers, images, labels, used))
            for layer, momentum in zip(layers, momenta, strict=True):
                _update(layer, momentum, used, rate, schedule.momentum)
        yield Epoch(loss=float(np.mean(losses)), accuracy=_accuracy(layers, digits, used))


def _gradients(
    layers: Sequence[Layer], images: Array, labels: NDArray[np.int64], recipe: Recipe
) -> float:
    """Set the gradients of all parameters, and return the loss (mean cross-entropy)."""
    x = images
    for layer in layers:
        x = layer.forward(x, recipe, training=True)
    shifted = x - x.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    dy = np.exp(log_shares)
    dy[rows, labels] -= 1
    dy /= np.float32(len(labels))
    for layer in reversed(layers):
        dy = layer.backward(dy, recipe)
    return float(-log_shares[rows, labels].mean())


def _update(
    layer: Layer, momenta: dict[str, Array], recipe: Recipe, rate: float, momentum: float
) -> None:
    for name, gradient in layer.gradients.items():
        momenta[name] = np.float32(momentum) * momenta[name] + gradient
        updated = layer.parameters[name] - np.float32(rate) * momenta[name]
        if name == "weight":
            updated = rounded(updated, recipe.kept, recipe.scaling)
        layer.parameters[name] = updated


def _accuracy(layers: Sequence[Layer], digits: Digits, recipe: Recipe) -> float:
    x = digits.test_images
    for layer in layers:
        x = layer.forward(x, recipe, training=False)
    return 100 * float(np.mean(x.argmax(axis=1) == digits.test_labels))
