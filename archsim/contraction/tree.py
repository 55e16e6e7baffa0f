"""A contraction tree: in which pairs a tensor network is contracted, and what that costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NoReturn

from archsim.contraction.network import TensorNetwork, open_indices
from archsim.errors import GraphError
from archsim.ir.operation import Indices

Step = tuple[int, int]
"""Two tensors by number: inputs are 0 … n - 1, and step k makes tensor n + k."""


@dataclass(frozen=True)
class ContractionTree:
    """Pairwise steps that contract a whole network.

    An index stays as long as a tensor still to be used, or the output, has it.

    Raises:
        GraphError: if a step names a tensor that is not there, or used up, or some are left.
    """

    network: TensorNetwork
    steps: tuple[Step, ...]

    def __init__(self, network: TensorNetwork, steps: Iterable[Step]) -> None:
        object.__setattr__(self, "network", network)
        object.__setattr__(self, "steps", tuple((one, other) for one, other in steps))
        count = len(network.inputs)
        used = sorted(chain.from_iterable(self.steps))
        each_once = used == list(range(2 * count - 2))
        if not each_once or any(max(step) >= made for made, step in enumerate(self.steps, count)):
            self._explain()

    def _explain(self) -> NoReturn:
        """Say which step is wrong, or what the steps leave."""
        count = len(self.network.inputs)
        present = set(range(count))
        for number, step in enumerate(self.steps):
            if step[0] == step[1] or not present.issuperset(step):
                raise GraphError(f"step {number} contracts {step}, present are {sorted(present)}")
            present.difference_update(step)
            present.add(count + number)
        raise GraphError(f"the steps leave the tensors {sorted(present)} apart")

    @cached_property
    def members(self) -> tuple[frozenset[int], ...]:
        """The inputs that each tensor, input or made by a step, is the product of."""
        found = [frozenset({number}) for number in range(len(self.network.inputs))]
        for one, other in self.steps:
            found.append(found[one] | found[other])
        return tuple(found)

    @cached_property
    def indices(self) -> tuple[Indices, ...]:
        """The indices of each tensor, input or made by a step."""
        return tuple(open_indices(self.network.closed, members) for members in self.members)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of all steps."""
        return sum(self.step_macs)

    @cached_property
    def step_macs(self) -> tuple[int, ...]:
        """Multiply-accumulates of each step: the product of all extents it meets."""
        return tuple(
            self.network.elements({*self.indices[one], *self.indices[other]})
            for one, other in self.steps
        )

    @cached_property
    def peak_elements(self) -> int:
        """Elements of the largest intermediate: neither an input nor the result."""
        made = self.indices[len(self.network.inputs) : -1] if self.steps else ()
        return max(map(self.network.elements, made), default=0)
