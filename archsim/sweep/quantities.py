"""Values with a unit as numbers, and numbers back in the unit they were written in."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import get_args

from archsim import units
from archsim.units import NUMBER, Unit

UNITS: tuple[Unit, ...] = tuple(
    part
    for sort in (
        units.Bytes,
        units.Bits,
        units.BytesPerSecond,
        units.Hertz,
        units.Picojoules,
        units.Watts,
        units.Nanometres,
        units.Volts,
    )
    for part in get_args(sort)
    if isinstance(part, Unit)
)
"""Units that a value may be written in; a spelling of several is the first one's."""


def split(text: str) -> tuple[Fraction, str] | None:
    """Return the number and the unit's spelling of ``"4 MiB"``; none for another text."""
    match = re.fullmatch(rf"\s*({NUMBER})\s*([A-Za-z/]+)\s*", text)
    if match is None or len(match[1]) > 40 or scale(match[2]) is None:
        return None
    return Fraction(match[1]), match[2]


def scale(spelling: str) -> Mapping[str, Fraction] | None:
    """Return how many base units each spelling of a unit stands for; none for no unit."""
    return next((unit.scale for unit in UNITS if spelling in unit.scale), None)


def magnitude(value: object) -> object:
    """Return a value as expressions see it: a text with a unit is a number of base units."""
    parts = split(value) if isinstance(value, str) else None
    if parts is None:
        return value
    number, spelling = parts
    scales = scale(spelling)
    assert scales is not None
    return plain_number(number * scales[spelling])


def plain_number(value: Fraction) -> int | float:
    """Return a fraction as a whole number where it is one."""
    return int(value) if value.denominator == 1 else float(value)


def is_number(value: object) -> bool:
    """Whether a value can be plotted along an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)
