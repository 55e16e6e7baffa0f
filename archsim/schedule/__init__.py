"""When operations run relative to each other: memory plan, scheduler, schedule."""

from archsim.schedule.grouping import Group
from archsim.schedule.lifetimes import Lifetimes
from archsim.schedule.memory_plan import (
    MemoryPlan,
    MemoryUse,
    Placement,
    plan_memory,
)
from archsim.schedule.schedule import Schedule, Task
from archsim.schedule.scheduler import schedule
from archsim.schedule.shaping import Absorbed, absorb

__all__ = [
    "Absorbed",
    "Group",
    "Lifetimes",
    "MemoryPlan",
    "MemoryUse",
    "Placement",
    "Schedule",
    "Task",
    "absorb",
    "plan_memory",
    "schedule",
]
