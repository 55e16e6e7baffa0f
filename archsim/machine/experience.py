"""What has been lived on a machine: the next run on it need not live that again."""

from archsim.hardware.architecture import Architecture
from archsim.machine.channel import Timing
from archsim.machine.course import Course
from archsim.machine.drift import Drifts
from archsim.machine.recall import Recall
from archsim.mapping.stream import TileStream

MOST_COURSES = 20_000
"""Streams that are known; a run that finds more of them begins with none."""


class Experience:
    """Courses of streams, futures of domains and legs of lanes that drift."""

    def __init__(self) -> None:
        self.recall = Recall()
        self.drifts = Drifts()
        self._timings: dict[str, Timing] = {}
        self._courses: dict[int, tuple[TileStream, Course]] = {}

    @classmethod
    def of(cls, architecture: Architecture) -> "Experience":
        """Return that of a machine."""
        found: Experience | None = architecture.known.get("experience")
        if found is None or len(found._courses) > MOST_COURSES:
            found = architecture.known["experience"] = cls()
        return found

    def timing(self, architecture: Architecture, channel: str) -> Timing:
        """Return how transfers of a sort of channel take time: the same one every time."""
        if channel not in self._timings:
            self._timings[channel] = Timing.of(architecture, channel)
        return self._timings[channel]

    def course(self, stream: TileStream) -> Course:
        """Return a stream in numbers; many tasks share a stream."""
        if id(stream) not in self._courses:
            self._courses[id(stream)] = (stream, Course(stream))
        return self._courses[id(stream)][1]
