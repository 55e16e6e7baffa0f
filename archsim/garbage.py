"""How often a process that runs experiments looks for garbage."""

import gc

RARELY = 3_000_000
"""New objects from one search to the next."""


def collect_rarely() -> None:
    """Let this process search seldom: what a run makes lives to its end."""
    # Searching as often as Python does by itself takes a tenth of the time, and finds nothing.
    gc.set_threshold(RARELY)
