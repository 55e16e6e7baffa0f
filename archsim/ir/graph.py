"""The operation graph: operations, with edges derived from tensor names.

Each tensor has one producer, or none and is an input of the graph. An operation that
overwrites a tensor runs after every other operation that reads it.

Who asks for the graph as one of networkx loads that library, which takes a tenth of a second.
"""

# ruff: noqa: PLC0415  (see above)

from collections.abc import Iterable, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from types import MappingProxyType
from typing import TYPE_CHECKING

from archsim.errors import GraphError
from archsim.ir.choice import Choice
from archsim.ir.operation import Operation
from archsim.ir.tensor import TensorSpec

if TYPE_CHECKING:
    import networkx as nx


class OperationGraph:
    """A frozen, validated set of operations in topological order.

    ``outputs`` are tensors that outlive the graph; those that nobody reads are always
    among them. Order is that of the arguments wherever data flow allows it.

    Raises:
        GraphError: for a cycle, a tensor with two producers or two descriptions, an
            operation name used twice, or an output that nothing makes.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        name: str = "graph",
        outputs: Iterable[str] = (),
        choices: Iterable[Choice] = (),
    ) -> None:
        self.name = name
        self.choices: tuple[Choice, ...] = tuple(choices)
        """What lowering chose between, for the result to tell."""
        listed = tuple(operations)
        if not listed:
            raise GraphError(f"{name}: a graph needs at least one operation")
        self._by_name = _by_name(listed)
        self._producers = _producers(listed)
        self.tensors: Mapping[str, TensorSpec] = MappingProxyType(_tensors(listed))
        """Every tensor by name."""
        self._consumers: dict[str, tuple[Operation, ...]] = _consumers(listed)
        self._predecessors: dict[str, dict[str, None]] = {op.name: {} for op in listed}
        """For each operation, those that must finish first: the keys, in order."""
        for before, after in self._dependences(listed):
            self._predecessors[after][before] = None
        self.operations: tuple[Operation, ...] = self._ordered(listed)
        """In topological order."""
        self.outputs: tuple[str, ...] = self._outputs(tuple(outputs))
        """Names of the tensors that outlive the graph."""

    def _dependences(self, listed: Iterable[Operation]) -> Iterable[tuple[str, str]]:
        for operation in listed:
            for tensor in operation.inputs:
                if tensor.name in self._producers:
                    yield self._producers[tensor.name].name, operation.name
            if operation.overwrites:
                for reader in self._consumers[operation.overwrites]:
                    if reader is not operation:
                        yield reader.name, operation.name

    def _ordered(self, listed: tuple[Operation, ...]) -> tuple[Operation, ...]:
        """Return the first operation in the list that need not wait, and so on."""
        place = {operation.name: n for n, operation in enumerate(listed)}
        if all(
            place[before] < place[after]
            for after, befores in self._predecessors.items()
            for before in befores
        ):
            return listed
        waiting = TopologicalSorter(self._predecessors)
        try:
            waiting.prepare()
        except CycleError as error:
            cycle = " -> ".join(error.args[1][:-1])
            raise GraphError(f"{self.name}: operations wait for each other: {cycle}") from None
        order: list[Operation] = []
        ready = [place[name] for name in waiting.get_ready()]
        heapify(ready)
        while ready:
            order.append(listed[heappop(ready)])
            waiting.done(order[-1].name)
            for name in waiting.get_ready():
                heappush(ready, place[name])
        return tuple(order)

    def _outputs(self, declared: tuple[str, ...]) -> tuple[str, ...]:
        for name in declared:
            if name not in self.tensors:
                raise GraphError(f"{self.name}: output {name!r} is made by no operation")
        unread = (name for name in self._producers if not self._consumers.get(name))
        return tuple(dict.fromkeys((*declared, *unread)))

    def __getitem__(self, name: str) -> Operation:
        """Return the operation called ``name``."""
        return self._by_name[name]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors handed in from outside, in order of first use."""
        return tuple(name for name in self.tensors if name not in self._producers)

    def producer(self, tensor: str) -> Operation | None:
        """Return the operation that makes a tensor, or None for an input."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> tuple[Operation, ...]:
        """Return the operations that read a tensor."""
        return self._consumers.get(tensor, ())

    def predecessors(self, operation: str) -> tuple[str, ...]:
        """Return the names of the operations that must finish first."""
        return tuple(self._predecessors[operation])

    @property
    def networkx(self) -> "nx.DiGraph[str]":
        """A read-only view of the dependences between operation names."""
        import networkx as nx

        view: nx.DiGraph[str] = nx.DiGraph()
        view.add_nodes_from(self._predecessors)
        for after, befores in self._predecessors.items():
            view.add_edges_from((before, after) for before in befores)
        nx.freeze(view)
        return view

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operations."""
        return sum(operation.macs for operation in self.operations)


def _by_name(operations: Iterable[Operation]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for operation in operations:
        if found.setdefault(operation.name, operation) is not operation:
            raise GraphError(f"two operations are called {operation.name!r}")
    return found


def _producers(operations: Iterable[Operation]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for operation in operations:
        for tensor in operation.outputs:
            if found.setdefault(tensor.name, operation) is not operation:
                raise operation.fail(
                    f"tensor {tensor.name!r} is already made by {found[tensor.name].name!r}"
                )
    return found


def _tensors(operations: Iterable[Operation]) -> dict[str, TensorSpec]:
    found: dict[str, TensorSpec] = {}
    for operation in operations:
        for tensor in (*operation.inputs, *operation.outputs):
            if found.setdefault(tensor.name, tensor) != tensor:
                raise operation.fail(
                    f"{tensor.name!r} is {tensor.shape} {tensor.format.name} {tensor.role} here, "
                    f"{found[tensor.name].shape} {found[tensor.name].format.name} "
                    f"{found[tensor.name].role} elsewhere"
                )
    return found


def _check_room(operation: Operation) -> None:
    """Check that what an operation writes fits into the tensor that it overwrites."""
    under = next(tensor for tensor in operation.inputs if tensor.name == operation.overwrites)
    if operation.output.size_bits > under.size_bits:
        raise operation.fail(
            f"{operation.output.name} ({operation.output.size_bytes:,} B) overwrites the smaller "
            f"{under.name} ({under.size_bytes:,} B)"
        )


def _consumers(operations: Iterable[Operation]) -> dict[str, tuple[Operation, ...]]:
    found: dict[str, tuple[Operation, ...]] = {}
    overwritten: dict[str, Operation] = {}
    for operation in operations:
        for tensor in dict.fromkeys(tensor.name for tensor in operation.inputs):
            found[tensor] = (*found.get(tensor, ()), operation)
        if operation.overwrites:
            if operation.overwrites not in {tensor.name for tensor in operation.inputs}:
                raise operation.fail(f"overwrites {operation.overwrites!r}, which it does not read")
            if overwritten.setdefault(operation.overwrites, operation) is not operation:
                raise operation.fail(
                    f"{operation.overwrites!r} is already overwritten by "
                    f"{overwritten[operation.overwrites].name!r}"
                )
            _check_room(operation)
    return found
