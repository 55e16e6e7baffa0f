"""A dimension as a product of modes, so that a tensor format can carry it."""

from collections.abc import Iterator
from functools import lru_cache


def factorise(extent: int, modes: int) -> tuple[int, ...]:
    """Return the most even factors > 1 of ``extent``, smallest first: 768 in three is 8 8 12.

    Most even means that they add up to the least.

    Raises:
        ValueError: if the extent has fewer prime factors than modes are asked for.
    """
    if modes < 1 or extent < 1:
        raise ValueError(f"extent and modes must be >= 1, got {extent} and {modes}")
    if modes == 1:
        return (extent,)
    primes = tuple(_primes(extent))
    if len(primes) < modes:
        shown = " x ".join(map(str, primes)) or "1"
        raise ValueError(
            f"{extent} has no {modes} factors > 1: it is {shown}; ask for at most "
            f"{max(len(primes), 1)}, or pad it"
        )
    return min(_products(extent, modes, 2), key=lambda found: (sum(found), found[::-1]))


def _primes(extent: int) -> Iterator[int]:
    prime = 2
    while prime * prime <= extent:
        while extent % prime == 0:
            yield prime
            extent //= prime
        prime += 1
    if extent > 1:
        yield extent


@lru_cache(maxsize=1024)
def _divisors(extent: int) -> tuple[int, ...]:
    found = {1}
    for prime in _primes(extent):
        found |= {prime * divisor for divisor in found}
    return tuple(sorted(found))


def _products(extent: int, modes: int, least: int) -> Iterator[tuple[int, ...]]:
    """All ways to write ``extent`` as that many factors >= ``least``, in rising order."""
    if modes == 1:
        yield (extent,)
        return
    for factor in _divisors(extent):
        if factor >= least and factor**modes <= extent:
            for rest in _products(extent // factor, modes - 1, factor):
                yield (factor, *rest)
