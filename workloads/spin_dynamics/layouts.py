"""Where real and imaginary parts lie: picks and signs that turn one layout into another.

A complex 4 x 4 matrix M lies as two real matrices behind one another, or as a *column*
``[Re; Im]``, 8 x 4. A product takes its left factor as the real 8 x 8 matrix
``[[Re, -Im], [Im, Re]]``, its right factor as a column, and gives a column.
"""

from dataclasses import dataclass
from itertools import combinations, product

STARTS, ENDS = (0, 3), (1, 2)
"""Parallel states, from which pairs start; antiparallel ones, whose weight is read."""
PAIRS = tuple(combinations(range(4), 2))
"""Pairs of eigenstates, whose energies' differences are the lines of a signal."""


@dataclass(frozen=True)
class Picks:
    """A constant arrangement: which number of a row comes, and its sign."""

    picks: tuple[int, ...]
    signs: tuple[int, ...]


def _made(*entries: tuple[int, int]) -> Picks:
    return Picks(*(tuple(column) for column in zip(*entries, strict=True)))


def _part(z: int, y: int) -> tuple[int, int]:
    """Part and sign at (z, y) of ``[[Re, -Im], [Im, Re]]``."""
    return (0, 1) if z == y else (1, -1 if y else 1)


def _left(order: str) -> Picks:
    """An 8 x 8 left factor of a column; its second side runs over (y, q) or (q, y)."""
    inner = [(y, q) for y in range(2) for q in range(4)]
    if order == "qy":
        inner.sort(key=lambda pair: (pair[1], pair[0]))
    entries = []
    for z, p in product(range(2), range(4)):
        for y, q in inner:
            part, sign = _part(z, y)
            entries.append((16 * part + 4 * p + q, sign))
    return _made(*entries)


LEFT = _left("yq")
"""From a column to the left factor (z p, y q) of columns."""
LEFT_OF_ROWS = _left("qy")
"""The same with sides (z p, q y): the left factor of rows."""
RIGHT_OF_ROWS = _made(
    *(
        (16 * _part(z, y)[0] + 4 * p + q, _part(z, y)[1])
        for y, p, z, q in product(range(2), range(4), range(2), range(4))
    )
)
"""From a column to the right factor (y p, z q) of rows ``[Re, Im]``, 4 x 8."""
ROWS = _made(*((16 * z + 4 * p + q, 1) for p, z, q in product(range(4), range(2), range(4))))
"""From a column to rows (p, z q)."""
OBSERVED = _made(*((16 * z + 4 * r + c, 1) for z, r, c in product(range(2), ENDS, STARTS)))
"""From a column to the eight numbers that a signal is the sum of squares of."""
SWAPPED = _made(*((4 * s + c, 1) for s in (0, 2, 1, 3) for c in range(4)))
"""From a matrix to the one with the rows of ud and du exchanged."""

# From W = R^T U, real part then imaginary part, rows being eigenstates:
START_COLUMNS = _made(*((16 * z + 4 * s + c, 1) for s, z, c in product(range(4), range(2), STARTS)))
"""To (s, z, c): what each start state sends into each eigenstate."""
START_TURNED = _made(
    *((16 * (1 - z) + 4 * s + c, -1 if z else 1) for s, z, c in product(range(4), range(2), STARTS))
)
"""The same times -i: what the sine of a phase multiplies."""
END_ROWS = _made(
    *(
        (16 * _part(z, y)[0] + 4 * s + r, _part(z, y)[1])
        for r, z, s, y in product(ENDS, range(2), range(4), range(2))
    )
)
"""To the left factor (r z, s y) that takes eigenstates to the states that are read."""
END_COLUMNS = _made(*((4 * s + r, 1) for r, s in product(ENDS, range(4))))
"""From a matrix, to (r, s)."""
START_ROWS = _made(*((4 * s + c, 1) for c, s in product(STARTS, range(4))))
"""From a matrix, to (c, s)."""
FIRST_OF_PAIRS = _made(*((4 * x + a, 1) for a, _ in PAIRS for x in range(4)))
SECOND_OF_PAIRS = _made(*((4 * x + b, 1) for _, b in PAIRS for x in range(4)))
"""From (path, s), to (pair, path) with the one or the other eigenstate of the pair."""
FIRST_ENERGY = _made(*((a, 1) for a, _ in PAIRS))
SECOND_ENERGY = _made(*((b, 1) for _, b in PAIRS))
