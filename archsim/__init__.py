"""archsim: a discrete-event architecture simulator for compressed and tensorised models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.comparison.runs import compare
    from archsim.experiment import lower, run
    from archsim.ir.execute import execute
    from archsim.sweep.run import sweep

__all__ = ["compare", "execute", "lower", "run", "sweep"]
__version__ = "0.1.0"

_HOMES = {
    "compare": "archsim.comparison.runs",
    "run": "archsim.experiment",
    "lower": "archsim.experiment",
    "execute": "archsim.ir.execute",
    "sweep": "archsim.sweep.run",
}


def __getattr__(name: str) -> Any:
    # The public names load on first use, so that `archsim list` starts at once.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'archsim' has no attribute {name!r}")
