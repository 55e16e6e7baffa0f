"""A stream of tiles with the machine to itself: what the mapper compares tilings by."""

from math import inf

from archsim.machine.channel import Timing, contended
from archsim.machine.course import Course
from archsim.machine.domain import Domain, Run
from archsim.machine.lane import Lane, Way
from archsim.mapping.stream import StageKind, TileStream
from archsim.schedule.schedule import Task


def alone_ticks(stream: TileStream) -> int:
    """Return the ticks of a stream if nobody else is there and nothing is refreshed.

    Reads and writes of one channel take turns, slots are waited for, and what repeats is
    skipped: the fast engine's time, of one task from tick 0 on.
    """
    stages = stream.stages
    unit = next(stage.component for stage in stages if stage.kind is StageKind.COMPUTE)
    task = Task("alone", "alone", unit, stream, (0, 0))
    names = sorted(contended([task]))
    lane = Lane(Way.of(task, Course(stream), frozenset(names)), 0)
    lane.begin_tile()
    domain = Domain(0, [lane], dict.fromkeys(names, 0))
    Run(domain, dict.fromkeys(names, Timing())).until(inf)
    return domain.now
