"""Banks: over how many a tensor is spread, and which small tensors share them.

An array that a kernel reads P words a cycle of lies in P banks, however few words each
then holds. Arrays that are never read together can lie one behind the other in the same
banks: with g of them a bank is used g times better, until it is full.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from archsim.hardware.architecture import Architecture
from archsim.hardware.component import MemorySpec, ceil_div
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec


class Partitioning:
    """Banks that a tensor is spread over in a memory: as many as its wired users ask for."""

    def __init__(self, graph: OperationGraph, architecture: Architecture) -> None:
        self._graph = graph
        self._architecture = architecture
        self._known: dict[tuple[str, str, Phase], int] = {}

    def banks(self, tensor: TensorSpec, memory: str) -> int:
        """Return the most banks that a unit wired to the memory wants of the tensor."""
        producer = self._graph.producer(tensor.name)
        users = (*self._graph.consumers(tensor.name), *([producer] if producer else []))
        kinds = {(operation.kind, operation.phase) for operation in users}
        return max((self._wanted(memory, kind, phase) for kind, phase in kinds), default=1)

    def _wanted(self, memory: str, kind: str, phase: Phase) -> int:
        key = (memory, kind, phase)
        if key not in self._known:
            wired = [
                unit.partitions
                for name, unit in self._architecture.units.items()
                if kind in unit.runs and phase in unit.phases and self._is_wired(memory, name)
            ]
            self._known[key] = max(wired, default=1)
        return self._known[key]

    def _is_wired(self, memory: str, unit: str) -> bool:
        route = self._architecture.route(memory, unit)
        return route is not None and not route.read and not route.write


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors one behind the other in the same banks."""

    name: str
    memory: str
    tensors: tuple[str, ...]
    partitions: int
    units: int
    units_alone: int
    """Units that the tensors would take without sharing."""


@dataclass
class _Banks:
    """A set of banks that is being filled."""

    tensors: list[TensorSpec]
    users: set[str]
    depth: int = 0


def group_tensors(
    tensors: Iterable[TensorSpec],
    users: Mapping[str, Set[str]],
    partitioning: Partitioning,
    architecture: Architecture,
) -> tuple[Group, ...]:
    """Group tensors of one position in different layers, first fit, the deepest first.

    Tensors share banks only if they prefer the same memory, in words and banks alike, and
    no operation uses the storage of two of them: ``users`` names the operations that read
    or write each tensor's storage. Layers follow one another, so a bank's ports serve them
    in turn; where two units work on different layers, a bank has two ports.
    """
    kinds: dict[tuple[str, int, int, str], list[TensorSpec]] = {}
    for tensor in tensors:
        memory = architecture.memories_for(tensor.role)[0]
        if not architecture.memories[memory].off_chip:
            banks = partitioning.banks(tensor, memory)
            position = tensor.name.rpartition(".")[2]
            kinds.setdefault((memory, banks, tensor.format.bits, position), []).append(tensor)
    groups: list[Group] = []
    for (memory, banks, bits, position), alike in kinds.items():
        spec = architecture.memories[memory]
        for filled in _fill(users, alike, banks, spec.grouping_depth(bits)):
            name = f"{memory}.{position}.{len(groups)}"
            group = _group(name, memory, filled, banks, spec)
            if group.units < group.units_alone:
                groups.append(group)
    return tuple(groups)


def _fill(
    users: Mapping[str, Set[str]], tensors: list[TensorSpec], banks: int, capacity: int
) -> list[_Banks]:
    filled: list[_Banks] = []
    for tensor in sorted(tensors, key=lambda tensor: -tensor.elements):
        depth = ceil_div(tensor.elements, banks)
        for candidate in filled:
            if candidate.depth + depth <= capacity and not candidate.users & users[tensor.name]:
                break
        else:
            candidate = _Banks([], set())
            filled.append(candidate)
        candidate.tensors.append(tensor)
        candidate.users |= users[tensor.name]
        candidate.depth += depth
    return filled


def _group(name: str, memory: str, filled: _Banks, banks: int, spec: MemorySpec) -> Group:
    bits = filled.tensors[0].format.bits
    alone = sum(spec.units_for(tensor.elements, bits, banks) for tensor in filled.tensors)
    together = spec.units_for(filled.depth * banks, bits, banks)
    return Group(name, memory, tuple(t.name for t in filled.tensors), banks, together, alone)
