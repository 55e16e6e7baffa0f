"""Routers of packet-switched butterflies: queues, virtual channels, and the cycles of a hop."""

from dataclasses import dataclass, field
from itertools import repeat
from math import prod

from archsim.hardware.component import at_least_one


@dataclass(frozen=True, kw_only=True)
class PacketRouterSpec:
    """An input-queued router with virtual channels and credits.

    A packet's first flit is given a virtual channel of the next queue in one cycle and, as
    every flit, the switch in another, each by rounds of request, grant and accept with
    rotating priority (iSLIP, one round). Routes are looked up one hop ahead.

    Source: N. Jiang et al., "A detailed and flexible cycle-accurate network-on-chip
    simulator", ISPASS 2013 (BookSim 2), whose router this is with its default allocators.
    """

    virtual_channels: int = 4
    """Queues at each input."""
    buffer_flits: int = 8
    """Flits that each queue holds."""
    traversal_cycles: int = 1
    """Cycles through the switch."""
    link_cycles: int = 1
    """Cycles on the wire to the next router."""
    credit_cycles: int = 2
    """Cycles until a place that a flit leaves is known to be free to whoever sends there."""

    def __post_init__(self) -> None:
        at_least_one(
            virtual_channels=self.virtual_channels,
            buffer_flits=self.buffer_flits,
            traversal_cycles=self.traversal_cycles,
            link_cycles=self.link_cycles,
            credit_cycles=self.credit_cycles,
        )

    @property
    def hop_cycles(self) -> int:
        """Virtual channel allocation, switch allocation, the switch and the wire."""
        return 2 + self.traversal_cycles + self.link_cycles


@dataclass(frozen=True, kw_only=True)
class PacketButterflySpec:
    """A butterfly of ``stages`` stages of ``radix x radix`` routers: a k-ary n-fly.

    Node ``x`` enters the first stage at router ``x // radix``, beside its neighbours: the
    same network as a :class:`ButterflySpec` whose inputs are renumbered by taking the last
    digit to the front.
    """

    radix: int = 2
    """Ports of a router on each side."""
    stages: int
    router: PacketRouterSpec = field(default_factory=PacketRouterSpec)
    """What every router is like."""

    def __post_init__(self) -> None:
        at_least_one(stages=self.stages)
        if self.radix < 2:
            raise ValueError(f"radix: must be >= 2, got {self.radix}")

    @property
    def nodes(self) -> int:
        """``radix ^ stages``."""
        return prod(repeat(self.radix, self.stages))

    @property
    def routers(self) -> int:
        """Routers of a stage."""
        return self.nodes // self.radix

    def output(self, stage: int, target: int) -> int:
        """The port that a packet leaves a stage by: a digit of its target, the first one first."""
        return target // self._weight(stage) % self.radix

    def neighbour(self, stage: int, router: int, port: int) -> tuple[int, int]:
        """The router of the next stage, and its port, that an output is wired to.

        The stage's digit of the router's number changes places with the port.
        """
        weight = self._weight(stage + 1)
        digit = router // weight % self.radix
        return router + (port - digit) * weight, digit

    def _weight(self, stage: int) -> int:
        """What the stage's digit of a node's number counts."""
        return prod(repeat(self.radix, self.stages - 1 - stage))

    def zero_load_cycles(self, flits: int) -> int:
        """Cycles of a packet with the network to itself: ``hops n + 1 + wire + flits - 1``.

        The source's cycle and wire come before the first hop.
        """
        router = self.router
        return router.hop_cycles * self.stages + 1 + router.link_cycles + flits - 1
