"""Which ports the words of a permuted tensor come from, beat by beat.

Word ``w`` of a stored tensor lies behind port ``w mod P``, and a beat is the next ``P`` words
in the order in which they are wanted. The sequence of ports is periodic in every index of the
tensor, so that beats are counted by sort, and never one by one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, lcm, prod

from archsim.hardware.component import Transfer, ceil_div
from archsim.hardware.routing import Request
from archsim.ir.tile import Layout

Beat = tuple[int, ...]
"""For each output ``2 x`` the port of its word, and one more where that is another word
than the output before has. The last beat of a tensor may be shorter."""


@dataclass(frozen=True, slots=True)
class Order:
    """The words of a tile in the order in which they are wanted."""

    digits: tuple[tuple[int, int], ...]
    """Extent and stride, in stored words, of each index, the slowest first."""
    outer: int
    """How many of the indices count runs; the others count within a run."""
    run: int
    """Words of a run, the first ones of all that the inner indices could count."""
    words: int
    copies: int
    """Neighbouring outputs that each word goes to."""


def order_of(transfer: Transfer, layout: Layout, packed: int) -> Order:
    """Return the order of a tile at the start of a tensor, ``packed`` numbers to a word.

    The tile's runs follow one another; where they do not begin with an index of the tensor,
    it is taken to be one run.
    """
    strides = [prod(layout.shape[place + 1 :]) for place in layout.order]
    digits = [
        (layout.shape[place], stride) for place, stride in zip(layout.order, strides, strict=True)
    ]
    extent, _ = digits.pop()
    digits = [(most, stride // packed) for most, stride in digits]
    digits.append((extent // packed, strides[-1]))
    words = ceil_div(transfer.bits, transfer.word_bits * packed)
    run = transfer.run_bits // (transfer.word_bits * packed)
    between = transfer.stride_bits // (transfer.word_bits * packed)
    for outer in range(len(digits)):
        if run < words and prod(most for most, _ in digits[outer:]) == between:
            return Order(tuple(digits), outer, run, words, transfer.copies)
    return Order(tuple(digits), 0, words, words, transfer.copies)


def packings(transfer: Transfer, layout: Layout, most: int) -> list[int]:
    """Return how many numbers may travel together as a word: they stay neighbours."""
    inner = len(layout.shape) - 1
    runs = gcd(transfer.run_bits // transfer.word_bits, transfer.stride_bits // transfer.word_bits)
    together = gcd(layout.shape[inner], runs) if layout.order[inner] == inner else 1
    return [packed for packed in range(1, most + 1) if together % packed == 0]


def requests_of(beat: Beat) -> tuple[Request, ...]:
    """Return what the outputs ask for in a beat."""
    requests, word = [], 0
    for target, token in enumerate(beat):
        word += token & 1
        requests.append(Request(token >> 1, target, word))
    return tuple(requests)


@lru_cache(maxsize=1024)
def count_beats(order: Order, ports: int) -> dict[Beat, int]:
    """Return how often each sort of beat occurs.

    Sorts that differ in a mask over all ports, by which every network looks the same, are one.
    """
    whole = _Sequence(order, ports).first(0, order.words, 0, 0)
    beats: Counter[Beat] = Counter()
    for beat, times in [*whole.beats.items(), (whole.head, 1), (whole.tail, 1)]:
        if beat:
            mask = beat[0] & ~1
            beats[(beat[0] ^ mask | 1, *(token ^ mask for token in beat[1:]))] += times
    return dict(beats)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Consecutive words that begin ``phase`` outputs after the start of a beat."""

    phase: int
    head: Beat
    """Words until the first beat is full, or all of them if it is not."""
    is_closed: bool
    """Whether the first beat is full."""
    beats: Counter[Beat]
    """The beats between."""
    tail: Beat
    """Words since the last beat was full."""

    def times(self, count: int) -> "_Stretch":
        """Return it so many times over; it is as long as whole beats."""
        if count == 1:
            return self
        assert self.is_closed
        assert len(self.tail) == self.phase
        beats = Counter({beat: count * times for beat, times in self.beats.items()})
        beats[self.tail + self.head] += count - 1
        return _Stretch(self.phase, self.head, True, beats, self.tail)


def _joined(parts: Sequence[_Stretch]) -> _Stretch:
    """Return stretches one after the other."""
    first = parts[0]
    head, is_closed, tail = first.head, first.is_closed, first.tail
    beats = first.beats.copy()
    for part in parts[1:]:
        beats.update(part.beats)
        if not is_closed:
            head, is_closed, tail = head + part.head, part.is_closed, part.tail
        elif part.is_closed:
            beats[tail + part.head] += 1
            tail = part.tail
        else:
            tail += part.head
    return _Stretch(first.phase, head, is_closed, beats, tail)


class _Sequence:
    """The ports of an order's words, as far as they differ."""

    def __init__(self, order: Order, ports: int) -> None:
        self.order = order
        self.ports = ports
        self.sizes = self._sizes()
        self._known: dict[tuple[int, int, int, int], _Stretch] = {}

    def _sizes(self) -> list[int]:
        """Words that the indices from each one inwards count; a run where runs are counted."""
        sizes = [1]
        digits = self.order.digits
        for number in reversed(range(len(digits))):
            sizes.insert(0, digits[number][0] * sizes[0])
            if number == self.order.outer:
                sizes[0] = self.order.run
        return sizes

    def first(self, level: int, words: int, port: int, phase: int) -> _Stretch:
        """The first words that the indices from ``level`` inwards count."""
        key = (level, words, port, phase)
        if key not in self._known:
            self._known[key] = self._make(*key)
        return self._known[key]

    def _make(self, level: int, words: int, port: int, phase: int) -> _Stretch:
        if level == len(self.order.digits):
            return self._word(port, phase)
        ports, copies, size = self.ports, self.order.copies, self.sizes[level + 1]
        stride = self.order.digits[level][1]
        whole, rest = divmod(words, size)
        period = lcm(ports // gcd(size * copies, ports), ports // gcd(stride, ports))

        def inner(index: int, many: int) -> _Stretch:
            start = (phase + index * size * copies) % ports
            return self.first(level + 1, many, (port + index * stride) % ports, start)

        parts = [inner(index, size) for index in range(min(whole, period))]
        made = [_joined(parts).times(whole // period)] if whole >= period else []
        made += parts[: whole % period]
        if rest:
            made.append(inner(whole, rest))
        return _joined(made)

    def _word(self, port: int, phase: int) -> _Stretch:
        """One word, at as many outputs as it has copies."""
        copies, ports = self.order.copies, self.ports
        first, again = 2 * port + 1, 2 * port
        if phase + copies < ports:
            return _Stretch(phase, (first,) + (again,) * (copies - 1), False, Counter(), ())
        head = (first,) + (again,) * (ports - phase - 1)
        full, rest = divmod(copies - len(head), ports)
        beats = Counter({(again,) * ports: full}) if full else Counter()
        return _Stretch(phase, head, True, beats, (again,) * rest)
