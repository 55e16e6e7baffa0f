"""How processes that run experiments behave: about garbage, interrupts, forks and their end."""

import atexit
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 3_000_000
"""New objects from one search for garbage to the next."""


def collect_rarely() -> None:
    """Let this process look for garbage seldom: what a run makes lives to its end."""
    # Looking as often as Python does by itself takes a tenth of the time, and finds nothing.
    gc.set_threshold(RARELY)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for garbage seldom for a while, and then as often as before."""
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


def leave_interrupts_to_parent() -> None:
    """Let an interrupt in a terminal, which reaches all processes, end this one by its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def can_fork() -> bool:
    """Whether a process can have another one that knows all it does."""
    return hasattr(os, "fork")
