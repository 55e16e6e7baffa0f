"""Butterflies: ``log2 n`` stages of 2 x 2 switches, one path between any two ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archsim.hardware.component import COMPONENTS
from archsim.hardware.network import SwitchedNetworkSpec, hops_to_neighbours
from archsim.hardware.routing import (
    Pass,
    Passes,
    Path,
    Request,
    Routing,
    butterfly_bits,
    check_map,
    check_permutation,
    check_requests,
    colour_by_wires,
    groups_of,
    multicast,
    path,
    set_switches,
    unicast,
)


@COMPONENTS.register("butterfly")
@dataclass(frozen=True, kw_only=True)
class ButterflySpec(SwitchedNetworkSpec):
    """A butterfly that distributes words, and copies them on the way.

    A word finds its way by the bits of its output, the most significant first. After stage
    ``s`` it is on the wire that has the output's ``s + 1`` upper bits and the input's lower
    ones; two words that want one wire take two passes.
    """

    kind: ClassVar[str] = "butterfly"

    @property
    def stages(self) -> int:
        """``log2 ports``."""
        return self.ports.bit_length() - 1

    def hops(self, copies: int) -> int:
        return hops_to_neighbours(copies, self.ports)

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

    def path(self, source: int, target: int) -> Path:
        """Return the wire that a word is on at its input and after each stage."""
        return path(Request(source, target, source), butterfly_bits(self.ports))

    def fewest_passes(self, requests: Sequence[Request]) -> Passes:
        bits = butterfly_bits(self.ports)
        found = colour_by_wires(requests, [path(request, bits) for request in requests])
        return Passes(found.count, found.least)

    def route(self, requests: Sequence[Request]) -> Routing:
        check_requests(requests, self.ports)
        bits = butterfly_bits(self.ports)
        paths = [path(request, bits) for request in requests]
        found = colour_by_wires(requests, paths)
        passes = tuple(
            Pass(tuple(group), set_switches((path(one, bits) for one in group), self.ports))
            for group in groups_of(requests, found)
        )
        return Routing(passes, Passes(found.count, found.least))


@COMPONENTS.register("reduction_butterfly")
@dataclass(frozen=True, kw_only=True)
class ReductionButterflySpec(ButterflySpec):
    """The mirror image of a butterfly, with adders for switches: words that meet are summed.

    Words of one sum, at any inputs, leave as one word at an output. The same wires in the
    same passes, the other way round, would take a word from there to all of these inputs.
    """

    kind: ClassVar[str] = "reduction_butterfly"

    def reduction_passes(self, targets: Sequence[int | None]) -> Passes:
        """Return in how few passes the inputs' words, summed, reach the outputs given for them.

        Inputs whose words are summed name the same output; an idle one names none.

        Raises:
            ValueError: if there is no such port.
        """
        check_map("targets", targets, self.ports)
        return self.fewest_passes(multicast(targets))

    def reduce(self, targets: Sequence[int | None]) -> Routing:
        """Return the passes that sum the inputs' words, for :meth:`Pass.reduce`."""
        check_map("targets", targets, self.ports)
        return self.route(multicast(targets))
