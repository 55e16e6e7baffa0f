"""Widths of a compressed decoder: of each layer's values and channels, of factors, of residuals.

``ratio`` is the share of the decoder's linear parameters that is kept: the same for every
variant, so that they compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from workloads.pca_llm.checks import check_ratio
from workloads.pca_llm.importance import allocate_ranks
from workloads.transformer.fields import Part, block_sides


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Sizes of a decoder's block; its matrices in numbers of parameters follow."""

    hidden: int
    heads: int
    kv_heads: int
    feed_width: int

    @property
    def head_size(self) -> int:
        """Features of a head."""
        return self.hidden // self.heads

    @property
    def linears(self) -> dict[Part, tuple[int, int]]:
        """Features in and out of every linear layer."""
        keys = self.kv_heads * self.head_size
        return block_sides(hidden=self.hidden, keys=keys, wide=self.feed_width)

    @property
    def parameters(self) -> int:
        """Of all linear layers."""
        return sum(one * other for one, other in self.linears.values())


def whole_rank(share: float, size: int, multiple: int, what: str) -> int:
    """Return ``int(share size)``, or the multiple next to share x size, at most ``size``.

    Halves go up, and no rank is less than one multiple.

    Raises:
        ValueError: where nothing is left.
    """
    if multiple > 1:
        return min(size, multiple * max(1, int(share * size / multiple + 0.5)))
    # A share that is 1 but for rounding keeps everything.
    rank = int(share * size + 1e-9)
    if rank < 1:
        raise ValueError(
            f"{what}: a share of {share:.4g} of {size} leaves rank 0; choose a larger ratio"
        )
    return rank


def inner_ratio(sides: Sides, ratio: float) -> float:
    """Return what must be kept of V, O and the net, as Q and K stay, to keep ``ratio`` of all.

    ``(ratio (3 p_mlp + p_q + p_k + p_v + p_o) - (p_q + p_k)) / (3 p_mlp + p_v + p_o)``.

    Raises:
        ValueError: where queries and keys alone are more.
    """
    check_ratio("ratio", ratio)
    sizes = {name: one * other for name, (one, other) in sides.linears.items()}
    fixed = sizes["query"] + sizes["key"]
    rest = sides.parameters - fixed
    kept = ratio * sides.parameters - fixed
    if kept <= 0:
        raise ValueError(
            f"ratio: must be above {fixed / sides.parameters:.4f}, the share of queries and keys, "
            f"which stay as they are, got {ratio}"
        )
    return kept / rest


def flat_widths(
    sides: Sides, ratio: float, importance: Sequence[float], multiple: int
) -> tuple[tuple[int, int], ...]:
    """Return features of a head's values and channels of the net, for each layer."""
    shares = allocate_ranks(importance, inner_ratio(sides, ratio))
    return tuple(
        (
            whole_rank(share, sides.head_size, multiple, f"layer {number}: values"),
            whole_rank(share, sides.feed_width, multiple, f"layer {number}: channels"),
        )
        for number, share in enumerate(shares)
    )


def factor_rank(inputs: int, outputs: int, ratio: float, multiple: int) -> int:
    """Return the rank at which two factors hold ``ratio`` of a matrix's numbers."""
    check_ratio("ratio", ratio)
    share, most = ratio * inputs * outputs / (inputs + outputs), min(inputs, outputs)
    return whole_rank(share / most, most, multiple, f"rank of {inputs} x {outputs}")


def sliced_width(sides: Sides, ratio: float, multiple: int) -> int:
    """Return the width x of residuals at which a block, with two turns, holds ``ratio`` of all.

    ``2 x² + a x = ratio a hidden``, where a block has ``a hidden`` parameters; at most hidden.
    """
    check_ratio("ratio", ratio)
    if ratio == 1:
        return sides.hidden
    a = sides.parameters / sides.hidden
    width = (sqrt(a * a + 8 * ratio * a * sides.hidden) - a) / 4
    return whole_rank(width / sides.hidden, sides.hidden, multiple, "width of residuals")
