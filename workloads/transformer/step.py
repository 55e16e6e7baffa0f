"""What the layers of one step share: builder, parameters, their updates, data, machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archsim.contraction import LayerSearch
from archsim.ir.builder import GraphBuilder
from archsim.ir.indexed import Elementwise
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.optimizer import Optimizer


@dataclass(frozen=True)
class Parameter:
    """A trained tensor, and the normal distribution that it is drawn from at first."""

    tensor: TensorSpec
    mean: float
    deviation: float


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
    ) -> None:
        self.builder = builder
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

    def parameter(
        self, name: str, shape: Sequence[int], *, mean: float = 0.0, deviation: float = 0.0
    ) -> TensorSpec:
        """Declare a parameter."""
        assert name not in self.parameters, name
        tensor = self.builder.tensor(name, shape, Role.PARAMETER)
        self.parameters[name] = Parameter(tensor, mean, deviation)
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
