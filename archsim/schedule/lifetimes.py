"""Lifetimes: between which operations the storage of each tensor is needed, in program order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Operation
from archsim.ir.tensor import Role, TensorSpec

LASTING = (Role.PARAMETER, Role.STATE, Role.CACHE, Role.TABLE)
"""Roles whose tensors outlive the step."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An operation, the storages that begin to live with it, and those that end after it."""

    operation: Operation
    born: tuple[TensorSpec, ...]
    dead: tuple[str, ...]


@dataclass(frozen=True)
class Lifetimes:
    """Which tensors share a storage, who uses it, and when it can be given back.

    A storage is called after the tensor that was there first; one that overwrites it
    lies in the same.
    """

    graph: OperationGraph

    @cached_property
    def roots(self) -> dict[str, str]:
        """The storage of every tensor."""
        roots = {name: name for name in self.graph.inputs}
        for operation in self.graph.operations:
            for number, tensor in enumerate(operation.outputs):
                overwrites = operation.overwrites if number == 0 else ""
                roots[tensor.name] = roots[overwrites] if overwrites else tensor.name
        return roots

    @cached_property
    def readers(self) -> dict[str, frozenset[str]]:
        """Operations that read each storage."""
        found: dict[str, set[str]] = {root: set() for root in self.roots.values()}
        for name, root in self.roots.items():
            found[root].update(operation.name for operation in self.graph.consumers(name))
        return {root: frozenset(names) for root, names in found.items()}

    @cached_property
    def users(self) -> dict[str, frozenset[str]]:
        """Operations that read or write each storage."""
        found = {root: set(names) for root, names in self.readers.items()}
        for name, root in self.roots.items():
            producer = self.graph.producer(name)
            if producer is not None:
                found[root].add(producer.name)
        return {root: frozenset(names) for root, names in found.items()}

    @cached_property
    def given_back(self) -> dict[str, tuple[str, ...]]:
        """The users of each storage that ends within the step: of none that outlives it."""
        kept = {self.roots[name] for name in self.graph.outputs}
        return {
            root: tuple(sorted(names))
            for root, names in self.users.items()
            if root not in kept and self.graph.tensors[root].role not in LASTING
        }

    def walk(self) -> Iterator[Moment]:
        """Yield the operations in program order, with what begins and what ends."""
        left = {root: set(names) for root, names in self.readers.items()}
        for operation in self.graph.operations:
            born = tuple(t for t in operation.outputs if self.roots[t.name] == t.name)
            dead = []
            for root in dict.fromkeys(self.roots[tensor.name] for tensor in operation.inputs):
                left[root].discard(operation.name)
                if not left[root] and root in self.given_back:
                    dead.append(root)
            yield Moment(operation, born, tuple(dead))

    def peak_bits(self) -> dict[Role, int]:
        """Bits alive at once at the worst moment by role, without any memory's padding."""
        sizes = {root: self.graph.tensors[root] for root in self.roots.values()}
        alive = Counter[Role]()
        for name in self.graph.inputs:
            alive[sizes[name].role] += sizes[name].size_bits
        peak, most = dict(alive), alive.total()
        for moment in self.walk():
            for tensor in moment.born:
                alive[tensor.role] += tensor.size_bits
            if alive.total() > most:
                peak, most = dict(alive), alive.total()
            for root in moment.dead:
                alive[sizes[root].role] -= sizes[root].size_bits
        return {role: bits for role, bits in peak.items() if bits}
