"""Feed-forward nets: two layers with a function between, or three with a gate."""

from abc import ABC, abstractmethod

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step


class FeedForward(ABC):
    """A net of its own for every token."""

    @abstractmethod
    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the result, (tokens, hidden)."""

    @abstractmethod
    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return gradients that add up to that of x."""


class Plain(FeedForward):
    """``out(function(in(x)))``.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.3.
    """

    def __init__(self, feed_in: Layer, function: Layer, feed_out: Layer) -> None:
        self.feed_in, self.function, self.feed_out = feed_in, function, feed_out

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Go through all three."""
        return self.feed_out.forward(self.function.forward(self.feed_in.forward(x)))

    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, ...]:
        """Go back through all three."""
        return (self.feed_in.backward(self.function.backward(self.feed_out.backward(dy))),)


class SwiGlu(FeedForward):
    """``out(silu(gate(x)) in(x))`` with ``silu(g) = g / (1 + exp(-g))``, at every point.

    ``grid`` names the indices of the points between the layers. In training the sigmoid is
    kept; in inference silu and product are one operation.

    Source: Shazeer, "GLU variants improve transformer" (2020), eq. 6.
    """

    def __init__(
        self, step: Step, name: str, gate: Layer, feed_in: Layer, feed_out: Layer, grid: str
    ) -> None:
        self.step, self.name = step, name
        self.gate, self.feed_in, self.feed_out = gate, feed_in, feed_out
        self.grid = grid

    def _each(self, name: str, phase: Phase, formula: str, *tensors: TensorSpec) -> TensorSpec:
        equation = f"{', '.join([self.grid] * len(tensors))} -> {self.grid}"
        return self.step.builder.elementwise(name, phase, equation, formula, *tensors)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Gate and narrow; both sides of the product are kept."""
        phase = self.step.phase
        self._gate, self._up = self.gate.forward(x), self.feed_in.forward(x)
        if not self.step.trains:
            active = self._each(self.name, phase, "a / (1 + exp(-a)) * b", self._gate, self._up)
            return self.feed_out.forward(active)
        sigmoid = f"{self.name}.sigmoid"
        self._sigmoid = self._each(sigmoid, phase, "1 / (1 + exp(-a))", self._gate)
        parts = (self._gate, self._sigmoid, self._up)
        return self.feed_out.forward(self._each(self.name, phase, "a * b * c", *parts))

    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, ...]:
        """Go back through both sides: silu'(g) = s (1 + g (1 - s)) with s the sigmoid."""
        d, phase = self.feed_out.backward(dy), Phase.BACKWARD
        d_gate = self._each(
            f"{self.name}.gate.gradient",
            phase,
            "a * b * c * (1 + d * (1 - c))",
            d,
            self._up,
            self._sigmoid,
            self._gate,
        )
        d_up = self._each(
            f"{self.name}.in.gradient", phase, "a * b * c", d, self._gate, self._sigmoid
        )
        return self.gate.backward(d_gate), self.feed_in.backward(d_up)
