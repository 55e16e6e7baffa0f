"""What networks between a memory and a unit share: ports, wires, and how words fill them.

A pass delivers at most one word to each port and takes a cycle. Words that are wanted as they
lie fill every pass, however many places each goes to; words that are wanted in another order
wait for each other at a port, and for wires that their paths share.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul

import numpy as np

from archsim.hardware.beats import Beat, count_beats, order_of, packings, requests_of
from archsim.hardware.component import ChannelSpec, Transfer, at_least_one, ceil_div
from archsim.hardware.routing import Passes, Request, Routing, Words, most_words_on_a_wire
from archsim.units import Bits


@dataclass(frozen=True, kw_only=True)
class NetworkSpec(ChannelSpec):
    """A network with so many ports to the unit; each unit has its own unless it is ``shared``."""

    ports: int = field(kw_only=False)
    """Ports on the side of the unit."""
    width: Bits = 32
    """Bits a cycle of each port, and of every wire inside."""
    hop_cycles: int = 1
    """Cycles to pass one stage."""
    shared: bool = False
    """Whether all units that name it use one and the same network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(width=self.width, hop_cycles=self.hop_cycles)
        if self.ports < 2:
            raise ValueError(f"ports: must be >= 2, got {self.ports}")

    @property
    @abstractmethod
    def stages(self) -> int:
        """Switches, or adders, on a word's way."""

    @abstractmethod
    def hops(self, copies: int) -> int:
        """Switches, or adders, that one word passes on its way to so many places, or from them."""

    @property
    def arrival_cycles(self) -> int:
        """All stages, and the wires outside."""
        return self.latency_cycles + self.hop_cycles * self.stages

    @property
    def private(self) -> bool:
        return not self.shared

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.ports * self.width

    def words(self, transfer: Transfer) -> int:
        """Words of the network's width."""
        return ceil_div(transfer.bits, self.width)

    def transfer_cycles(self, size_bits: int) -> int:
        return self.stream_cycles([Transfer.sequential(size_bits)])

    def actions(self, transfer: Transfer) -> dict[str, int]:
        """Bits that come in or go out, and bits that switches pass on."""
        return {"transfer": transfer.bits, "switch": transfer.bits * self.hops(transfer.copies)}


def hops_to_neighbours(copies: int, ports: int) -> int:
    """Switches that a word passes on its way to ``copies`` neighbouring ports of a binary tree.

    ``sum over stages s of ceil(copies / 2^(n - s))``: it is split as late as possible. More
    places than there are ports are reached in turns.
    """
    stages = (ports - 1).bit_length()
    turns, rest = divmod(copies, ports)
    to_all = sum(ceil_div(ports, 1 << (stages - stage)) for stage in range(1, stages + 1))
    to_rest = sum(ceil_div(rest, 1 << (stages - stage)) for stage in range(1, stages + 1))
    return turns * to_all + to_rest


@dataclass(frozen=True, slots=True)
class Shaped:
    """Passes of a permuted transfer, and what they come of."""

    passes: Passes
    beats: int
    """Passes if every beat took one."""
    conflict_passes: int
    """Further ones for words that lie behind the same port."""

    def repeated(self, times: int) -> "Shaped":
        """Return it with every pass so many times over."""
        passes = Passes(times * self.passes, times * self.passes.lower_bound)
        return Shaped(passes, times * self.beats, times * self.conflict_passes)


@dataclass(frozen=True, kw_only=True)
class SwitchedNetworkSpec(NetworkSpec):
    """A network of 2 x 2 switches, which puts what passes into any order.

    A word of a stored tensor enters at the port of its bank, as the memory interleaves them:
    plainly, word ``w`` at port ``w mod ports``. A beat is the next ``ports`` words in the order
    in which the unit wants them, each at as many neighbouring ports as it has copies. Results
    that are written take the same way back. Assumptions: a tile lies at the start of its
    tensor, and numbers as wide as wires let share a word where they stay neighbours.
    """

    def __post_init__(self) -> None:
        if self.ports < 2 or self.ports & (self.ports - 1):
            raise ValueError(f"ports: must be a power of two >= 2, got {self.ports}")
        super().__post_init__()

    @property
    def absorbs(self) -> tuple[str, ...]:
        return ("permute",)

    @abstractmethod
    def fewest_passes(self, requests: Sequence[Request]) -> Passes:
        """Passes for requests of different outputs."""

    @abstractmethod
    def least_passes(self, sources: Words, words: Words) -> Words:
        """Return how many passes each of many sets of requests needs, as far as is quickly seen.

        Output ``t`` asks for the ``t``-th word of its set, from the ``t``-th source.
        """

    @abstractmethod
    def first_passes(self, sources: Words, words: Words) -> Words:
        """Return in how many passes each of many sets of requests surely passes.

        What is found quickly; where it is the least, there is nothing to search.
        """

    @abstractmethod
    def route(self, requests: Sequence[Request]) -> Routing:
        """Return the passes that serve requests, with the setting of every switch."""

    def stream_cycles(self, transfers: Sequence[Transfer]) -> int:
        """``ceil(words x copies / ports)`` as they lie, and the passes of each permuted one."""
        return self.tallies(transfers)["passes"]

    def least_cycles(self, transfers: Sequence[tuple[Transfer, int]]) -> int:
        """Words of all that lies as it is wanted may share passes; a permuted one shares none."""
        plain = sum(
            self.words(one) * one.copies * times
            for one, times in transfers
            if not _is_permuted(one)
        )
        permuted = sum(
            self._least_passes(one) * times for one, times in transfers if _is_permuted(one)
        )
        return ceil_div(plain, self.ports) + permuted

    def _least_passes(self, transfer: Transfer) -> int:
        """Passes that a permuted transfer needs, as far as is quickly seen."""
        return min(
            flits * _least(self, transfer, packed) for flits, packed in self._packings(transfer)
        )

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        """Passes, and how many of them are lost: to conflicts at a port, and to shared wires."""
        plain = sum(self.words(one) * one.copies for one in transfers if not _is_permuted(one))
        found = [self.shaped(one) for one in transfers if _is_permuted(one)]
        passes = sum(int(one.passes) for one in found)
        conflicts = sum(one.conflict_passes for one in found)
        return {
            "passes": ceil_div(plain, self.ports) + passes,
            "conflict_passes": conflicts,
            "blocked_passes": passes - conflicts - sum(one.beats for one in found),
        }

    def shaped(self, transfer: Transfer) -> Shaped:
        """Return the passes of a permuted transfer, its numbers packed as it is best."""
        return min(
            (
                _shaped(self, transfer, packed).repeated(flits)
                for flits, packed in self._packings(transfer)
            ),
            key=lambda shaped: shaped.passes,
        )

    def _packings(self, transfer: Transfer) -> Iterator[tuple[int, int]]:
        """Yield the passes that each beat is repeated for, and the numbers that share a word."""
        assert transfer.layout is not None
        flits = ceil_div(transfer.word_bits, self.width)
        most = max(1, self.width // transfer.word_bits)
        for packed in packings(transfer, transfer.layout, most):
            yield flits, packed


def _is_permuted(transfer: Transfer) -> bool:
    layout = transfer.layout
    return layout is not None and layout.order != tuple(range(len(layout.shape)))


@dataclass(frozen=True, slots=True)
class _Beats:
    """Beats of one length, how often each comes, and what their outputs ask for."""

    beats: Sequence[Beat]
    times: Sequence[int]
    sources: Words
    words: Words


def _beats(network: SwitchedNetworkSpec, transfer: Transfer, packed: int) -> Iterator[_Beats]:
    assert transfer.layout is not None
    counted = count_beats(order_of(transfer, transfer.layout, packed), network.ports)
    for size in sorted({len(beat) for beat in counted}):
        alike = [beat for beat in counted if len(beat) == size]
        tokens = np.array(alike, dtype=np.int64)
        times = [counted[beat] for beat in alike]
        yield _Beats(alike, times, tokens >> 1, np.cumsum(tokens & 1, axis=1))


@lru_cache(maxsize=4096)
def _least(network: SwitchedNetworkSpec, transfer: Transfer, packed: int) -> int:
    """Sum up the passes that every sort of beat needs."""
    return sum(
        sum(map(mul, each.times, network.least_passes(each.sources, each.words).tolist()))
        for each in _beats(network, transfer, packed)
    )


@lru_cache(maxsize=4096)
def _shaped(network: SwitchedNetworkSpec, transfer: Transfer, packed: int) -> Shaped:
    """Sum up the passes of every sort of beat."""
    passes = least = beats = conflicts = 0
    for each in _beats(network, transfer, packed):
        found = _passes_of(network, each)
        at_a_port = most_words_on_a_wire([each.sources], each.words).tolist()
        passes += sum(map(mul, each.times, found))
        least += sum(map(mul, each.times, (one.lower_bound for one in found)))
        conflicts += sum(
            count * (most - 1) for count, most in zip(each.times, at_a_port, strict=True)
        )
        beats += sum(each.times)
    return Shaped(Passes(passes, least), beats, conflicts)


def _passes_of(network: SwitchedNetworkSpec, beats: _Beats) -> list[Passes]:
    """Passes of beats of one length, and those that any network needs."""
    first = network.first_passes(beats.sources, beats.words).tolist()
    least = network.least_passes(beats.sources, beats.words).tolist()
    return [
        Passes(passes) if passes == needed else _fewest(network, beat)
        for beat, passes, needed in zip(beats.beats, first, least, strict=True)
    ]


@lru_cache(maxsize=65536)
def _fewest(network: SwitchedNetworkSpec, beat: Beat) -> Passes:
    """Search for the passes of a beat: tiles of many sizes have the same ones."""
    return network.fewest_passes(requests_of(beat))
