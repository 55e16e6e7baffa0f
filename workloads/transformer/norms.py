"""Norms over the features of a token, or over the pixels and some channels of an image."""

from collections.abc import Callable
from math import prod
from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

NormKind = Literal["layer_norm", "rms_norm"]


class MomentNorm(Layer):
    """``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    x has the indices ``grid``; mean and variance are taken over those that ``rows`` lacks,
    gamma and beta have the indices ``affine``. Backward, with ``n`` the normalised x,
    ``g = dy gamma`` and means over the same: ``dx = (g - mean(g) - n mean(g n)) /
    sqrt(variance + epsilon)``. A mean at a point is the row's sum times 1 / its numbers, or,
    where the layer ``divides``, over them. One that is not ``trained`` keeps gamma and beta.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        epsilon: float,
        *,
        grid: str,
        rows: str,
        affine: str,
        divides: bool = False,
        trained: bool = True,
    ) -> None:
        self.step, self.name, self.epsilon, self.trained = step, name, epsilon, trained
        self.grid, self.rows, self.affine = grid, rows, affine
        sizes = step.builder.sizes
        self.numbers = prod(sizes[index] for index in grid.split() if index not in rows.split())
        self._over = f"/ {self.numbers}" if divides else f"* {1 / self.numbers!r}"
        shape = (prod(sizes[index] for index in affine.split()),)
        self.gamma = step.parameter(f"{name}.gamma", shape, mean=1.0, trained=trained)
        self.beta = step.parameter(f"{name}.beta", shape, trained=trained)

    def _each(
        self, name: str, phase: Phase, terms: str, formula: str, *tensors: TensorSpec
    ) -> TensorSpec:
        """Compute a formula at every point; in ``terms``, g is the grid, r its rows, a affine."""
        words = {"g": self.grid, "r": self.rows, "a": self.affine}
        equation = f"{', '.join(words[term] for term in terms)} -> {self.grid}"
        like = tensors[terms.index("g")]
        return self.step.builder.elementwise(
            f"{self.name}.{name}", phase, equation, formula, *tensors, shape=like.shape
        )

    def _sum(self, name: str, phase: Phase, x: TensorSpec) -> TensorSpec:
        equation = f"{self.grid} -> {self.rows}"
        return self.step.builder.reduce(f"{self.name}.{name}", phase, equation, x)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; in training the normalised x and 1 / deviation are kept."""
        phase = self.step.phase
        total = self._sum("sum", phase, x)
        centered = self._each("centered", phase, "gr", f"a - b {self._over}", x, total)
        squares = self._each("squares", phase, "g", "a * a", centered)
        spread = self._sum("spread", phase, squares)
        inverse = self.step.builder.elementwise(
            f"{self.name}.inverse",
            phase,
            f"{self.rows} -> {self.rows}",
            f"1 / sqrt(a / {self.numbers} + {self.epsilon!r})",
            spread,
        )
        if not self.step.trains:
            formula, affine = "a * b * c + d", (self.gamma, self.beta)
            return self._each("output", phase, "graa", formula, centered, inverse, *affine)
        self._inverse = inverse
        self._normal = self._each("normal", phase, "gr", "a * b", centered, inverse)
        affine = self.gamma, self.beta
        return self._each("output", phase, "gaa", "a * b + c", self._normal, *affine)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dx; update gamma and beta."""
        phase, over = Phase.BACKWARD, self._over
        g = self._each("normal.gradient", phase, "ga", "a * b", dy, self.gamma)
        g_sum = self._sum("normal.gradient.sum", phase, g)
        gn = self._each("normal.gradient.along", phase, "gg", "a * b", g, self._normal)
        gn_sum = self._sum("normal.gradient.along.sum", phase, gn)
        dx = self._each(
            "input.gradient",
            phase,
            "grgrr",
            f"(a - b {over} - c * d {over}) * e",
            g,
            g_sum,
            self._normal,
            gn_sum,
            self._inverse,
        )
        if self.trained:
            self._update(dy)
        return dx

    def _update(self, dy: TensorSpec) -> None:
        phase = Phase.WEIGHT_GRADIENT
        products = self._each("gamma.gradient.rows", phase, "gg", "a * b", dy, self._normal)
        _update_row(self.step, self.gamma, products, self.grid, self.affine)
        _update_row(self.step, self.beta, dy, self.grid, self.affine)


def layer_norm(
    step: Step, name: str, epsilon: float, *, divides: bool = False, trained: bool = True
) -> MomentNorm:
    """Return the norm over the features e of each token t.

    Source: Ba, Kiros and Hinton, "Layer normalization" (2016), eq. 4.
    """
    return MomentNorm(
        step,
        name,
        epsilon,
        grid="t e",
        rows="t",
        affine="e",
        divides=divides,
        trained=trained,
    )


def group_norm(step: Step, name: str, epsilon: float, *, trained: bool = True) -> MomentNorm:
    """Return the norm over the pixels p and the channels c of each image b and group g.

    Source: Wu and He, "Group normalization" (2018), section 3.1.
    """
    return MomentNorm(
        step, name, epsilon, grid="b p g c", rows="b g", affine="g c", trained=trained
    )


class RmsNorm(Layer):
    """``y = gamma x / r`` with ``r = sqrt(mean(x²) + epsilon)``.

    Backward, with ``g = dy gamma``: ``dx = g / r - x mean(g x) / r³``. Sliced features have a
    mean over as many as there were (``mean_over``), and in inference the next layer may have
    taken gamma over (not ``scaled``).

    Source: Zhang and Sennrich, "Root mean square layer normalization" (2019), eq. 4.
    """

    def __init__(
        self, step: Step, name: str, epsilon: float, *, mean_over: int = 0, scaled: bool = True
    ) -> None:
        self.step, self.name, self.epsilon = step, name, epsilon
        self.scaled = scaled
        self.features = mean_over or step.builder.sizes["e"]
        if scaled:
            self.gamma = step.parameter(f"{name}.gamma", (step.builder.sizes["e"],), mean=1.0)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; x and 1 / r are kept."""
        b, name, phase, self._x = self.step.builder, self.name, self.step.phase, x
        squares = b.elementwise(f"{name}.squares", phase, "t e -> t e", "a * a", x)
        spread = b.reduce(f"{name}.spread", phase, "t e -> t", squares)
        formula = f"1 / sqrt(a / {self.features} + {self.epsilon!r})"
        self._inverse = b.elementwise(f"{name}.inverse", phase, "t -> t", formula, spread)
        output = f"{name}.output"
        if not self.scaled:
            return b.elementwise(output, phase, "t e, t -> t e", "a * b", x, self._inverse)
        equation = "t e, t, e -> t e"
        return b.elementwise(output, phase, equation, "a * b * c", x, self._inverse, self.gamma)

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
    kinds: dict[NormKind, Callable[[Step, str, float], Layer]] = {
        "layer_norm": layer_norm,
        "rms_norm": RmsNorm,
    }
    return kinds[kind](step, name, epsilon)


def _update_row(
    step: Step, parameter: TensorSpec, rows: TensorSpec, grid: str = "t e", kept: str = "e"
) -> None:
    """Update a row of features whose gradient is a sum over tokens."""
    gradient = step.builder.reduce(
        f"{parameter.name}.gradient",
        Phase.WEIGHT_GRADIENT,
        f"{grid} -> {kept}",
        rows,
        shape=parameter.shape,
        role=Role.GRADIENT,
    )
    step.update(parameter, gradient)
