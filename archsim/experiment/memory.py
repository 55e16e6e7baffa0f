"""What a process remembers of the machines that it met, so that the next run need not find it.

Results are the same without; runs that have machines, or operations, in common are quicker.
"""

from archsim.hardware import Architecture
from archsim.mapping import Tilings

MOST_MACHINES = 4
MOST_TILINGS = 20_000
"""Beyond so many, a run begins with none: each takes about 8 KiB."""

_machines: list[Architecture] = []
_tilings: Tilings = {}


def met(architecture: Architecture) -> Architecture:
    """Return a machine as it was met before, with all that its components worked out."""
    known = next((machine for machine in _machines if machine == architecture), architecture)
    _machines[:] = [*(machine for machine in _machines if machine is not known), known]
    del _machines[:-MOST_MACHINES]
    return known


def known_tilings() -> Tilings:
    """Return how operations were mapped, for a run to use and to add to."""
    if len(_tilings) > MOST_TILINGS:
        _tilings.clear()
    return _tilings


def forget() -> None:
    """Forget all, as a new process would have it."""
    _machines.clear()
    _tilings.clear()
