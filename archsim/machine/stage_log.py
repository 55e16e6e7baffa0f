"""What a stage did for one task: what both engines report."""

from dataclasses import dataclass


@dataclass(slots=True)
class StageLog:
    """One stage of one task, from the start of its first tile with something to do."""

    component: str
    start: int = -1
    end: int = 0
    busy: int = 0
    tiles: int = 0
    points: int = 0
    bits: int = 0
    waited: int = 0
