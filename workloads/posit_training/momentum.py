"""Stochastic gradient descent with momentum, in fp32, whatever format the weights are kept in."""

from dataclasses import dataclass

from archsim.ir.builder import GraphBuilder
from archsim.ir.tensor import Role, TensorSpec
from workloads.posit_training.formats import FP32, converted
from workloads.transformer.optimizer import Optimizer, overwrite


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """``v <- momentum v + g``, ``w <- w - learning_rate v``.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep
    learning" (2013), eq. 1 and 2, with the rate outside of v as PyTorch has it.
    """

    learning_rate: float
    momentum: float

    def update(self, builder: GraphBuilder, parameter: TensorSpec, gradient: TensorSpec) -> None:
        """Append one operation for v and one for the parameter."""
        (v,) = self.state(parameter)
        read = converted("b", gradient.format, FP32)
        v = overwrite(builder, f"{self.momentum!r} * a + {read}", v, [gradient])
        moved = converted(f"({self.learning_rate!r} * b)", FP32, parameter.format)
        overwrite(builder, f"a - {moved}", parameter, [v])

    def state(self, parameter: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return v."""
        return (TensorSpec(f"{parameter.name}.velocity", parameter.shape, FP32, Role.STATE),)

    def scalars(self, step: int) -> dict[str, float]:
        """Return nothing: every step is alike."""
        return {}
