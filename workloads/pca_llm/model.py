"""A language model put together from its fields, out of the layers of transformers.

Indices are those of the transformer's layers; where layers differ in size, a layer's number
follows: g features of all values, f of what is mixed from them, v of one value, w channels.
"""

from archsim import formats
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.tensor import Role, TensorSpec
from workloads.pca_llm.fields import LanguageModelFields
from workloads.pca_llm.matrices import LastTokens, QuantisedLinear, Series
from workloads.transformer.attention import Attention, SelfAttention
from workloads.transformer.block import PreNormBlock
from workloads.transformer.cache import ExtendedCache, FilledCache
from workloads.transformer.embedding import DenseTable
from workloads.transformer.feed_forward import SwiGlu
from workloads.transformer.layer import Layer
from workloads.transformer.linear import Linear, dense_weight
from workloads.transformer.norms import RmsNorm
from workloads.transformer.rotary import Rotary, rotation_tensor
from workloads.transformer.step import Step


class Model:
    """Table of words, blocks, and logits of each sequence's next word."""

    def __init__(self, fields: LanguageModelFields) -> None:
        self.fields = fields
        name = f"language model, {fields.step}, {fields.variant}"
        builder = GraphBuilder(name, _sizes(fields), formats.parse(fields.number_format))
        self.step = Step(builder, None, {})
        self.step.data = _data(fields, self.step)
        self.table = DenseTable(self.step, "embedding", fields.vocabulary)
        self.blocks = [self._block(number) for number in range(fields.layers)]
        self.head = self._head()

    def graph(self) -> OperationGraph:
        """Lower the step; the last output are the logits, (batch, vocabulary)."""
        x = self.table.forward(self.step.data["tokens"])
        for block in self.blocks:
            x = block.forward(x)
        logits = self.head.forward(x)
        self.step.builder.output(logits)
        return self.step.builder.graph()

    def _norm(self, name: str) -> RmsNorm:
        fields = self.fields
        return RmsNorm(
            self.step, name, fields.norm_epsilon, mean_over=fields.hidden, scaled=not fields.turned
        )

    def _matrix(self, name: str, inputs: str, outputs: str) -> Layer:
        """One matrix of a block."""
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
        """One linear layer of a block: a matrix, or two thin ones."""
        if not self.fields.factorised:
            return self._matrix(name, inputs, outputs)
        sizes = self.step.builder.sizes
        one, other = sizes[inputs], sizes[outputs]
        inner = f"rank_{one}_{other}"
        sizes[inner] = self.fields.factor_rank(one, other)
        parts = (("left", inputs, inner), ("right", inner, outputs))
        return Series([self._matrix(f"{name}.{part}", *sides) for part, *sides in parts])

    def _block(self, number: int) -> PreNormBlock:
        name = f"layer{number}"
        block = PreNormBlock(
            self.step,
            name,
            self._attention(name, number),
            self._norm(f"{name}.attention_norm"),
            self._feed_forward(name, number),
            self._norm(f"{name}.feed_forward_norm"),
        )
        if self.fields.turned:
            block.turns = (
                self._matrix(f"{name}.attention_turn", "e", "x"),
                self._matrix(f"{name}.output_turn", "e", "x"),
            )
        return block

    def _attention(self, name: str, number: int) -> SelfAttention:
        fields, step = self.fields, self.step
        shared, value = fields.kv_heads < fields.heads, f"v{number}"
        cache = FilledCache if fields.step == "prefill" else ExtendedCache
        return SelfAttention(
            self._linear(f"{name}.query", "e", "f"),
            self._linear(f"{name}.key", "e", "g"),
            self._linear(f"{name}.value", "e", f"g{number}"),
            self._linear(f"{name}.projection", f"f{number}", "e"),
            Attention(
                step,
                f"{name}.attention",
                "inner_product",
                shared=shared,
                causal=fields.step == "prefill",
                value=value,
                by_head=True,
            ),
            (
                Rotary(step, f"{name}.query.turned", "h r" if shared else "h"),
                Rotary(step, f"{name}.key.turned", "h"),
            ),
            cache(step, f"{name}.cache", value),
        )

    def _feed_forward(self, name: str, number: int) -> SwiGlu:
        channels = f"w{number}"
        return SwiGlu(
            self.step,
            f"{name}.feed_forward.active",
            self._linear(f"{name}.feed_forward.gate", "e", channels),
            self._linear(f"{name}.feed_forward.in", "e", channels),
            self._linear(f"{name}.feed_forward.out", channels, "e"),
            f"t {channels}",
        )

    def _head(self) -> Layer:
        words = Linear(self.step, "classifier", dense_weight("e", "c"), "b", bias=False)
        last = [LastTokens(self.step)] if self.fields.step == "prefill" else []
        return Series([self._norm("head.norm"), *last, words])


def _sizes(fields: LanguageModelFields) -> dict[str, int]:
    """Return the extents of all indices but those of factors."""
    new = fields.sequence if fields.step == "prefill" else 1
    sizes = {
        "t": fields.batch * new,
        "b": fields.batch,
        "s": new,
        "q": new,
        "k": fields.sequence,
        "h": fields.kv_heads,
        "r": fields.heads // fields.kv_heads,
        "d": fields.head_size,
        "u": 2,
        "v": 2,
        "p": fields.head_size // 2,
        "e": fields.width,
        "x": fields.width,
        "f": fields.hidden,
        "g": fields.kv_heads * fields.head_size,
        "c": fields.vocabulary,
    }
    for number, (value, channels) in enumerate(fields.widths):
        sizes |= {
            f"v{number}": value,
            f"g{number}": fields.kv_heads * value,
            f"f{number}": fields.heads * value,
            f"w{number}": channels,
        }
    return sizes


def _data(fields: LanguageModelFields, step: Step) -> dict[str, TensorSpec]:
    """Describe what a step reads beside parameters and cache."""
    builder, whole = step.builder, formats.parse("int32")
    shapes = {"tokens": builder.sizes["t"]}
    if fields.step == "prefill":
        shapes |= {"positions": fields.sequence, "last_tokens": fields.batch}
    else:
        shapes["cache_rows"] = fields.batch * fields.kv_heads
    found = {
        name: builder.tensor(name, (count,), Role.DATA, whole) for name, count in shapes.items()
    }
    return found | {"rotation": rotation_tensor(step)}
