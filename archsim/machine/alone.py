"""A stream of tiles with the machine to itself: what the mapper compares tilings by."""

from collections.abc import Callable
from functools import partial

from archsim.hardware.architecture import Architecture
from archsim.machine.channel import Timing, contended
from archsim.machine.domain import Domain
from archsim.machine.experience import Experience
from archsim.machine.lane import Lane, Way
from archsim.mapping.stream import StageKind, TileStream
from archsim.schedule.schedule import Task


def alone_on(architecture: Architecture) -> Callable[[TileStream], int]:
    """Return what tells the ticks of streams that have a machine to themselves.

    What it lives, simulations on the machine need not live again, nor the other way round.
    """
    return partial(alone_ticks, experience=Experience.of(architecture))


def alone_ticks(stream: TileStream, experience: Experience | None = None) -> int:
    """Return the ticks of a stream if nobody else is there and no refresh is timed.

    Reads and writes of one channel take turns, slots are waited for, and what repeats is
    skipped: the fast engine's time, of one task from tick 0 on.
    """
    experience = experience or Experience()
    stages = stream.stages
    unit = next(stage.component for stage in stages if stage.kind is StageKind.COMPUTE)
    task = Task("alone", "alone", unit, stream, (0, 0))
    names = sorted(contended([task]))
    lane = Lane(Way.of(task, experience.course_of(stream), frozenset(names)), 0)
    lane.begin_tile()
    domain = Domain(0, [lane], dict.fromkeys(names, 0))
    return experience.lived(domain, dict.fromkeys(names, Timing())).now
