"""What a process that runs experiments does about garbage: as little as it can."""

import atexit
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 3_000_000
"""New objects from one search to the next."""


def collect_rarely() -> None:
    """Let this process search seldom: what a run makes lives to its end."""
    # Searching as often as Python does by itself takes a tenth of the time, and finds nothing.
    gc.set_threshold(RARELY)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Search seldom for a while, and then as often as before."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def leave_at_once() -> None:
    """Let this process end without freeing all that it knows, object by object.

    That takes seconds after many runs. What it has to say must be said by then.
    """
    atexit.register(os._exit, 0)
