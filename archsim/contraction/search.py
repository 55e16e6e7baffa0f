"""Exact contraction search: dynamic programming over sets of tensors, whole arrays at a time.

The cheapest way to make a set is, over its splits, the cheapest way to make both sides
plus the step that joins them. Costs are float64; sums of whole numbers below 2^53 are
exact there, and a result beyond that is searched again in Python's integers, so counts
are always optimal to the last digit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import CandidateSteps, Criterion, Objective, criterion
from archsim.contraction.topology import (
    Level,
    Structure,
    Topology,
    bonds,
    check_connected,
    check_searchable,
    topology,
)
from archsim.contraction.tree import ContractionTree, Step
from archsim.errors import GraphError, InputError, did_you_mean
from archsim.ir.operation import Array, Indices

EXACT_FLOAT = 2.0**53
BATCH_NUMBERS = 1 << 22
"""Prices held at once when many variants are searched."""


def search(
    network: TensorNetwork,
    objective: str | Mapping[str, float] | Objective = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> ContractionTree:
    """Return a cheapest contraction tree, by ``macs``, ``peak``, ``traffic`` or a sum of them.

    Steps join tensors that share an index; with ``outer_products``, any. An index in three
    or more tensors is refused unless ``hyperedges`` is set: each step then keeps it, as a
    batch index, while a tensor left has it. The search is exact in each case.

    Raises:
        InputError: for too many tensors, an index in three of them, tensors that nothing
            joins, or an unknown objective; each message says what else to ask for.
    """
    wanted = criterion(objective)
    count = len(network.inputs)
    if count == 1:
        return ContractionTree(network, ())
    check_searchable(network, count, hyperedges=hyperedges)
    terms = (*network.inputs, network.output)
    structure, extents = _structure(terms, network.sizes, count, count, outer_products)
    table = topology(structure)
    root = check_connected(table, (1 << count) - 1)
    return ContractionTree(network, _steps(table, _Search(table, extents, wanted).totals(root), root))


def search_many(
    network: TensorNetwork,
    variants: Iterable[Mapping[str, int]],
    objective: str | Mapping[str, float] | Objective = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> list[ContractionTree]:
    """Search one network at many extents; each variant names those that differ.

    Raises:
        InputError: as :func:`search`, and for a variant's index that the network lacks.
    """
    networks = [_variant(network, sizes) for sizes in variants]
    wanted = criterion(objective)
    count = len(network.inputs)
    if count == 1 or wanted.peak_weight:
        return [search(n, objective, outer_products, hyperedges=hyperedges) for n in networks]
    check_searchable(network, count, hyperedges=hyperedges)
    terms = (*network.inputs, network.output)
    pairs = [_structure(terms, n.sizes, count, count, outer_products) for n in networks]
    found: list[ContractionTree] = []
    for first in range(0, len(pairs), width := 1 << 12):
        block = pairs[first : first + width]
        table = topology(block[0][0])
        root = check_connected(table, (1 << count) - 1)
        step = max(1, BATCH_NUMBERS // max(1, len(table.left)))
        for begin in range(0, len(block), step):
            columns = [extents for _, extents in block[begin : begin + step]]
            trees = _columns(table, columns, wanted, root)
            owners = networks[first + begin : first + begin + step]
            found += [ContractionTree(n, tree) for n, tree in zip(owners, trees, strict=True)]
    return found


@dataclass(frozen=True)
class TrainingSearch:
    """Cheapest trees for a layer's forward pass and each of its gradients.

    Each gradient's network holds all other tensors, and last the gradient of the output.
    """

    forward: ContractionTree
    input_gradient: ContractionTree
    weight_gradients: tuple[ContractionTree, ...]
    """One per tensor but the activation, in the order of the network's inputs."""

    @property
    def trees(self) -> tuple[ContractionTree, ...]:
        """All of them, the forward pass first."""
        return (self.forward, self.input_gradient, *self.weight_gradients)

    @property
    def independent_macs(self) -> int:
        """Multiply-accumulates if every gradient is contracted on its own."""
        return sum(tree.macs for tree in self.trees)

    @property
    def shared_macs(self) -> int:
        """Multiply-accumulates of reverse mode over the forward tree, intermediates kept.

        A step ``C = A B`` has two gradients, ``dA = dC B`` and ``dB = dC A``, over the same
        iteration space.
        """
        return 3 * self.forward.macs


def search_training(
    network: TensorNetwork,
    activation: int,
    objective: str | Mapping[str, float] | Objective = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> TrainingSearch:
    """Search the forward pass and all gradients of a layer at once.

    Closed with the gradient of its output, a network leaves nothing over, so what a set of
    tensors is contracted to does not depend on which of the others is wanted: one table of
    cheapest sets holds the forward pass (all but the output's gradient) and the gradient of
    each tensor (all but that tensor).

    Raises:
        InputError: as :func:`search`.
    """
    count = len(network.inputs)
    if not 0 <= activation < count:
        raise GraphError(f"no tensor {activation} among {count} to be the activation")
    wanted = criterion(objective)
    check_searchable(network, count + 1, hyperedges=hyperedges)
    terms = network.closed
    structure, extents = _structure(terms, network.sizes, count + 1, count, outer_products)
    table = topology(structure)
    every = (2 << count) - 1
    roots = [check_connected(table, every ^ 1 << number) for number in range(count + 1)]
    found = _Search(table, extents, wanted)
    trees = [
        ContractionTree(
            _without(network, number), _steps(table, found.totals(root), root, missing=number)
        )
        for number, root in enumerate(roots)
    ]
    return TrainingSearch(
        forward=trees[count],
        input_gradient=trees[activation],
        weight_gradients=tuple(trees[n] for n in range(count) if n != activation),
    )


class _Search:
    """The cheapest totals of every split, for one or more variants of one structure."""

    def __init__(self, table: Topology, extents: Array, wanted: Criterion) -> None:
        self.topology, self.extents, self.criterion = table, extents, wanted
        with np.errstate(over="ignore", invalid="ignore"):
            self.steps = CandidateSteps(table, table.table(extents))
            self.prices = self._prices()

    def totals(self, root: int) -> Array:
        """Return each split's total, from which a cheapest tree for ``root`` can be read."""
        if not self.criterion.uses_peak:
            best, totals = self._free
        elif self.criterion.peak_first:
            best, totals = self._least_peak
            best = np.maximum(best, self._peaks[0])
        else:
            return self._weighed(root)
        if self.criterion.exact and self.extents.dtype != object and best[root] >= EXACT_FLOAT:
            return self._in_integers.totals(root)
        return totals

    def _prices(self) -> Array:
        prices = self.criterion.additive.price(self.steps)
        if self.criterion.exact:
            return prices
        prices = np.asarray(prices, np.float64)
        shape = self.topology.left.shape + self.extents.shape[1:]
        if prices.shape != shape:
            raise InputError(f"objective: prices have the shape {prices.shape}, steps {shape}")
        if not (prices >= 0).all():
            raise InputError("objective: every price must be a number >= 0")
        return prices

    @cached_property
    def _in_integers(self) -> "_Search":
        exact = np.array([int(extent) for extent in self.extents], object)
        return _Search(self.topology, exact, self.criterion)

    @cached_property
    def _free(self) -> tuple[Array, Array]:
        return solve(self.topology, self.prices)

    @cached_property
    def _intermediate(self) -> Array:
        """Elements that each step makes; none for the last one, which makes the result."""
        made = self.steps.result.copy()
        final = self.topology.levels[-1:]
        for level in final:
            made[level.first_split : level.last_split] = 0
        return made

    @cached_property
    def _peaks(self) -> tuple[Array, Array]:
        return solve(self.topology, self._intermediate, np.maximum)

    @cached_property
    def _least_peak(self) -> tuple[Array, Array]:
        ...


def solve(table: Topology, prices: Array, combine: np.ufunc = np.add) -> tuple[Array, Array]:
    """Return the least total of every set, and of every split of it."""
    totals = prices.copy()
    best = np.zeros((len(table.sets), *prices.shape[1:]), prices.dtype)
    return best, totals
