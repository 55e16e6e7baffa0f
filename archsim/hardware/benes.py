"""Benes networks: two butterflies back to back, which block no permutation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from archsim.hardware.component import COMPONENTS
from archsim.hardware.network import SwitchedNetworkSpec, hops_to_neighbours
from archsim.hardware.routing import (
    Pass,
    Passes,
    Path,
    Request,
    Routing,
    Words,
    butterfly_bits,
    check_permutation,
    check_requests,
    colour_by_wires,
    groups_of,
    most_words_at_a_port,
    most_words_on_a_wire,
    path,
    rearrange,
    set_switches,
    unicast,
)


@COMPONENTS.register("benes")
@dataclass(frozen=True, kw_only=True)
class BenesSpec(SwitchedNetworkSpec):
    """A Benes network: any permutation in one pass, at almost twice a butterfly's stages.

    Words are copied in its first ``log2 ports`` stages, which are a butterfly; where that
    blocks too often, every copy is sent by itself.
    """

    kind: ClassVar[str] = "benes"

    @property
    def stages(self) -> int:
        """``2 log2 ports - 1``."""
        return 2 * self.ports.bit_length() - 3

    def hops(self, copies: int) -> int:
        butterfly = self.ports.bit_length() - 1
        return hops_to_neighbours(copies, self.ports) + (self.stages - butterfly) * copies

    def passes(self, permutation: Sequence[int]) -> Passes:
        """Return one.

        Raises:
            ValueError: if ``permutation`` is none.
        """
        check_permutation(permutation, self.ports)
        return self.fewest_passes(unicast(permutation))

    def fewest_passes(self, requests: Sequence[Request]) -> Passes:
        return Passes(len(self._groups(requests)), most_words_at_a_port(requests))

    def least_passes(self, sources: Words, words: Words) -> Words:
        return most_words_on_a_wire([sources], words)

    def first_passes(self, sources: Words, words: Words) -> Words:
        # Every copy by itself: those that leave one port take turns.
        copies = np.broadcast_to(np.arange(words.shape[1]), words.shape)
        return most_words_on_a_wire([sources], copies)

    def route(self, requests: Sequence[Request]) -> Routing:
        check_requests(requests, self.ports)
        groups = self._groups(requests)
        passes = tuple(
            Pass(tuple(group), set_switches(self._paths(group), self.ports)) for group in groups
        )
        return Routing(passes, Passes(len(passes), most_words_at_a_port(requests)))

    def _groups(self, requests: Sequence[Request]) -> list[list[Request]]:
        """Put requests into groups that pass together."""
        turns = _apart(requests)
        if len(turns) <= most_words_at_a_port(requests):
            return turns
        copied = colour_by_wires(requests, [self._straight(one) for one in requests])
        return groups_of(requests, copied) if copied.count < len(turns) else turns

    def _straight(self, request: Request) -> Path:
        """The path through the butterfly, then straight on."""
        wires = path(request, butterfly_bits(self.ports))
        return (*wires, *[request.target] * (self.stages + 1 - len(wires)))

    def _paths(self, group: Sequence[Request]) -> list[Path]:
        if len({request.source for request in group}) == len(group):
            return rearrange(group, self.ports)
        return [self._straight(request) for request in group]


def _apart(requests: Sequence[Request]) -> list[list[Request]]:
    """Put requests into groups in which no two leave one input or reach one output."""
    if len({request.target for request in requests}) < len(requests):
        alone = [request._replace(word=number) for number, request in enumerate(requests)]
        ends = [(request.source, request.target) for request in requests]
        return groups_of(requests, colour_by_wires(alone, ends))
    turns: list[list[Request]] = []
    taken: Counter[int] = Counter()
    for request in requests:
        turn = taken[request.source]
        taken[request.source] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(request)
    return turns
