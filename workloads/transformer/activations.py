"""Functions at every point, and their derivatives; ``grid`` names the indices of the points."""

from math import pi, sqrt
from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

ActivationKind = Literal["gelu", "relu"]


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


def activation(step: Step, kind: ActivationKind, name: str, grid: str) -> Layer:
    """Return the layer of a kind."""
    kinds: dict[ActivationKind, type[Gelu] | type[Relu]] = {"gelu": Gelu, "relu": Relu}
    return kinds[kind](step, name, grid)
