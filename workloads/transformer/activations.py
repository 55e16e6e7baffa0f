"""Functions at every point, and their derivatives; ``grid`` names the indices of the points."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

ActivationKind = Literal["gelu", "gelu_erf", "relu", "silu"]


class Tanh(Layer):
    """``tanh(x)``."""

    def __init__(self, step: Step, name: str, grid: str) -> None:
        self.step, self.name, self.grid = step, name, grid

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y, which is kept."""
        self._y = self.step.builder.elementwise(
            self.name, self.step.phase, f"{self.grid} -> {self.grid}", "tanh(a)", x
        )
        return self._y

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return ``dy (1 - y²)``."""
        equation = f"{self.grid}, {self.grid} -> {self.grid}"
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient", Phase.BACKWARD, equation, "a * (1 - b * b)", dy, self._y
        )


class Relu(Layer):
    """``max(x, 0)``."""

    def __init__(self, step: Step, name: str, grid: str) -> None:
        self.step, self.name, self.grid = step, name, grid

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x is kept."""
        self._x = x
        return self.step.builder.elementwise(
            self.name, self.step.phase, f"{self.grid} -> {self.grid}", "maximum(a, 0)", x
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dy where x > 0."""
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            f"{self.grid}, {self.grid} -> {self.grid}",
            "a * greater(b, 0)",
            dy,
            self._x,
        )


class Gelu(Layer):
    """``x (1 + tanh(c (x + k x³))) / 2`` with c = sqrt(2 / pi) and k = 0.044715.

    In training the tanh is kept; in inference all is one operation.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.
    """

    CUBIC = 0.044715

    def __init__(self, step: Step, name: str, grid: str) -> None:
        self.step, self.name, self.grid = step, name, grid

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x and the tanh are kept."""
        b, phase, self._x = self.step.builder, self.step.phase, x
        c, k, grid = sqrt(2 / pi), self.CUBIC, self.grid
        tanh = f"tanh({c!r} * a * (1 + {k!r} * a * a))"
        if not self.step.trains:
            return b.elementwise(
                self.name, phase, f"{grid} -> {grid}", f"0.5 * a * (1 + {tanh})", x
            )
        self._tanh = b.elementwise(f"{self.name}.tanh", phase, f"{grid} -> {grid}", tanh, x)
        return b.elementwise(
            self.name, phase, f"{grid}, {grid} -> {grid}", "0.5 * a * (1 + b)", x, self._tanh
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dy times the derivative."""
        c, k, grid = sqrt(2 / pi), self.CUBIC, self.grid
        slope = f"0.5 * b * (1 - c * c) * {c!r} * (1 + {3 * k!r} * b * b)"
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            f"{grid}, {grid}, {grid} -> {grid}",
            f"a * (0.5 * (1 + c) + {slope})",
            dy,
            self._x,
            self._tanh,
        )


class GeluErf(Layer):
    """``x (1 + erf(x / sqrt(2))) / 2``: x times the normal distribution's function of x.

    Its derivative is that function plus x times the density ``exp(-x² / 2) / sqrt(2 pi)``.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.
    """

    def __init__(self, step: Step, name: str, grid: str) -> None:
        self.step, self.name, self.grid = step, name, grid

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x is kept."""
        self._x = x
        formula = f"0.5 * a * (1 + erf(a * {sqrt(0.5)!r}))"
        equation = f"{self.grid} -> {self.grid}"
        return self.step.builder.elementwise(self.name, self.step.phase, equation, formula, x)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dy times the derivative."""
        density = f"b * exp(-0.5 * b * b) * {1 / sqrt(2 * pi)!r}"
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            f"{self.grid}, {self.grid} -> {self.grid}",
            f"a * (0.5 * (1 + erf(b * {sqrt(0.5)!r})) + {density})",
            dy,
            self._x,
        )


class Silu(Layer):
    """``x / (1 + exp(-x))``; in training the sigmoid is kept, in inference all is one operation.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 4.
    """

    def __init__(self, step: Step, name: str, grid: str) -> None:
        self.step, self.name, self.grid = step, name, grid

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x and the sigmoid are kept."""
        b, phase, grid, self._x = self.step.builder, self.step.phase, self.grid, x
        each, shape = f"{grid} -> {grid}", x.shape
        if not self.step.trains:
            return b.elementwise(self.name, phase, each, "a / (1 + exp(-a))", x, shape=shape)
        formula = "1 / (1 + exp(-a))"
        self._s = b.elementwise(f"{self.name}.sigmoid", phase, each, formula, x, shape=shape)
        each = f"{grid}, {each}"
        return b.elementwise(self.name, phase, each, "a * b", x, self._s, shape=shape)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return ``dy s (1 + x (1 - s))`` with s the sigmoid."""
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            f"{self.grid}, {self.grid}, {self.grid} -> {self.grid}",
            "a * c * (1 + b * (1 - c))",
            dy,
            self._x,
            self._s,
            shape=self._x.shape,
        )


def activation(step: Step, kind: ActivationKind, name: str, grid: str) -> Layer:
    """Return the layer of a kind."""
    kinds: dict[ActivationKind, Callable[[Step, str, str], Layer]] = {
        "gelu": Gelu,
        "gelu_erf": GeluErf,
        "relu": Relu,
        "silu": Silu,
    }
    return kinds[kind](step, name, grid)
