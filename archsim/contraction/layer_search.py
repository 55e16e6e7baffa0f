"""Search for a machine: what a layer's orders cost there is asked of whoever knows it.

This package knows nothing of hardware. A workload whose orders depend on it is lowered
with a :class:`LayerSearch`, which the experiment makes from mapping and architecture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """How to compute a layer: an order by its name, or trees of the plan's own."""

    order: str = ""
    trees: TrainingSearch | None = None
    """Where no order is named."""
    shares: bool = True
    """Whether the gradients share the intermediates of the forward tree."""
    recomputed: frozenset[int] = frozenset()
    """Steps of a shared forward tree whose results are not kept for the gradients, but made
    again."""
    verdict: str = ""
    """What is known of the plan's optimality, in words."""


@dataclass(frozen=True)
class OrderTimes:
    """Seconds of a layer's training step in several orders."""

    simulated: Mapping[str, float]
    at_least: Mapping[str, float] = field(default_factory=dict)
    """Of orders that were not simulated, since this bound rules them out."""


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
    ) -> OrderTimes:
        """Return the time of the layer's training step in this and all other orders.

        Of the orders that depend on the machine, only the one asked for.
        """
        ...


@runtime_checkable
class HardwareAware(Protocol):
    """A workload whose lowering may depend on the machine."""

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the operations of one step, in orders that suit the machine."""
        ...
