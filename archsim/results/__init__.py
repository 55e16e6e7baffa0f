"""What happened: traces, metrics, bounds and results."""

from archsim.results.bounds import Bounds, find_bounds
from archsim.results.components import ComponentUse
from archsim.results.energy import Energy
from archsim.results.metrics import MemoryPeak
from archsim.results.result import (
    METRICS,
    Comparison,
    OrderChoice,
    Provenance,
    PublishedValue,
    Result,
)
from archsim.results.trace import (
    Activity,
    ComponentRecord,
    Interval,
    MemoryRecord,
    Occupancy,
    OperationRecord,
    Tally,
    Trace,
)

__all__ = [
    "METRICS",
    "Activity",
    "Bounds",
    "Comparison",
    "ComponentRecord",
    "ComponentUse",
    "Energy",
    "Interval",
    "MemoryPeak",
    "MemoryRecord",
    "Occupancy",
    "OperationRecord",
    "OrderChoice",
    "Provenance",
    "PublishedValue",
    "Result",
    "Tally",
    "Trace",
    "find_bounds",
]
