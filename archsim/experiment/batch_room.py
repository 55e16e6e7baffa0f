"""How many sequences, images or rows at once a machine has room for.

For workloads with a field ``batch``: more of it never needs less memory, which is assumed.
"""

from dataclasses import fields, replace
from typing import Any

from archsim.errors import CapacityError, InputError
from archsim.hardware import Architecture
from archsim.ir import Workload
from archsim.schedule import absorb, plan_memory


def batch_advice(workload: Workload, architecture: Architecture, *, grouping: bool) -> str:
    """Return a sentence on the largest batch that fits where the workload's own does not.

    Nothing where the workload has no batch, or cannot be lowered without its machine.
    """
    batch = getattr(workload, "batch", None)
    if not isinstance(batch, int) or "batch" not in {field.name for field in fields(workload)}:
        return ""
    try:
        found = largest_batch(workload, architecture, below=batch, grouping=grouping)
    except InputError:
        return ""
    if not found:
        return ". Not even a batch of 1 would fit"
    return f". The largest batch that would fit is {found:,}, of {batch:,} (workload.batch)"


def largest_batch(
    workload: Workload, architecture: Architecture, *, below: int, grouping: bool = True
) -> int:
    """Return the largest batch under ``below`` whose step fits the memories; 0 where none does.

    Raises:
        InputError: where the workload cannot be lowered, but for want of room.
    """
    fits, refused = 0, below
    while refused - fits > 1:
        middle = (fits + refused) // 2
        if _fits(_with_batch(workload, middle), architecture, grouping=grouping):
            fits = middle
        else:
            refused = middle
    return fits


def _with_batch(workload: Any, batch: int) -> Workload:
    changed: Workload = replace(workload, batch=batch)
    return changed


def _fits(workload: Workload, architecture: Architecture, *, grouping: bool) -> bool:
    graph = absorb(workload.lower(), architecture).graph
    try:
        plan_memory(graph, architecture, grouping=grouping)
    except CapacityError:
        return False
    return True
