"""Times that move with an offset: to live once what holds for a whole range of offsets.

A moving time is a number now, and how it changes if an offset grows by one tick. Whoever
compares two of them learns what holds now; the :class:`Span` that they share keeps how far the
offset may change before a comparison would have another outcome. So ordinary code, run once on
moving times, tells what it does for every offset in the span.

Plain numbers stand for no time: marks like *never*, which all times lie on one side of.
"""

from math import inf


class Span:
    """The least and the most by which an offset may change."""

    __slots__ = ("least", "most")

    def __init__(self) -> None:
        self.least = -inf
        self.most = inf

    def keep(self, number: int, slope: int) -> None:
        """Allow no change by which ``number + slope * change`` would fall below 0."""
        if slope > 0:
            self.least = max(self.least, -(number // slope))
        else:
            self.most = min(self.most, number // -slope)


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

    def __sub__(self, other: "Moving") -> "Moving":
        return Moving(self.now - other.now, self.slope - other.slope, self.span)

    def __gt__(self, other: "float | Moving") -> bool:
        if not isinstance(other, Moving):
            return self.now > other
        ahead, slope = self.now - other.now, self.slope - other.slope
        if slope:
            if ahead > 0:
                self.span.keep(ahead - 1, slope)
            else:
                self.span.keep(-ahead, -slope)
        return ahead > 0

    def __lt__(self, other: "float | Moving") -> bool:
        return other > self if isinstance(other, Moving) else self.now < other

    def __ge__(self, other: "float | Moving") -> bool:
        return not self < other

    def __le__(self, other: "float | Moving") -> bool:
        return not self > other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moving):
            return self.now == other
        ahead, slope = self.now - other.now, self.slope - other.slope
        if slope:
            if ahead > 0:
                self.span.keep(ahead - 1, slope)
            elif ahead < 0:
                self.span.keep(-ahead - 1, -slope)
            else:
                self.span.keep(0, slope)
                self.span.keep(0, -slope)
        return ahead == 0
