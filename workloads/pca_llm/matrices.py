"""Linear layers of a compressed model: a matrix in whole numbers, and one layer after another."""

from collections.abc import Sequence

from archsim.formats import NumberFormat
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step


class InferenceLayer(Layer):
    """A layer that is used and not trained."""

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Refuse: there is no way back."""
        raise AssertionError(f"{dy.name}: compressed layers are not trained")


class QuantisedLinear(InferenceLayer):
    """``Y = X (W diag(scale))`` with whole numbers W and a scale for each output.

    Where dequantised ``apart``, W is written in the activations' format first; otherwise the
    product reads whole numbers and its columns are scaled, which is the same.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        inputs: str,
        outputs: str,
        *,
        rows: str,
        number_format: NumberFormat,
        apart: bool,
    ) -> None:
        self.step, self.name, self.apart = step, name, apart
        self.inputs, self.outputs, self.rows = inputs, outputs, rows
        sizes = step.sizes
        largest = 2 ** (number_format.bits - 1) - 1
        shape = (sizes[inputs], sizes[outputs])
        self.weight = step.parameter(
            f"{name}.weight", shape, deviation=largest / 3, number_format=number_format
        )
        self.scale = step.parameter(
            f"{name}.scale", shape[1:], mean=3 / largest / sizes[inputs] ** 0.5
        )

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return Y, (rows, features out)."""
        builder, phase, name = self.step.builder, self.step.phase, self.name
        matrix, result = f"{self.inputs} {self.outputs}", f"{self.rows} {self.outputs}"
        product = f"{self.rows} {self.inputs}, {matrix} -> {result}"
        scaled = "{0}, {1} -> {0}"
        if self.apart:
            equation = scaled.format(matrix, self.outputs)
            weight = builder.elementwise(
                f"{name}.dequantised", phase, equation, "a * b", self.weight, self.scale
            )
            return builder.contract(f"{name}.output", phase, product, x, weight)
        whole = builder.contract(f"{name}.product", phase, product, x, self.weight)
        equation = scaled.format(result, self.outputs)
        return builder.elementwise(f"{name}.output", phase, equation, "a * b", whole, self.scale)


class Series(InferenceLayer):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Go through all."""
        for layer in self.layers:
            x = layer.forward(x)
        return x


class LastTokens(InferenceLayer):
    """The last token of every sequence, (batch, features): data ``last_tokens`` are its rows."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Look them up."""
        sizes, rows = self.step.sizes, self.step.data["last_tokens"]
        shape = (sizes["b"], sizes["e"])
        return self.step.builder.gather("head.last", self.step.phase, x, rows, shape)
