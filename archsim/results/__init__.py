"""What happened: traces, metrics, bounds and results."""

from archsim.results.bounds import Bounds, find_bounds
from archsim.results.comparison import Case, Comparison, Labels, PublishedRatio
from archsim.results.components import ComponentUse
from archsim.results.digest import digest
from archsim.results.energy import Energy
from archsim.results.metrics import MemoryPeak
from archsim.results.result import (
    METRICS,
    OrderChoice,
    Provenance,
    PublishedPair,
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
    "Case",
    "Comparison",
    "ComponentRecord",
    "ComponentUse",
    "Energy",
    "Interval",
    "Labels",
    "MemoryPeak",
    "MemoryRecord",
    "Occupancy",
    "OperationRecord",
    "OrderChoice",
    "Provenance",
    "PublishedPair",
    "PublishedRatio",
    "PublishedValue",
    "Result",
    "Tally",
    "Trace",
    "digest",
    "find_bounds",
]
