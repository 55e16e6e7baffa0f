"""Checks of a workload's fields: each raises a ValueError that names field, bound and value."""

from collections.abc import Collection, Mapping
from math import isfinite
from typing import Any, get_args

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


def check_words(workload: object, words: Mapping[str, Any]) -> None:
    """Check the fields that are words, each given with the literal type of what it may say."""
    for name, kinds in words.items():
        check_known(name, getattr(workload, name), get_args(kinds))


def check_limits(workload: object, limits: Mapping[str, int]) -> None:
    """Check the fields that are whole numbers from 1 to a limit."""
    for name, most in limits.items():
        check_within(name, getattr(workload, name), 1, most)


def check_betas(*, adam_beta1: float, adam_beta2: float) -> None:
    """Check how much of its averages an Adam optimiser keeps in each step."""
    for name, value in (("adam_beta1", adam_beta1), ("adam_beta2", adam_beta2)):
        if not 0 <= value < 1:
            raise ValueError(f"{name}: must be in [0, 1), got {value}")
