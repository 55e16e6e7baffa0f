"""Exact contraction search: for one network, for many extents of it, for a training layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archsim.contraction.dynamic_program import EXACT_FLOAT, CheapestTrees
from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import Objective, criterion
from archsim.contraction.topology import (
    Structure,
    bonds,
    check_searchable,
    place_of,
    topology,
)
from archsim.contraction.tree import ContractionTree
from archsim.errors import GraphError, did_you_mean
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
    check_searchable(network, count, hyperedges=hyperedges)
    sets, extents = _bonds(network, (*network.inputs, network.output))
    table = topology(Structure(count, count, sets, outer_products))
    root = place_of(table, (1 << count) - 1)
    found = CheapestTrees(table, _numbers(extents), wanted)
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
    networks = [_variant(network, sizes) for sizes in variants]
    wanted = criterion(objective)
    count = len(network.inputs)
    if not networks or count == 1 or wanted.peak_weight:
        return [search(n, objective, outer_products, hyperedges=hyperedges) for n in networks]
    check_searchable(network, count, hyperedges=hyperedges)
    columns = [_bonds(variant, (*network.inputs, network.output)) for variant in networks]
    table = topology(Structure(count, count, columns[0][0], outer_products))
    root = place_of(table, (1 << count) - 1)
    width = max(1, BATCH_NUMBERS // len(table.left))
    found: list[ContractionTree] = []
    for begin in range(0, len(networks), width):
        block = [extents for _, extents in columns[begin : begin + width]]
        trees = CheapestTrees(table, _numbers(block).T, wanted).steps_of_variants(root, count)
        owners = networks[begin : begin + width]
        found += map(ContractionTree, owners, trees)
    return found


@dataclass(frozen=True)
class TrainingSearch:
    """Cheapest trees for a layer's forward pass and each of its gradients.

    A gradient's network holds all other tensors, and last the gradient of the output.
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
    check_searchable(network, count + 1, hyperedges=hyperedges)
    terms = network.closed
    sets, extents = _bonds(network, terms)
    table = topology(Structure(count + 1, count, sets, outer_products))
    every = (2 << count) - 1
    roots = [place_of(table, every ^ 1 << number) for number in range(count + 1)]
    found = CheapestTrees(table, _numbers(extents), wanted)
    networks = [_without(network, number) for number in range(count)]
    trees = [
        ContractionTree(of, found.steps(root, missing=number))
        for number, (of, root) in enumerate(zip([*networks, network], roots, strict=True))
    ]
    return TrainingSearch(
        forward=trees[count],
        input_gradient=trees[activation],
        weight_gradients=tuple(trees[n] for n in range(count) if n != activation),
    )


def _without(network: TensorNetwork, number: int) -> TensorNetwork:
    """Return the network of an input's gradient, without the indices that it alone has."""
    others = (*network.inputs[:number], *network.inputs[number + 1 :], network.output)
    present = {index for term in others for index in term}
    gradient = [index for index in network.inputs[number] if index in present]
    return TensorNetwork(others, gradient, network.sizes)


def _variant(network: TensorNetwork, sizes: Mapping[str, int]) -> TensorNetwork:
    for index in sizes:
        if index not in network.sizes:
            hint = did_you_mean(index, network.sizes)
            raise GraphError(f"a variant gives index {index!r} a size; {hint}")
    return TensorNetwork(network.inputs, network.output, {**network.sizes, **sizes})


def _bonds(network: TensorNetwork, terms: Sequence[Indices]) -> tuple[tuple[int, ...], list[int]]:
    """Return the sets of tensors that indices join, and the product of extents that joins each."""
    joined: dict[int, int] = {}
    sizes = network.sizes
    for index, tensors in bonds(terms).items():
        if tensors & (tensors - 1):
            joined[tensors] = joined.get(tensors, 1) * sizes[index]
    sets = sorted(joined)
    return tuple(sets), [joined[tensors] for tensors in sets]


def _numbers(extents: Sequence[int] | Sequence[Sequence[int]]) -> Array:
    """Return extents as floats, or as Python's integers where floats do not hold them."""
    whole = np.array(extents, object)
    return whole if (whole > EXACT_FLOAT).any() else whole.astype(np.float64)
