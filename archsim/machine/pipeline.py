"""A task in time: its tiles pass the stages of its stream, one process per stage.

A stage takes the next tile when the buffer behind it has a slot free, the tile has
arrived and its component is its own. Tiles never overtake one another: one with nothing
to do at a stage passes through it in its turn.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import simpy

from archsim.machine.channel import READS, Channel
from archsim.machine.stage_log import StageLog
from archsim.mapping.stream import StageKind, TileClass
from archsim.schedule.schedule import Task


@dataclass
class _Gap:
    """The buffer between two stages: free slots, and tiles on their way with arrival times."""

    slots: simpy.Container
    tiles: simpy.Store


class Pipeline:
    """The stages of one task, alive."""

    def __init__(self, env: simpy.Environment, task: Task, channels: Mapping[str, Channel]) -> None:
        self.env = env
        self.task = task
        stages = task.stream.stages
        self.logs = [StageLog(stage.instance(task.unit)) for stage in stages]
        self._channels = [channels.get(log.component) for log in self.logs]
        self._gaps = [
            _Gap(simpy.Container(env, capacity=stage.slots, init=stage.slots), simpy.Store(env))
            for stage in stages[:-1]
        ]

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Process: pass every tile through every stage."""
        count = len(self.task.stream.stages)
        yield self.env.all_of([self.env.process(self._stage(number)) for number in range(count)])

    def _stage(self, number: int) -> Generator[simpy.Event, Any, None]:
        """Process: serve the stream's tiles at one stage, until the last one has arrived."""
        behind = self._gaps[number] if number < len(self._gaps) else None
        before = self._gaps[number - 1] if number else None
        arrival = 0
        for tile in self.task.stream:
            if behind is not None:
                yield behind.slots.get(1)
            if before is not None:
                yield from self._until((yield before.tiles.get()))
            yield from self._serve(number, tile)
            if before is not None:
                yield before.slots.put(1)
            latency = self.task.stream.stages[number].latency if tile.service[number] else 0
            arrival = max(arrival, int(self.env.now) + latency)
            if behind is not None:
                yield behind.tiles.put(arrival)
        if behind is None:
            yield from self._until(arrival)

    def _until(self, time: int) -> Generator[simpy.Event, Any, None]:
        """Process: wait for a point in time, if it is not past."""
        if time > self.env.now:
            yield self.env.timeout(time - self.env.now)

    def _serve(self, number: int, tile: TileClass) -> Generator[simpy.Event, Any, None]:
        """Process: hold the stage's component for one tile, if there is anything to do."""
        log, ticks = self.logs[number], tile.service[number]
        log.tiles += 1
        log.bits += tile.bits[number]
        stage = self.task.stream.stages[number]
        if stage.kind is StageKind.COMPUTE:
            log.points += tile.points
        if not ticks:
            return
        channel = self._channels[number]
        asked = int(self.env.now)
        if channel is None:
            yield self.env.timeout(ticks)
            waited = 0
        else:
            waited = yield from channel.transfer(
                ticks, tile.bits[number], is_read=stage.kind in READS, priority=self.task.priority
            )
        log.waited += waited
        if log.start < 0:
            log.start = asked + waited
        log.end = int(self.env.now)
        log.busy += ticks
