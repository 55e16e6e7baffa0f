"""Exact contraction search: for one network, for many extents of it, for a training layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np

from archsim.contraction.dynamic_program import EXACT_FLOAT, CheapestTrees
from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import Objective, criterion
from archsim.contraction.topology import (
    Structure,
    Topology,
    check_count,
    check_hyperedges,
    joints,
    place_of,
    topology,
)
from archsim.contraction.tree import ContractionTree, Step
from archsim.errors import GraphError
from archsim.ir.operation import Array, Indices

Wanted = str | Mapping[str, float] | Objective
"""``"macs"``, ``"peak"``, ``"traffic"``, weights of these, or prices of one's own."""

BATCH_NUMBERS = 1 << 22
"""Prices held at once when many variants are searched."""


def search(
    network: TensorNetwork,
    objective: Wanted = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> ContractionTree:
    """Return a cheapest contraction tree; the search is exact.

    Steps join tensors that share an index; with ``outer_products``, any. An index in three
    or more tensors is refused unless ``hyperedges`` is set: steps then keep it, as a batch
    index, as long as another tensor has it.

    Raises:
        InputError: for too many tensors, an index in three of them, tensors that no index
            joins, or an unknown objective; each message says what else to ask for.
    """
    wanted = criterion(objective)
    count = len(network.inputs)
    if count == 1:
        return ContractionTree(network, ())
    terms = (*network.inputs, network.output)
    table, extents = prepare(terms, [network.sizes], count, count, outer_products, hyperedges)
    root = place_of(table, (1 << count) - 1)
    found = CheapestTrees(table, _numbers(extents)[0], wanted)
    return ContractionTree(network, found.steps(root, missing=count))


def search_many(
    network: TensorNetwork,
    variants: Iterable[Mapping[str, int]],
    objective: Wanted = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> list[ContractionTree]:
    """Search one network at many extents; each variant names those that differ.

    Raises:
        InputError: as :func:`search`, and for a variant's index that the network lacks.
    """
    networks = [network.resized(sizes) for sizes in variants]
    wanted = criterion(objective)
    count = len(network.inputs)
    if not networks or count == 1 or wanted.peak_weight:
        return [search(n, objective, outer_products, hyperedges=hyperedges) for n in networks]
    terms, sizes = (*network.inputs, network.output), [variant.sizes for variant in networks]
    table, extents = prepare(terms, sizes, count, count, outer_products, hyperedges)
    root = place_of(table, (1 << count) - 1)
    width = max(1, BATCH_NUMBERS // len(table.left))
    found: list[ContractionTree] = []
    for first in range(0, len(networks), width):
        block = slice(first, first + width)
        trees = CheapestTrees(table, _numbers(extents[block]).T, wanted)
        found += map(ContractionTree, networks[block], trees.steps_of_variants(root, count))
    return found


def gradient_network(network: TensorNetwork, number: int) -> TensorNetwork:
    """Return the network of one tensor's gradient: all others, and last the output's gradient.

    Beyond the last tensor it is the network itself: the forward pass.
    """
    if number == len(network.inputs):
        return network
    others = (*network.inputs[:number], *network.inputs[number + 1 :], network.output)
    present = {index for term in others for index in term}
    wanted = [index for index in network.inputs[number] if index in present]
    return TensorNetwork(others, wanted, network.sizes)


@dataclass(frozen=True)
class TrainingSearch:
    """Cheapest trees for a layer's forward pass and each of its gradients.

    A gradient's network holds all other tensors, and last the gradient of the output.
    ``steps[n]`` are those of tensor n's gradient, the last those of the forward pass.
    """

    network: TensorNetwork
    activation: int
    steps: tuple[tuple[Step, ...], ...]

    @cached_property
    def forward(self) -> ContractionTree:
        """The tree of the output."""
        return ContractionTree(self.network, self.steps[-1])

    @cached_property
    def input_gradient(self) -> ContractionTree:
        """The tree of the activation's gradient."""
        return self._gradient(self.activation)

    @cached_property
    def weight_gradients(self) -> tuple[ContractionTree, ...]:
        """The trees of the cores' gradients, in the order of the network's inputs."""
        cores = (n for n in range(len(self.network.inputs)) if n != self.activation)
        return tuple(map(self._gradient, cores))

    def _gradient(self, number: int) -> ContractionTree:
        return ContractionTree(gradient_network(self.network, number), self.steps[number])

    @property
    def trees(self) -> tuple[ContractionTree, ...]:
        """All of them, the forward pass first."""
        return (self.forward, self.input_gradient, *self.weight_gradients)

    @property
    def independent_macs(self) -> int:
        """Multiply-accumulates if the forward pass and every gradient stand alone."""
        return sum(tree.macs for tree in self.trees)

    @property
    def shared_macs(self) -> int:
        """Multiply-accumulates of reverse mode over the forward tree, intermediates kept.

        A step ``C = A B`` has two gradients, ``dA = dC B`` and ``dB = dC A``, over the same
        iteration space as the step.
        """
        return 3 * self.forward.macs


def search_training(
    network: TensorNetwork,
    activation: int,
    objective: Wanted = "macs",
    outer_products: bool = False,
    *,
    hyperedges: bool = False,
) -> TrainingSearch:
    """Search a layer's forward pass and all its gradients at once.

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
    if count == 1:
        raise GraphError("a layer is an activation and at least one core, here is one tensor")
    wanted = criterion(objective)
    sizes = [network.sizes]
    table, extents = prepare(network.closed, sizes, count + 1, count, outer_products, hyperedges)
    every = (2 << count) - 1
    roots = [place_of(table, every ^ 1 << number) for number in range(count + 1)]
    found = CheapestTrees(table, _numbers(extents)[0], wanted)
    steps = tuple(found.steps(root, missing=number) for number, root in enumerate(roots))
    return TrainingSearch(network, activation, steps)


def needs_outer_products(terms: Sequence[Indices]) -> bool:
    """Whether some tensors share no index with the rest, so that only outer products join them."""
    reached, rest = set(terms[0]), [set(term) for term in terms[1:]]
    while touching := [term for term in rest if term & reached]:
        rest = [term for term in rest if not term & reached]
        reached.update(*touching)
    return bool(rest)


def prepare(
    terms: tuple[Indices, ...],
    variants: Sequence[Mapping[str, int]],
    count: int,
    largest: int,
    outer_products: bool,
    hyperedges: bool,
) -> tuple[Topology, list[list[int]]]:
    """Return a network's topology, and for each variant the extents of its bonds."""
    check_count(count)
    structure, bonds = _structure(terms, count, largest, outer_products, hyperedges)
    extents = [[prod([sizes[i] for i in bond]) for bond in bonds] for sizes in variants]
    return topology(structure), extents


@lru_cache(maxsize=256)
def _structure(
    terms: tuple[Indices, ...], count: int, largest: int, outer_products: bool, hyperedges: bool
) -> tuple[Structure, tuple[Indices, ...]]:
    """Return what of a network does not depend on its extents, and the indices of each bond.

    Indices that join the same tensors are one bond.
    """
    joined = joints(terms)
    if not hyperedges:
        check_hyperedges(joined, len(terms) - 1)
    along: dict[int, list[str]] = {0: []}
    for index, tensors in joined.items():
        if tensors & (tensors - 1):
            along.setdefault(tensors, []).append(index)
    bonds = tuple(sorted(along))
    structure = Structure(count, largest, bonds, outer_products)
    return structure, tuple(tuple(along[bond]) for bond in bonds)


def _numbers(extents: Sequence[Sequence[int]]) -> Array:
    """Return extents as floats, or as Python's integers where floats do not hold them."""
    most = max(map(max, extents))
    return np.array(extents, np.float64 if most <= EXACT_FLOAT else object)
