"""Norms over the features of a token; ``e`` is the index of the features, ``t`` of the tokens."""

from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

NormKind = Literal["layer_norm", "rms_norm"]


class LayerNorm(Layer):
    """``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    Backward, with ``n`` the normalised x, ``g = dy gamma`` and means over the features:
    ``dx = (g - mean(g) - n mean(g n)) / sqrt(variance + epsilon)``. A mean at a point is the
    token's sum times 1 / features, or, where the layer ``divides``, over features.

    Source: Ba, Kiros and Hinton, "Layer normalization" (2016), eq. 4.
    """

    def __init__(self, step: Step, name: str, epsilon: float, *, divides: bool = False) -> None:
        self.step, self.name, self.epsilon = step, name, epsilon
        self.features = step.builder.sizes["e"]
        self._over = f"/ {self.features}" if divides else f"* {1 / self.features!r}"
        self.gamma = step.parameter(f"{name}.gamma", (self.features,), mean=1.0)
        self.beta = step.parameter(f"{name}.beta", (self.features,))

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; in training the normalised x and 1 / deviation are kept."""
        b, name, phase, n = self.step.builder, self.name, self.step.phase, self.features
        total = b.reduce(f"{name}.sum", phase, "t e -> t", x)
        centered = b.elementwise(
            f"{name}.centered", phase, "t e, t -> t e", f"a - b {self._over}", x, total
        )
        squares = b.elementwise(f"{name}.squares", phase, "t e -> t e", "a * a", centered)
        spread = b.reduce(f"{name}.spread", phase, "t e -> t", squares)
        formula = f"1 / sqrt(a / {n} + {self.epsilon!r})"
        inverse = b.elementwise(f"{name}.inverse", phase, "t -> t", formula, spread)
        if not self.step.trains:
            equation, formula = "t e, t, e, e -> t e", "a * b * c + d"
            parts = (centered, inverse, self.gamma, self.beta)
            return b.elementwise(f"{name}.output", phase, equation, formula, *parts)
        self._inverse = inverse
        self._normal = b.elementwise(
            f"{name}.normal", phase, "t e, t -> t e", "a * b", centered, inverse
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
        b, name, phase, over = self.step.builder, self.name, Phase.BACKWARD, self._over
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
            f"(a - b {over} - c * d {over}) * e",
            g,
            g_sum,
            self._normal,
            gn_sum,
            self._inverse,
        )
        self._update(dy)
        return dx

    def _update(self, dy: TensorSpec) -> None:
        products = self.step.builder.elementwise(
            f"{self.name}.gamma.gradient.rows",
            Phase.WEIGHT_GRADIENT,
            "t e, t e -> t e",
            "a * b",
            dy,
            self._normal,
        )
        _update_row(self.step, self.gamma, products)
        _update_row(self.step, self.beta, dy)


class RmsNorm(Layer):
    """``y = gamma x / r`` with ``r = sqrt(mean(x²) + epsilon)``.

    Backward, with ``g = dy gamma``: ``dx = g / r - x mean(g x) / r³``.

    Source: Zhang and Sennrich, "Root mean square layer normalization" (2019), eq. 4.
    """

    def __init__(self, step: Step, name: str, epsilon: float) -> None:
        self.step, self.name, self.epsilon = step, name, epsilon
        self.features = step.builder.sizes["e"]
        self.gamma = step.parameter(f"{name}.gamma", (self.features,), mean=1.0)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x and 1 / r are kept."""
        b, name, phase, self._x = self.step.builder, self.name, self.step.phase, x
        squares = b.elementwise(f"{name}.squares", phase, "t e -> t e", "a * a", x)
        spread = b.reduce(f"{name}.spread", phase, "t e -> t", squares)
        formula = f"1 / sqrt(a / {self.features} + {self.epsilon!r})"
        self._inverse = b.elementwise(f"{name}.inverse", phase, "t -> t", formula, spread)
        equation = "t e, t, e -> t e"
        return b.elementwise(
            f"{name}.output", phase, equation, "a * b * c", x, self._inverse, self.gamma
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dx; update gamma."""
        b, name, phase, x = self.step.builder, self.name, Phase.BACKWARD, self._x
        along = b.elementwise(
            f"{name}.input.gradient.along",
            phase,
            "t e, e, t e -> t e",
            "a * b * c",
            dy,
            self.gamma,
            x,
        )
        total = b.reduce(f"{name}.input.gradient.along.sum", phase, "t e -> t", along)
        formula = f"a * b * b * b / {self.features}"
        shrink = b.elementwise(
            f"{name}.input.gradient.shrink", phase, "t, t -> t", formula, total, self._inverse
        )
        dx = b.elementwise(
            f"{name}.input.gradient",
            phase,
            "t e, e, t, t e, t -> t e",
            "a * b * c - d * e",
            dy,
            self.gamma,
            self._inverse,
            x,
            shrink,
        )
        rows = b.elementwise(
            f"{name}.gamma.gradient.rows",
            Phase.WEIGHT_GRADIENT,
            "t e, t e, t -> t e",
            "a * b * c",
            dy,
            x,
            self._inverse,
        )
        _update_row(self.step, self.gamma, rows)
        return dx


def norm(step: Step, kind: NormKind, name: str, epsilon: float) -> Layer:
    """Return the layer of a kind."""
    kinds: dict[NormKind, type[LayerNorm] | type[RmsNorm]] = {
        "layer_norm": LayerNorm,
        "rms_norm": RmsNorm,
    }
    return kinds[kind](step, name, epsilon)


def _update_row(step: Step, parameter: TensorSpec, rows: TensorSpec) -> None:
    """Update a row of features whose gradient is a sum over tokens."""
    gradient = step.builder.reduce(
        f"{parameter.name}.gradient",
        Phase.WEIGHT_GRADIENT,
        "t e -> e",
        rows,
        role=Role.GRADIENT,
    )
    step.update(parameter, gradient)
