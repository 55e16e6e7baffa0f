"""Layers of the transformer: each lowers its forward pass, its backward pass and its updates.

A layer's ``backward`` takes the gradient of what ``forward`` returned, appends the
gradients of its parameters and their updates, and returns the gradient of its input.
"""

from dataclasses import dataclass
from math import pi, prod, sqrt

from archsim.ir.operation import Indices, Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.tensor_layers import TensorLinear
from workloads.tensor_transformer.step import Step


@dataclass(frozen=True, kw_only=True)
class WeightFormat:
    """How a weight is held: the cores, the modes of its features, the contraction order."""

    cores: tuple[Indices, ...]
    inputs: Indices
    outputs: Indices
    order: str

    def dense(self) -> bool:
        """Whether the weight is one matrix."""
        return len(self.cores) == 1


def dense_weight(inputs: str, outputs: str) -> WeightFormat:
    """Return the format of a plain matrix; both arguments are index names."""
    return WeightFormat(
        cores=((inputs, outputs),), inputs=(inputs,), outputs=(outputs,), order="right_to_left"
    )


class Linear:
    """``Y = X W + bias`` for rows counted by the index ``rows``."""

    def __init__(self, step: Step, name: str, weight: WeightFormat, rows: str) -> None:
        self.step, self.name, self.weight, self.rows = step, name, weight, rows
        sizes = step.builder.sizes
        features_in, features_out = (
            prod(sizes[index] for index in modes) for modes in (weight.inputs, weight.outputs)
        )
        # Entries of W have the variance 1 / features_in, whatever the cores are.
        bonds = {i for core in weight.cores for i in core} - {*weight.inputs, *weight.outputs}
        paths = prod(sizes[index] for index in bonds)
        deviation = float(features_in * paths) ** (-0.5 / len(weight.cores))
        self.cores = [
            step.parameter(
                f"{name}.weight" if weight.dense() else f"{name}.G{number}",
                [sizes[index] for index in core],
                deviation=deviation,
            )
            for number, core in enumerate(weight.cores)
        ]
        self.bias = step.parameter(f"{name}.bias", (features_out,))

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return ``X W + bias``."""
        self._product = TensorLinear(
            self.step.builder,
            self.name,
            self.weight.cores,
            inputs=self.weight.inputs,
            outputs=self.weight.outputs,
            rows=self.rows,
            order=self.weight.order,
            machine=self.step.machine,
        )
        product = self._product.forward(x, self.cores, f"{self.name}.product")
        features = " ".join(self.weight.outputs)
        equation = f"{self.rows} {features}, {features} -> {self.rows} {features}"
        return self.step.builder.elementwise(
            f"{self.name}.output",
            Phase.FORWARD,
            equation,
            "a + b",
            product,
            self.bias,
            shape=product.shape,
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dX; update the bias and, once all have their gradients, the cores."""
        dx = self._product.backward(dy, f"{self.name}.input.gradient")
        features = " ".join(self.weight.outputs)
        bias_gradient = self.step.builder.reduce(
            f"{self.bias.name}.gradient",
            Phase.WEIGHT_GRADIENT,
            f"{self.rows} {features} -> {features}",
            dy,
            shape=self.bias.shape,
            role=Role.GRADIENT,
        )
        self.step.update(self.bias, bias_gradient)
        gradients = [
            self._product.weight_gradient(number, f"{core.name}.gradient")
            for number, core in enumerate(self.cores)
        ]
        for core, gradient in zip(self.cores, gradients, strict=True):
            self.step.update(core, gradient)
        return dx


class LayerNorm:
    """``y = gamma (x - mean) / sqrt(variance + epsilon) + beta`` over the features of a token.

    Backward, with ``n`` the normalised x, ``g = dy gamma`` and means over the features:
    ``dx = (g - mean(g) - n mean(g n)) / sqrt(variance + epsilon)``.

    Source: Ba, Kiros and Hinton, "Layer normalization" (2016), eq. 4.
    """

    def __init__(self, step: Step, name: str, epsilon: float) -> None:
        self.step, self.name, self.epsilon = step, name, epsilon
        self.features = step.builder.sizes["e"]
        self.gamma = step.parameter(f"{name}.gamma", (self.features,), mean=1.0)
        self.beta = step.parameter(f"{name}.beta", (self.features,))

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; the normalised x and 1 / deviation are kept."""
        b, name, phase, n = self.step.builder, self.name, Phase.FORWARD, self.features
        total = b.reduce(f"{name}.sum", phase, "t e -> t", x)
        centered = b.elementwise(
            f"{name}.centered", phase, "t e, t -> t e", f"a - b / {n}", x, total
        )
        squares = b.elementwise(f"{name}.squares", phase, "t e -> t e", "a * a", centered)
        spread = b.reduce(f"{name}.spread", phase, "t e -> t", squares)
        formula = f"1 / sqrt(a / {n} + {self.epsilon!r})"
        self._inverse = b.elementwise(f"{name}.inverse", phase, "t -> t", formula, spread)
        self._normal = b.elementwise(
            f"{name}.normal", phase, "t e, t -> t e", "a * b", centered, self._inverse
        )
        return b.elementwise(
            f"{name}.output",
            phase,
            "t e, e, e -> t e",
            "a * b + c",
            self._normal,
            self.gamma,
            self.beta,
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dx; update gamma and beta."""
        b, name, phase, n = self.step.builder, self.name, Phase.BACKWARD, self.features
        g = b.elementwise(
            f"{name}.normal.gradient", phase, "t e, e -> t e", "a * b", dy, self.gamma
        )
        g_sum = b.reduce(f"{name}.normal.gradient.sum", phase, "t e -> t", g)
        gn = b.elementwise(
            f"{name}.normal.gradient.along", phase, "t e, t e -> t e", "a * b", g, self._normal
        )
        gn_sum = b.reduce(f"{name}.normal.gradient.along.sum", phase, "t e -> t", gn)
        dx = b.elementwise(
            f"{name}.input.gradient",
            phase,
            "t e, t, t e, t, t -> t e",
            f"(a - b / {n} - c * d / {n}) * e",
            g,
            g_sum,
            self._normal,
            gn_sum,
            self._inverse,
        )
        self._update(dy)
        return dx

    def _update(self, dy: TensorSpec) -> None:
        b, name, phase = self.step.builder, self.name, Phase.WEIGHT_GRADIENT
        products = b.elementwise(
            f"{name}.gamma.gradient.rows", phase, "t e, t e -> t e", "a * b", dy, self._normal
        )
        for parameter, rows in ((self.gamma, products), (self.beta, dy)):
            gradient = b.reduce(
                f"{parameter.name}.gradient", phase, "t e -> e", rows, role=Role.GRADIENT
            )
            self.step.update(parameter, gradient)


class Tanh:
    """``tanh(x)`` at every point; ``rows`` is the index of the rows."""

    def __init__(self, step: Step, name: str, rows: str) -> None:
        self.step, self.name, self.equation = step, name, f"{rows} e"

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y, which is kept."""
        self._y = self.step.builder.elementwise(
            self.name, Phase.FORWARD, f"{self.equation} -> {self.equation}", "tanh(a)", x
        )
        return self._y

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return ``dy (1 - y²)``."""
        equation = f"{self.equation}, {self.equation} -> {self.equation}"
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient", Phase.BACKWARD, equation, "a * (1 - b * b)", dy, self._y
        )


class Relu:
    """``max(x, 0)`` at every point."""

    def __init__(self, step: Step, name: str) -> None:
        self.step, self.name = step, name

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x is kept."""
        self._x = x
        return self.step.builder.elementwise(
            self.name, Phase.FORWARD, "t e -> t e", "maximum(a, 0)", x
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dy where x > 0."""
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            "t e, t e -> t e",
            "a * greater(b, 0)",
            dy,
            self._x,
        )


class Gelu:
    """``x (1 + tanh(c (x + k x³))) / 2`` with c = sqrt(2 / pi) and k = 0.044715.

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.
    """

    CUBIC = 0.044715

    def __init__(self, step: Step, name: str) -> None:
        self.step, self.name = step, name

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x and the tanh are kept."""
        b, self._x = self.step.builder, x
        c, k = sqrt(2 / pi), self.CUBIC
        self._tanh = b.elementwise(
            f"{self.name}.tanh",
            Phase.FORWARD,
            "t e -> t e",
            f"tanh({c!r} * a * (1 + {k!r} * a * a))",
            x,
        )
        return b.elementwise(
            self.name, Phase.FORWARD, "t e, t e -> t e", "0.5 * a * (1 + b)", x, self._tanh
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dy times the derivative."""
        c, k = sqrt(2 / pi), self.CUBIC
        slope = f"0.5 * b * (1 - c * c) * {c!r} * (1 + {3 * k!r} * b * b)"
        return self.step.builder.elementwise(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            "t e, t e, t e -> t e",
            f"a * (0.5 * (1 + c) + {slope})",
            dy,
            self._x,
            self._tanh,
        )
