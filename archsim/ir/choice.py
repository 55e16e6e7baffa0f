"""A choice that lowering made between ways to compute the same thing, and what each costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """Which of several ways was taken for a part of a workload."""

    subject: str
    """The part, e.g. a layer's name."""
    chosen: str
    unit: str
    """What ``costs`` are counted in: ``MACs``, ``s``."""
    costs: Mapping[str, float]
    """The cost of every way that was tried, the chosen one among them."""
    at_least: Mapping[str, float] = field(default_factory=dict)
    """A lower bound of the cost of every way that it ruled out."""
    verdict: str = ""
    """What is known of the chosen way's optimality, in words."""

    @property
    def margin(self) -> float:
        """The cheapest other way's cost over the chosen one's: above 1 where the choice pays."""
        costs = {**self.at_least, **self.costs}
        others = [cost for way, cost in costs.items() if way != self.chosen]
        return min(others) / self.costs[self.chosen] if others else 1.0
