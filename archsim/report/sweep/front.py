"""The Pareto front of two things of which less is better, and its knee."""

from collections.abc import Sequence
from math import log

ROUNDING = 1e-9
Pair = tuple[float, float]
"""What a point costs in the one and in the other."""


def pareto_front(costs: Sequence[Pair]) -> list[int]:
    """Return the places of all that nothing beats in both, by rising first cost.

    Of equal ones the first counts.
    """
    order = sorted(range(len(costs)), key=lambda place: (*costs[place], place))
    front: list[int] = []
    least = float("inf")
    for place in order:
        if costs[place][1] < least:
            least = costs[place][1]
            front.append(place)
    return front


def knee(costs: Sequence[Pair]) -> int | None:
    """Return the place, on a front, beyond which little of the one costs much of the other.

    The point that lies farthest below the line from the first to the last, in logarithms, each
    end at 0 or 1; where none lies below it, that of the smallest product. None of none.
    """
    if not costs:
        return None
    places = range(len(costs))
    least = min(places, key=lambda place: costs[place][0] * costs[place][1])
    if len(costs) < 3:
        return least
    (left, top), (right, bottom) = costs[0], costs[-1]

    def below(place: int) -> float:
        first = log(costs[place][0] / left) / log(right / left)
        second = log(costs[place][1] / bottom) / log(top / bottom)
        return 1 - first - second

    found = max(places, key=below)
    return found if below(found) > ROUNDING else least
