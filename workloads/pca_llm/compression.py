"""FLAT-LLM on a network: layer by layer, each on what the compressed ones before it give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array
from workloads.pca_llm.channels import select_channels
from workloads.pca_llm.checks import check_numbers
from workloads.pca_llm.head_pca import absorb_in_projection, absorb_in_value, head_pca
from workloads.pca_llm.importance import allocate_ranks, angular_importance
from workloads.pca_llm.network import Block, Linear, Network, Taps
from workloads.pca_llm.ranks import whole_rank


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """A compressed network, and what was kept of each layer."""

    network: Network
    kept: tuple[float, ...]
    """The share w_l of each layer."""
    value_ranks: tuple[int, ...]
    channels: tuple[int, ...]


def measured_importance(
    network: Network, states: ArrayLike, mask: Array | None = None
) -> tuple[float, ...]:
    """Return the angular importance of every layer on calibration states."""
    x = check_numbers("states", states, 3)
    before = network.states(x, mask)
    seen = np.ones(x.shape[:2], bool) if mask is None else mask.astype(bool)
    return tuple(angular_importance(one[seen], other[seen]) for one, other in pairwise(before))


def compress(
    network: Network,
    states: ArrayLike,
    ratio: float,
    *,
    importance: Sequence[float] | None = None,
    mask: Array | None = None,
    rank_multiple: int = 1,
) -> Compressed:
    """Compress values, projections and feed-forward nets to a mean ``ratio`` of their size.

    ``states`` (sequences, tokens, features) go into the first block; without an
    ``importance`` it is measured on them. A block's covariances come from one pass through
    it as it was, on what the compressed blocks before it make; a share of 1 leaves it so.

    Source: FLAT-LLM (arXiv 2505.23966), algorithm 1.

    Raises:
        ValueError: for NaN among states, a ratio outside (0, 1], or one that leaves no rank.
    """
    x = check_numbers("states", states, 3)
    found = measured_importance(network, x, mask) if importance is None else importance
    if len(found) != len(network.blocks):
        raise ValueError(
            f"importance: {len(found)} numbers for {len(network.blocks)} layers, one for each"
        )
    shares = allocate_ranks(found, ratio)
    blocks, ranks, channels = [], [], []
    for number, (block, share) in enumerate(zip(network.blocks, shares, strict=True)):
        y, taps = network.run(block, x, mask)
        size, wide = taps.values.shape[2], taps.hidden.shape[1]
        ranks.append(whole_rank(share, size, rank_multiple, f"layer {number}: values"))
        channels.append(whole_rank(share, wide, rank_multiple, f"layer {number}: channels"))
        if share < 1:
            block = compress_block(block, taps, ranks[-1], channels[-1])  # noqa: PLW2901
            y, _ = network.run(block, x, mask)
        blocks.append(block)
        x = y
    return Compressed(
        network=replace(network, blocks=tuple(blocks)),
        kept=tuple(map(float, shares)),
        value_ranks=tuple(ranks),
        channels=tuple(channels),
    )


def compress_heads(block: Block, values: Array, rank: int) -> Block:
    """Return a block whose heads have values of ``rank`` features."""
    directions = head_pca(values, rank)
    weight, bias = absorb_in_value(block.value.weight, directions, block.value.bias)
    projection = absorb_in_projection(block.projection.weight, directions)
    return replace(
        block,
        value=Linear((weight,), bias),
        projection=Linear((projection,), block.projection.bias),
    )


def compress_block(block: Block, taps: Taps, rank: int, channels: int) -> Block:
    """Return a block whose heads have values of ``rank`` features, its net so many channels."""
    kept, refit = select_channels(taps.hidden, channels)
    return replace(
        compress_heads(block, taps.values, rank),
        gate=block.gate and _columns(block.gate, kept),
        feed_in=_columns(block.feed_in, kept),
        feed_out=Linear((refit @ block.feed_out.weight,), block.feed_out.bias),
    )


def _columns(layer: Linear, kept: Array) -> Linear:
    """Return a layer with some of its outputs."""
    return Linear((layer.weight[:, kept],), None if layer.bias is None else layer.bias[kept])
