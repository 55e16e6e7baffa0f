"""Every step that a network's trees may consist of, priced by one or more objectives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsim.contraction.dynamic_program import EXACT_FLOAT, CheapestTrees, as_steps
from archsim.contraction.exact_search import Wanted, prepare
from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import Criterion, criterion
from archsim.contraction.topology import Topology, place_of
from archsim.contraction.tree import ContractionTree
from archsim.errors import InputError
from archsim.ir.operation import Array


@dataclass(frozen=True)
class PricedSteps:
    """The splits of a network's topology, the place of the whole, and prices per objective."""

    network: TensorNetwork
    topology: Topology
    root: int
    prices: tuple[Array, ...]

    @classmethod
    def of(
        cls,
        network: TensorNetwork,
        objectives: Sequence[Wanted],
        *,
        outer_products: bool,
        hyperedges: bool,
    ) -> "PricedSteps":
        """Price the steps of a network.

        Raises:
            InputError: as :func:`archsim.contraction.search`, and for an objective that
                is not a sum over steps.
        """
        wanted = [_additive(objective) for objective in objectives]
        count = len(network.inputs)
        terms = (*network.inputs, network.output)
        table, extents = prepare(terms, [network.sizes], count, count, outer_products, hyperedges)
        root = place_of(table, (1 << count) - 1)
        prices = tuple(_prices(table, extents[0], one) for one in wanted)
        return cls(network, table, root, prices)

    def tree(self, splits: list[int]) -> ContractionTree:
        """Return the tree of these splits, operands first."""
        count = self.topology.structure.count
        return ContractionTree(self.network, as_steps(self.topology, splits, missing=count))


def _additive(objective: Wanted) -> Criterion:
    wanted = criterion(objective)
    if wanted.uses_peak:
        raise InputError(
            "objective: the largest intermediate is not a sum over steps; "
            "search(network, objective) takes it"
        )
    return wanted


def _prices(table: Topology, extents: Sequence[int], wanted: Criterion) -> Array:
    """Return the price of every split; whole numbers as integers where floats lose digits."""
    floats = max(extents) <= EXACT_FLOAT
    found = CheapestTrees(table, np.array(extents, np.float64 if floats else object), wanted).prices
    steps = table.structure.count - 1
    if wanted.whole and floats and steps * found.max(initial=0) >= EXACT_FLOAT:
        return CheapestTrees(table, np.array(extents, object), wanted).prices
    return found
