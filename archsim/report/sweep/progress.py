"""A line on standard error while a sweep runs, where somebody looks at it: quiet otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from archsim.report.quantities import ellipsize


class HowFar(Protocol):
    """How far a sweep is."""

    @property
    def done(self) -> int: ...

    @property
    def most(self) -> int: ...

    @property
    def before(self) -> int: ...

    @property
    def infeasible(self) -> int: ...

    @property
    def best(self) -> str: ...


@contextmanager
def sweep_progress(console: Console | None = None) -> Iterator[Callable[[HowFar], None] | None]:
    """Give a function that shows how far a sweep is; none where nobody looks."""
    if console is None and not sys.stderr.isatty():
        yield None
        return
    screen = console or Console(stderr=True)
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    start = time.monotonic()
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(far: HowFar) -> None:
            words = in_words(far, time.monotonic() - start)
            bar.update(task, completed=far.done, total=far.most, description=words)

        yield show


def in_words(far: HowFar, seconds: float) -> str:
    """Say how far a sweep is, how fast, how long it still takes, and what is best so far."""
    now = far.done - far.before
    parts = [f"{far.done:,} of {far.most:,} points"]
    if now and seconds > 0:
        rate = now / seconds
        parts.append(f"{60 * rate:,.0f} a minute" if rate < 10 else f"{rate:,.0f} a second")
        parts.append(f"{duration((far.most - far.done) / rate)} left")
    if far.infeasible:
        parts.append(f"{far.infeasible:,} infeasible")
    if far.best:
        parts.append(f"best so far {ellipsize(far.best, 40)}")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Write a time as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
