"""What a contraction step costs, as far as a search needs to know.

A search prices every candidate step of a network in one call, and a tree costs the sum of
its steps. Named objectives are elements and multiply-accumulates; whoever knows hardware
passes an :class:`Objective` of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Literal, Protocol, get_args, runtime_checkable

from archsim.contraction.topology import Topology
from archsim.errors import InputError, did_you_mean
from archsim.ir.operation import Array

Quantity = Literal["macs", "peak", "traffic"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


class CandidateSteps:
    """All steps that a tree may consist of, as arrays with one entry each.

    A step multiplies ``left`` by ``right`` elements into ``result``; its iteration space
    of ``macs`` points is a batched matrix product, ``batch`` times ``m`` x ``n`` x ``k``.
    Arrays have a second axis if several variants are searched at once. Do not write into
    them.
    """

    def __init__(self, topology: Topology, extents: Array) -> None:
        self._topology, self._extents = topology, extents

    @cached_property
    def macs(self) -> Array:
        """Points of the iteration space: the extents of all indices, multiplied."""
        return self._topology.met.products(self._extents)

    @cached_property
    def set_elements(self) -> Array:
        """Elements of every tensor that can be made, by its place in the topology."""
        return self._topology.open.products(self._extents)

    @cached_property
    def left(self) -> Array:
        """Elements of one operand."""
        return self.set_elements.take(self._topology.left, axis=0)

    @cached_property
    def right(self) -> Array:
        """Elements of the other operand."""
        return self.set_elements.take(self._topology.right, axis=0)

    @cached_property
    def result(self) -> Array:
        """Elements of what is made."""
        return self.set_elements.take(self._topology.whole, axis=0)

    @property
    def m(self) -> Array:
        """Extent of the indices that the left operand alone brings to the result."""
        return self.macs // self.right

    @property
    def n(self) -> Array:
        """Extent of the indices that the right operand alone brings to the result."""
        return self.macs // self.left

    @property
    def k(self) -> Array:
        """Extent of the indices summed over."""
        return self.macs // self.result

    @property
    def batch(self) -> Array:
        """Extent of the indices that both operands and the result have."""
        batch: Array = self.result // (self.m * self.n)
        return batch


@runtime_checkable
class Objective(Protocol):
    """A price for every candidate step; a tree costs the sum of its steps' prices."""

    def price(self, steps: CandidateSteps) -> Array:
        """Return prices >= 0, shaped as ``steps.macs``."""


@dataclass(frozen=True)
class Criterion:
    """What a search minimises: a sum over steps, and a weight on the largest intermediate.

    ``whole`` prices are whole numbers if extents are. With ``peak_first`` the largest
    intermediate decides, and the sum only among equals.
    """

    additive: Objective
    peak_weight: float = 0.0
    peak_first: bool = False
    whole: bool = False

    @property
    def uses_peak(self) -> bool:
        """Whether the largest intermediate matters."""
        return self.peak_first or self.peak_weight > 0


@dataclass(frozen=True)
class WeightedSum:
    """``macs`` and ``traffic``, elements read and written, each times a weight."""

    macs: float = 0
    traffic: float = 0

    def price(self, steps: CandidateSteps) -> Array:
        if not self.traffic:
            return steps.macs if self.macs == 1 else steps.macs * self.macs
        moved = steps.left + steps.right
        moved += steps.result
        if self.traffic != 1:
            moved = moved * self.traffic
        return moved + steps.macs * self.macs if self.macs else moved


NAMED: Mapping[str, Criterion] = {
    "macs": Criterion(WeightedSum(macs=1), whole=True),
    "peak": Criterion(WeightedSum(macs=1), peak_first=True, whole=True),
    "traffic": Criterion(WeightedSum(traffic=1), whole=True),
}


def criterion(objective: str | Mapping[str, float] | Objective) -> Criterion:
    """Return what a user's objective means.

    ``"macs"``: multiply-accumulates. ``"traffic"``: elements that steps read and write.
    ``"peak"``: elements of the largest intermediate; among equals, fewest
    multiply-accumulates. A mapping weighs and adds them up.

    Raises:
        InputError: for another name, and for weights that are not >= 0, or all zero.
    """
    if isinstance(objective, str):
        _known(objective)
        return NAMED[objective]
    if not isinstance(objective, Mapping):
        return Criterion(objective)
    for name, weight in objective.items():
        _known(name)
        if not (isfinite(weight) and weight >= 0):
            raise InputError(f"objective: the weight of {name} must be >= 0, got {weight}")
    if not any(objective.values()):
        raise InputError("objective: at least one weight must be > 0")
    weights = {name: float(weight) for name, weight in objective.items()}
    peak = weights.pop("peak", 0.0)
    if not any(weights.values()):
        return criterion("peak")
    return Criterion(WeightedSum(**weights), peak_weight=peak)


def _known(name: str) -> None:
    if name not in QUANTITIES:
        raise InputError(f"no objective named {name!r}; {did_you_mean(name, QUANTITIES)}")
