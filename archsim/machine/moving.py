"""Times that move with an offset: to live once what holds for a whole range of offsets.

A moving time is a number now, and how it changes if an offset grows by one tick. Whoever
compares two of them learns what holds now; the :class:`Span` that they share keeps how far the
offset may change before one comparison would have another outcome. So ordinary code, run
once on moving times, tells what it does for every offset in the span.
"""

from math import inf
from typing import Union

Number = Union[int, float, "Moving"]


class Span:
    """The least and the most by which an offset may change."""

    __slots__ = ("least", "most")

    def __init__(self) -> None:
        self.least = -inf
        self.most = inf

    def keep_sign(self, number: int, slope: int) -> None:
        """Allow no change by which ``number + slope * change`` would get another sign."""
        if number == 0:
            self.least, self.most = max(self.least, 0), min(self.most, 0)
            return
        room = (abs(number) - 1) // abs(slope)
        if (number > 0) == (slope > 0):
            self.least = max(self.least, -room)
        else:
            self.most = min(self.most, room)


class Moving:
    """A time ``now``, and ``slope`` ticks more for each tick of the offset."""

    __slots__ = ("now", "slope", "span")
    __hash__ = None  # type: ignore[assignment]  # equal now is not equal for ever

    def __init__(self, now: int, slope: int, span: Span) -> None:
        self.now = now
        self.slope = slope
        self.span = span

    def __add__(self, other: "int | Moving") -> "Moving":
        if isinstance(other, Moving):
            return Moving(self.now + other.now, self.slope + other.slope, self.span)
        return Moving(self.now + other, self.slope, self.span)

    __radd__ = __add__

    def __sub__(self, other: "int | Moving") -> "Moving":
        if isinstance(other, Moving):
            return Moving(self.now - other.now, self.slope - other.slope, self.span)
        return Moving(self.now - other, self.slope, self.span)

    def _over(self, other: Number) -> float:
        """By how much this is more; all comparisons ask here."""
        if isinstance(other, float):
            return self.now - other
        slope = self.slope
        if isinstance(other, Moving):
            slope -= other.slope
            other = other.now
        if slope:
            self.span.keep_sign(self.now - other, slope)
        return self.now - other

    def __lt__(self, other: Number) -> bool:
        return self._over(other) < 0

    def __le__(self, other: Number) -> bool:
        return self._over(other) <= 0

    def __gt__(self, other: Number) -> bool:
        return self._over(other) > 0

    def __ge__(self, other: Number) -> bool:
        return self._over(other) >= 0

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, int | float | Moving)
        return self._over(other) == 0
