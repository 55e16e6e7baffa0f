"""What became of domains: one that stands as another one stood becomes the same, later.

Tasks of the same stream are alike, whatever they are called and wherever they run; so are
channels of the same timing, by the lanes that ask for them.
"""

from collections.abc import Hashable, Mapping

from archsim.machine.channel import Timing
from archsim.machine.domain import Domain
from archsim.machine.lane import Lane

MOST_LANES = 10_000
"""Lanes that are remembered; each takes about 2 KiB, before and after."""


class Recall:
    """Futures by how things stood; those found first are forgotten first."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Domain, Domain]] = {}
        self._lanes = 0

    def find(self, key: Hashable, domain: Domain) -> Domain | None:
        """Return how a domain stands later, given :func:`key_of` it."""
        known = self._known.get(key)
        if known is None:
            return None
        before, after = known
        later = domain.now - before.now
        lanes = [
            mine.like(old, new, later)
            for mine, old, new in zip(domain.lanes, before.lanes, after.lanes, strict=True)
        ]
        times = [after.free[name] + later for name in _channels(before)]
        free = dict(zip(_channels(domain), times, strict=True))
        return Domain(after.now + later, lanes, free)

    def keep(self, key: Hashable, domain: Domain, future: Domain) -> None:
        """Remember how a domain stands later."""
        self._known[key] = (domain, future)
        self._lanes += len(domain.lanes)
        while self._lanes > MOST_LANES:
            oldest = next(iter(self._known))
            self._lanes -= len(self._known.pop(oldest)[0].lanes)


def key_of(domain: Domain, until: int | None, timings: Mapping[str, Timing]) -> Hashable:
    """Return all on which it depends how a domain stands at a moment.

    Without a moment, that is when its first lane is over.
    """
    now = domain.now
    numbers = {name: number for number, name in enumerate(_channels(domain))}
    return (
        until if until is None else until - now,
        tuple([_lane_key(lane, numbers, now) for lane in domain.lanes]),
        tuple([_channel_key(timings[name], domain.free[name], now) for name in numbers]),
    )


def _channel_key(timing: Timing, free: int, now: int) -> Hashable:
    phase: Hashable = None
    if timing.rhythm is not None:
        first, period = timing.rhythm
        phase = (now - first) % period if now >= first else ("before", now)
    return timing, max(free - now, 0), phase


def _lane_key(lane: Lane, numbers: Mapping[str, int], now: int) -> Hashable:
    way = lane.way
    return (
        way.course.alike,
        tuple([None if name is None else numbers[name] for name in way.channels]),
        tuple(lane.place.rounds),
        tuple(lane.place.steps),
        None if lane.finish is None else lane.finish - now,
        lane.outline(now),
    )


def _channels(domain: Domain) -> list[str]:
    """Channels in the order in which lanes come by them."""
    names = [name for lane in domain.lanes for name in lane.way.channels if name is not None]
    return list(dict.fromkeys(names))
