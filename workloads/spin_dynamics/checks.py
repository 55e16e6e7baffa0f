"""Checks of physical inputs: each raises a ValueError that names argument, bound and value.

Ranges are wider than any experiment and narrower than a mistaken unit: seconds given as
nanoseconds, hertz as megahertz or metres as nanometres fall outside.
"""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Rotations = NDArray[np.complex128]

LONGEST_NS = 1e6
SHORTEST_NS = 1e-3
"""A delay above zero, or a pulse, that is shorter is a time in seconds."""
LARGEST_MHZ = 1e4
"""A frequency beyond is in hertz or kilohertz."""
NEAREST_NM, FARTHEST_NM = 0.1, 1e3
"""Distances of two spins, from a bond's length on."""


def checked_delays(name: str, delays_ns: ArrayLike) -> Floats:
    """Return delays as a vector: finite, not negative, rising.

    Raises:
        ValueError: for anything else.
    """
    delays = np.atleast_1d(np.asarray(delays_ns, dtype=np.float64))
    if delays.ndim != 1 or not delays.size:
        raise ValueError(f"{name}: must be a list of delays, got shape {delays.shape}")
    if not np.all(np.isfinite(delays)) or delays.min() < 0:
        raise ValueError(f"{name}: must be >= 0 and finite, got {_offender(delays)} ns")
    if np.any(np.diff(delays) <= 0):
        place = int(np.argmax(np.diff(delays) <= 0))
        raise ValueError(
            f"{name}: must rise, got {delays[place + 1]:g} ns after {delays[place]:g} ns"
        )
    if delays[-1] > LONGEST_NS:
        raise ValueError(f"{name}: must be <= {LONGEST_NS:g} ns, got {delays[-1]:g} ns")
    if 0 < delays[-1] < SHORTEST_NS:
        raise ValueError(
            f"{name}: the longest is {delays[-1]:g} ns, below {SHORTEST_NS:g} ns; "
            "are these seconds?"
        )
    return delays


def _offender(delays: Floats) -> str:
    wrong = ~np.isfinite(delays) | (delays < 0)
    return f"{delays[wrong][0]:g}"


def check_pulse(name: str, duration_ns: float) -> None:
    """Check a pulse's length."""
    if not (isfinite(duration_ns) and SHORTEST_NS <= duration_ns <= LONGEST_NS):
        raise ValueError(
            f"{name}: must be in [{SHORTEST_NS:g}, {LONGEST_NS:g}] ns, got {duration_ns:g} ns"
            f"{'; are these seconds?' if 0 < duration_ns < SHORTEST_NS else ''}"
        )


def check_frequency(name: str, frequency_mhz: float) -> None:
    """Check a frequency of either sign."""
    if not (isfinite(frequency_mhz) and abs(frequency_mhz) <= LARGEST_MHZ):
        raise ValueError(
            f"{name}: must be within +-{LARGEST_MHZ:g} MHz, got {frequency_mhz:g} MHz"
            f"{'; are these hertz?' if isfinite(frequency_mhz) else ''}"
        )


def check_linewidth(name: str, sigma_mhz: float) -> None:
    """Check a standard deviation; 0 is a single line."""
    if sigma_mhz < 0:
        raise ValueError(f"{name}: a linewidth must be >= 0 MHz, got {sigma_mhz:g} MHz")
    check_frequency(name, sigma_mhz)


def checked_distances(name: str, distances_nm: ArrayLike) -> Floats:
    """Return distances of two spins, in any shape.

    Raises:
        ValueError: for one that is not above zero, or in another unit.
    """
    distances = np.asarray(distances_nm, dtype=np.float64)
    wrong = ~((distances >= NEAREST_NM) & (distances <= FARTHEST_NM))
    if np.any(wrong):
        value = float(np.atleast_1d(distances)[np.atleast_1d(wrong)][0])
        hint = "; are these metres?" if 0 < value < NEAREST_NM else ""
        raise ValueError(
            f"{name}: must be in [{NEAREST_NM:g}, {FARTHEST_NM:g}] nm, got {value:g} nm{hint}"
        )
    return distances


def check_word(name: str, value: Any, words: tuple[str, ...]) -> None:
    """Check a word."""
    if value not in words:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(words)}")
