"""A packet-switched butterfly, cycle by cycle: what its routers' spec stands for.

The network is one clocked process: in each cycle everything that arrives is taken in, all
routers allocate by the state that they find, and only then anything moves.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from archsim.hardware.packet_router import PacketButterflySpec

Traffic = Callable[[int, np.random.Generator], int]
"""The target of a packet from a node."""


@dataclass(slots=True)
class _Packet:
    target: int
    flits: int
    created: int


_Flit = tuple[_Packet, bool]
"""A part of a packet, and whether it is the last."""


@dataclass(slots=True)
class _Queue:
    """One virtual channel of one input: flits of packets in order, and the way of the first."""

    flits: deque[_Flit] = field(default_factory=deque)
    output: int = -1
    channel: int = -1
    """The virtual channel at the output, once one is given."""


class _Output:
    """What a sender knows of the queues that its wire leads to."""

    def __init__(self, channels: int, places: int) -> None:
        self.places = [places] * channels
        self.is_taken = [False] * channels


class _Arbiter:
    """Rounds of request, grant and accept with rotating priority.

    Source: N. McKeown, "The iSLIP scheduling algorithm for input-queued switches", IEEE/ACM
    Transactions on Networking 7(2), 1999; one round.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._grant_first = [0] * outputs
        self._accept_first = [0] * inputs

    def match(self, wanted: dict[int, list[int]]) -> list[tuple[int, int]]:
        """Pair inputs with outputs, given the inputs that want each output."""
        granted: dict[int, list[int]] = {}
        for output, inputs in wanted.items():
            chosen = inputs[0]
            if len(inputs) > 1:
                first = self._grant_first[output]
                chosen = min(inputs, key=lambda one: (one - first) % self.inputs)
            granted.setdefault(chosen, []).append(output)
        pairs = []
        for one, outputs in granted.items():
            first = self._accept_first[one]
            output = min(outputs, key=lambda other: (other - first) % self.outputs)
            self._grant_first[output] = (one + 1) % self.inputs
            self._accept_first[one] = (output + 1) % self.outputs
            pairs.append((one, output))
        return pairs


class _Router:
    """Queues, what is known of the queues behind each output, and two arbiters."""

    def __init__(self, spec: PacketButterflySpec, stage: int, number: int) -> None:
        router = spec.router
        self.spec, self.stage, self.number = spec, stage, number
        self.channels = router.virtual_channels
        slots = spec.radix * self.channels
        self.queues = [_Queue() for _ in range(slots)]
        self.outputs = [_Output(self.channels, router.buffer_flits) for _ in range(spec.radix)]
        self.waiting: list[int] = []
        """Queues whose first packet has no virtual channel yet."""
        self.active: list[int] = []
        """Queues whose first flit may go through the switch."""
        self._for_channels = _Arbiter(slots, slots)
        self._for_switch = _Arbiter(spec.radix, spec.radix)
        self._next_channel = [0] * spec.radix
        """The virtual channel of each input that goes first through the switch."""

    def take_in(self, slot: int, flit: _Flit) -> None:
        """Queue a flit that arrives."""
        queue = self.queues[slot]
        queue.flits.append(flit)
        if len(queue.flits) == 1:
            if queue.channel < 0:
                self._route(slot)
            else:
                self.active.append(slot)

    def _route(self, slot: int) -> None:
        queue = self.queues[slot]
        queue.output = self.spec.output(self.stage, queue.flits[0][0].target)
        self.waiting.append(slot)

    def step(self) -> list[tuple[int, int, int, _Flit]]:
        """Allocate for a cycle; return (slot left, output, channel there, flit) of what moves."""
        given = self._give_channels() if self.waiting else []
        moving = self._give_switch() if self.active else []
        for slot, place in given:
            queue = self.queues[slot]
            queue.channel = place % self.channels
            self.outputs[queue.output].is_taken[queue.channel] = True
            self.waiting.remove(slot)
            self.active.append(slot)
        return [self._send(slot) for slot in moving]

    def _give_channels(self) -> list[tuple[int, int]]:
        wanted: dict[int, list[int]] = {}
        for slot in self.waiting:
            output = self.queues[slot].output
            for channel, is_taken in enumerate(self.outputs[output].is_taken):
                if not is_taken:
                    wanted.setdefault(output * self.channels + channel, []).append(slot)
        return self._for_channels.match(wanted)

    def _give_switch(self) -> list[int]:
        """Let one queue of each input ask for each output; one flit passes each way."""
        channels = self.channels
        asking: dict[tuple[int, int], int] = {}
        for slot in self.active:
            queue = self.queues[slot]
            if not self.outputs[queue.output].places[queue.channel]:
                continue
            key = (slot // channels, queue.output)
            first = self._next_channel[key[0]]
            other = asking.get(key)
            if other is None or (slot - first) % channels < (other - first) % channels:
                asking[key] = slot
        wanted: dict[int, list[int]] = {}
        for one, output in asking:
            wanted.setdefault(output, []).append(one)
        moving = []
        for one, output in self._for_switch.match(wanted):
            slot = asking[one, output]
            self._next_channel[one] = (slot + 1) % channels
            moving.append(slot)
        return moving

    def _send(self, slot: int) -> tuple[int, int, int, _Flit]:
        queue = self.queues[slot]
        flit, output, channel = queue.flits.popleft(), queue.output, queue.channel
        self.outputs[output].places[channel] -= 1
        if flit[1]:
            self.outputs[output].is_taken[channel] = False
            queue.channel = -1
        if flit[1] or not queue.flits:
            self.active.remove(slot)
        if flit[1] and queue.flits:
            self._route(slot)
        return slot, output, channel, flit


class _Source:
    """A node's packets that wait for the network; one flit a cycle enters."""

    def __init__(self, channels: int, places: int) -> None:
        self.packets: deque[_Packet] = deque()
        self.output = _Output(channels, places)
        self.channel = -1
        """Of the packet that is entering."""
        self._last = 0
        self._sent = 0

    def send(self) -> tuple[int, _Flit] | None:
        """Return the flit that enters now, and the virtual channel it takes."""
        if not self.packets:
            return None
        output, count = self.output, len(self.output.places)
        if self.channel < 0:
            turns = ((self._last + turn) % count for turn in range(1, count + 1))
            free = (c for c in turns if not output.is_taken[c] and output.places[c])
            self.channel = next(free, -1)
            if self.channel < 0:
                return None
            self._last = self.channel
            output.is_taken[self.channel] = True
        if not output.places[self.channel]:
            return None
        packet, channel = self.packets[0], self.channel
        output.places[channel] -= 1
        self._sent += 1
        is_last = self._sent == packet.flits
        if is_last:
            self.packets.popleft()
            output.is_taken[channel] = False
            self.channel, self._sent = -1, 0
        return channel, (packet, is_last)


@dataclass(frozen=True)
class Measurement:
    """What a network did with its traffic after a time to warm up."""

    latency_cycles: float
    """From a packet's making to its last flit's arrival, on average."""
    accepted: float
    """Flits that arrived, for each node and cycle."""
    packets: int
    """Packets that arrived."""


class PacketNetwork:
    """A butterfly of routers, alive, and the nodes around it."""

    def __init__(self, env: simpy.Environment, spec: PacketButterflySpec) -> None:
        self.env, self.spec = env, spec
        router = spec.router
        self._routers = [
            [_Router(spec, stage, number) for number in range(spec.routers)]
            for stage in range(spec.stages)
        ]
        self._sources = [
            _Source(router.virtual_channels, router.buffer_flits) for _ in range(spec.nodes)
        ]
        self._arriving: defaultdict[int, list[tuple[_Router, int, _Flit]]] = defaultdict(list)
        """Flits that reach a queue of a router, by cycle."""
        self._freed: defaultdict[int, list[tuple[_Output, int]]] = defaultdict(list)
        """Places that are known to be free, by cycle."""
        self.packets: list[tuple[int, int]] = []
        """When each packet was made, and when its last flit arrives."""
        self.flits: Counter[int] = Counter()
        """Flits that arrive in each cycle."""

    def offer(self, source: int, target: int, flits: int) -> None:
        """Give a node a packet to send."""
        self._sources[source].packets.append(_Packet(target, flits, int(self.env.now)))

    def clock(self, make: Callable[[], None]) -> Generator[simpy.Event, Any, None]:
        """Process: step every part of the network, cycle by cycle, once packets are made."""
        while True:
            cycle = int(self.env.now)
            for output, channel in self._freed.pop(cycle, ()):
                output.places[channel] += 1
            for router, slot, flit in self._arriving.pop(cycle, ()):
                router.take_in(slot, flit)
            make()
            for node, source in enumerate(self._sources):
                if source.packets:
                    self._enter(cycle, node, source)
            for stage in self._routers:
                for router in stage:
                    if router.waiting or router.active:
                        self._move(cycle, router)
            yield self.env.timeout(1)

    def _enter(self, cycle: int, node: int, source: _Source) -> None:
        entering = source.send()
        if entering is not None:
            number, port = divmod(node, self.spec.radix)
            router = self._routers[0][number]
            slot = port * router.channels + entering[0]
            self._arriving[cycle + 1 + self.spec.router.link_cycles].append(
                (router, slot, entering[1])
            )

    def _move(self, cycle: int, router: _Router) -> None:
        timing = self.spec.router
        for slot, output, channel, flit in router.step():
            port, own_channel = divmod(slot, router.channels)
            sender = self._sender(router, port)
            self._freed[cycle + timing.credit_cycles].append((sender, own_channel))
            arrival = cycle + 1 + timing.traversal_cycles + timing.link_cycles
            if router.stage == self.spec.stages - 1:
                self._arrive(arrival, flit)
                freed = arrival + timing.credit_cycles
                self._freed[freed].append((router.outputs[output], channel))
                continue
            number, there = self.spec.neighbour(router.stage, router.number, output)
            target = self._routers[router.stage + 1][number]
            self._arriving[arrival].append((target, there * router.channels + channel, flit))

    def _sender(self, router: _Router, port: int) -> _Output:
        """The output, or source, that is wired to a router's input."""
        if router.stage == 0:
            return self._sources[router.number * self.spec.radix + port].output
        number, output = self.spec.neighbour(router.stage - 1, router.number, port)
        return self._routers[router.stage - 1][number].outputs[output]

    def _arrive(self, cycle: int, flit: _Flit) -> None:
        packet, is_last = flit
        self.flits[cycle] += 1
        if is_last:
            self.packets.append((packet.created, cycle))


def measure(
    spec: PacketButterflySpec,
    traffic: Traffic,
    *,
    packets_per_cycle: float,
    flits: int,
    window: tuple[int, int],
    random: np.random.Generator,
) -> Measurement:
    """Offer random traffic and measure from one cycle until another.

    In each cycle each node makes a packet of so many flits with a probability of
    ``packets_per_cycle``, and keeps it until the network takes it.
    """
    env = simpy.Environment()
    network = PacketNetwork(env, spec)

    def make() -> None:
        for node in np.flatnonzero(random.random(spec.nodes) < packets_per_cycle).tolist():
            network.offer(node, traffic(node, random), flits)

    env.process(network.clock(make))
    measured = range(*window)
    env.run(until=measured.stop)
    latencies = [end - made for made, end in network.packets if end in measured]
    accepted = sum(network.flits[cycle] for cycle in measured)
    return Measurement(
        latency_cycles=sum(latencies) / max(1, len(latencies)),
        accepted=accepted / (spec.nodes * len(measured)),
        packets=len(latencies),
    )
