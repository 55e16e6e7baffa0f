"""A language model put together from its fields: table of words, blocks, logits."""

from archsim import formats
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.tensor import Role, TensorSpec
from workloads.pca_llm.blocks import block_of, norm_of
from workloads.pca_llm.fields import LanguageModelFields
from workloads.pca_llm.matrices import LastTokens, Series
from workloads.transformer.embedding import DenseTable
from workloads.transformer.layer import Layer
from workloads.transformer.linear import Linear, dense_weight
from workloads.transformer.rotary import rotation_tensor
from workloads.transformer.step import Step


class Model:
    """Table of words, blocks, and logits of each sequence's next word."""

    def __init__(self, fields: LanguageModelFields) -> None:
        self.fields = fields
        name = f"language model, {fields.step}, {fields.variant}"
        builder = GraphBuilder(name, indices(fields), formats.parse(fields.number_format))
        self.step = Step(builder, None, {})
        self.step.data = _data(fields, self.step)
        self.table = DenseTable(self.step, "embedding", fields.vocabulary)
        self.blocks = [
            block_of(fields, self.step, f"layer{number}", number) for number in range(fields.layers)
        ]
        self.head = self._head()

    def graph(self) -> OperationGraph:
        """Lower the step; the last output are the logits, (batch, vocabulary)."""
        x = self.table.forward(self.step.data["tokens"])
        for block in self.blocks:
            x = block.forward(x)
        logits = self.head.forward(x)
        self.step.builder.output(logits)
        return self.step.builder.graph()

    def _head(self) -> Layer:
        words = Linear(self.step, "classifier", dense_weight("e", "c"), "b", bias=False)
        last = [LastTokens(self.step)] if self.fields.step == "prefill" else []
        return Series([norm_of(self.fields, self.step, "head.norm"), *last, words])


def indices(fields: LanguageModelFields) -> dict[str, int]:
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
