"""Ranges of values, with units or without: by steps, by factors, or so many of them."""

from collections.abc import Iterator
from fractions import Fraction

from archsim.sweep.quantities import plain_number, scale, split

MOST = 100_000
"""Values of a range."""
DIGITS = 6
"""Significant digits of a value between two ends that are not both whole."""


def range_values(
    first: object, last: object, *, step: object = None, count: object = None
) -> list[int | float | str]:
    """Return values from the first to the last, both included where steps lead there.

    Raises:
        ValueError: saying what is wrong with an end or a step.
    """
    spelling, (low, high) = _in_one_unit(first, last)
    if count is not None:
        number = _whole(count, "count")
        size = (high - low) / (number - 1) if number > 1 else Fraction(1)
    else:
        _, (size,) = _in_one_unit(step, like=spelling)
        if size <= 0 or high < low:
            raise ValueError(f"{first} to {last} by {step} leads nowhere")
        number = (high - low) // size + 1
    if number > MOST:
        raise ValueError(f"{number:,} values; at most {MOST:,}")
    return [_written(low + size * place, spelling) for place in range(int(number))]


def log_range_values(
    first: object, last: object, *, factor: object = None, count: object = None
) -> list[int | float | str]:
    """Return values that grow by a factor, or so many of them, evenly spread in proportion.

    Where both ends are whole numbers, so are all values; equal ones are told once.

    Raises:
        ValueError: saying what is wrong with an end, a factor or a count.
    """
    spelling, (low, high) = _in_one_unit(first, last)
    if low <= 0 or high < low:
        raise ValueError(f"a range by factors goes up from a number > 0, got {first} to {last}")
    if factor is not None:
        _, (by,) = _in_one_unit(factor)
        if by <= 1:
            raise ValueError(f"factor: must be > 1, got {factor}")
        values = list(_powers(low, high, by))
    else:
        number = _whole(count, "count")
        whole = low.denominator == 1 and high.denominator == 1
        ratio = float(high / low) ** (1 / max(1, number - 1))
        exact = [low, *(_rounded(float(low) * ratio**n, whole) for n in range(1, number - 1))]
        values = list(dict.fromkeys([*exact, high] if number > 1 else [low]))
    return [_written(value, spelling) for value in values]


def _powers(value: Fraction, high: Fraction, factor: Fraction) -> Iterator[Fraction]:
    for _ in range(MOST):
        if value > high:
            return
        yield value
        value *= factor
    raise ValueError(f"more than {MOST:,} values")


def _rounded(value: float, whole: bool) -> Fraction:
    return Fraction(round(value)) if whole else Fraction(f"{value:.{DIGITS}g}")


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise ValueError(f"{name}: expected a whole number from 1 to {MOST:,}, got {value!r}")
    return value


def _in_one_unit(*values: object, like: str | None = None) -> tuple[str, list[Fraction]]:
    """Return numbers in the unit of the first one that has any; all must have one, or none."""
    parts = [_parts(value) for value in values]
    spelling = parts[0][1] if like is None else like
    numbers = []
    for value, (number, unit) in zip(values, parts, strict=True):
        scales = scale(spelling) if spelling else None
        if bool(unit) != bool(spelling) or (scales is not None and unit not in scales):
            wanted = f"with a unit like {spelling}" if spelling else "without a unit"
            raise ValueError(f"expected a number {wanted}, got {value!r}")
        numbers.append(number if scales is None else number * scales[unit] / scales[spelling])
    return spelling, numbers


def _parts(value: object) -> tuple[Fraction, str]:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30:
        return Fraction(str(value)), ""
    parts = split(value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"expected a number, or one with a unit, got {value!r}")
    return parts


def _written(value: Fraction, spelling: str) -> int | float | str:
    number = plain_number(value)
    if not spelling:
        return number
    return f"{number:.12g} {spelling}" if isinstance(number, float) else f"{number} {spelling}"
