"""Search for a machine: what a layer's orders cost there is asked of whoever knows it.

This package knows nothing of hardware. A workload whose orders depend on it is lowered
with a :class:`LayerSearch`, which the experiment makes from mapping and architecture.
"""

from collections.abc import Mapping
from typing import Literal, Protocol, get_args, runtime_checkable

from archsim.contraction.exact_search import TrainingSearch
from archsim.contraction.network import TensorNetwork
from archsim.formats import NumberFormat
from archsim.ir.graph import OperationGraph

HardwareOrder = Literal["latency", "energy", "edp", "simulated"]
"""``latency`` and ``energy``: least sum over steps; ``edp``: least product of both sums;
``simulated``: least simulated time of each contraction, proved by a bound."""
HARDWARE_ORDERS: tuple[HardwareOrder, ...] = get_args(HardwareOrder)


class LayerSearch(Protocol):
    """Finds contraction trees that suit one machine."""

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> TrainingSearch:
        """Return trees for a layer's forward pass and each of its gradients.

        The network's last tensor is the activation.
        """
        ...

    def seconds(self, network: TensorNetwork, number_format: NumberFormat) -> Mapping[str, float]:
        """Return the simulated time of the layer's training step in every order it can take."""
        ...


@runtime_checkable
class HardwareAware(Protocol):
    """A workload whose lowering may depend on the machine."""

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the operations of one step, in orders that suit the machine."""
        ...
