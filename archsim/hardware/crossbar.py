"""Crossbars: every input meets every output, so that nothing is ever in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archsim.hardware.component import COMPONENTS
from archsim.hardware.network import SwitchedNetworkSpec
from archsim.hardware.routing import (
    Pass,
    Passes,
    Request,
    Routing,
    Words,
    check_permutation,
    check_requests,
    colour_by_wires,
    groups_of,
    most_words_at_a_port,
    most_words_on_a_wire,
    set_switches,
    unicast,
)


@COMPONENTS.register("crossbar")
@dataclass(frozen=True, kw_only=True)
class CrossbarSpec(SwitchedNetworkSpec):
    """A crossbar: any permutation and any copies in one pass; what other networks aim at.

    Only words behind one and the same port wait for each other.
    """

    kind: ClassVar[str] = "crossbar"

    @property
    def stages(self) -> int:
        return 1

    def hops(self, copies: int) -> int:
        return copies

    def passes(self, permutation: Sequence[int]) -> Passes:
        """Return one.

        Raises:
            ValueError: if ``permutation`` is none.
        """
        check_permutation(permutation, self.ports)
        return self.fewest_passes(unicast(permutation))

    def fewest_passes(self, requests: Sequence[Request]) -> Passes:
        return Passes(most_words_at_a_port(requests))

    def least_passes(self, sources: Words, words: Words) -> Words:
        return most_words_on_a_wire([sources], words)

    def first_passes(self, sources: Words, words: Words) -> Words:
        return self.least_passes(sources, words)

    def route(self, requests: Sequence[Request]) -> Routing:
        check_requests(requests, self.ports)
        ends = [(request.source, request.target) for request in requests]
        found = colour_by_wires(requests, ends)
        passes = tuple(
            Pass(
                tuple(group), set_switches([(one.source, one.target) for one in group], self.ports)
            )
            for group in groups_of(requests, found)
        )
        return Routing(passes, Passes(found.count, found.least))
