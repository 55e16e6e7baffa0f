"""Layers with a forward and a backward pass by hand, every tensor rounded by its role.

Activations are (batch, height, width, channels) or (batch, features), in float32.
"""

from abc import ABC, abstractmethod

import numpy as np

from workloads.posit_training.recipe import Recipe
from workloads.posit_training.rounding import Array, rounded


class Layer(ABC):
    """Part of a network; keeps what its backward pass needs from the forward pass."""

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    @abstractmethod
    def forward(self, x: Array, recipe: Recipe, *, training: bool) -> Array:
        """Return the layer's output."""

    @abstractmethod
    def backward(self, dy: Array, recipe: Recipe) -> Array:
        """Set the gradients of the parameters, and return that of the input."""


class Dense(Layer):
    """``y = x W + b``."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        super().__init__()
        weight = rng.standard_normal((inputs, outputs)) * (2.0 / inputs) ** 0.5
        self.parameters = {
            "weight": weight.astype(np.float32),
            "bias": np.zeros(outputs, dtype=np.float32),
        }

    def forward(self, x: Array, recipe: Recipe, *, training: bool) -> Array:
        self._shape = x.shape
        self._x = rounded(x.reshape(len(x), -1), recipe.forward, recipe.scaling)
        self._weight = rounded(self.parameters["weight"], recipe.forward, recipe.scaling)
        y: Array = self._x @ self._weight + self.parameters["bias"]
        return y

    def backward(self, dy: Array, recipe: Recipe) -> Array:
        dy = rounded(dy, recipe.backward, recipe.scaling)
        self.gradients = {
            "weight": rounded(self._x.T @ dy, recipe.backward, recipe.scaling),
            "bias": dy.sum(axis=0),
        }
        dx: Array = dy @ self._weight.T
        return dx.reshape(self._shape)


class Convolution(Layer):
    """A 3 x 3 convolution with a border of zeros; batch normalisation adds the bias."""

    def __init__(
        self, rng: np.random.Generator, inputs: int, outputs: int, *, stride: int = 1
    ) -> None:
        super().__init__()
        self.stride = stride
        weight = rng.standard_normal((9 * inputs, outputs)) * (2.0 / (9 * inputs)) ** 0.5
        self.parameters = {"weight": weight.astype(np.float32)}

    def forward(self, x: Array, recipe: Recipe, *, training: bool) -> Array:
        self._shape = x.shape
        x = rounded(x, recipe.forward, recipe.scaling)
        self._weight = rounded(self.parameters["weight"], recipe.forward, recipe.scaling)
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        self._patches = np.concatenate([padded[place] for place in self._places()], axis=-1)
        y: Array = self._patches @ self._weight
        return y

    def backward(self, dy: Array, recipe: Recipe) -> Array:
        dy = rounded(dy, recipe.backward, recipe.scaling)
        rows = self._patches.reshape(-1, self._patches.shape[-1])
        gradient = rows.T @ dy.reshape(-1, dy.shape[-1])
        self.gradients = {"weight": rounded(gradient, recipe.backward, recipe.scaling)}
        batch, height, width, channels = self._shape
        dx = np.zeros((batch, height + 2, width + 2, channels), dtype=dy.dtype)
        parts = np.split(dy @ self._weight.T, 9, axis=-1)
        for place, part in zip(self._places(), parts, strict=True):
            dx[place] += part
        return dx[:, 1:-1, 1:-1]

    def _places(self) -> list[tuple[slice, ...]]:
        """Where in the padded input each of the nine weights of a patch looks."""
        _, height, width, _ = self._shape
        every = slice(None)
        return [
            (
                every,
                slice(row, row + height, self.stride),
                slice(column, column + width, self.stride),
                every,
            )
            for row in range(3)
            for column in range(3)
        ]


class BatchNorm(Layer):
    """Batch normalisation over all axes but the last, with running means for inference."""

    MOMENTUM = 0.9
    EPSILON = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parameters = {
            "gain": np.ones(channels, dtype=np.float32),
            "bias": np.zeros(channels, dtype=np.float32),
        }
        self._mean = np.zeros(channels, dtype=np.float32)
        self._variance = np.ones(channels, dtype=np.float32)

    def forward(self, x: Array, recipe: Recipe, *, training: bool) -> Array:
        axes = tuple(range(x.ndim - 1))
        mean, variance = self._mean, self._variance
        if training:
            mean, variance = x.mean(axis=axes), x.var(axis=axes)
            self._mean = self.MOMENTUM * self._mean + (1 - self.MOMENTUM) * mean
            self._variance = self.MOMENTUM * self._variance + (1 - self.MOMENTUM) * variance
        self._inverse = 1 / np.sqrt(variance + np.float32(self.EPSILON))
        self._x = (x - mean) * self._inverse
        y: Array = self._x * self.parameters["gain"] + self.parameters["bias"]
        return rounded(y, recipe.normalised_forward, recipe.scaling)

    def backward(self, dy: Array, recipe: Recipe) -> Array:
        axes = tuple(range(dy.ndim - 1))
        self.gradients = {"gain": (dy * self._x).sum(axis=axes), "bias": dy.sum(axis=axes)}
        count = np.float32(dy.size // dy.shape[-1])
        mean = (self.gradients["bias"] + self._x * self.gradients["gain"]) / count
        dx: Array = self.parameters["gain"] * self._inverse * (dy - mean)
        return rounded(dx, recipe.normalised_backward, recipe.scaling)


class Relu(Layer):
    """``max(x, 0)``."""

    def forward(self, x: Array, recipe: Recipe, *, training: bool) -> Array:
        self._live = x > 0
        return x * self._live

    def backward(self, dy: Array, recipe: Recipe) -> Array:
        return dy * self._live


def mlp(rng: np.random.Generator) -> list[Layer]:
    """Three dense layers, 64-64-64-10: 9,098 weights and biases."""
    return [Dense(rng, 64, 64), Relu(), Dense(rng, 64, 64), Relu(), Dense(rng, 64, 10)]


def cnn(rng: np.random.Generator) -> list[Layer]:
    """Three convolutions of 8, 16 and 16 channels with batch normalisation, and a dense layer."""
    layers: list[Layer] = []
    for inputs, outputs, stride in ((1, 8, 1), (8, 16, 2), (16, 16, 2)):
        layers += [Convolution(rng, inputs, outputs, stride=stride), BatchNorm(outputs), Relu()]
    return [*layers, Dense(rng, 64, 10)]
