"""The searches for many mappings, shared among processes."""

from collections.abc import Iterator, Sequence
from multiprocessing import get_context

from archsim.errors import ArchsimError
from archsim.mapping.search import Alone, Mapped, mapped
from archsim.mapping.work import Work
from archsim.processes import can_fork, leave_interrupts_to_parent

FEW = 48
"""Searches that are over before other processes would have begun."""
_Shared = tuple[Sequence[Work], Alone | None]
_shared: _Shared = ((), None)
"""What is to be mapped, for processes made by a fork: they have all that their parent has."""


def mapped_together(
    works: Sequence[Work], alone: Alone | None, workers: int
) -> Iterator[tuple[Work, Mapped | None]]:
    """Yield the cheapest mapping of each piece of work, with its stream, as they are found.

    None where there is none: who asks for it by itself is told why. Without forks, or for a
    few pieces of work, nothing is found ahead.
    """
    global _shared  # noqa: PLW0603  (how a fork is given what cannot be pickled cheaply)
    if workers < 2 or len(works) < FEW or not can_fork():
        return
    _shared = works, alone
    try:
        with get_context("fork").Pool(min(workers, len(works)), leave_interrupts_to_parent) as pool:
            numbers = range(len(works))
            for number, found in pool.imap_unordered(_search, numbers, chunksize=4):
                yield works[number], found
    finally:
        _shared = (), None


def _search(number: int) -> tuple[int, Mapped | None]:
    works, alone = _shared
    try:
        return number, mapped(works[number], alone)
    except ArchsimError:
        return number, None
