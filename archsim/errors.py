"""Every exception archsim raises on purpose.

ArchsimError
├── InputError           what the user gave is wrong: the command line exits with 2
│   ├── ConfigError      a file or a value the user wrote is wrong
│   ├── RegistryError    a name is unknown, or already taken
│   ├── GraphError       an operation graph, or what it is executed on, is malformed
│   ├── MappingError     an operation cannot run on the architecture
│   ├── CapacityError    tensors do not fit the architecture's memories
│   └── EnergyError      an action happened that the energy table does not price
└── RunError             a run that began could not finish: the command line exits with 1
    ├── StalledError     the simulation ran out of events with tasks unfinished
    └── ConservationError  a law every run must keep was broken: a bug of archsim
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial

MOST_NAMES = 40
"""Names that a message lists where none is close."""


class ArchsimError(Exception):
    """Base of the tree; catch it to separate our errors from bugs."""


class InputError(ArchsimError):
    """What the user gave is wrong, and the message says what to change."""


class ConfigError(InputError):
    """A configuration value is missing, unknown or out of range.

    ``path`` is the route from the file's root to the value, e.g.
    ``("architecture", "buffer", "capacity")``; ``where`` is ``"file.yaml:12"``.
    """

    def __init__(
        self, path: Iterable[str], problem: str, *, hint: str = "", where: str = ""
    ) -> None:
        self.path, self.problem, self.hint, self.where = tuple(path), problem, hint, where
        place = ": ".join(part for part in (where, ".".join(self.path)) if part)
        message = f"{place}: {problem}" if place else problem
        super().__init__(f"{message} ({hint})" if hint else message)

    def __reduce__(self) -> tuple[Callable[..., "ConfigError"], tuple[()]]:
        # A worker process hands its errors over in pickles.
        again = partial(ConfigError, self.path, self.problem, hint=self.hint, where=self.where)
        return again, ()


class RegistryError(InputError):
    """A name is unknown to a registry, or registered twice."""


class GraphError(InputError):
    """An operation graph, or what it is executed on, is malformed."""


class MappingError(InputError):
    """An operation cannot run on the architecture."""


class CapacityError(InputError):
    """Tensors do not fit the architecture's memories."""


class EnergyError(InputError):
    """An action happened that the energy table does not price."""


class RunError(ArchsimError):
    """A run that began could not finish."""


class StalledError(RunError):
    """The simulation ran out of events with tasks unfinished."""


class ConservationError(RunError):
    """A law that every run must keep was broken."""


def did_you_mean(name: str, known: Iterable[str], told: Iterable[str] = ()) -> str:
    """Return a hint naming the closest known spelling, or else what is known.

    Where that is many variants of few names, these are ``told`` in their place.
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1) or _with_word(name, names)
    if close:
        return f"did you mean {close[0]!r}?"
    told = sorted(told) or names
    more = f" and {len(told) - MOST_NAMES} more" if len(told) > MOST_NAMES else ""
    return f"known: {', '.join(told[:MOST_NAMES])}{more}"


def _with_word(word: str, names: Iterable[str]) -> list[str]:
    """Return names of which one word is what is asked for, the shortest first."""
    found = (name for name in names if word.lower() in re.split("[^a-z0-9]+", name.lower()))
    return sorted(found, key=len) if word else []
