"""Independent re-tellings of what a machine does in time, without SimPy.

:func:`alone` is a max-plus recurrence for one stream; :func:`live` goes from moment to
moment and, at each, does whatever can be done until nothing changes any more.
"""

import operator
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import takewhile
from math import ceil

from archsim.mapping import StageKind


def alone(stream):
    """When the last tile of a stream has arrived, with the machine to itself.

    start(j, s) = max(end(j - 1, s), arrival(j, s - 1), end(j - slots(s), s + 1))
    """
    stages, tiles = stream.stages, list(stream)
    end = [[0] * len(stages) for _ in tiles]
    arrival = [[0] * len(stages) for _ in tiles]
    for j, tile in enumerate(tiles):
        for s, stage in enumerate(stages):
            waits = [end[j - 1][s] if j else 0, arrival[j][s - 1] if s else 0]
            if s + 1 < len(stages) and j >= stage.slots:
                waits.append(end[j - stage.slots][s + 1])
            end[j][s] = max(waits) + tile.service[s]
            there = end[j][s] + (stage.latency if tile.service[s] else 0)
            arrival[j][s] = max(there, arrival[j - 1][s] if j else 0)
    return arrival[-1][-1]


@dataclass
class _Stage:
    """A stage of a running task: tiles passed, their arrivals behind it, what it does now."""

    passed: int = 0
    arrivals: list = field(default_factory=list)
    doing: str = "nothing"
    until: int = 0


class _Running:
    def __init__(self, task):
        self.task = task
        self.tiles = list(task.stream)
        self.stages = [_Stage() for _ in task.stream.stages]

    def may_take(self, s, now):
        """Whether stage s can take its next tile: slot free, tile arrived."""
        here = self.stages[s]
        if here.doing != "nothing" or here.passed == len(self.tiles):
            return False
        if s and not any(time <= now for time in self.stages[s - 1].arrivals[here.passed :]):
            return False
        last = s + 1 == len(self.stages)
        return last or here.passed - self.stages[s + 1].passed < self.task.stream.stages[s].slots

    def pass_on(self, s, now):
        here, stage = self.stages[s], self.task.stream.stages[s]
        latency = stage.latency if self.tiles[here.passed].service[s] else 0
        here.arrivals.append(max([now + latency, *here.arrivals[-1:]]))
        here.passed += 1
        here.doing = "nothing"

    def is_over(self, now):
        last = self.stages[-1]
        return last.passed == len(self.tiles) and last.arrivals[-1] <= now


class _World:
    def __init__(self, tasks, predecessors, overs):
        self.predecessors = predecessors
        self.overs = overs
        self.queues = {}
        for task in tasks:
            self.queues.setdefault(task.unit, []).append(task)
        self.parts_left = Counter(task.operation for task in tasks)
        self.running = []
        self.asked = {}  # channel: requests
        self.held = set()
        self.finish, self.waited = {}, Counter({task.operation: 0 for task in tasks})
        self.now = 0

    def start_tasks(self):
        at_work = {run.task.unit for run in self.running}
        begun = [
            queue.pop(0)
            for unit, queue in self.queues.items()
            if queue and unit not in at_work
            if all(before in self.finish for before in self.predecessors[queue[0].operation])
        ]
        self.running.extend(map(_Running, begun))
        return bool(begun)

    def step(self):
        """Do what can be done now; say whether there was anything."""
        changed = self.start_tasks()
        for run in list(self.running):
            for s, stage in enumerate(run.stages):
                changed |= self.step_stage(run, s, stage)
            if run.is_over(self.now):
                self.running.remove(run)
                self.parts_left[run.task.operation] -= 1
                if not self.parts_left[run.task.operation]:
                    self.finish[run.task.operation] = self.now
                changed = True
        return changed

    def step_stage(self, run, s, stage):
        shape = run.task.stream.stages[s]
        name = shape.instance(run.task.unit)
        if stage.doing == "serving" and stage.until == self.now:
            self.held.discard(name)
            run.pass_on(s, self.now)
            return True
        if not run.may_take(s, self.now):
            return False
        ticks = run.tiles[stage.passed].service[s]
        if not ticks:
            run.pass_on(s, self.now)
        elif shape.kind is StageKind.COMPUTE:
            stage.doing, stage.until = "serving", self.now + ticks
        else:
            is_read = shape.kind in (StageKind.FETCH, StageKind.DISTRIBUTE)
            key = (self.now, is_read, run.task.priority)
            self.asked.setdefault(name, []).append((key, ticks, stage, run.task.operation))
            stage.doing = "waiting"
        return True

    def grant(self):
        """Once all has happened that happens now, give each free channel to one who waits."""
        for name, requests in self.asked.items():
            if requests and name not in self.held:
                first = min(requests, key=lambda request: request[0])
                requests.remove(first)
                (asked, *_), ticks, stage, operation = first
                self.held.add(name)
                self.waited[operation] += self.now - asked
                over = self.overs.get(name, operator.add)
                stage.doing, stage.until = "serving", over(self.now, ticks)

    def next_time(self):
        running = [stage for run in self.running for stage in run.stages]
        coming = [stage.until for stage in running if stage.until > self.now]
        for stage in running:  # arrivals never fall, so those to come are the last ones
            coming.extend(takewhile(lambda time: time > self.now, reversed(stage.arrivals)))
        return min(coming, default=None)


def refreshed(now, ticks, *, every, lasts):
    """When a service is over that stops for each refresh: ``every`` so many ticks but at 0."""
    while True:
        since = now % every
        if now >= every and since < lasts:
            now += lasts - since
        elif ticks > every - since:
            now, ticks = now + every - since, ticks - (every - since)
        else:
            return now + ticks


def spread(now, ticks, *, every, lasts):
    """When a service is over of which each tick bears its share of refresh."""
    return now + ceil(ticks / (1 - Fraction(lasts, every)))


def live(tasks, predecessors, overs=None):
    """Return when each operation finished, and how long its tiles stood in queues.

    ``overs`` say of channels that refresh when a service from now on, of so many ticks, is over.
    """
    world = _World(tasks, predecessors, overs or {})
    while True:
        while world.step():
            pass
        world.grant()
        later = world.next_time()
        if later is None:
            return world.finish, dict(world.waited)
        world.now = later
