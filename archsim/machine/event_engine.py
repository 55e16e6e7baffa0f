"""The event engine: every tile lives through SimPy processes. The reference, and slow."""

from collections.abc import Mapping

import simpy

from archsim.machine.channel import Channel, Timing
from archsim.machine.pipeline import Pipeline
from archsim.machine.stage_log import StageLog
from archsim.schedule.schedule import Task


class EventEngine:
    """A process for each stage of each task, and a queue for each contended channel."""

    def __init__(self, env: simpy.Environment, timings: Mapping[str, Timing]) -> None:
        self.env = env
        self.logs: dict[str, list[StageLog]] = {}
        self._channels = {name: Channel(env, timing.finish) for name, timing in timings.items()}

    def live(self, task: Task) -> simpy.Event:
        """Begin a task now; return what happens when its last tile has arrived."""
        pipeline = Pipeline(self.env, task, self._channels)
        self.logs[task.name] = pipeline.logs
        return self.env.process(pipeline.run())

    @property
    def passed_bits(self) -> dict[str, int]:
        """Bits that passed each contended channel."""
        return {name: channel.passed_bits for name, channel in self._channels.items()}
