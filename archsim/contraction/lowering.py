"""Lowers contractions of a tensor network onto an operation graph.

Whatever has been contracted is the product of some of the network's tensors: a
:class:`Part`. Its indices follow from that alone, so parts can be merged in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from archsim.contraction.network import open_indices
from archsim.contraction.tree import ContractionTree
from archsim.ir.builder import GraphBuilder
from archsim.ir.operation import Indices, Phase
from archsim.ir.tensor import Role, TensorSpec


@dataclass(frozen=True)
class Part:
    """The product of the ``members`` of a network, as a tensor with these indices."""

    members: frozenset[int]
    indices: Indices
    tensor: TensorSpec


class NetworkLowering:
    """Merges parts of one closed network on a graph builder.

    ``terms`` are the indices of every tensor, the gradient of the result included;
    nothing is left over when all are contracted. Indices of length 1 are left out, and
    those in one tensor alone are summed when that tensor becomes a part.
    """

    def __init__(self, builder: GraphBuilder, terms: Sequence[Indices]) -> None:
        self.builder = builder
        self._full = tuple(_long(builder.sizes, term) for term in terms)
        self.terms = tuple(open_indices(self._full, [n]) for n in range(len(terms)))

    def leaf(self, number: int, tensor: TensorSpec, phase: Phase) -> Part:
        """Return tensor ``number`` of the network as a part."""
        term, full = self.terms[number], self._full[number]
        if term != full:
            equation = f"{' '.join(full)} -> {' '.join(term)}"
            tensor = self.builder.reduce(f"{tensor.name}.summed", phase, equation, tensor)
        return Part(frozenset({number}), term, tensor)

    def merge(
        self,
        one: Part,
        other: Part,
        name: str,
        phase: Phase,
        *,
        order: Indices | None = None,
        shape: Sequence[int] | None = None,
        role: Role = Role.ACTIVATION,
    ) -> Part:
        """Contract two parts; without an ``order``, the result lies as moves the least."""
        members = one.members | other.members
        if order is None:
            kept = frozenset(open_indices(self.terms, members))
            sizes = tuple((i, self.builder.sizes[i]) for i in (*one.indices, *other.indices))
            order = _cheapest_layout(one.indices, other.indices, kept, sizes)
        equation = f"{' '.join(one.indices)}, {' '.join(other.indices)} -> {' '.join(order)}"
        tensor = self.builder.contract(
            name, phase, equation, one.tensor, other.tensor, shape=shape, role=role
        )
        return Part(members, order, tensor)

    def gradient(
        self,
        one: Part,
        other: Part,
        number: int,
        name: str,
        phase: Phase,
        *,
        shape: Sequence[int],
        role: Role,
    ) -> TensorSpec:
        """Merge everything but tensor ``number``: the gradient of that tensor, in its layout."""
        term, full = self.terms[number], self._full[number]
        if term == full:
            return self.merge(one, other, name, phase, order=term, shape=shape, role=role).tensor
        summed = self.merge(one, other, f"{name}.summed", phase, order=term)
        equation = f"{' '.join(term)} -> {' '.join(full)}"
        return self.builder.elementwise(
            name, phase, equation, "a", summed.tensor, shape=shape, role=role
        )


@lru_cache(maxsize=1 << 14)
def _cheapest_layout(
    one: Indices, other: Indices, kept: frozenset[str], extents: tuple[tuple[str, int], ...]
) -> Indices:
    """Return the layout of a product of which either order of the operands moves the least."""
    sizes = dict(extents)
    layouts = (_layout(one, other, kept, sizes), _layout(other, one, kept, sizes))
    return min(layouts, key=lambda layout: layout[0])[1]


def _layout(
    left: Indices, right: Indices, kept: frozenset[str], sizes: Mapping[str, int]
) -> tuple[int, Indices]:
    """Elements of operands that a product ``left @ right`` moves, and its result's layout."""
    batch = [i for i in left if i in right and i in kept]
    m = [i for i in left if i not in right]
    n = [i for i in right if i not in left]
    moved = min(
        prod(sizes[i] for i in left) * (list(left) != [*batch, *m, *summed])
        + prod(sizes[i] for i in right) * (list(right) != [*batch, *summed, *n])
        for summed in (
            [i for i in part if i in shared and i not in kept]
            for part, shared in ((left, right), (right, left))
        )
    )
    return moved, (*batch, *m, *n)


def lower_tree(
    builder: GraphBuilder,
    tree: ContractionTree,
    tensors: Sequence[TensorSpec],
    name: str,
    phase: Phase,
    *,
    result: str = "",
    shape: Sequence[int] | None = None,
) -> list[Part]:
    """Append one contraction per step of a tree, and return a part per tensor of the tree.

    Step k makes the tensor ``name.step<k>``, the last one ``result`` if that is given.
    A network of one tensor has no step: its part is the tensor itself, whatever its layout.
    """
    lowering = NetworkLowering(builder, (*tree.network.inputs, tree.network.output))
    return lower_steps(lowering, tree, tensors, name, phase, result=result, shape=shape)


def lower_steps(
    lowering: NetworkLowering,
    tree: ContractionTree,
    tensors: Sequence[TensorSpec],
    name: str,
    phase: Phase,
    *,
    result: str = "",
    shape: Sequence[int] | None = None,
) -> list[Part]:
    """Do what :func:`lower_tree` does, on a network that is being lowered already."""
    parts = [lowering.leaf(number, tensor, phase) for number, tensor in enumerate(tensors)]
    last = len(tree.steps) - 1
    for number, (one, other) in enumerate(tree.steps):
        made = result if result and number == last else f"{name}.step{number}"
        parts.append(
            lowering.merge(
                parts[one],
                parts[other],
                made,
                phase,
                order=lowering.terms[-1] if number == last else None,
                shape=shape if number == last else None,
            )
        )
    return parts


def _long(sizes: Mapping[str, int], term: Indices) -> Indices:
    return tuple(index for index in term if sizes[index] > 1)
