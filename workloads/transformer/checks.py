"""Checks of a workload's fields: each raises a ValueError that names field, bound and value."""

from collections.abc import Collection
from math import isfinite

from archsim import formats
from archsim.errors import RegistryError, did_you_mean


def check_within(name: str, value: int, least: int, most: int) -> None:
    """Check a whole number."""
    if not least <= value <= most:
        raise ValueError(f"{name}: must be in [{least}, {most}], got {value}")


def check_positive(name: str, value: float) -> None:
    """Check a number that is finite and above zero."""
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name}: must be > 0 and finite, got {value}")


def check_known(name: str, value: str, words: Collection[str]) -> None:
    """Check a word; the nearest one is named."""
    if value not in words:
        raise ValueError(
            f"{name}: {value!r} is none of {', '.join(words)}; {did_you_mean(value, words)}"
        )


def check_number_format(name: str, field: str = "number_format") -> None:
    """Check a number format's name."""
    try:
        formats.parse(name)
    except RegistryError as error:
        raise ValueError(f"{field}: {error}") from error
