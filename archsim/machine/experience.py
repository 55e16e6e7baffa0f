"""What has been lived on a machine: the next run on it need not live that again."""

from collections.abc import Callable, Hashable, Mapping
from math import inf

from archsim.hardware.architecture import Architecture
from archsim.machine.channel import Timing
from archsim.machine.course import Course
from archsim.machine.domain import Domain, Run
from archsim.machine.drift import Drifts
from archsim.machine.recall import Recall, key_of
from archsim.mapping.stream import TileStream

MOST_COURSES = 20_000
"""Streams that are known; a run that finds more of them begins with none."""


class Experience:
    """Courses of streams, futures of domains and legs of lanes that drift."""

    def __init__(self) -> None:
        self._recall = Recall()
        self._drifts = Drifts()
        self._timings: dict[str, Timing] = {}
        self._courses: dict[int, tuple[TileStream, Course]] = {}
        self._alike: dict[Hashable, Course] = {}
        """The first course of each form."""
        self.tell: Callable[[Domain, int | None, Domain], None] | None = None
        """Told of what is lived: a domain, until when, and how it stands then."""
        self.hear: Callable[[], bool] | None = None
        """Asked, before anything is lived, whether another process told of what it lived."""

    @classmethod
    def of(cls, architecture: Architecture) -> "Experience":
        """Return that of a machine."""
        found: Experience | None = architecture.known.get("experience")
        if found is None or max(len(found._courses), len(found._alike)) > MOST_COURSES:
            found = architecture.known["experience"] = cls()
        return found

    def timing(self, architecture: Architecture, channel: str) -> Timing:
        """Return how transfers of a sort of channel take time: the same one every time."""
        if channel not in self._timings:
            self._timings[channel] = Timing.of(architecture, channel)
        return self._timings[channel]

    def course(self, stream: TileStream) -> Course:
        """Return a stream in numbers, and keep it: many tasks share a stream."""
        if id(stream) not in self._courses:
            self._courses[id(stream)] = (stream, self.course_of(stream))
        return self._courses[id(stream)][1]

    def course_of(self, stream: TileStream) -> Course:
        """Return a stream in numbers, to be lived once."""
        course = Course(stream)
        course.follow(self._alike.setdefault(course.form, course))
        return course

    def lived(
        self,
        domain: Domain,
        timings: Mapping[str, Timing],
        until: int | None = None,
        *,
        skips: bool = True,
    ) -> Domain:
        """Return how a domain stands at a moment, or else when its first lane is over."""
        key = key_of(domain, until, timings)
        known = self._recall.find(key, domain)
        if known is None and self.hear is not None and self.hear():
            known = self._recall.find(key, domain)
        if known is not None:
            return known
        future = domain.copy()
        run = Run(future, timings, skips=skips, drifts=self._drifts)
        run.until(inf if until is None else until)
        self._recall.keep(key, domain, future)
        if self.tell is not None:
            self.tell(domain, until, future)
        return future

    def keep(
        self, domain: Domain, timings: Mapping[str, Timing], until: int | None, future: Domain
    ) -> None:
        """Remember how a domain stood that somebody else lived."""
        self._recall.keep(key_of(domain, until, timings), domain, future)
