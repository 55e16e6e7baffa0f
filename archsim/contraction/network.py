"""A tensor network: tensors that share indices, and the indices that are left over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

from archsim.errors import GraphError, did_you_mean
from archsim.ir.operation import Indices


@dataclass(frozen=True)
class TensorNetwork:
    """The sum, over every index that ``output`` lacks, of the product of all tensors.

    ``inputs`` holds the index names of each tensor, ``sizes`` the extent of every index.
    An index may stand in any number of tensors, and in the output besides.

    Raises:
        GraphError: for an index without a size, twice in one tensor, or in the output alone.
    """

    inputs: tuple[Indices, ...]
    output: Indices
    sizes: Mapping[str, int]

    def __init__(
        self, inputs: Iterable[Sequence[str]], output: Sequence[str], sizes: Mapping[str, int]
    ) -> None:
        object.__setattr__(self, "inputs", tuple(map(tuple, inputs)))
        object.__setattr__(self, "output", tuple(output))
        if not self.inputs:
            raise GraphError("a tensor network needs at least one tensor")
        for number, term in enumerate(self.inputs):
            _check(f"tensor {number}", term, sizes)
        _check("the output", self.output, sizes)
        used = {index for term in self.inputs for index in term}
        for index in self.output:
            if index not in used:
                raise GraphError(f"output index {index!r} stands in no tensor")
        object.__setattr__(
            self, "sizes", MappingProxyType({index: sizes[index] for index in sorted(used)})
        )

    def __hash__(self) -> int:
        """Equal for equal networks; a mapping of sizes has no hash of its own."""
        return hash((self.inputs, self.output, *self.sizes.items()))

    def resized(self, sizes: Mapping[str, int]) -> "TensorNetwork":
        """Return the network with other extents of the indices that ``sizes`` names.

        Raises:
            GraphError: for an index that the network lacks, and an extent < 1.
        """
        for index, size in sizes.items():
            if index not in self.sizes:
                raise GraphError(
                    f"a variant gives index {index!r} a size; {did_you_mean(index, self.sizes)}"
                )
            if size < 1:
                raise GraphError(f"index {index!r} must have a size >= 1, got {size}")
        found = object.__new__(TensorNetwork)  # its terms have been checked
        object.__setattr__(found, "inputs", self.inputs)
        object.__setattr__(found, "output", self.output)
        object.__setattr__(found, "sizes", MappingProxyType({**self.sizes, **sizes}))
        return found

    @property
    def closed(self) -> tuple[Indices, ...]:
        """The indices of the inputs, and of the output as one more tensor."""
        return (*self.inputs, self.output)

    def elements(self, indices: Iterable[str]) -> int:
        """Elements of a tensor with these indices."""
        return prod(self.sizes[index] for index in indices)


def open_indices(terms: Sequence[Indices], members: Iterable[int]) -> Indices:
    """Return the indices that join some of the tensors to any of the others.

    They are what is left when ``members`` are contracted with one another; an index in
    one tensor alone is summed before that.
    """
    inside = frozenset(members)
    outside = {index for number, term in enumerate(terms) if number not in inside for index in term}
    found = (index for number in sorted(inside) for index in terms[number] if index in outside)
    return tuple(dict.fromkeys(found))


def _check(owner: str, term: Indices, sizes: Mapping[str, int]) -> None:
    """Say what is wrong with a term; quick if nothing is, as networks are made by the thousand."""
    named = all(map(_is_name, term)) and len(set(term)) == len(term)
    if named and all(index in sizes and sizes[index] >= 1 for index in term):
        return
    where = f"{owner} ({' '.join(map(str, term))})"
    for index in term:
        if not _is_name(index):
            raise GraphError(f"{where}: {index!r} is not a name for an index")
        if term.count(index) > 1:
            raise GraphError(f"{where}: index {index!r} stands twice")
        if index not in sizes:
            raise GraphError(f"{where}: index {index!r} has no size")
        if sizes[index] < 1:
            raise GraphError(f"{where}: index {index!r} must have a size >= 1, got {sizes[index]}")


def _is_name(index: object) -> bool:
    if not isinstance(index, str):
        return False
    return index.isidentifier() or (index != "" and not set(index) & set(" \t\n,>"))
