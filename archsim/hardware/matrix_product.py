"""What units that multiply matrices share: dataflows, rates by number format, accesses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from archsim.errors import did_you_mean
from archsim.formats import NumberFormat
from archsim.hardware.component import at_least_one, ceil_div

Dataflow = Literal["weight_stationary", "output_stationary", "input_stationary"]
DataflowChoice = Literal[
    "weight_stationary", "output_stationary", "input_stationary", "per_operation"
]
Overlap = Literal["none", "stationary_load", "full"]


@dataclass(frozen=True, slots=True)
class GemmAccesses:
    """Elements fetched of the m x k input and the k x n weights, and stored of the m x n output."""

    inputs: int
    weights: int
    outputs: int
    output_reads: int = 0
    """Partial sums fetched back, to be added to."""


def check_words(spec: object, words: Mapping[str, tuple[str, ...]]) -> None:
    """Check fields that are words against what each may say.

    Raises:
        ValueError: naming the first field that says something else.
    """
    for name, known in words.items():
        said = getattr(spec, name)
        if said not in known:
            raise ValueError(f"{name}: no {name} {said!r}; {did_you_mean(str(said), known)}")


def check_rates(number_formats: Iterable[NumberFormat], **tables: Mapping[str, int]) -> None:
    """Check tables of rates by number format.

    Raises:
        ValueError: for a format that the unit does not know, or a rate below 1.
    """
    known = [number_format.name for number_format in number_formats]
    for table, entries in tables.items():
        for name, value in entries.items():
            if name not in known:
                hint = did_you_mean(name, known)
                raise ValueError(f"{table}: {name!r} is not among number_formats; {hint}")
            at_least_one(**{f"{table}.{name}": value})


def rates(
    number_format: NumberFormat | None, lanes: Mapping[str, int], pace: Mapping[str, int]
) -> tuple[int, int]:
    """Return the multiply-accumulates of a step in a format, and the cycles of a step."""
    name = number_format.name if number_format else ""
    return lanes.get(name, 1), pace.get(name, 1)


def best_rate(
    units: int,
    number_formats: Iterable[NumberFormat],
    lanes: Mapping[str, int],
    pace: Mapping[str, int],
) -> int:
    """Return the multiply-accumulates a cycle of the fastest format, rounded up."""
    found = (rates(number_format, lanes, pace) for number_format in number_formats)
    return max((ceil_div(units * many, every) for many, every in found), default=units)
