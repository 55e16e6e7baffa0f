"""Tensor shaping that networks do on the way, so that no pass over memory is left for it.

A permute is an operation of its own in a workload's graph. Where every unit that reads its
result does so through a network that absorbs permutes, the readers take the permute's input
instead, in another order than it lies; where the one unit that makes its input writes through
such a network, it writes the permuted tensor at once. What is left runs as the memory passes
it is. Reshapes are views and cost nothing anywhere; a broadcast operand is read once by
whoever uses it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from archsim.errors import MappingError
from archsim.hardware.architecture import Architecture, Route
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Contraction, Elementwise, Indexed, Permute
from archsim.ir.operation import Indices, Operation
from archsim.ir.tensor import TensorSpec
from archsim.mapping.mapper import Mapper

PERMUTE = "permute"


@dataclass(frozen=True)
class Absorbed:
    """A graph without the operations that networks do, and their names."""

    graph: OperationGraph
    operations: tuple[str, ...]


def absorb(graph: OperationGraph, architecture: Architecture) -> Absorbed:
    """Return the graph that is left for units to do.

    It computes the same numbers. Permutes whose result outlives the graph stay.
    """
    ways = _Ways(architecture)
    if not ways.absorb_anything:
        return Absorbed(graph, ())
    left = _Left(graph.operations)
    gone: list[str] = []
    for permute in graph.operations:
        if not isinstance(permute, Permute) or permute.output.name in graph.outputs:
            continue
        changed = _readers(permute, left, ways) or _writer(permute, left, graph.outputs, ways)
        if changed:
            left.rewrite(permute, changed)
            gone.append(permute.name)
    shaped = OperationGraph(
        left.operations.values(), name=graph.name, outputs=graph.outputs, choices=graph.choices
    )
    return Absorbed(shaped, tuple(gone))


class _Left:
    """Operations that are left, by name and by the tensors that they read or write."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations: dict[str, Operation] = {}
        self._touching: dict[str, set[str]] = {}
        for operation in operations:
            self._add(operation)

    def touching(self, tensor: TensorSpec) -> list[Operation]:
        """Return who reads or writes a tensor, in no particular order."""
        return [self.operations[name] for name in self._touching.get(tensor.name, ())]

    def rewrite(self, permute: Permute, changed: Iterable[Operation]) -> None:
        """Take a permute away, and others' new selves for what they were."""
        self._forget(permute)
        del self.operations[permute.name]
        for operation in changed:
            self._forget(self.operations[operation.name])
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        self.operations[operation.name] = operation
        for tensor in (*operation.inputs, *operation.outputs):
            self._touching.setdefault(tensor.name, set()).add(operation.name)

    def _forget(self, operation: Operation) -> None:
        for tensor in (*operation.inputs, *operation.outputs):
            self._touching[tensor.name].discard(operation.name)


class _Ways:
    """Which operations' operands pass networks that permute."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self._mapper = Mapper(architecture, {})
        self.absorb_anything = any(
            PERMUTE in spec.absorbs for spec in architecture.channels.values()
        )

    def reads(self, operation: Operation, tensor: TensorSpec) -> bool:
        """Whether whatever unit does the operation can read a tensor in any order."""
        return self._all(operation, tensor, lambda route: route.read)

    def writes(self, operation: Operation, tensor: TensorSpec) -> bool:
        """Whether whatever unit does the operation can write a tensor in any order."""
        return self._all(operation, tensor, lambda route: route.write)

    def _all(self, operation: Operation, tensor: TensorSpec, end: Callable[[Route], str]) -> bool:
        architecture = self.architecture
        try:
            units = self._mapper.candidates(operation)
        except MappingError:
            return False  # scheduling says what the machine lacks
        routes = [
            architecture.route(memory, unit)
            for memory in architecture.memories_for(tensor.role)
            for unit in units
        ]
        return all(
            route is not None
            and bool(end(route))
            and PERMUTE in architecture.channels[end(route)].absorbs
            for route in routes
        )


def _readers(permute: Permute, left: _Left, ways: _Ways) -> list[Operation] | None:
    """Return the permute's readers, reading its input instead, if all of them can."""
    source, result = permute.inputs[0], permute.output
    if any(operation.overwrites == source.name for operation in left.touching(source)):
        return None
    changed: list[Operation] = []
    for reader in [op for op in left.touching(result) if result in op.inputs]:
        if not isinstance(reader, Contraction | Elementwise) or reader.overwrites == result.name:
            return None
        if not ways.reads(reader, source):
            return None
        place = reader.inputs.index(result)
        fine = _refine(reader, reader.terms[place], permute, permute.result)
        if fine is None or reader.inputs.count(result) > 1:
            return None
        terms = [*reader.terms, reader.result]
        terms[place] = _marked(permute.terms[0])
        inputs = (*reader.inputs[:place], source, *reader.inputs[place + 1 :])
        changed.append(_rewritten(reader, fine, terms, inputs, reader.outputs))
    return changed


def _writer(
    permute: Permute, left: _Left, outputs: Sequence[str], ways: _Ways
) -> list[Operation] | None:
    """Return the maker of the permute's input, writing the permute's result, if it can."""
    source = permute.inputs[0]
    touching = left.touching(source)
    if len(touching) != 2 or source.name in outputs:
        return None
    maker = next(op for op in touching if op.name != permute.name)
    if not isinstance(maker, Contraction) or not ways.writes(maker, permute.output):
        return None
    fine = _refine(maker, maker.result, permute, permute.terms[0])
    if fine is None:
        return None
    terms = [*maker.terms, _marked(permute.result)]
    return [_rewritten(maker, fine, terms, maker.inputs, (permute.output,))]


@dataclass(frozen=True)
class _Fine:
    """Indices of two views of one tensor, cut so finely that both are made of the same."""

    parts: dict[str, Indices]
    """The fine indices of each index, of either view."""
    sizes: dict[str, int]


def _refine(operation: Indexed, term: Indices, permute: Permute, view: Indices) -> _Fine | None:
    """Cut an operation's indices of a tensor and a permute's finely; None if they overlap.

    The permute's are told from the operation's by a mark, so that names may coincide.
    """
    ours = zip(term, operation.shape(term), strict=True)
    theirs = zip(_marked(view), permute.shape(view), strict=True)
    left, right = list(ours), list(theirs)
    parts: dict[str, list[str]] = {name: [] for name, _ in (*left, *right)}
    sizes: dict[str, int] = {}
    while left or right:
        if left and left[-1][1] == 1:
            left.pop()
        elif right and right[-1][1] == 1:
            right.pop()
        else:
            (one, most), (other, more) = left.pop(), right.pop()
            size = min(most, more)
            if most % size or more % size:
                return None
            name = f"{one}.{len(parts[one])}"
            sizes[name] = size
            parts[one].insert(0, name)
            parts[other].insert(0, name)
            left.append((one, most // size))
            right.append((other, more // size))
    return _Fine({name: tuple(found) for name, found in parts.items()}, sizes)


def _marked(term: Indices) -> Indices:
    return tuple(f"{index}'" for index in term)


def _rewritten(
    operation: Indexed,
    fine: _Fine,
    terms: Sequence[Indices],
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
) -> Operation:
    """Return an operation with its terms in fine indices."""
    *reads, write = (
        " ".join(fine_one for index in term for fine_one in fine.parts.get(index, (index,)))
        for term in terms
    )
    sizes = {
        index: extent for index, extent in operation.extents.items() if index not in fine.parts
    }
    return replace(
        operation,
        equation=f"{', '.join(reads)} -> {write}",
        sizes={**sizes, **fine.sizes},
        inputs=inputs,
        outputs=outputs,
    )
