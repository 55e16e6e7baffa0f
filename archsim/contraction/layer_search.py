"""Search for a machine: what a layer's orders cost there is asked of whoever knows it.

This package knows nothing of hardware. A workload whose orders depend on it is lowered
with a :class:`LayerSearch`, which the experiment makes from mapping and architecture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

from archsim.contraction.exact_search import TrainingSearch
from archsim.contraction.network import TensorNetwork
from archsim.formats import NumberFormat
from archsim.ir.graph import OperationGraph

HardwareOrder = Literal["latency", "energy", "edp", "simulated"]
"""Trees of each contraction with the least sum over steps of time (``latency``) or energy
(``energy``), the least product of both sums (``edp``), or the least simulated time
(``simulated``); whether gradients share intermediates is decided by simulating the layer."""
HARDWARE_ORDERS: tuple[HardwareOrder, ...] = get_args(HardwareOrder)


@dataclass(frozen=True)
class LayerPlan:
    """Trees for a layer, and whether the gradients share the forward tree's intermediates."""

    trees: TrainingSearch
    shares: bool
    verdict: str = ""
    """What is known of the plan's optimality, in words."""


class LayerSearch(Protocol):
    """Finds contraction trees that suit one machine."""

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> LayerPlan:
        """Return how to compute a layer's forward pass and gradients.

        The network's last tensor is the activation.
        """
        ...

    def seconds(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> Mapping[str, float]:
        """Return the simulated time of the layer's training step in this and all other orders.

        Of the orders that depend on the machine, only the one asked for.
        """
        ...


@runtime_checkable
class HardwareAware(Protocol):
    """A workload whose lowering may depend on the machine."""

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the operations of one step, in orders that suit the machine."""
        ...
