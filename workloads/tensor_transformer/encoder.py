"""One encoder: attention and a feed-forward net, each followed by a residual and a layer norm.

Source: Vaswani et al., "Attention is all you need" (2017), section 3.
"""

from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.tensor_transformer.layers import Gelu, LayerNorm, Linear, Relu, WeightFormat
from workloads.tensor_transformer.step import Step

SoftmaxBackward = Literal["jacobian", "inner_product"]


class Attention:
    """``softmax(Q K' / sqrt(d)) V`` for every sequence and head.

    Softmax backward, a row p of the weights at a time: ``ds = p (dp - p' dp)``. As
    ``"inner_product"`` the sum ``p' dp`` is one number per row; as ``"jacobian"`` the
    matrix ``p p'`` is made and multiplied with dp, as kernels that hold the Jacobian do.
    """

    def __init__(self, step: Step, name: str, softmax_backward: SoftmaxBackward) -> None:
        self.step, self.name, self.softmax_backward = step, name, softmax_backward
        self.scale = step.builder.sizes["d"] ** -0.5

    def forward(self, query: TensorSpec, key: TensorSpec, value: TensorSpec) -> TensorSpec:
        """Return the weighted values, (tokens, hidden); the weights are kept."""
        b, name, phase = self.step.builder, self.name, Phase.FORWARD
        self._query, self._key, self._value = query, key, value
        scores = b.contract(f"{name}.scores", phase, "b q h d, b k h d -> b h q k", query, key)
        grid = "b h q k -> b h q k"
        scaled = b.elementwise(f"{name}.scaled", phase, grid, f"a * {self.scale!r}", scores)
        top = b.reduce(f"{name}.maximum", phase, "b h q k -> b h q", scaled, function="maximum")
        by_row = "b h q k, b h q -> b h q k"
        powers = b.elementwise(f"{name}.exponentials", phase, by_row, "exp(a - b)", scaled, top)
        total = b.reduce(f"{name}.sum", phase, "b h q k -> b h q", powers)
        self._weights = b.elementwise(f"{name}.weights", phase, by_row, "a / b", powers, total)
        return b.contract(
            f"{name}.context",
            phase,
            "b h q k, b k h d -> b q h d",
            self._weights,
            value,
            shape=query.shape,
        )

    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
        """Return the gradients of query, key and value."""
        b, name, phase = self.step.builder, self.name, Phase.BACKWARD
        shape = dy.shape
        d_weights = b.contract(
            f"{name}.weights.gradient", phase, "b q h d, b k h d -> b h q k", dy, self._value
        )
        d_value = b.contract(
            f"{name}.value.gradient",
            phase,
            "b h q k, b q h d -> b k h d",
            self._weights,
            dy,
            shape=shape,
        )
        d_scores = self._softmax(d_weights)
        d_query = b.contract(
            f"{name}.query.gradient",
            phase,
            "b h q k, b k h d -> b q h d",
            d_scores,
            self._key,
            shape=shape,
        )
        d_key = b.contract(
            f"{name}.key.gradient",
            phase,
            "b h q k, b q h d -> b k h d",
            d_scores,
            self._query,
            shape=shape,
        )
        return d_query, d_key, d_value

    def _softmax(self, d_weights: TensorSpec) -> TensorSpec:
        """Return the scores' gradient before scaling, times the scale."""
        b, phase, weights = self.step.builder, Phase.BACKWARD, self._weights
        name, grid = f"{self.name}.softmax", "b h q k, b h q k"
        if self.softmax_backward == "jacobian":
            outer = b.elementwise(
                f"{name}.jacobian",
                phase,
                "b h q k, b h q l -> b h q k l",
                "a * b",
                weights,
                weights,
            )
            along = b.contract(
                f"{name}.along", phase, "b h q k l, b h q l -> b h q k", outer, d_weights
            )
            equation, formula = f"{grid}, b h q k -> b h q k", "(a * b - c)"
        else:
            products = b.elementwise(
                f"{name}.products", phase, f"{grid} -> b h q k", "a * b", weights, d_weights
            )
            along = b.reduce(f"{name}.along", phase, "b h q k -> b h q", products)
            equation, formula = f"{grid}, b h q -> b h q k", "a * (b - c)"
        return b.elementwise(
            f"{self.name}.scores.gradient",
            phase,
            equation,
            f"{formula} * {self.scale!r}",
            weights,
            d_weights,
            along,
        )


class Encoder:
    """Post-norm encoder with six hidden x hidden linear layers."""

    def __init__(
        self,
        step: Step,
        name: str,
        weight: WeightFormat,
        *,
        softmax_backward: SoftmaxBackward,
        activation: Literal["gelu", "relu"],
        epsilon: float,
    ) -> None:
        self.step, self.name = step, name
        self.query, self.key, self.value, self.projection, self.feed_in, self.feed_out = (
            Linear(step, f"{name}.{part}", weight, "t")
            for part in (
                "query",
                "key",
                "value",
                "projection",
                "feed_forward.in",
                "feed_forward.out",
            )
        )
        self.attention = Attention(step, f"{name}.attention", softmax_backward)
        self.attention_norm = LayerNorm(step, f"{name}.attention_norm", epsilon)
        active = f"{name}.feed_forward.active"
        self.activation = Gelu(step, active) if activation == "gelu" else Relu(step, active)
        self.output_norm = LayerNorm(step, f"{name}.output_norm", epsilon)

    def _add(self, name: str, phase: Phase, *tensors: TensorSpec) -> TensorSpec:
        equation = f"{', '.join(['t e'] * len(tensors))} -> t e"
        formula = " + ".join("abcd"[: len(tensors)])
        return self.step.builder.elementwise(
            f"{self.name}.{name}", phase, equation, formula, *tensors
        )

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the encoder's output, (tokens, hidden)."""
        phase = Phase.FORWARD
        query, key, value = (layer.forward(x) for layer in (self.query, self.key, self.value))
        mixed = self.projection.forward(self.attention.forward(query, key, value))
        middle = self.attention_norm.forward(self._add("attention_residual", phase, x, mixed))
        active = self.activation.forward(self.feed_in.forward(middle))
        narrowed = self.feed_out.forward(active)
        return self.output_norm.forward(self._add("output_residual", phase, middle, narrowed))

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of the encoder's input."""
        phase = Phase.BACKWARD
        d_sum = self.output_norm.backward(dy)
        d_active = self.activation.backward(self.feed_out.backward(d_sum))
        d_middle = self._add(
            "attention_norm.output.gradient", phase, d_sum, self.feed_in.backward(d_active)
        )
        d_sum = self.attention_norm.backward(d_middle)
        d_query, d_key, d_value = self.attention.backward(self.projection.backward(d_sum))
        branches = (
            self.value.backward(d_value),
            self.query.backward(d_query),
            self.key.backward(d_key),
        )
        return self._add("input.gradient", phase, d_sum, *branches)
