"""The fast engine: SimPy sees where operations begin and end, and nothing in between.

Lanes that share a channel form a domain, which is lived on its own up to the moment when its
first lane is over: its plan. If nobody comes in between, the plan comes true. If somebody
does who shares a channel, the domain goes on from where it last stood, up to that moment,
and a new plan is made with all who are there. A domain that stands as another one stood
before has the same plan, so that equal layers are lived once.
"""

from collections.abc import Mapping

import simpy

from archsim.machine.channel import EndOfTick, Timing
from archsim.machine.course import Totals
from archsim.machine.domain import Domain
from archsim.machine.experience import Experience
from archsim.machine.lane import Lane, Way
from archsim.machine.stage_log import StageLog
from archsim.mapping.stream import StageKind
from archsim.schedule.schedule import Task


class _Plan:
    """A domain, and how it stands when its first lane is over."""

    __slots__ = ("domain", "future", "is_current")

    def __init__(self, domain: Domain, future: Domain) -> None:
        self.domain = domain
        self.future = future
        self.is_current = True


class FastForward:
    """Plans domains, and puts only the ends of plans into SimPy."""

    def __init__(
        self,
        env: simpy.Environment,
        timings: Mapping[str, Timing],
        experience: Experience | None = None,
        *,
        skips: bool = True,
    ) -> None:
        self.env = env
        self.logs: dict[str, list[StageLog]] = {}
        self.passed_bits = dict.fromkeys(timings, 0)
        self._timings = timings
        self._skips = skips
        self._contended = frozenset(timings)
        self._experience = experience or Experience()
        self._done: dict[str, simpy.Event] = {}
        self._plans: dict[str, _Plan] = {}
        """Who has each channel."""
        self._newcomers: list[Lane] = []
        self._left: list[Domain] = []
        """What is left of domains whose plans have come true."""
        self._is_planning = False

    def live(self, task: Task) -> simpy.Event:
        """Begin a task now; return what happens when its last tile has arrived."""
        way = Way.of(task, self._experience.course(task.stream), self._contended)
        lane = Lane(way, int(self.env.now))
        lane.begin_tile()
        self._newcomers.append(lane)
        self._plan_soon()
        self._done[task.name] = self.env.event()
        return self._done[task.name]

    def _plan_soon(self) -> None:
        """Plan when all is known that begins and ends now."""
        if not self._is_planning:
            self._is_planning = True
            EndOfTick(self.env, self._plan_all)

    def _plan_all(self, _: simpy.Event) -> None:
        self._is_planning = False
        now = int(self.env.now)
        lanes, free = self._newcomers, dict[str, int]()
        for domain in [*self._left, *self._interrupted(now)]:
            lanes = lanes + domain.lanes
            free |= domain.free
        self._newcomers, self._left = [], []
        for group in _groups(lanes):
            names = {name for lane in group for name in lane.way.channels if name is not None}
            self._plan(Domain(now, group, {name: free.get(name, 0) for name in sorted(names)}))

    def _interrupted(self, now: int) -> list[Domain]:
        """Return, as they stand now, the domains in whose plans newcomers come between."""
        names = {name for lane in self._newcomers for name in lane.way.channels}
        plans = {id(plan): plan for name, plan in self._plans.items() if name in names}
        for plan in plans.values():
            self._drop(plan)
        return [self._lived(plan.domain, now) for plan in plans.values()]

    def _plan(self, domain: Domain) -> None:
        plan = _Plan(domain, self._lived(domain))
        self._plans |= dict.fromkeys(domain.free, plan)
        end = self.env.timeout(plan.future.now - int(self.env.now))
        end.callbacks.append(lambda _: self._come_true(plan))

    def _drop(self, plan: _Plan) -> None:
        plan.is_current = False
        for name in plan.domain.free:
            del self._plans[name]

    def _lived(self, domain: Domain, until: int | None = None) -> Domain:
        return self._experience.lived(domain, self._timings, until, skips=self._skips)

    def _come_true(self, plan: _Plan) -> None:
        if not plan.is_current:
            return
        self._drop(plan)
        domain = plan.future
        staying = [lane for lane in domain.lanes if lane.finish != domain.now]
        for lane in domain.lanes:
            if lane.finish == domain.now:
                self._end(lane)
        if staying:
            self._left.append(Domain(domain.now, staying, domain.free))
            self._plan_soon()

    def _end(self, lane: Lane) -> None:
        task, channels = lane.way.task, lane.way.channels
        totals = lane.way.course.totals(tuple(lane.counts))
        logs = [_log(lane, stage, totals) for stage in range(len(channels))]
        for log, channel in zip(logs, channels, strict=True):
            if channel is not None:
                self.passed_bits[channel] += log.bits
        self.logs[task.name] = logs
        self._done.pop(task.name).succeed()


def _groups(lanes: list[Lane]) -> list[list[Lane]]:
    """Return lanes that share channels, directly or by way of others, together."""
    groups: list[tuple[set[str], list[Lane]]] = []
    for lane in lanes:
        names, members = {name for name in lane.way.channels if name is not None}, [lane]
        apart = []
        for group in groups:
            if names.isdisjoint(group[0]):
                apart.append(group)
            else:
                names |= group[0]
                members = group[1] + members
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _log(lane: Lane, stage: int, totals: Totals) -> StageLog:
    """Return what a stage did for a lane that is over."""
    shape = lane.way.course.stages[stage]
    return StageLog(
        component=lane.way.course.instances(lane.way.task.unit)[stage],
        start=lane.began[stage],
        end=lane.ended[stage],
        busy=totals.busy[stage],
        tiles=totals.tiles,
        points=totals.points if shape.kind is StageKind.COMPUTE else 0,
        bits=totals.bits[stage],
        waited=lane.waited[stage],
    )
