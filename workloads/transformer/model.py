"""A transformer put together from its fields: the layers, on a graph builder of their own."""

from math import prod

from archsim import formats
from archsim.contraction import LayerSearch
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from workloads.transformer.activations import Tanh, activation
from workloads.transformer.attention import Attention, SelfAttention
from workloads.transformer.block import Block, PostNormBlock, PreNormBlock
from workloads.transformer.data import described
from workloads.transformer.embedding import DenseTable, Positions, TokenEmbedding
from workloads.transformer.feed_forward import FeedForward, Plain, SwiGlu
from workloads.transformer.fields import Part, TransformerFields
from workloads.transformer.heads import CrossEntropy, FirstTokens, Head
from workloads.transformer.layer import Layer
from workloads.transformer.linear import Linear, WeightFormat, dense_weight
from workloads.transformer.norms import norm
from workloads.transformer.optimizer import Optimizer
from workloads.transformer.patches import PIXELS, PatchEmbedding
from workloads.transformer.rotary import Rotary
from workloads.transformer.step import Step


class Model:
    """The layers of a transformer, in the order of their parameters."""

    def __init__(
        self,
        fields: TransformerFields,
        optimizer: Optimizer | None,
        machine: LayerSearch | None = None,
    ) -> None:
        self.fields = fields
        name = f"transformer, {fields.mode}, {fields.linear}"
        builder = GraphBuilder(name, _sizes(fields), formats.parse(fields.number_format))
        self.step = Step(builder, optimizer, described(fields, builder), machine)
        self._weights: dict[tuple[int, int], WeightFormat] = {}
        self.embedding = self._embedding()
        self.blocks = [self._block(f"layer{number}") for number in range(fields.layers)]
        self.head = self._head()

    def graph(self) -> OperationGraph:
        """Lower the forward pass and, in training, the backward pass and the updates."""
        data, builder = self.step.data, self.step.builder
        x = self.embedding.forward() if self.embedding else data["X"]
        for block in self.blocks:
            x = block.forward(x)
        result = self.head.forward(x)
        builder.output(result)
        if self.step.trains:
            self.step.number = result if self.fields.logits else data.get("zero")
            self._go_back()
        return builder.graph()

    def _go_back(self) -> None:
        dx = self.head.backward()
        for block in reversed(self.blocks):
            dx = block.backward(dx)
        if self.embedding:
            self.embedding.backward(dx)
        else:
            self.step.builder.output(dx)

    def _embedding(self) -> TokenEmbedding | PatchEmbedding | None:
        fields, step = self.fields, self.step
        if fields.input == "states":
            return None
        if fields.input == "patches":
            return PatchEmbedding(step, self._positions())
        return TokenEmbedding(
            step,
            DenseTable(step, "embedding", fields.vocabulary),
            self._positions() if fields.positions == "learned" else None,
            DenseTable(step, "embedding.segment", fields.segments) if fields.segments else None,
            self._norm("embedding.norm") if fields.norm_place == "after" else None,
        )

    def _positions(self) -> Positions:
        return Positions(self.step, "embedding.positions", self.fields.max_positions)

    def _norm(self, name: str) -> Layer:
        return norm(self.step, self.fields.norm, name, self.fields.norm_epsilon)

    def _linear(self, name: str, part: Part, inputs: str, outputs: str, rows: str = "t") -> Linear:
        weight = self._weight(part, inputs, outputs)
        return Linear(self.step, name, weight, rows, bias=part in self.fields.biases)

    def _weight(self, part: Part, inputs: str, outputs: str) -> WeightFormat:
        """Return the format of a weight, made once for all of one shape."""
        sizes = self.step.builder.sizes
        network = self.fields.weight(part, sizes[inputs], sizes[outputs])
        if network is None:
            return dense_weight(inputs, outputs)
        shape = (sizes[inputs], sizes[outputs])
        if shape not in self._weights:
            # Cores of another shape have indices of the same names and other extents.
            names = {index: f"{index}_{len(self._weights)}" for index in network.sizes}
            sizes.update({names[index]: extent for index, extent in network.sizes.items()})
            self._weights[shape] = WeightFormat(
                cores=tuple(tuple(names[index] for index in core) for core in network.cores),
                inputs=tuple(names[index] for index in network.output if index[0] == "i"),
                outputs=tuple(names[index] for index in network.output if index[0] == "o"),
                order=self.fields.order,
            )
        return self._weights[shape]

    def _block(self, name: str) -> Block:
        kind = PreNormBlock if self.fields.norm_place == "before" else PostNormBlock
        second = "feed_forward_norm" if kind is PreNormBlock else "output_norm"
        return kind(
            self.step,
            name,
            self._attention(name),
            self._norm(f"{name}.attention_norm"),
            self._feed_forward(name),
            self._norm(f"{name}.{second}"),
        )

    def _attention(self, name: str) -> SelfAttention:
        fields, step = self.fields, self.step
        shared = fields.key_heads < fields.heads
        rotary = None
        if fields.positions == "rotary":
            queries = Rotary(step, f"{name}.query.turned", "h r" if shared else "h")
            rotary = queries, Rotary(step, f"{name}.key.turned", "h")
        return SelfAttention(
            self._linear(f"{name}.query", "query", "e", "f"),
            self._linear(f"{name}.key", "key", "e", "g"),
            self._linear(f"{name}.value", "value", "e", "g"),
            self._linear(f"{name}.projection", "projection", "f", "e"),
            Attention(
                step,
                f"{name}.attention",
                fields.softmax_backward,
                shared=shared,
                causal=fields.causal,
            ),
            rotary,
        )

    def _feed_forward(self, name: str) -> FeedForward:
        step, kind, active = self.step, self.fields.feed_forward, f"{name}.feed_forward.active"
        feed_in = self._linear(f"{name}.feed_forward.in", "feed_in", "e", "w")
        feed_out = self._linear(f"{name}.feed_forward.out", "feed_out", "w", "e")
        if kind == "swiglu":
            gate = self._linear(f"{name}.feed_forward.gate", "gate", "e", "w")
            return SwiGlu(step, active, gate, feed_in, feed_out, "t w")
        return Plain(feed_in, activation(step, kind, active, "t w"), feed_out)

    def _head(self) -> Head:
        """Return what follows the blocks; norms that stand before come once more before a head."""
        fields, step = self.fields, self.step
        layers: list[Layer] = []
        if fields.head != "none" and fields.norm_place == "before":
            layers.append(self._norm("head.norm"))
        rows = "t" if fields.head in ("none", "tokens") else "b"
        if rows == "b":
            layers.append(FirstTokens(step))
        if fields.pools:
            layers.append(self._linear("pooler", "head", "e", "f", rows))
            layers.append(Tanh(step, "pooler.active", "b e"))
        if not fields.logits:
            return Head(step, layers)
        classifier = self._linear("classifier", "head", "e", "c", rows)
        return Head(step, layers, classifier, CrossEntropy(step, rows, "c"))


def _sizes(fields: TransformerFields) -> dict[str, int]:
    """Return the extents of all indices but those of cores."""
    sizes = {
        "t": fields.batch * fields.sequence,
        "b": fields.batch,
        **dict.fromkeys("sqkl", fields.sequence),
        "h": fields.key_heads,
        "r": fields.heads // fields.key_heads,
        "d": fields.head_size,
        "e": fields.hidden,
        "f": fields.hidden,
        "g": fields.key_heads * fields.head_size,
        "w": fields.feed_width,
    }
    if fields.positions == "rotary":
        sizes |= {"u": 2, "v": 2, "p": fields.head_size // 2}
    if fields.logits:
        sizes["c"] = fields.logits
    if fields.input == "patches":
        side = fields.image // fields.patch
        extents = (fields.channels, fields.patch, fields.patch)
        sizes |= {"y": side, "z": side, "m": fields.batch * fields.patches}
        sizes |= {**dict(zip(PIXELS, extents, strict=True)), "pixels": prod(extents)}
    return sizes
