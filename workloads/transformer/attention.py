"""Attention: every token's heads look at all tokens of a sequence, or of its own at none after it.

Indices: b sequences, s tokens (q of queries, k of keys), h heads of keys and values, r
query heads that share one of these, d features of a head.

Source: Vaswani et al., "Attention is all you need" (2017), section 3.2; heads that share
keys and values: Ainslie et al., "GQA" (2023), section 2.2.
"""

from math import prod
from typing import Literal

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.cache import Cache
from workloads.transformer.layer import Layer
from workloads.transformer.rotary import Rotary
from workloads.transformer.step import Step

SoftmaxBackward = Literal["jacobian", "inner_product"]

MASKED = 1e4
"""Taken off the score of a key after the query: its weight is 0 in every number format."""


class Attention:
    """``softmax(Q K' / sqrt(d)) V`` for every sequence and head.

    ``shared`` is whether several query heads share a head of keys and values; ``value`` is the
    index of a value's features; keys and values lie ``by_head`` where they come from a cache,
    of which a single query may see all. Where it is
    ``causal``, a query sees no key after it: scores are scaled and masked in one operation.
    Otherwise they are scaled in an operation of their own (``scales_apart``), or within the
    exponential, as the largest score is so before and after scaling.

    Softmax backward, a row p of the weights at a time: ``ds = p (dp - p' dp)``. As
    ``"inner_product"`` the sum ``p' dp`` is one number per row; as ``"jacobian"`` the
    matrix ``p p'`` is made and multiplied with dp, as kernels that hold the Jacobian do.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        softmax_backward: SoftmaxBackward,
        *,
        shared: bool = False,
        causal: bool = False,
        scales_apart: bool = False,
        value: str = "d",
        by_head: bool = False,
    ) -> None:
        self.step, self.name, self.softmax_backward = step, name, softmax_backward
        self.causal, self.scales_apart = causal, scales_apart
        self.scale = step.builder.sizes["d"] ** -0.5
        heads = "h r" if shared else "h"
        self.queries, self.mixed = f"b q {heads} d", f"b q {heads} {value}"
        tokens = "b h k" if by_head else "b k h"
        self.keys, self.values = f"{tokens} d", f"{tokens} {value}"
        self.rows = "b h q r" if shared else "b h q"
        self.grid = f"{self.rows} k"

    def forward(self, query: TensorSpec, key: TensorSpec, value: TensorSpec) -> TensorSpec:
        """Return the weighted values, (tokens, heads x d); the weights are kept."""
        b, name, phase = self.step.builder, self.name, self.step.phase
        self._query, self._key, self._value = query, key, value
        self._weights = self._softmax(
            b.contract(
                f"{name}.scores", phase, f"{self.queries}, {self.keys} -> {self.grid}", query, key
            )
        )
        return b.contract(
            f"{name}.context",
            phase,
            f"{self.grid}, {self.values} -> {self.mixed}",
            self._weights,
            value,
            shape=(*query.shape[:-1], b.elements(self.mixed) // prod(query.shape[:-1])),
        )

    def _softmax(self, scores: TensorSpec) -> TensorSpec:
        b, name, phase, grid = self.step.builder, self.name, self.step.phase, self.grid
        formula = "exp(a - b)"
        if self.causal:
            positions = self.step.data["positions"]
            formula_scaled = f"a * {self.scale!r} - {MASKED!r} * greater(c, b)"
            equation = f"{grid}, q, k -> {grid}"
            scores = b.elementwise(
                f"{name}.masked", phase, equation, formula_scaled, scores, positions, positions
            )
        elif self.scales_apart:
            formula_scaled = f"a * {self.scale!r}"
            scores = b.elementwise(
                f"{name}.scaled", phase, f"{grid} -> {grid}", formula_scaled, scores
            )
        else:
            formula = f"exp((a - b) * {self.scale!r})"
        top = b.reduce(
            f"{name}.maximum", phase, f"{grid} -> {self.rows}", scores, function="maximum"
        )
        by_row = f"{grid}, {self.rows} -> {grid}"
        powers = b.elementwise(f"{name}.exponentials", phase, by_row, formula, scores, top)
        total = b.reduce(f"{name}.sum", phase, f"{grid} -> {self.rows}", powers)
        return b.elementwise(f"{name}.weights", phase, by_row, "a / b", powers, total)

    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
        """Return the gradients of query, key and value."""
        d_weights = self.weights_gradient(dy)
        d_value = self.value_gradient(dy)
        d_scores = self.scores_gradient(d_weights)
        return self.query_gradient(d_scores), self.key_gradient(d_scores), d_value

    def weights_gradient(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of the weights."""
        return self._product("weights", f"{self.mixed}, {self.values}", dy, self._value)

    def value_gradient(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of the values."""
        operands = f"{self.grid}, {self.mixed}"
        return self._product("value", operands, self._weights, dy, like=self._value)

    def query_gradient(self, d_scores: TensorSpec) -> TensorSpec:
        """Return the gradient of the queries, given that of the scores."""
        operands = f"{self.grid}, {self.keys}"
        return self._product("query", operands, d_scores, self._key, like=self._query)

    def key_gradient(self, d_scores: TensorSpec) -> TensorSpec:
        """Return the gradient of the keys, given that of the scores."""
        operands = f"{self.grid}, {self.queries}"
        return self._product("key", operands, d_scores, self._query, like=self._key)

    def _product(
        self,
        of: str,
        operands: str,
        left: TensorSpec,
        right: TensorSpec,
        like: TensorSpec | None = None,
    ) -> TensorSpec:
        """Return the gradient of one tensor, shaped ``like`` it, as a product of two others."""
        results = {"weights": self.grid, "query": self.queries, "value": self.values}
        return self.step.builder.contract(
            f"{self.name}.{of}.gradient",
            Phase.BACKWARD,
            f"{operands} -> {results.get(of, self.keys)}",
            left,
            right,
            shape=like.shape if like else None,
        )

    def scores_gradient(self, d_weights: TensorSpec) -> TensorSpec:
        """Return the gradient of the scores before scaling."""
        b, phase, weights, grid = self.step.builder, Phase.BACKWARD, self._weights, self.grid
        name, rows = f"{self.name}.softmax", self.rows
        if self.softmax_backward == "jacobian":
            outer = b.elementwise(
                f"{name}.jacobian",
                phase,
                f"{grid}, {rows} l -> {grid} l",
                "a * b",
                weights,
                weights,
            )
            along = b.contract(
                f"{name}.along", phase, f"{grid} l, {rows} l -> {grid}", outer, d_weights
            )
            equation, formula = f"{grid}, {grid}, {grid} -> {grid}", "(a * b - c)"
        else:
            products = b.elementwise(
                f"{name}.products", phase, f"{grid}, {grid} -> {grid}", "a * b", weights, d_weights
            )
            along = b.reduce(f"{name}.along", phase, f"{grid} -> {rows}", products)
            equation, formula = f"{grid}, {grid}, {rows} -> {grid}", "a * (b - c)"
        return b.elementwise(
            f"{self.name}.scores.gradient",
            phase,
            equation,
            f"{formula} * {self.scale!r}",
            weights,
            d_weights,
            along,
        )


class SelfAttention:
    """Queries, keys and values of the same tokens, attention among them, and a projection.

    With a ``rotary``, queries and keys are turned by their positions; with a ``cache``, in
    inference, keys and values are kept for later tokens.
    """

    def __init__(
        self,
        query: Layer,
        key: Layer,
        value: Layer,
        projection: Layer,
        attention: Attention,
        rotary: tuple[Rotary, Rotary] | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.query, self.key, self.value, self.projection = query, key, value, projection
        self.attention = attention
        self.rotary, self.cache = rotary, cache

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the mixed tokens, (tokens, hidden)."""
        query, key, value = (layer.forward(x) for layer in (self.query, self.key, self.value))
        if self.rotary:
            query, key = (
                turn.forward(y) for turn, y in zip(self.rotary, (query, key), strict=True)
            )
        if self.cache:
            key, value = self.cache.keep(key, value)
        return self.projection.forward(self.attention.forward(query, key, value))

    def backward(self, dy: TensorSpec) -> tuple[TensorSpec, ...]:
        """Return gradients that add up to that of x."""
        d_query, d_key, d_value = self.attention.backward(self.projection.backward(dy))
        if self.rotary:
            d_query, d_key = (
                turn.backward(d) for turn, d in zip(self.rotary, (d_query, d_key), strict=True)
            )
        return (
            self.value.backward(d_value),
            self.query.backward(d_query),
            self.key.backward(d_key),
        )
