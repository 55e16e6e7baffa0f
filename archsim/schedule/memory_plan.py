"""The memory plan: which memory each tensor lies in, in blocks, and until when.

Tensors are placed in program order by liveness. Parameters and optimiser state hold
their blocks throughout; any other tensor from the operation that makes it to the last
one that reads it. Blocks are given out again: whoever gets them must wait for the
operations that used them before, and the plan lists those waits, so that the schedule may
reorder freely otherwise.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import cached_property

from archsim.errors import CapacityError
from archsim.hardware.architecture import Architecture
from archsim.hardware.component import MemorySpec, ceil_div
from archsim.ir.graph import OperationGraph
from archsim.ir.tensor import Role, TensorSpec
from archsim.schedule.grouping import Group, Partitioning, group_tensors
from archsim.schedule.lifetimes import LASTING, Lifetimes

WORD_BITS = 32
"""Width at which buffers are packed into blocks."""

HELD = {
    Role.PARAMETER: "weights",
    Role.CACHE: "cached keys and values",
    Role.STATE: "optimiser state",
    Role.TABLE: "tables that are looked up",
    Role.GRADIENT: "gradients",
    Role.ACTIVATION: "activations",
    Role.DATA: "data",
}
"""What a user calls tensors of each role."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a tensor lies, with the units (not shared with a group's others) that it takes."""

    memory: str
    units: int
    partitions: int
    group: str = ""
    """The group whose banks it shares; the group's first member counts the units."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """One memory at the moment of the plan when most of its units are taken."""

    memory: str
    units: int
    capacity_units: int
    unit_bits: int
    used_bits: int
    tensors: tuple[str, ...]

    @property
    def waste_bits(self) -> int:
        """Bits of the taken units that hold nothing."""
        return self.units * self.unit_bits - self.used_bits


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units of a memory that a unit's buffer is made of, for the whole run."""

    name: str
    memory: str
    units: int
    bits: int


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Placements of all tensors, the waits that reuse of blocks brings, the peaks."""

    placements: dict[str, Placement]
    roots: dict[str, str]
    """For each tensor, the one whose storage it lies in (itself, or the one overwritten)."""
    users: dict[str, tuple[str, ...]]
    """The operations that make or read each storage that is given back in the end."""
    waits: frozenset[tuple[str, str]]
    """Pairs of operations: the second takes blocks that the first used."""
    groups: tuple[Group, ...]
    reservations: tuple[Reservation, ...]
    peaks: dict[str, MemoryUse]

    @cached_property
    def storages_of(self) -> dict[str, tuple[str, ...]]:
        """For each operation, the storages to be given back in which it has a part."""
        found: dict[str, list[str]] = defaultdict(list)
        for root, users in self.users.items():
            for user in users:
                found[user].append(root)
        return defaultdict(tuple, {name: tuple(roots) for name, roots in found.items()})

    def memory_of(self) -> dict[str, str]:
        """The memory of every tensor by name."""
        return {name: placement.memory for name, placement in self.placements.items()}


@dataclass
class _Pool:
    """A memory's units while the plan is made."""

    name: str
    spec: MemorySpec
    taken: int = 0
    live: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Units and bits of what lies here now."""
    freed: deque[tuple[int, tuple[str, ...]]] = field(default_factory=deque)
    """Units given back, the oldest first, and the operations that used them last."""
    untouched: int = field(init=False)
    """Units that were never given out."""
    used_bits: int = 0
    """Bits of all that lies here now."""
    peak: MemoryUse | None = None

    def __post_init__(self) -> None:
        self.untouched = self.spec.units

    @property
    def free(self) -> int:
        return self.spec.units - self.taken

    def take(self, name: str, units: int, bits: int) -> tuple[str, ...]:
        """Give out units, the untouched first; return the operations to wait for."""
        recycled = max(0, units - self.untouched)
        self.untouched -= units - recycled
        waits: list[str] = []
        while recycled > 0:
            count, users = self.freed.popleft()
            waits.extend(users)
            if count > recycled:
                self.freed.appendleft((count - recycled, users))
            recycled -= count
        self.taken += units
        self.live[name] = (units, bits)
        self.used_bits += bits
        if self.peak is None or self.taken > self.peak.units:
            self.peak = MemoryUse(
                self.name,
                self.taken,
                self.spec.units,
                self.spec.unit_bits,
                self.used_bits,
                tuple(self.live),
            )
        return tuple(waits)

    def give_back(self, name: str, users: tuple[str, ...]) -> None:
        units, bits = self.live.pop(name)
        self.taken -= units
        self.used_bits -= bits
        if units:
            self.freed.append((units, users))


class _Planner:
    """Walks the program once, taking blocks for what begins to live and giving them back."""

    def __init__(self, graph: OperationGraph, architecture: Architecture, grouping: bool) -> None:
        self.graph = graph
        self.architecture = architecture
        self.lifetimes = Lifetimes(graph)
        self.pools = {name: _Pool(name, spec) for name, spec in architecture.memories.items()}
        self.placements: dict[str, Placement] = {}
        self.waits: set[tuple[str, str]] = set()
        self.reservations = _reservations(architecture)
        self.partitioning = Partitioning(graph, architecture)
        lasting = [graph.tensors[n] for n in graph.inputs if graph.tensors[n].role in LASTING]
        self.groups = (
            group_tensors(lasting, self.lifetimes.users, self.partitioning, architecture)
            if grouping
            else ()
        )

    def run(self) -> MemoryPlan:
        graph = self.graph
        for reservation in self.reservations:
            self._reserve(reservation)
        members = {name: group for group in self.groups for name in group.tensors}
        for name in graph.inputs:
            if name in members:
                if name == members[name].tensors[0]:
                    self._place_group(members[name])
            else:
                self._place(graph.tensors[name], "")
        roots, given_back = self.lifetimes.roots, self.lifetimes.given_back
        for moment in self.lifetimes.walk():
            for tensor in moment.born:
                self._place(tensor, moment.operation.name)
            for tensor in moment.operation.outputs:
                self.placements[tensor.name] = self.placements[roots[tensor.name]]
            for root in moment.dead:
                self.pools[self.placements[root].memory].give_back(root, given_back[root])
        peaks = {name: pool.peak for name, pool in self.pools.items() if pool.peak}
        return MemoryPlan(
            placements=self.placements,
            roots=roots,
            users=given_back,
            waits=frozenset(self.waits),
            groups=tuple(g for g in self.groups if self.placements[g.tensors[0]].group),
            reservations=self.reservations,
            peaks=peaks,
        )

    def _reserve(self, reservation: Reservation) -> None:
        pool = self.pools[reservation.memory]
        if reservation.units > pool.free:
            raise CapacityError(
                f"{self.architecture.name!r}: {reservation.name!r} takes {reservation.units:,} "
                f"{pool.spec.unit_name} of {reservation.memory!r}, {pool.free:,} are free; "
                f"lower architecture.components.{reservation.name}"
            )
        pool.take(reservation.name, reservation.units, reservation.bits)

    def _place_group(self, group: Group) -> None:
        tensors = [self.graph.tensors[name] for name in group.tensors]
        pool = self.pools[group.memory]
        if group.units > pool.free:
            for tensor in tensors:
                self._place(tensor, "")
            return
        for number, tensor in enumerate(tensors):
            units = group.units if number == 0 else 0
            pool.take(tensor.name, units, tensor.size_bits)
            self.placements[tensor.name] = Placement(
                group.memory, units, group.partitions, group.name
            )

    def _place(self, tensor: TensorSpec, maker: str) -> None:
        options = self.architecture.memories_for(tensor.role)
        for memory in options:
            pool = self.pools[memory]
            partitions = self.partitioning.banks(tensor, memory)
            units = pool.spec.units_for(tensor.elements, tensor.format.bits, partitions)
            if units <= pool.free:
                waits = pool.take(tensor.name, units, tensor.size_bits)
                self.waits.update((user, maker) for user in waits if user != maker)
                self.placements[tensor.name] = Placement(memory, units, partitions)
                return
        raise self._refusal(tensor, options, maker)

    def _refusal(self, tensor: TensorSpec, options: tuple[str, ...], maker: str) -> CapacityError:
        tried = []
        for memory in options:
            pool = self.pools[memory]
            units = pool.spec.units_for(
                tensor.elements, tensor.format.bits, self.partitioning.banks(tensor, memory)
            )
            share = pool.spec.blocks_per_unit
            tried.append(
                f"{memory} needs {units * share:,.0f} {pool.spec.block_name}, "
                f"{pool.free * share:,.0f} of {pool.spec.units * share:,.0f} are free"
            )
        on_chip = sum(
            p.spec.units * p.spec.unit_bits for n, p in self.pools.items() if n in options
        )
        held = self.lifetimes.peak_bits()
        demand = sum(held.values())
        parts = ", ".join(f"{HELD[role]} {_size(bits)}" for role, bits in held.items())
        missing = f", {_size(demand - on_chip)} too few" if demand > on_chip else ""
        where = f"made by {maker!r}" if maker else "an input of the step"
        return CapacityError(
            f"{self.graph.name} does not fit {self.architecture.name!r}: no room for "
            f"{tensor.name!r} ({tensor.role}, {tensor.size_bytes:,} B, {where}): "
            f"{'; '.join(tried)}. The step holds {_size(demand)} at its peak ({parts}), these "
            f"memories {_size(on_chip)}{missing}, less what blocks waste. Levers: a compressed or "
            f"smaller workload (its format and ranks, layers, batch, sequence), a larger "
            f"{_sizes(options)}, or another memory in architecture.placement.{tensor.role}"
        )


def _size(bits: int) -> str:
    size_bytes = ceil_div(bits, 8)
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:,.1f} {unit}"
    return f"{size_bytes:,} B"


def _sizes(memories: tuple[str, ...]) -> str:
    return " or ".join(f"architecture.components.{memory}" for memory in memories)


def _reservations(architecture: Architecture) -> tuple[Reservation, ...]:
    """What the buffers of all units take, a bank for each of a unit's partitions."""
    found = []
    for name, unit in architecture.units.items():
        if unit.buffer_in and unit.buffer:
            spec = architecture.memories[unit.buffer_in]
            words = ceil_div(8 * unit.buffer, WORD_BITS)
            units = unit.count * spec.units_for(words, WORD_BITS, unit.partitions)
            bits = unit.count * 8 * unit.buffer
            found.append(Reservation(f"{name}.buffer", unit.buffer_in, units, bits))
    return tuple(found)


def plan_memory(
    graph: OperationGraph, architecture: Architecture, *, grouping: bool = True
) -> MemoryPlan:
    """Assign every tensor to a memory, in blocks.

    ``grouping`` lets parameters that no operation uses together share banks.

    Raises:
        CapacityError: with the demand, the bound and the levers, where a tensor finds no room.
    """
    return _Planner(graph, architecture, grouping).run()
