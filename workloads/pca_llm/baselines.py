"""What FLAT-LLM is compared with: two thin factors for a matrix, and sliced residuals."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from archsim.ir.operation import Array
from workloads.pca_llm.checks import check_count, check_numbers
from workloads.pca_llm.head_pca import leading_eigenvectors
from workloads.pca_llm.network import Block, Linear, Network, Norm
from workloads.pca_llm.ranks import factor_rank


def factorised(layer: Linear, rank: int) -> Linear:
    """Return the best factors of a rank: ``W ≈ (U sqrt(S)) (sqrt(S) V')``.

    Source: Eckart and Young (1936). SVD-LLM (arXiv 2403.07378) whitens inputs first, which
    changes the numbers and not the shapes.
    """
    weight = layer.weight
    check_count("rank", rank, min(weight.shape), "rank of the matrix")
    left, values, right = np.linalg.svd(weight, full_matrices=False)
    roots = np.sqrt(values[:rank])
    return Linear((left[:, :rank] * roots, roots[:, None] * right[:rank]), layer.bias)


def factorise(network: Network, ratio: float, rank_multiple: int = 1) -> Network:
    """Factorise every linear layer of every block to ``ratio`` of its numbers."""

    def smaller(layer: Linear) -> Linear:
        inputs, outputs = layer.weight.shape
        return factorised(layer, factor_rank(inputs, outputs, ratio, rank_multiple))

    blocks = [block.with_linears(smaller) for block in network.blocks]
    return replace(network, blocks=tuple(blocks))


def sliced(network: Network, states: ArrayLike, width: int) -> Network:
    """Return a decoder whose residuals are the leading ``width`` features, in turned axes.

    Norms' factors move into the layers that follow them; axes before each net are those of
    its normed inputs' principal components on the calibration ``states``, and residuals are
    turned from one to the next. With all features the result computes what the network does.

    Source: Ashkboos et al., SliceGPT (arXiv 2401.15024), sections 3.2 to 3.4.
    """
    x = check_numbers("states", states, 3)
    hidden = x.shape[-1]
    check_count("width", width, hidden, "features of a state")
    assert network.head is not None
    assert network.head_norm is not None
    axes = [_axes(x, width)]
    for block in network.blocks:
        x, taps = network.run(block, x)
        axes += [_axes(taps.middle, width), _axes(x, width)]
    blocks = [
        _sliced_block(block, *axes[2 * number : 2 * number + 3])
        for number, block in enumerate(network.blocks)
    ]
    head = Linear((axes[-1].T @ (network.head_norm.gamma[:, None] * network.head.weight),))
    return replace(
        network,
        blocks=tuple(blocks),
        table=network.table @ axes[0],
        head_norm=Norm(np.ones(width)),
        head=head,
        mean_over=hidden,
    )


def _axes(states: Array, width: int) -> Array:
    """Principal directions of states of length 1, (features, width)."""
    rows = states.reshape(-1, states.shape[-1])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return leading_eigenvectors(rows.T @ rows, width)


def _sliced_block(block: Block, before: Array, middle: Array, after: Array) -> Block:
    ones = Norm(np.ones(before.shape[1]))

    def reads(layer: Linear, norm: Norm, axes: Array) -> Linear:
        return Linear((axes.T @ (norm.gamma[:, None] * layer.weight),), layer.bias)

    def writes(layer: Linear, axes: Array) -> Linear:
        return Linear((layer.weight @ axes,), None if layer.bias is None else layer.bias @ axes)

    first, second = block.attention_norm, block.feed_forward_norm
    return replace(
        block,
        query=reads(block.query, first, before),
        key=reads(block.key, first, before),
        value=reads(block.value, first, before),
        projection=writes(block.projection, middle),
        gate=block.gate and reads(block.gate, second, middle),
        feed_in=reads(block.feed_in, second, middle),
        feed_out=writes(block.feed_out, after),
        attention_norm=ones,
        feed_forward_norm=ones,
        attention_turn=before.T @ middle,
        output_turn=middle.T @ after,
    )
