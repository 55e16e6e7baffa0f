"""A linear layer whose weight is one matrix or a network of tensor cores."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from archsim.ir.operation import Indices, Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.tensor_layers import TensorLinear, infer
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step


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


class Linear(Layer):
    """``Y = X W + bias``, or without the bias, for rows counted by the index ``rows``.

    One that is not ``trained`` keeps its weight and its bias as they are.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        weight: WeightFormat,
        rows: str,
        *,
        bias: bool = True,
        trained: bool = True,
    ) -> None:
        self.step, self.name, self.weight, self.rows = step, name, weight, rows
        self.trained = trained
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
                trained=trained,
                multiplies=True,
            )
            for number, core in enumerate(weight.cores)
        ]
        self.bias = (
            step.parameter(f"{name}.bias", (features_out,), trained=trained) if bias else None
        )

    def forward(self, x: TensorSpec, shape: Sequence[int] | None = None) -> TensorSpec:
        """Return Y, of shape (rows, features out) or as many numbers in another shape."""
        if self.bias is None:
            return self._times_weight(x, f"{self.name}.output", shape)
        product = self._times_weight(x, f"{self.name}.product")
        features = " ".join(self.weight.outputs)
        equation = f"{self.rows} {features}, {features} -> {self.rows} {features}"
        return self.step.builder.elementwise(
            f"{self.name}.output",
            self.step.phase,
            equation,
            "a + b",
            product,
            self.bias,
            shape=shape or product.shape,
        )

    def _times_weight(
        self, x: TensorSpec, result: str, shape: Sequence[int] | None = None
    ) -> TensorSpec:
        builder, weight = self.step.builder, self.weight
        if not self.step.trains:
            return infer(
                builder,
                self.name,
                weight.cores,
                (*self.cores, x),
                inputs=weight.inputs,
                outputs=weight.outputs,
                rows=self.rows,
                order=weight.order,
                result=result,
                shape=shape,
            )
        self._product = TensorLinear(
            builder,
            self.name,
            weight.cores,
            inputs=weight.inputs,
            outputs=weight.outputs,
            rows=self.rows,
            order=weight.order,
            machine=self.step.machine,
        )
        return self._product.forward(x, self.cores, result, shape)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return dX; update the bias and, once all have their gradients, the cores."""
        dx = self._product.backward(dy, f"{self.name}.input.gradient")
        self._update(dy)
        return dx

    def end(self, dy: TensorSpec) -> None:
        """Update bias and cores where nobody wants the gradient of X."""
        self._product.start(dy)
        self._update(dy)

    def _update(self, dy: TensorSpec) -> None:
        if not self.trained:
            return
        if self.bias is not None:
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
