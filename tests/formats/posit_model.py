"""Posits as the definition reads, in exact fractions and strings of bits: slow and plain."""

from fractions import Fraction
from functools import cache

NAR = None


@cache
def value_of(code, n, es):
    """The number that a pattern stands for, or NAR."""
    if code == 0:
        return Fraction(0)
    if code == 1 << (n - 1):
        return NAR
    if code >> (n - 1):
        return -value_of((1 << n) - code, n, es)
    text = f"{code:0{n}b}"[1:]
    run = len(text) - len(text.lstrip(text[0]))
    regime = run - 1 if text[0] == "1" else -run
    rest = text[run + 1 :]
    exponent = int(rest[:es].ljust(es, "0") or "0", 2)
    fraction = rest[es:]
    size = 1 + Fraction(int(fraction or "0", 2), 1 << len(fraction))
    return size * Fraction(2) ** (regime * (1 << es) + exponent)


def code_of(number, n, es, rounding="nearest"):
    """The pattern that a number rounds to: the posits of one bit more lie between patterns."""
    if number is NAR:
        return 1 << (n - 1)
    if number == 0:
        return 0
    if number < 0:
        return (1 << n) - code_of(-number, n, es, rounding)
    lower, upper = 1, 1 << (n - 1)  # patterns are ordered as their values are
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (middle, upper) if value_of(middle, n, es) <= number else (lower, middle)
    if lower == (1 << (n - 1)) - 1 or number <= value_of(lower, n, es) or rounding != "nearest":
        return lower
    tie = value_of(2 * lower + 1, n + 1, es)
    return lower + (number > tie or (number == tie and lower % 2 == 1))


def all_values(n, es):
    """The number of every pattern, in order of the patterns."""
    return [value_of(code, n, es) for code in range(1 << n)]
