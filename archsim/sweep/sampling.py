"""Which of all combinations are tried: all, or some spread over the axes; none is ever held.

A combination is a tuple of places, one on each axis. Every way to sample is a generator, so that
a sweep of a million points starts with its first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from math import prod

Places = tuple[int, ...]
"""A place on each axis."""
ROUNDS = 4
"""Rounds of the network that shuffles: fewer leave patterns, more change nothing to be seen."""
BITS = 32
"""Bits of a Sobol coordinate."""
# Degree, coefficients and first direction numbers of each dimension after the first.
# Source: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
# projections", SIAM J. Sci. Comput. 30 (2008), 2635-2654: table new-joe-kuo-6.21201.
JOE_KUO = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
    (5, 4, (1, 1, 5, 5, 5)),
    (5, 7, (1, 1, 7, 11, 19)),
)
MOST_SOBOL_AXES = 1 + len(JOE_KUO)


def grid(sizes: Sequence[int], order: Sequence[int] | None = None) -> Iterator[Places]:
    """Yield all combinations; the last axis in ``order``, or the last of all, changes fastest."""
    chosen = range(len(sizes)) if order is None else order
    back = [list(chosen).index(axis) for axis in range(len(sizes))]
    for places in product(*(range(sizes[axis]) for axis in chosen)):
        yield tuple(places[at] for at in back)


def random(sizes: Sequence[int], count: int, seed: int) -> Iterator[Places]:
    """Yield combinations in an order as good as random, none of them twice; all, if asked."""
    del count  # whoever takes them stops: some are left out
    total = prod(sizes)
    for number in range(total):
        yield places_of(shuffled(number, total, seed), sizes)


def latin_hypercube(sizes: Sequence[int], count: int, seed: int) -> Iterator[Places]:
    """Yield combinations that meet each of ``count`` slices of each axis once."""
    for number in range(count):
        yield tuple(
            (2 * shuffled(number, count, seed, axis) + 1) * size // (2 * count)
            for axis, size in enumerate(sizes)
        )


def sobol(sizes: Sequence[int], count: int, seed: int) -> Iterator[Places]:
    """Yield combinations of Sobol's sequence, each coordinate shifted by random bits."""
    directions = [_directions(axis) for axis in range(len(sizes))]
    state = [_random_bits(seed, axis) % 2**BITS for axis in range(len(sizes))]
    for number in range(count):
        yield tuple(part * size >> BITS for part, size in zip(state, sizes, strict=True))
        lowest_zero = (~number & (number + 1)).bit_length() - 1
        state = [part ^ row[lowest_zero] for part, row in zip(state, directions, strict=True)]


METHODS: Mapping[str, Callable[[Sequence[int], int, int], Iterator[Places]]] = {
    "random": random,
    "latin_hypercube": latin_hypercube,
    "sobol": sobol,
}
"""Ways to try some of all combinations."""


def number_of(places: Sequence[int], sizes: Sequence[int]) -> int:
    """Return the place of a combination among all, in the order of :func:`grid`."""
    number = 0
    for place, size in zip(places, sizes, strict=True):
        number = number * size + place
    return number


def places_of(number: int, sizes: Sequence[int]) -> Places:
    """Return the combination at a place among all."""
    places = []
    for size in reversed(sizes):
        number, place = divmod(number, size)
        places.append(place)
    return tuple(reversed(places))


def shuffled(number: int, total: int, seed: int, stream: int = 0) -> int:
    """Return where a number under ``total`` goes in a shuffle of all, without shuffling any.

    A Feistel network permutes the numbers of an even count of bits; what falls beyond the total
    is sent through again until it does not, which leaves a permutation of the rest.
    """
    half = max(1, -(-(total - 1).bit_length() // 2))
    mask = (1 << half) - 1
    while True:
        left, right = number >> half, number & mask
        for turn in range(ROUNDS):
            left, right = right, left ^ (_random_bits(seed, stream, turn, right) & mask)
        number = left << half | right
        if number < total:
            return number


def _random_bits(*key: int) -> int:
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=16).digest(), "big")


def _directions(axis: int) -> list[int]:
    """Return the direction numbers of one dimension, as whole numbers of BITS bits."""
    if axis == 0:
        return [1 << (BITS - 1 - place) for place in range(BITS)]
    degree, coefficients, first = JOE_KUO[axis - 1]
    found = [number << (BITS - 1 - place) for place, number in enumerate(first)]
    for place in range(degree, BITS):
        value = found[place - degree] ^ (found[place - degree] >> degree)
        for term in range(1, degree):
            if coefficients >> (degree - 1 - term) & 1:
                value ^= found[place - term]
        found.append(value)
    return found
