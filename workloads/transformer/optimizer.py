"""Optimisers: how a gradient changes its parameter, as operations that overwrite it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from archsim.ir.builder import GraphBuilder
from archsim.ir.indexed import Elementwise
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec

OptimizerName = Literal["sgd", "adam"]


class Optimizer(ABC):
    """Updates parameters; a tensor ``x`` becomes ``x.updated`` in the same storage."""

    @abstractmethod
    def update(self, builder: GraphBuilder, parameter: TensorSpec, gradient: TensorSpec) -> None:
        """Append the operations that update one parameter."""

    @abstractmethod
    def state(self, parameter: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return what is held between steps for one parameter."""

    @abstractmethod
    def scalars(self, step: int) -> dict[str, float]:
        """Return the numbers handed in at a step, counted from 1."""


@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """``w <- w - learning_rate g``."""

    learning_rate: float

    def update(self, builder: GraphBuilder, parameter: TensorSpec, gradient: TensorSpec) -> None:
        """Append one operation."""
        overwrite(builder, f"a - {self.learning_rate!r} * b", parameter, [gradient])

    def state(self, parameter: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return nothing: no memory."""
        return ()

    def scalars(self, step: int) -> dict[str, float]:
        """Return nothing: every step is alike."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam; the bias corrections ``1 / (1 - beta^t)`` are handed in at step t.

    ``m <- beta1 m + (1 - beta1) g``, ``v <- beta2 v + (1 - beta2) g²``,
    ``w <- w - learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)``.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
    """

    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float

    def update(self, builder: GraphBuilder, parameter: TensorSpec, gradient: TensorSpec) -> None:
        """Append one operation for each moment and one for the parameter."""
        first, second = self.state(parameter)
        m = overwrite(builder, f"{self.beta1!r} * a + {1 - self.beta1!r} * b", first, [gradient])
        v = overwrite(
            builder, f"{self.beta2!r} * a + {1 - self.beta2!r} * b * b", second, [gradient]
        )
        corrections = [builder.tensor(name, (), Role.DATA) for name in self.scalars(1)]
        formula = f"a - {self.learning_rate!r} * (b * d) / (sqrt(c * e) + {self.epsilon!r})"
        overwrite(builder, formula, parameter, [m, v], corrections)

    def state(self, parameter: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return the first and the second moment."""
        first, second = (
            TensorSpec(f"{parameter.name}.{moment}", parameter.shape, parameter.format, Role.STATE)
            for moment in ("first_moment", "second_moment")
        )
        return first, second

    def scalars(self, step: int) -> dict[str, float]:
        """Return the bias corrections of both moments."""
        return {
            "adam.first_correction": 1 / (1 - self.beta1**step),
            "adam.second_correction": 1 / (1 - self.beta2**step),
        }


def named_optimizer(
    name: OptimizerName, learning_rate: float, beta1: float, beta2: float, epsilon: float
) -> Optimizer:
    """Return the optimiser of a name; all but Adam need no more than the learning rate."""
    if name == "sgd":
        return Sgd(learning_rate=learning_rate)
    return Adam(learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)


def overwrite(
    builder: GraphBuilder,
    formula: str,
    tensor: TensorSpec,
    others: Iterable[TensorSpec],
    scalars: Iterable[TensorSpec] = (),
) -> TensorSpec:
    """Replace a tensor by a formula of itself, others of its shape, and scalars."""
    others, scalars = tuple(others), tuple(scalars)
    term = " ".join(f"d{n}" for n in range(len(tensor.shape)))
    terms = ", ".join([term] * (1 + len(others)) + [""] * len(scalars))
    name = f"{tensor.name}.updated"
    updated = builder.add(
        Elementwise(
            name=name,
            phase=Phase.UPDATE,
            inputs=(tensor, *others, *scalars),
            outputs=(builder.tensor(name, tensor.shape, tensor.role, tensor.format),),
            equation=f"{terms} -> {term}",
            formula=formula,
            overwrites=tensor.name,
        )
    )
    builder.output(updated)
    return updated
