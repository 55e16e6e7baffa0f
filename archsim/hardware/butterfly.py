"""Butterflies: ``log2 n`` stages of 2 x 2 switches, one path between any two ports."""

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
    check_map,
    check_permutation,
    check_requests,
    colour_by_wires,
    first_fit,
    groups_of,
    most_words_on_a_wire,
    multicast,
    path,
    set_switches,
    unicast,
)


@dataclass(frozen=True, kw_only=True)
class ButterflyNetworkSpec(SwitchedNetworkSpec):
    """The wires of a butterfly, between the memory's ports and the unit's.

    A word finds its way to the unit by the bits of its port there, the most significant
    first. After stage ``s`` it is on the wire that has the ``s + 1`` upper bits of that port
    and the lower ones of the port it came from; two words that want one wire take two passes.
    """

    @property
    def stages(self) -> int:
        """``log2 ports``."""
        return self.ports.bit_length() - 1

    def hops(self, copies: int) -> int:
        return hops_to_neighbours(copies, self.ports)

    def path(self, source: int, target: int) -> Path:
        """Return the wire that a word is on at the memory's port and after each stage."""
        return path(Request(source, target, source), butterfly_bits(self.ports))

    def fewest_passes(self, requests: Sequence[Request]) -> Passes:
        found = colour_by_wires(requests, [self.path(one.source, one.target) for one in requests])
        return Passes(found.count, found.least)

    def least_passes(self, sources: Words, words: Words) -> Words:
        return most_words_on_a_wire(self._wires(sources), words)

    def first_passes(self, sources: Words, words: Words) -> Words:
        return first_fit(self._wires(sources), words)

    def _wires(self, sources: Words) -> list[Words]:
        """The wire that each word is on at the memory's port and after each stage."""
        places = [sources]
        for bit in butterfly_bits(self.ports):
            mask = 1 << bit
            places.append(places[-1] & ~mask | np.arange(sources.shape[1]) & mask)
        return places

    def route(self, requests: Sequence[Request]) -> Routing:
        check_requests(requests, self.ports)
        found = colour_by_wires(requests, [self.path(one.source, one.target) for one in requests])
        passes = tuple(
            Pass(
                tuple(group),
                set_switches((self.path(one.source, one.target) for one in group), self.ports),
            )
            for group in groups_of(requests, found)
        )
        return Routing(passes, Passes(found.count, found.least))


@COMPONENTS.register("butterfly")
@dataclass(frozen=True, kw_only=True)
class ButterflySpec(ButterflyNetworkSpec):
    """A butterfly of 2 x 2 switches that distributes words, and copies them on the way.

    A word finds its way by the bits of its output, the most significant first. After stage
    ``s`` it is on the wire that has the output's ``s + 1`` upper bits and the input's lower
    ones; two words that want one wire take two passes.
    """

    kind: ClassVar[str] = "butterfly"

    def passes(self, permutation: Sequence[int]) -> Passes:
        """Return in how few passes each input's word reaches the output given for it.

        The least for at most 16 ports; beyond, the result's ``is_exact`` tells.

        Raises:
            ValueError: if ``permutation`` is none.
        """
        check_permutation(permutation, self.ports)
        return self.fewest_passes(unicast(permutation))

    def multicast_passes(self, sources: Sequence[int | None]) -> Passes:
        """Return in how few passes each output gets the word of the input given for it.

        Outputs may want the same word, or none.

        Raises:
            ValueError: if there is no such port.
        """
        check_map("sources", sources, self.ports)
        return self.fewest_passes(multicast(sources))


@COMPONENTS.register("reduction_butterfly")
@dataclass(frozen=True, kw_only=True)
class ReductionButterflySpec(ButterflyNetworkSpec):
    """A butterfly run backwards, with adders for switches: words that meet are summed.

    Words of one sum, at any ports of the unit, leave as one word at a port of the memory. The
    same wires in the same passes would take a word from there to all of these ports.
    """

    kind: ClassVar[str] = "reduction_butterfly"

    def reduction_passes(self, targets: Sequence[int | None]) -> Passes:
        """Return in how few passes the unit's words, summed, reach the ports given for them.

        Words that are summed name the same port; an idle port names none.

        Raises:
            ValueError: if there is no such port.
        """
        check_map("targets", targets, self.ports)
        return self.fewest_passes(multicast(targets))

    def reduce(self, targets: Sequence[int | None]) -> Routing:
        """Return the passes that sum the unit's words, for :meth:`Pass.reduce`.

        Raises:
            ValueError: if there is no such port.
        """
        check_map("targets", targets, self.ports)
        return self.route(multicast(targets))
