"""How a contraction is best written as a matrix product: which operands must be permuted for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from archsim.ir.operation import Indices


def same_layout(sizes: Mapping[str, int], one: Indices, other: Indices) -> bool:
    """Whether two orders are the same but for indices of length 1."""
    return [i for i in one if sizes[i] > 1] == [i for i in other if sizes[i] > 1]


@dataclass(frozen=True)
class MatrixProduct:
    """One way to write a contraction as a matrix product, and what must be permuted for it."""

    left_order: Indices
    right_order: Indices
    result_order: Indices
    result_moves: bool
    moved_elements: int
    swaps: bool = False
    """Whether the operands change places."""


@lru_cache(maxsize=1 << 14)
def matrix_product(
    left: Indices, right: Indices, result: Indices, extents: tuple[tuple[str, int], ...]
) -> MatrixProduct:
    """Return the way that permutes the least; identical layers ask for the same."""
    sizes = dict(extents)
    straight = _straight(left, right, result, sizes)
    swapped = _straight(right, left, result, sizes)
    if straight.moved_elements <= swapped.moved_elements:
        return straight
    return replace(swapped, swaps=True)


def _straight(
    left: Indices, right: Indices, result: Indices, sizes: Mapping[str, int]
) -> MatrixProduct:
    """Return the way that permutes the least with the operands where they are."""
    batch = tuple(i for i in result if i in left and i in right)
    m = tuple(i for i in left if i not in right)
    n = tuple(i for i in right if i not in left)
    k = tuple(i for i in left if i in right and i not in result)
    orders = [
        ((*batch, *m, *summed), (*batch, *summed, *n))
        for summed in (k, tuple(i for i in right if i in k))
    ]

    def elements(term: Indices) -> int:
        return prod(sizes[i] for i in term)

    def cost(order: tuple[Indices, Indices]) -> int:
        moved = 0 if same_layout(sizes, left, order[0]) else elements(left)
        return moved + (0 if same_layout(sizes, right, order[1]) else elements(right))

    left_order, right_order = best = min(orders, key=cost)
    product: Indices = (*batch, *m, *n)
    moves = not same_layout(sizes, product, result)
    return MatrixProduct(
        left_order=left_order,
        right_order=right_order,
        result_order=product if moves else result,
        result_moves=moves,
        moved_elements=cost(best) + (elements(result) if moves else 0),
    )
