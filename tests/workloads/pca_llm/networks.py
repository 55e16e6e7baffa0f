"""Small decoders and encoders with random weights, and states that calibrate them."""

import numpy as np

from workloads.pca_llm.network import Block, Linear, Network, Norm


def linear(rng, inputs, outputs, *, bias=False):
    weight = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
    return Linear((weight,), rng.standard_normal(outputs) / 3 if bias else None)


def norm(rng, features, *, beta=False):
    return Norm(1 + rng.random(features), rng.standard_normal(features) if beta else None)


def decoder(rng, *, layers=2, hidden=16, heads=4, kv_heads=2, wide=12, vocabulary=9):
    keys = kv_heads * (hidden // heads)
    blocks = [
        Block(
            query=linear(rng, hidden, hidden),
            key=linear(rng, hidden, keys),
            value=linear(rng, hidden, keys),
            projection=linear(rng, hidden, hidden),
            gate=linear(rng, hidden, wide),
            feed_in=linear(rng, hidden, wide),
            feed_out=linear(rng, wide, hidden),
            attention_norm=norm(rng, hidden),
            feed_forward_norm=norm(rng, hidden),
        )
        for _ in range(layers)
    ]
    return Network(
        blocks=tuple(blocks),
        heads=heads,
        kv_heads=kv_heads,
        rotary_base=50.0,
        table=rng.standard_normal((vocabulary, hidden)),
        head_norm=norm(rng, hidden),
        head=linear(rng, hidden, vocabulary),
    )


def encoder(rng, *, layers=2, hidden=16, heads=4, wide=12):
    blocks = [
        Block(
            query=linear(rng, hidden, hidden, bias=True),
            key=linear(rng, hidden, hidden, bias=True),
            value=linear(rng, hidden, hidden, bias=True),
            projection=linear(rng, hidden, hidden, bias=True),
            feed_in=linear(rng, hidden, wide, bias=True),
            feed_out=linear(rng, wide, hidden, bias=True),
            attention_norm=norm(rng, hidden, beta=True),
            feed_forward_norm=norm(rng, hidden, beta=True),
        )
        for _ in range(layers)
    ]
    return Network(blocks=tuple(blocks), heads=heads, kv_heads=heads, style="encoder")


def states(rng, network, *, sequences=6, tokens=10):
    return rng.standard_normal((sequences, tokens, len(network.blocks[0].query.weight)))
