"""A block of a language model, whole or as a method left it, out of the layers of transformers.

Indices are those of the transformer's layers; where layers differ in size, a layer's number
follows: g features of all values, f of what is mixed from them, v of one value, w channels.
"""

from dataclasses import dataclass

from archsim import formats
from workloads.pca_llm.fields import LanguageModelFields
from workloads.pca_llm.matrices import QuantisedLinear, Series
from workloads.transformer.attention import Attention, SelfAttention
from workloads.transformer.block import PreNormBlock
from workloads.transformer.cache import Cache, ExtendedCache, FilledCache
from workloads.transformer.feed_forward import SwiGlu
from workloads.transformer.layer import Layer
from workloads.transformer.linear import Linear, dense_weight
from workloads.transformer.norms import RmsNorm
from workloads.transformer.rotary import Rotary
from workloads.transformer.step import Step


def norm_of(fields: LanguageModelFields, step: Step, name: str) -> RmsNorm:
    """Return a norm over states; of sliced ones, its mean is over as many as there were."""
    mean_over, scaled = fields.hidden, not fields.turned
    return RmsNorm(step, name, fields.norm_epsilon, mean_over=mean_over, scaled=scaled)


def block_of(
    fields: LanguageModelFields, step: Step, name: str, layer: int | None, *, caches: bool = True
) -> PreNormBlock:
    """Return a block with the sizes of a layer, or without one those of the model as it was."""
    return _Parts(fields, step, name, "" if layer is None else str(layer), caches).block()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a block is made of."""

    fields: LanguageModelFields
    step: Step
    name: str
    layer: str
    caches: bool

    def block(self) -> PreNormBlock:
        name = self.name
        block = PreNormBlock(
            self.step,
            name,
            self._attention(),
            norm_of(self.fields, self.step, f"{name}.attention_norm"),
            self._feed_forward(),
            norm_of(self.fields, self.step, f"{name}.feed_forward_norm"),
        )
        if self.fields.turned:
            block.turns = (
                self._matrix(f"{name}.attention_turn", "e", "x"),
                self._matrix(f"{name}.output_turn", "e", "x"),
            )
        return block

    def _matrix(self, name: str, inputs: str, outputs: str) -> Layer:
        """One matrix."""
        fields = self.fields
        if not fields.weight_format:
            return Linear(self.step, name, dense_weight(inputs, outputs), "t", bias=False)
        return QuantisedLinear(
            self.step,
            name,
            inputs,
            outputs,
            rows="t",
            number_format=formats.parse(fields.weight_format),
            apart=fields.dequantise == "apart",
        )

    def _linear(self, name: str, inputs: str, outputs: str) -> Layer:
        """One linear layer: a matrix, or two thin ones."""
        name = f"{self.name}.{name}"
        if not self.fields.factorised:
            return self._matrix(name, inputs, outputs)
        sizes = self.step.builder.sizes
        one, other = sizes[inputs], sizes[outputs]
        inner = f"rank_{one}_{other}"
        sizes[inner] = self.fields.factor_rank(one, other)
        parts = (("left", inputs, inner), ("right", inner, outputs))
        return Series([self._matrix(f"{name}.{part}", *sides) for part, *sides in parts])

    def _attention(self) -> SelfAttention:
        fields, step, name = self.fields, self.step, self.name
        shared = fields.kv_heads < fields.heads
        value = f"v{self.layer}" if self.layer else "d"
        return SelfAttention(
            self._linear("query", "e", "f"),
            self._linear("key", "e", "g"),
            self._linear("value", "e", f"g{self.layer}"),
            self._linear("projection", f"f{self.layer}", "e"),
            Attention(
                step,
                f"{name}.attention",
                "inner_product",
                shared=shared,
                causal=fields.step == "prefill",
                value=value,
                by_head=self.caches,
            ),
            (
                Rotary(step, f"{name}.query.turned", "h r" if shared else "h"),
                Rotary(step, f"{name}.key.turned", "h"),
            ),
            self._cache(value) if self.caches else None,
        )

    def _cache(self, value: str) -> Cache:
        kind = FilledCache if self.fields.step == "prefill" else ExtendedCache
        return kind(self.step, f"{self.name}.cache", value)

    def _feed_forward(self) -> SwiGlu:
        channels = f"w{self.layer}"
        return SwiGlu(
            self.step,
            f"{self.name}.feed_forward.active",
            self._linear("feed_forward.gate", "e", channels),
            self._linear("feed_forward.in", "e", channels),
            self._linear("feed_forward.out", channels, "e"),
            f"t {channels}",
        )
