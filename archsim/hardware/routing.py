"""Routes through networks of 2 x 2 switches: who waits for whom, and how switches are set.

All networks here are wired in place: a stage has a bit, and its switches join the two wires
that differ in that bit of their number. A butterfly of ``2^n`` ports has the bits
``n - 1 ... 0``; a Benes network ``n - 1 ... 0 ... n - 1``. Two words conflict where their
paths share a wire; copies of one word share as many as they like, since a switch can pass a
word to both its outputs. The same switches the other way round add what meets, so that a sum
is a multicast run backwards, and needs as many passes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from archsim.hardware.colouring import Colouring, colour

T = TypeVar("T")

Settings = tuple[tuple[int | None, ...], ...]
"""For each stage, the wire before it that each wire after it takes its word from."""


Path = tuple[int, ...]
"""The wire that a word is on before the first stage and after each one."""

AT_ONCE = 2**20
"""Words that are looked at together, at some stages: few calls, and little memory."""
Words = NDArray[np.int64]
"""Something of each request, such as the word it asks for or the wire it is on: a row for each
set of requests, or only a number for each set."""


class Passes(int):
    """How often a network is set anew; says where that is only the fewest found."""

    lower_bound: int
    """It cannot be done in fewer."""

    def __new__(cls, value: int, lower_bound: int | None = None) -> Self:
        passes = super().__new__(cls, value)
        passes.lower_bound = value if lower_bound is None else lower_bound
        if not 0 <= passes.lower_bound <= value:
            raise ValueError(f"lower_bound: must be in 0 ... {value}, got {lower_bound}")
        return passes

    def __reduce__(self) -> tuple[type[Self], tuple[int, int]]:
        return type(self), (int(self), self.lower_bound)

    @property
    def is_exact(self) -> bool:
        """Whether fewer are known to be impossible."""
        return self.lower_bound == int(self)

    def __repr__(self) -> str:
        if self.is_exact:
            return f"Passes({int(self)}, exact)"
        return f"Passes({int(self)}, at least {self.lower_bound})"


class Request(NamedTuple):
    """An output that waits for a word at an input."""

    source: int
    target: int
    word: int
    """Words of one number are copies of each other."""


@dataclass(frozen=True)
class Pass:
    """One setting of all switches, and what is asked for in it."""

    requests: tuple[Request, ...]
    settings: Settings

    def distribute(self, values: Sequence[T | None]) -> list[T | None]:
        """Return what arrives at each output if these values wait at the inputs."""
        wires = list(values)
        for stage in self.settings:
            wires = [None if wire is None else wires[wire] for wire in stage]
        return wires

    def reduce(self, values: Sequence[T | None], add: Callable[[T, T], T]) -> list[T | None]:
        """Return the sums that arrive at the inputs if these values enter at the outputs."""
        wires = list(values)
        for stage in reversed(self.settings):
            sums: list[T | None] = [None] * len(wires)
            for value, wire in zip(wires, stage, strict=True):
                if wire is None or value is None:
                    continue
                met = sums[wire]
                sums[wire] = value if met is None else add(met, value)
            wires = sums
        return wires


@dataclass(frozen=True)
class Routing:
    """Passes that serve all requests, one after the other."""

    passes: tuple[Pass, ...]
    count: Passes


def check_permutation(permutation: Sequence[int], ports: int) -> None:
    """Check that each of so many outputs is asked for once.

    Raises:
        ValueError: saying what is wrong.
    """
    _check_length("permutation", permutation, ports)
    _check_range("permutation", permutation, ports)
    where = dict(zip(permutation, range(ports), strict=True))
    for source, target in enumerate(permutation):
        if where[target] != source:
            raise ValueError(
                f"permutation: output {target} is asked for by inputs {source} and {where[target]}"
            )


def check_map(name: str, places: Sequence[int | None], ports: int) -> None:
    """Check a port or nothing for each of so many ports.

    Raises:
        ValueError: saying what is wrong.
    """
    _check_length(name, places, ports)
    _check_range(name, [place for place in places if place is not None], ports)


def check_requests(requests: Iterable[Request], ports: int) -> None:
    """Check that ports exist and that no word stands at two inputs.

    Raises:
        ValueError: saying what is wrong.
    """
    homes: dict[int, int] = {}
    for request in requests:
        _check_range("requests", (request.source, request.target), ports)
        home = homes.setdefault(request.word, request.source)
        if home != request.source:
            raise ValueError(
                f"requests: word {request.word} stands at inputs {home} and {request.source}"
            )


def _check_length(name: str, places: Sequence[int | None], ports: int) -> None:
    if len(places) != ports:
        raise ValueError(f"{name}: must have an entry for each of {ports} ports, got {len(places)}")


def _check_range(name: str, places: Iterable[int], ports: int) -> None:
    for place in places:
        if not 0 <= place < ports:
            raise ValueError(f"{name}: ports are 0 ... {ports - 1}, got {place}")


def unicast(permutation: Sequence[int | None]) -> tuple[Request, ...]:
    """Requests for the word of each input at the output that is given for it."""
    return tuple(
        Request(source, index(target), source)
        for source, target in enumerate(permutation)
        if target is not None
    )


def multicast(sources: Sequence[int | None]) -> tuple[Request, ...]:
    """Requests of each output for the word at the input that is given for it."""
    return tuple(
        Request(index(source), target, index(source))
        for target, source in enumerate(sources)
        if source is not None
    )


def path(request: Request, bits: Sequence[int]) -> Path:
    """Wires that a word takes from its input, each stage's bit set as its output's."""
    wires = [request.source]
    for bit in bits:
        mask = 1 << bit
        wires.append((wires[-1] & ~mask) | (request.target & mask))
    return tuple(wires)


def butterfly_bits(ports: int) -> tuple[int, ...]:
    """The bit of each stage of a butterfly, the most significant first."""
    return tuple(reversed(range(ports.bit_length() - 1)))


def set_switches(paths: Iterable[Path], ports: int) -> Settings:
    """Return the settings that let words take these paths; no two words may share a wire."""
    stages: list[list[int | None]] = []
    for wires in paths:
        stages = stages or [[None] * ports for _ in wires[1:]]
        for stage, (before, after) in enumerate(pairwise(wires)):
            assert stages[stage][after] in (None, before), "two words on one wire"
            stages[stage][after] = before
    return tuple(map(tuple, stages))


def colour_by_wires(requests: Sequence[Request], paths: Sequence[Path]) -> Colouring:
    """Put requests into as few groups as can be found in which no two words share a wire."""
    if not requests:
        return Colouring((), 0)
    words = np.array([request.word for request in requests])[None]
    places = list(np.array(paths).T[:, None])
    crowd = int(most_words_on_a_wire(places, words)[0])
    if crowd == 1:
        return Colouring((0,) * len(requests), 1)
    rows = np.packbits(_conflicts(places, words)[0], axis=1, bitorder="little")
    return colour([int.from_bytes(row.tobytes(), "little") for row in rows], crowd)


def _conflicts(places: Sequence[Words], words: Words) -> NDArray[np.bool_]:
    """Return, for each set of requests, which two have different words on one wire."""
    sets, count = words.shape
    apart = np.zeros((sets, count, count), dtype=bool)
    for wires in places:
        apart |= wires[:, :, None] == wires[:, None, :]
    apart &= words[:, :, None] != words[:, None, :]
    return apart


def first_fit(places: Sequence[Words], words: Words) -> Words:
    """Return into how many groups first fit puts each set of requests.

    ``places`` are the wires that each request is on where it may meet others. A request joins
    the first group in which nobody who came before it has another word on one of its wires.
    """
    sets, count = words.shape
    apart = _conflicts(places, words)
    groups = np.zeros((sets, count), dtype=np.uint64)  # a bit for each
    one = np.uint64(1)
    for number in range(count):
        before = groups[:, :number] * apart[:, number, :number]
        taken = np.bitwise_or.reduce(before, axis=1)
        groups[:, number] = ~taken & (taken + one)
    used = np.bitwise_or.reduce(groups, axis=1).tolist()
    return np.array([bits.bit_length() for bits in used])


def most_words_on_a_wire(places: Sequence[Words], words: Words) -> Words:
    """Return how many different words each set of requests wants on one wire at most."""
    most = np.ones(len(words), dtype=np.int64)
    together = max(1, AT_ONCE // words.size)
    for start in range(0, len(places), together):
        wires = np.stack(places[start : start + together])
        keys = np.sort(wires << 32 | words, axis=2)
        is_new = np.ones(keys.shape, dtype=bool)
        np.not_equal(keys[..., 1:], keys[..., :-1], out=is_new[..., 1:])
        stages, sets, _ = keys.shape
        wide = int(wires.max()) + 1
        numbers = np.arange(stages * sets).reshape(stages, sets, 1)
        taken = ((keys >> 32) + wide * numbers)[is_new]
        counts = np.bincount(taken, minlength=wide * stages * sets)
        most = np.maximum(most, counts.reshape(stages, sets, wide).max(axis=(0, 2)))
    return most


def groups_of(requests: Sequence[Request], colouring: Colouring) -> list[list[Request]]:
    """The requests of each colour."""
    groups: list[list[Request]] = [[] for _ in range(colouring.count)]
    for request, number in zip(requests, colouring.colours, strict=True):
        groups[number].append(request)
    return groups


def most_words_at_a_port(requests: Iterable[Request]) -> int:
    """Different words that one port sends or gets; each needs a pass, whatever the network."""
    words: dict[tuple[bool, int], set[int]] = defaultdict(set)
    for request in requests:
        words[False, request.source].add(request.word)
        words[True, request.target].add(request.word)
    return max(map(len, words.values()), default=0)


def rearrange(requests: Sequence[Request], ports: int) -> list[Path]:
    """Return paths through a Benes network for a permutation, or a part of one.

    Words of inputs that share a switch of the first stage go to different halves, and so do
    words for outputs that share one of the last; following these pairs round and round, the
    looping algorithm, never contradicts itself. Each half is a smaller network.

    Source: D. C. Opferman and N. T. Tsao-Wu, "On a class of rearrangeable switching
    networks", Bell System Technical Journal 50(5), 1971.
    """
    heads = [[request.source] for request in requests]
    tails = [[request.target] for request in requests]
    parts = [list(range(len(requests)))]
    for bit in reversed(range(1, ports.bit_length() - 1)):
        halves: list[list[int]] = []
        for part in parts:
            ends = [(heads[number][-1], tails[number][-1]) for number in part]
            halves += ([], [])
            for number, half in zip(part, _loop(ends, 1 << bit), strict=True):
                for wires in (heads[number], tails[number]):
                    wires.append((wires[-1] & ~(1 << bit)) | half << bit)
                halves[half - 2].append(number)
        parts = halves
    return [(*head, *reversed(tail)) for head, tail in zip(heads, tails, strict=True)]


def _loop(ends: Sequence[tuple[int, int]], mask: int) -> list[int]:
    """Give each word a half that its partner at neither end has."""
    at = [{end[side]: number for number, end in enumerate(ends)} for side in (0, 1)]
    halves = [-1] * len(ends)
    for start in range(len(ends)):
        waiting = [(start, 0)] if halves[start] < 0 else []
        while waiting:
            number, half = waiting.pop()
            if halves[number] < 0:
                halves[number] = half
                partners = (at[side].get(ends[number][side] ^ mask) for side in (0, 1))
                waiting += [(other, 1 - half) for other in partners if other is not None]
    return halves
