"""Attention over a feature map: its pixels are tokens that see each other and the context.

Source: Rombach et al., "High-resolution image synthesis with latent diffusion models" (2022),
section 3.3; the gated feed-forward net: Shazeer, "GLU variants improve transformer" (2020).
"""

from collections.abc import Callable

from archsim.ir.operation import Phase
from archsim.ir.pieces import Concatenate
from archsim.ir.tensor import TensorSpec
from workloads.lora_diffusion.adapter import Projection
from workloads.lora_diffusion.feature_maps import Conv
from workloads.transformer.activations import GeluErf
from workloads.transformer.attention import Attention, SoftmaxBackward
from workloads.transformer.layer import Layer
from workloads.transformer.norms import group_norm, layer_norm
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape, Wants

MakeProjection = Callable[..., Projection]
"""Called with a step, a layer's name, the index of its rows, its features, and ``bias``."""
PROJECTION_EPSILON = 1e-6
"""Of the norm before the tokens, and of norms in blocks the one below, as published."""
TOKEN_EPSILON = 1e-5
FEED_FACTOR = 4
"""Features between the linear layers of a feed-forward net, over those of a token."""


class TokenAttention:
    """Heads of queries from tokens t, and of keys and values from tokens s, and a projection.

    ``step`` knows b sequences of q queries and k keys, h heads of d features.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        make: MakeProjection,
        rows: str,
        features: int,
        softmax_backward: SoftmaxBackward,
    ) -> None:
        e = step.sizes["e"]
        self.query = make(step, f"{name}.to_q", "t", (e, e), bias=False)
        self.key = make(step, f"{name}.to_k", rows, (features, e), bias=False)
        self.value = make(step, f"{name}.to_v", rows, (features, e), bias=False)
        self.out = make(step, f"{name}.to_out.0", "t", (e, e))
        self.attention = Attention(step, name, softmax_backward)

    def apply(self, tape: Tape, x: TensorSpec, context: TensorSpec) -> TensorSpec:
        """Return what tokens x see of the context's tokens, (tokens, features)."""
        query = self.query.apply(tape, x)
        key, value = self.key.apply(tape, context), self.value.apply(tape, context)
        seen = self.attention.forward(query, key, value)
        seen = tape.record(seen, (query, key, value), self._pullback)
        return self.out.apply(tape, seen)

    def _pullback(self, dy: TensorSpec, wants: Wants) -> tuple[TensorSpec | None, ...]:
        attention = self.attention
        d_value = attention.value_gradient(dy) if wants[2] else None
        if not (wants[0] or wants[1]):
            return None, None, d_value
        d_scores = attention.scores_gradient(attention.weights_gradient(dy))
        d_query = attention.query_gradient(d_scores) if wants[0] else None
        return d_query, (attention.key_gradient(d_scores) if wants[1] else None), d_value


class GatedFeedForward:
    """``out(value gelu(gate))``, where value and gate are the halves of what ``in`` makes."""

    def __init__(self, step: Step, name: str, make: MakeProjection) -> None:
        e = step.sizes["e"]
        wide = FEED_FACTOR * e
        self.name = f"{name}.active"
        self.step = step.sized(w=wide)
        self.feed_in = make(step, f"{name}.net.0.proj", "t", (e, 2 * wide))
        self.feed_out = make(step, f"{name}.net.2", "t", (wide, e))
        self.gelu = GeluErf(self.step, f"{self.name}.gate", "t w")

    def apply(self, tape: Tape, x: TensorSpec) -> TensorSpec:
        """Return the net's result, (tokens, features)."""
        both = self.feed_in.apply(tape, x)
        wide = both.shape[-1] // 2
        phase, builder = self.step.phase, self.step.builder
        value, gate = (
            tape.slice(f"{self.name}.half{n}", phase, both, n * wide, wide) for n in range(2)
        )
        curved = self.gelu.forward(gate)
        product = builder.pointwise(self.name, phase, "a * b", value, curved)

        def pullback(dy: TensorSpec, _: Wants) -> tuple[TensorSpec | None, ...]:
            name, phase = self.name, Phase.BACKWARD
            d_value = builder.pointwise(f"{name}.value.gradient", phase, "a * b", dy, curved)
            d_curved = builder.pointwise(f"{name}.curved.gradient", phase, "a * b", dy, value)
            joined = Concatenate(
                name=f"{name}.input.gradient",
                phase=phase,
                inputs=(d_value, self.gelu.backward(d_curved)),
                outputs=(builder.tensor(f"{name}.input.gradient", both.shape),),
            )
            return (builder.add(joined),)

        return self.feed_out.apply(tape, tape.record(product, (both,), pullback))


class TransformerBlock:
    """Attention among tokens, attention to the context, a net; each normed before, and added."""

    def __init__(
        self,
        step: Step,
        seen: Step,
        name: str,
        make: MakeProjection,
        context_width: int,
        softmax_backward: SoftmaxBackward,
    ) -> None:
        self.name = name
        self.norms = [
            layer_norm(step, f"{name}.norm{n}", TOKEN_EPSILON, trained=False) for n in (1, 2, 3)
        ]
        e = step.sizes["e"]
        kind = softmax_backward
        self.among = TokenAttention(step, f"{name}.attn1", make, "t", e, kind)
        self.across = TokenAttention(seen, f"{name}.attn2", make, "s", context_width, kind)
        self.feed = GatedFeedForward(step, f"{name}.ff", make)

    def apply(self, tape: Tape, x: TensorSpec, context: TensorSpec) -> TensorSpec:
        """Return as many tokens."""
        tokens = tape.apply(self.norms[0], x)
        x = tape.add(f"{self.name}.attn1.residual", x, self.among.apply(tape, tokens, tokens))
        tokens = tape.apply(self.norms[1], x)
        x = tape.add(f"{self.name}.attn2.residual", x, self.across.apply(tape, tokens, context))
        tokens = tape.apply(self.norms[2], x)
        return tape.add(f"{self.name}.output", x, self.feed.apply(tape, tokens))


class SpatialTransformer:
    """A norm, a projection in, blocks, a projection out, and the map itself added.

    The projections are convolutions of one pixel, or linear layers; both do the same.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        blocks: list[TransformerBlock],
        make: MakeProjection,
        *,
        is_linear: bool,
    ) -> None:
        self.name, self.blocks = name, blocks
        self.norm: Layer = group_norm(step, f"{name}.norm", PROJECTION_EPSILON, trained=False)
        e = step.sizes["e"]
        self.ends: list[Conv | Projection] = [
            make(step, f"{name}.{end}", "t", (e, e))
            if is_linear
            else Conv(step, f"{name}.{end}", (e, e), kernel=1)
            for end in ("proj_in", "proj_out")
        ]

    def apply(self, tape: Tape, x: TensorSpec, context: TensorSpec) -> TensorSpec:
        """Return the map, (images, rows, columns, channels)."""
        first, last = self.ends
        y = first.apply(tape, tape.apply(self.norm, x))
        for block in self.blocks:
            y = block.apply(tape, y, context)
        return tape.add(f"{self.name}.output", x, last.apply(tape, y))
