"""Transformers in numpy, as they are compressed: decoders (Llama) and encoders (BERT).

States are (sequences, tokens, features); linear layers are ``y = x W + b``, their weights
(features in, features out). Heads may be narrower in values than in keys, a weight may be
two thin factors, and residuals may be turned: what a compressed model is made of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import pi, sqrt
from typing import Any, Literal

import numpy as np

from archsim.ir.operation import Array
from workloads.transformer.attention import MASKED
from workloads.transformer.rotary import rotations

Style = Literal["decoder", "encoder"]


@dataclass(frozen=True, slots=True)
class Linear:
    """``x F_1 F_2 … + bias``: one factor, or two of a low rank."""

    factors: tuple[Array, ...]
    bias: Array | None = None

    @property
    def weight(self) -> Array:
        """The product of all factors."""
        product = self.factors[0]
        for factor in self.factors[1:]:
            product = product @ factor
        return product

    @property
    def parameters(self) -> int:
        """Numbers of the factors."""
        return sum(factor.size for factor in self.factors)

    def __call__(self, x: Array) -> Array:
        """Return y."""
        rows = x.reshape(-1, x.shape[-1])
        for factor in self.factors:
            rows = rows @ factor
        y = rows.reshape(*x.shape[:-1], -1)
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm over features: with a ``beta`` LayerNorm, without one RMSNorm."""

    gamma: Array
    beta: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Block:
    """Attention and a feed-forward net; without a ``gate`` the net is a GELU between two layers."""

    query: Linear
    key: Linear
    value: Linear
    projection: Linear
    feed_in: Linear
    feed_out: Linear
    attention_norm: Norm
    feed_forward_norm: Norm
    gate: Linear | None = None
    attention_turn: Array | None = None
    """What the residual around attention is multiplied by; None for nothing."""
    output_turn: Array | None = None

    @property
    def linears(self) -> Mapping[str, Linear]:
        """Linear layers by name."""
        names = ("query", "key", "value", "projection", "gate", "feed_in", "feed_out")
        found = {name: getattr(self, name) for name in names}
        return {name: layer for name, layer in found.items() if layer is not None}

    def with_linears(self, change: Callable[[Linear], Linear]) -> "Block":
        """Return the block with another layer in the place of each."""
        changed: dict[str, Any] = {name: change(layer) for name, layer in self.linears.items()}
        return replace(self, **changed)

    @property
    def parameters(self) -> int:
        """Numbers of all matrices, without norms and biases."""
        turns = [turn.size for turn in (self.attention_turn, self.output_turn) if turn is not None]
        return sum(layer.parameters for layer in self.linears.values()) + sum(turns)


@dataclass(frozen=True, kw_only=True)
class Taps:
    """What a block computed on the way, for its compression."""

    values: Array
    """(tokens, heads of values, features of one)."""
    hidden: Array
    """Inputs of the last layer of the feed-forward net, (tokens, channels)."""
    middle: Array
    """States between the two nets."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Blocks and what they have in common; for decoders also the ends, words in and out."""

    blocks: tuple[Block, ...]
    heads: int
    kv_heads: int
    style: Style = "decoder"
    norm_epsilon: float = 1e-5
    rotary_base: float = 10000.0
    mean_over: int = 0
    """Features that RMSNorm divides by; 0 for as many as there are."""
    table: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Rows of words, (vocabulary, features)."""
    head_norm: Norm | None = None
    head: Linear | None = None

    def __post_init__(self) -> None:
        width = self.blocks[0].query.weight.shape[1]
        if width % self.heads:
            raise ValueError(f"heads: {self.heads} heads do not divide the width {width}")
        if not self.kv_heads or self.heads % self.kv_heads:
            raise ValueError(
                f"kv_heads: {self.kv_heads} heads of keys and values do not divide "
                f"{self.heads} heads of queries"
            )

    @property
    def head_size(self) -> int:
        """Features of a query and of a key."""
        return int(self.blocks[0].query.weight.shape[1]) // self.heads

    @property
    def parameters(self) -> int:
        """Numbers of the matrices of all blocks."""
        return sum(block.parameters for block in self.blocks)

    def run(self, block: Block, x: Array, mask: Array | None = None) -> tuple[Array, Taps]:
        """Return a block's output for states, and what it computed on the way.

        Encoders look at all tokens, or where a ``mask`` (sequences, tokens) is 1 only.
        """
        if self.style == "encoder":
            mixed, values = self._attend(block, x, mask)
            middle = self._normed(block.attention_norm, x + mixed)
            hidden = _active(block, middle)
            y = self._normed(block.feed_forward_norm, middle + block.feed_out(hidden))
        else:
            mixed, values = self._attend(block, self._normed(block.attention_norm, x), mask)
            middle = _turned(x, block.attention_turn) + mixed
            hidden = _active(block, self._normed(block.feed_forward_norm, middle))
            y = _turned(middle, block.output_turn) + block.feed_out(hidden)
        seen = np.ones(x.shape[:2], bool) if mask is None else mask.astype(bool)
        return y, Taps(values=values[seen], hidden=hidden[seen], middle=middle)

    def _attend(self, block: Block, x: Array, mask: Array | None) -> tuple[Array, Array]:
        (count, tokens, _), size = x.shape, self.head_size
        query = block.query(x).reshape(count, tokens, self.kv_heads, -1, size)
        key = block.key(x).reshape(count, tokens, self.kv_heads, size)
        value = block.value(x).reshape(count, tokens, self.kv_heads, -1)
        if self.style == "decoder":
            turns = rotations(np.arange(tokens), size, self.rotary_base)
            query = _rotated(query, turns[:, None, None])
            key = _rotated(key, turns[:, None])
        scores = np.einsum("bqhrd,bkhd->bhrqk", query, key, optimize=True) / sqrt(size)
        if self.style == "decoder":
            scores = scores - MASKED * np.triu(np.ones((tokens, tokens)), 1)
        if mask is not None:
            scores = scores - MASKED * (1 - mask[:, None, None, None, :])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        context = np.einsum("bhrqk,bkhv->bqhrv", weights, value, optimize=True)
        return block.projection(context.reshape(count, tokens, -1)), value

    def _normed(self, norm: Norm, x: Array) -> Array:
        if norm.beta is not None:
            x = x - x.mean(axis=-1, keepdims=True)
        spread = np.sum(x * x, axis=-1, keepdims=True) / (self.mean_over or x.shape[-1])
        y = x / np.sqrt(spread + self.norm_epsilon) * norm.gamma
        return np.asarray(y if norm.beta is None else y + norm.beta)

    def states(self, x: Array, mask: Array | None = None) -> list[Array]:
        """Return the states before each block, and after the last."""
        found = [x]
        for block in self.blocks:
            found.append(self.run(block, found[-1], mask)[0])
        return found

    def logits(self, tokens: Array) -> Array:
        """Return a decoder's logits for words (sequences, tokens): (sequences, tokens, words)."""
        assert self.head is not None
        assert self.head_norm is not None
        return self.head(self._normed(self.head_norm, self.states(self.table[tokens])[-1]))


def _rotated(x: Array, turns: Array) -> Array:
    pairs = x.reshape(*x.shape[:-1], 2, -1)
    return np.asarray((turns * pairs[..., None, :, :]).sum(axis=-2).reshape(x.shape))


def _turned(x: Array, turn: Array | None) -> Array:
    return x if turn is None else x @ turn


def _active(block: Block, x: Array) -> Array:
    """SwiGLU, or GELU with the hyperbolic tangent."""
    up = block.feed_in(x)
    if block.gate is not None:
        gate = block.gate(x)
        return np.asarray(gate / (1 + np.exp(-gate)) * up)
    return np.asarray(up / 2 * (1 + np.tanh(sqrt(2 / pi) * up * (1 + 0.044715 * up * up))))
