"""What workloads with parameters have in common: their sizes, first values and updates."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from archsim.ir.operation import Array
from workloads.transformer.optimizer import Optimizer
from workloads.transformer.step import Parameter


class TrainedModel(ABC):
    """A model whose step's inputs are parameters, an optimiser's state, and data."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, Parameter]:
        """Every trained or frozen tensor by name."""

    @property
    @abstractmethod
    def update_rule(self) -> Optimizer | None:
        """The optimiser; None where nothing is trained."""

    @cached_property
    def parameter_count(self) -> int:
        """Numbers held by all parameters."""
        return sum(parameter.tensor.elements for parameter in self.parameters.values())

    @property
    def parameter_bytes(self) -> int:
        """Bytes of all parameters."""
        return sum(parameter.tensor.size_bytes for parameter in self.parameters.values())

    def _states(self, parameter: Parameter) -> tuple[str, ...]:
        rule = self.update_rule if parameter.trained else None
        return tuple(state.name for state in rule.state(parameter.tensor)) if rule else ()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, Array]:
        """Draw every parameter, and set the optimiser's state to zero."""
        values: dict[str, Array] = {}
        for parameter in self.parameters.values():
            values |= parameter.draw(rng)
            shape = parameter.tensor.shape
            values |= {state: np.zeros(shape) for state in self._states(parameter)}
        return values

    def next_parameters(self, results: Mapping[str, Array]) -> dict[str, Array]:
        """Pick the updated parameters and state out of what a step computed."""
        names = [
            name
            for parameter in self.parameters.values()
            if parameter.trained
            for name in (parameter.tensor.name, *self._states(parameter))
        ]
        return {name: results[f"{name}.updated"] for name in names}
