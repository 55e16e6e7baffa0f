"""What happened: traces, metrics, bounds and results."""

from archsim.results.bounds import Bounds, find_bounds
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
    Trace,
)

__all__ = [
    "METRICS",
    "Activity",
    "Bounds",
    "Comparison",
    "ComponentRecord",
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
    "Trace",
    "find_bounds",
]
