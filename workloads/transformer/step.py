"""What the layers of one step share: builder, parameters, their updates, data, machine."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from math import prod

import numpy as np

from archsim.contraction import LayerSearch
from archsim.formats import NumberFormat
from archsim.ir.builder import GraphBuilder
from archsim.ir.indexed import Elementwise
from archsim.ir.operation import Array, Phase
from archsim.ir.quantizer import Quantizer
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.optimizer import Optimizer


@dataclass(frozen=True)
class Parameter:
    """A trained or a frozen tensor, and the normal distribution that it is drawn from at first.

    One that is frozen may be held as whole numbers, with a ``scale``.
    """

    tensor: TensorSpec
    mean: float
    deviation: float
    trained: bool = True
    scale: TensorSpec | None = None
    quantizer: Quantizer | None = None

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        """Return first values of the tensor, and of its scale if it has one."""
        values = self.mean + self.deviation * rng.standard_normal(self.tensor.shape)
        if self.scale is None or self.quantizer is None:
            return {self.tensor.name: values}
        whole, scale = self.quantizer.quantize(values)
        return {self.tensor.name: whole, self.scale.name: np.asarray(scale)}


class Step:
    """One step while it is being lowered: of training, or without an optimiser of inference.

    Layers declare their parameters when they are made, and hand in each gradient with
    :meth:`update` when nothing of theirs reads the parameter any more.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        optimizer: Optimizer | None,
        data: Mapping[str, TensorSpec],
        machine: LayerSearch | None = None,
        *,
        holds_orders: bool = False,
        given: Mapping[str, TensorSpec] | None = None,
    ) -> None:
        self.holds_orders = holds_orders
        """Whether frozen weights are held in each order that they are wanted in."""
        self.builder = builder
        self.given = given or {}
        """Tensors that stand in for parameters, by their names."""
        self.optimizer = optimizer
        self.data = data
        self.machine = machine
        self.parameters: dict[str, Parameter] = {}
        self.number: TensorSpec | None = None
        """Any one number that is at hand when gradients are: the loss."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Extents of all indices."""
        return self.builder.sizes

    @property
    def trains(self) -> bool:
        """Whether gradients follow, so that layers keep what these need."""
        return self.optimizer is not None

    @property
    def phase(self) -> Phase:
        """Of the operations on the way from input to result."""
        return Phase.FORWARD if self.trains else Phase.INFERENCE

    def sized(self, **sizes: int) -> "Step":
        """Return the same step for layers that know other sizes, too."""
        step = copy(self)
        step.builder = self.builder.sized(**sizes)
        return step

    def parameter(
        self,
        name: str,
        shape: Sequence[int],
        *,
        mean: float = 0.0,
        deviation: float = 0.0,
        trained: bool = True,
        multiplies: bool = False,
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Declare a parameter, in the builder's format or one of its own; or take what is given.

        One that is frozen and ``multiplies`` activations is held as whole numbers where the
        builder has a quantizer.
        """
        if name in self.given:
            return self.given[name]
        assert name not in self.parameters, name
        builder, scale = self.builder, None
        quantizer = builder.quantizer if multiplies and not trained else None
        held = quantizer.format if quantizer else number_format
        tensor = builder.tensor(name, shape, Role.PARAMETER, held)
        if quantizer:
            scale = builder.tensor(f"{name}.scale", (), Role.PARAMETER)
            builder.hold_quantized(tensor, scale)
        if self.holds_orders and multiplies and not trained:
            builder.hold_orders(tensor)
        self.parameters[name] = Parameter(tensor, mean, deviation, trained, scale, quantizer)
        return tensor

    @property
    def parameter_elements(self) -> int:
        """Numbers held by all parameters declared so far."""
        return sum(prod(parameter.tensor.shape) for parameter in self.parameters.values())

    def update(self, parameter: TensorSpec, gradient: TensorSpec) -> None:
        """Append the optimiser's operations for one parameter."""
        assert self.optimizer is not None, parameter.name
        assert gradient.shape == parameter.shape, parameter.name
        self.optimizer.update(self.builder, parameter, gradient)

    def zeros(
        self, name: str, shape: Sequence[int], phase: Phase = Phase.WEIGHT_GRADIENT
    ) -> TensorSpec:
        """Fill a table with zeros, as an operation of its own: it is written like any other.

        An elementwise operation has at least one input; ``number`` is that one.
        """
        assert self.number is not None, name
        indices = " ".join(f"d{n}" for n in range(len(shape)))
        return self.builder.add(
            Elementwise(
                name=name,
                phase=phase,
                inputs=(self.number,),
                outputs=(self.builder.tensor(name, shape),),
                equation=f" -> {indices}",
                formula="0 * a",
            )
        )
