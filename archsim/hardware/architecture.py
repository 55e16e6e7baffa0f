"""An architecture: named components, and the routes that data takes between them."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import lcm
from typing import Any

from archsim.errors import did_you_mean
from archsim.hardware.component import (
    ChannelSpec,
    ComponentSpec,
    ComputeSpec,
    MemorySpec,
    Transfer,
)
from archsim.ir.tensor import Role


@dataclass(frozen=True, kw_only=True)
class Route:
    """How units reach a memory: over a link each way, or wired straight to its banks."""

    memory: str
    """The memory's name."""
    units: tuple[str, ...]
    """Names of the units that reach it this way."""
    read: str = ""
    """The link that data takes to the unit; none where the unit is wired to the banks."""
    write: str = ""
    """The link that results take back."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A machine on paper."""

    name: str
    """What reports call it."""
    description: str = ""
    """One line for people."""
    components: dict[str, ComponentSpec]
    """Specs by name."""
    routes: tuple[Route, ...]
    """Who reaches which memory, and how."""
    placement: dict[Role, tuple[str, ...]] = field(default_factory=dict)
    """Memories that tensors of a role may lie in, the preferred one first; all, in the
    order of ``components``, for a role not named."""

    def __post_init__(self) -> None:
        if not self.units:
            raise ValueError("components: no compute unit")
        if not self.memories:
            raise ValueError("components: no memory")
        for number, route in enumerate(self.routes):
            self._check_route(f"routes.{number}", route)
        self._check_one_way_each()
        self._check_instances()
        for role, memories in self.placement.items():
            if not memories:
                raise ValueError(f"placement.{role}: name at least one memory")
            for memory in memories:
                self._find(f"placement.{role}", memory, self.memories, "memory")
        for unit, spec in self.units.items():
            if spec.buffer_in:
                place = f"components.{unit}.buffer_in"
                self._find(place, spec.buffer_in, self.memories, "memory")
            if not any(unit in route.units for route in self.routes):
                raise ValueError(f"routes: unit {unit!r} reaches no memory")

    def _check_one_way_each(self) -> None:
        ways: dict[tuple[str, str], int] = {}
        for number, route in enumerate(self.routes):
            for unit in route.units:
                first = ways.setdefault((route.memory, unit), number)
                if first != number:
                    raise ValueError(
                        f"routes.{number}.units: {unit!r} reaches {route.memory!r} "
                        f"by routes.{first} already"
                    )

    def _check_instances(self) -> None:
        for name, spec in self.units.items():
            for instance in self.instances(name):
                if instance != name and instance in self.components:
                    raise ValueError(
                        f"components.{instance}: the name of one of the {spec.count} units of "
                        f"{name!r}; choose another"
                    )

    def _check_route(self, place: str, route: Route) -> None:
        self._find(f"{place}.memory", route.memory, self.memories, "memory")
        for unit in route.units:
            self._find(f"{place}.units", unit, self.units, "compute unit")
        for end, link in (("read", route.read), ("write", route.write)):
            if link:
                self._find(f"{place}.{end}", link, self.channels, "link")
                if link in self.memories:
                    raise ValueError(f"{place}.{end}: {link!r} is a memory, not a link")

    @staticmethod
    def _find(place: str, name: str, known: Mapping[str, ComponentSpec], noun: str) -> None:
        if name not in known:
            raise ValueError(f"{place}: no {noun} named {name!r}; {did_you_mean(name, known)}")

    @cached_property
    def units(self) -> dict[str, ComputeSpec]:
        """The compute units by name."""
        return {n: spec for n, spec in self.components.items() if isinstance(spec, ComputeSpec)}

    @cached_property
    def memories(self) -> dict[str, MemorySpec]:
        """The memories by name."""
        return {n: spec for n, spec in self.components.items() if isinstance(spec, MemorySpec)}

    @cached_property
    def channels(self) -> dict[str, ChannelSpec]:
        """The links and DRAMs by name."""
        return {n: spec for n, spec in self.components.items() if isinstance(spec, ChannelSpec)}

    @cached_property
    def tick_rate(self) -> int:
        """Ticks per second: the least common multiple of all clocks."""
        return lcm(*(spec.clock for spec in self.components.values()))

    @cached_property
    def known(self) -> dict[Hashable, Any]:
        """What others have worked out for this machine, by keys of their own."""
        return {}

    @cached_property
    def surroundings(self) -> dict[str, str]:
        """For each unit, all that can matter to how it does an operation, as a text.

        That is the unit, what it reaches and by which way. Of two machines on which other units
        differ, or how much memories hold, it is the same.
        """
        return {unit: "\n".join(self._seen_by(unit)) for unit in self.units}

    def _seen_by(self, unit: str) -> Iterator[str]:
        yield f"{self.tick_rate} {unit} {_manner(self.units[unit])}"
        for route in self.routes:
            if unit in route.units:
                for name in (route.memory, route.read, route.write):
                    yield f"{name} {_manner(self.components[name])}" if name else "wired"
                # What comes by one link from several memories lies as in the one on chip.
                for other in self.routes:
                    if {route.read, route.write} & {other.read, other.write}:
                        yield f"beside {other.memory} {_manner(self.memories[other.memory])}"

    def instances(self, unit: str) -> tuple[str, ...]:
        """Names of the units of one sort: the sort's own where there is one only."""
        count = self.units[unit].count
        return (unit,) if count == 1 else tuple(f"{unit}{number}" for number in range(count))

    def ticks(self, component: str, cycles: int) -> int:
        """Cycles of a component in ticks."""
        return cycles * (self.tick_rate // self.components[component].clock)

    def held(self, channel: str, cycles: int) -> int:
        """Ticks for which a transfer of so many cycles holds a channel, with refreshes if spread.

        Of several transfers taken for one, no more than of each by itself.
        """
        cycle = self.ticks(channel, 1)
        return self.channels[channel].held(cycles * cycle, cycle=cycle)

    def service(self, channel: str, transfers: Sequence[Transfer]) -> int:
        """Ticks for which a tile's transfers hold a channel."""
        own = [self.own_service(channel, transfer) for transfer in transfers]
        if None in own:
            return self.held(channel, self.channels[channel].stream_cycles(transfers))
        return sum(filter(None, own))

    def own_service(self, channel: str, transfer: Transfer) -> int | None:
        """Ticks for which a transfer holds a channel, whatever passes beside it, if that is so."""
        cycles = self.channels[channel].own_cycles(transfer)
        return None if cycles is None else self.held(channel, cycles)

    def route(self, memory: str, unit: str) -> Route | None:
        """Return how a unit reaches a memory, if it does."""
        for route in self.routes:
            if route.memory == memory and unit in route.units:
                return route
        return None

    def memories_for(self, role: Role) -> tuple[str, ...]:
        """The memories that a tensor of a role may lie in, the preferred one first."""
        return self.placement.get(role, tuple(self.memories))


def _manner(spec: ComponentSpec) -> str:
    """Say what a component is, but for how much it holds."""
    room = spec.room if isinstance(spec, MemorySpec) else ()
    values = (f"{f.name}={getattr(spec, f.name)!r}" for f in fields(spec) if f.name not in room)
    return f"{type(spec).__qualname__}({', '.join(values)})"
