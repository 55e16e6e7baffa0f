"""A network's arrays under the names that the language model's graph gives them."""

from dataclasses import replace

import numpy as np

from archsim.formats import IntegerFormat
from archsim.ir.operation import Array
from workloads.pca_llm.network import Linear, Network

PARTS = {
    "query": "query",
    "key": "key",
    "value": "value",
    "projection": "projection",
    "gate": "feed_forward.gate",
    "feed_in": "feed_forward.in",
    "feed_out": "feed_forward.out",
}
"""What a block's linear layers are called in the graph."""


def quantised(matrix: Array, number_format: IntegerFormat) -> tuple[Array, Array]:
    """Return whole numbers and a scale for each column, whose largest number is the largest."""
    largest = np.abs(matrix).max(axis=0)
    scale = np.where(largest > 0, largest, 1) / number_format.largest
    return number_format.quantize(matrix / scale), scale


def named_weights(network: Network, number_format: IntegerFormat | None = None) -> dict[str, Array]:
    """Return every parameter of a decoder by its name in the graph.

    With a ``number_format`` the matrices of blocks are whole numbers with scales.
    """
    assert network.head is not None
    assert network.head_norm is not None
    found = {"embedding.table": network.table, "classifier.weight": network.head.weight}
    norms = {"head.norm": network.head_norm}
    for number, block in enumerate(network.blocks):
        name = f"layer{number}"
        matrices: dict[str, Array] = {}
        for part, layer in block.linears.items():
            matrices |= _factors(f"{name}.{PARTS[part]}", layer)
        for part in ("attention_turn", "output_turn"):
            turn = getattr(block, part)
            matrices |= {} if turn is None else {f"{name}.{part}": turn}
        for place, matrix in matrices.items():
            found |= _stored(place, matrix, number_format)
        norms[f"{name}.attention_norm"] = block.attention_norm
        norms[f"{name}.feed_forward_norm"] = block.feed_forward_norm
    if network.blocks[0].attention_turn is None:  # else the matrices that follow hold them
        found |= {f"{name}.gamma": norm.gamma for name, norm in norms.items()}
    return found


def _factors(name: str, layer: Linear) -> dict[str, Array]:
    if len(layer.factors) == 1:
        return {name: layer.factors[0]}
    left, right = layer.factors
    return {f"{name}.left": left, f"{name}.right": right}


def _stored(name: str, matrix: Array, number_format: IntegerFormat | None) -> dict[str, Array]:
    if number_format is None:
        return {f"{name}.weight": matrix}
    whole, scale = quantised(matrix, number_format)
    return {f"{name}.weight": whole, f"{name}.scale": scale}


def rounded(network: Network, number_format: IntegerFormat) -> Network:
    """Return a network whose blocks' matrices are what whole numbers and scales stand for."""

    def each(matrix: Array) -> Array:
        whole, scale = quantised(matrix, number_format)
        return whole * scale

    blocks = [
        replace(
            block.with_linears(lambda layer: Linear(tuple(map(each, layer.factors)), layer.bias)),
            attention_turn=None if block.attention_turn is None else each(block.attention_turn),
            output_turn=None if block.output_turn is None else each(block.output_turn),
        )
        for block in network.blocks
    ]
    return replace(network, blocks=tuple(blocks))
