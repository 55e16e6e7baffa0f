"""A U-Net put together from its fields: the layers, on a graph builder of their own.

Layers are named as in the published checkpoints, so that adapters can be asked for by name.
"""

from dataclasses import dataclass
from itertools import chain

from archsim import formats
from archsim.errors import did_you_mean
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.lora_diffusion.adapter import Projection
from workloads.lora_diffusion.feature_maps import Conv, Upsample
from workloads.lora_diffusion.fields import UNetFields
from workloads.lora_diffusion.lora_linear import QUANTIZERS
from workloads.lora_diffusion.residual_block import NormedConv, ResidualBlock
from workloads.lora_diffusion.spatial_transformer import SpatialTransformer, TransformerBlock
from workloads.transformer.activations import Silu
from workloads.transformer.optimizer import Optimizer
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape


@dataclass(frozen=True)
class Stage:
    """A residual block, and the attention behind it if there is any."""

    residual: ResidualBlock
    attention: SpatialTransformer | None

    def apply(self, tape: Tape, x: TensorSpec, time: TensorSpec, context: TensorSpec) -> TensorSpec:
        """Return the stage's map."""
        x = self.residual.apply(tape, x, time)
        return self.attention.apply(tape, x, context) if self.attention else x


@dataclass(frozen=True)
class Level:
    """Stages at one size of the map, and what changes its size behind them."""

    stages: tuple[Stage, ...]
    resize: tuple[Conv | Upsample, ...]


class UNet:
    """A U-Net with adapters; its parameters are declared in the order of its layers.

    Raises:
        ValueError: for a target that no linear layer has, or a rank above a layer's width.
    """

    def __init__(self, fields: UNetFields, optimizer: Optimizer | None) -> None:
        self.fields = fields
        name = f"diffusion U-Net, {fields.mode}, LoRA rank {fields.lora_rank}"
        sizes = {"b": fields.batch, "s": fields.batch * fields.context_tokens}
        quantizer = QUANTIZERS[fields.quantizer]
        builder = GraphBuilder(name, sizes, formats.parse(fields.number_format), quantizer)
        self.step = Step(
            builder, optimizer, described(fields, builder), holds_orders=fields.hold_orders
        )
        self._linears: list[str] = []
        self._found: set[str] = set()
        first = fields.channels[0]
        self.time = self._embedding("time_embedding", first)
        self.added = (
            self._embedding("add_embedding", fields.added_width) if fields.added_width else None
        )
        self.conv_in = Conv(self.step, "conv_in", (fields.in_channels, first))
        self.skips = [first]
        self.down = [self._down(level) for level in range(len(fields.channels))]
        self.middle = self._middle()
        self.up = [self._up(level) for level in reversed(range(len(fields.channels)))]
        self.last = NormedConv(
            self._at(0, first),
            ("conv_norm_out", "conv_act", "conv_out"),
            fields.out_channels,
            fields.norm_epsilon,
        )
        self._check_targets()

    def graph(self) -> OperationGraph:
        """Lower the forward pass and, in training, the loss, the gradients and the updates."""
        builder, data = self.step.builder, self.step.data
        tape = Tape(self.step)
        noise = self._forward(tape)
        if not self.step.trains:
            builder.output(noise)
            return builder.graph()
        phase, count = Phase.FORWARD, noise.elements
        error = builder.pointwise("loss.error", phase, "a - b", noise, data["target"])
        squares = builder.pointwise("loss.squares", phase, "a * a", error)
        total = builder.sized(n=count).reduce("loss.sum", phase, "n ->", squares)
        builder.output(builder.pointwise("loss", phase, f"a / {count}", total))
        gradient = builder.pointwise("loss.gradient", Phase.BACKWARD, f"a * {2 / count!r}", error)
        tape.go_back(noise, gradient)
        return builder.graph()

    def _forward(self, tape: Tape) -> TensorSpec:
        data = self.step.data
        context, time = data["context"], self._embed(tape, self.time, data["time"])
        if self.added:
            more = self._embed(tape, self.added, data["added"])
            time = tape.add("time_embedding.sum", time, more)
        x = tape.apply(self.conv_in, data["latents"])
        skips = [x]
        for level in self.down:
            for stage in level.stages:
                x = stage.apply(tape, x, time, context)
                skips.append(x)
            for layer in level.resize:
                x = tape.apply(layer, x)
                skips.append(x)
        for stage in self.middle:
            x = stage.apply(tape, x, time, context)
        for level in self.up:
            for stage in level.stages:
                joined = tape.concatenate(f"{stage.residual.name}.input", x, skips.pop())
                x = stage.apply(tape, joined, time, context)
            for layer in level.resize:
                x = tape.apply(layer, x)
        return self.last.apply(tape, x)

    def _embedding(self, name: str, features: int) -> tuple[Projection, Silu, Projection]:
        width = self.fields.time_width
        return (
            self._linear(self.step, f"{name}.linear_1", "b", (features, width)),
            Silu(self.step.sized(w=width), f"{name}.act", "b w"),
            self._linear(self.step, f"{name}.linear_2", "b", (width, width)),
        )

    @staticmethod
    def _embed(
        tape: Tape, layers: tuple[Projection, Silu, Projection], x: TensorSpec
    ) -> TensorSpec:
        first, active, second = layers
        return second.apply(tape, tape.apply(active, first.apply(tape, x)))

    def _at(self, level: int, channels: int) -> Step:
        """The step at a level's size of the map, for so many channels."""
        fields = self.fields
        pixels = (fields.side >> level) ** 2
        heads = fields.heads[level]
        return self.step.sized(
            t=fields.batch * pixels,
            p=pixels,
            q=pixels,
            k=pixels,
            l=pixels,
            e=channels,
            g=fields.groups,
            c=channels // fields.groups,
            h=heads,
            d=max(1, channels // heads),
        )

    def _linear(
        self,
        step: Step,
        name: str,
        rows: str,
        features: tuple[int, int],
        *,
        bias: bool = True,
    ) -> Projection:
        fields, rank = self.fields, 0
        self._linears.append(name)
        for target in fields.lora_targets:
            if f".{name}".endswith(f".{target}"):
                self._found.add(target)
                rank = fields.lora_rank
        if rank > min(features):
            raise ValueError(
                f"lora_rank: must be in [1, {min(features)}], the width of {name}, got {rank}"
            )
        scaling = fields.lora_alpha / fields.lora_rank
        return Projection(step, name, rows, features, bias=bias, rank=rank, scaling=scaling)

    def _check_targets(self) -> None:
        if not self.fields.lora_targets:
            raise ValueError("lora_targets: name at least one linear layer")
        for target in self.fields.lora_targets:
            if target not in self._found:
                ends = [_ends(name) for name in self._linears]
                hint = did_you_mean(target, set(chain(*ends)), {shortest for *_, shortest in ends})
                raise ValueError(f"lora_targets: no linear layer is called {target!r}; {hint}")

    def _stage(self, name: str, number: int, level: int, taken: int, depth: int) -> Stage:
        fields, features = self.fields, self.fields.channels[level]
        step, made = self._at(level, taken), self._at(level, features)
        residual = f"{name}.resnets.{number}"
        projection = self._linear(
            self.step, f"{residual}.time_emb_proj", "b", (fields.time_width, features)
        )
        block = ResidualBlock(step, made, residual, projection, fields.norm_epsilon)
        if not depth:
            return Stage(block, None)
        attention = f"{name}.attentions.{number}"
        seen = made.sized(k=fields.context_tokens, l=fields.context_tokens)
        blocks = [
            TransformerBlock(
                made,
                seen,
                f"{attention}.transformer_blocks.{n}",
                self._linear,
                fields.context_width,
                fields.softmax_backward,
            )
            for n in range(depth)
        ]
        is_linear = fields.linear_projection
        return Stage(
            block,
            SpatialTransformer(made, attention, blocks, self._linear, is_linear=is_linear),
        )

    def _down(self, level: int) -> Level:
        fields, name = self.fields, f"down_blocks.{level}"
        features = fields.channels[level]
        taken, stages = self.skips[-1], []
        for number in range(fields.layers):
            stages.append(self._stage(name, number, level, taken, fields.depths[level]))
            taken = features
            self.skips.append(features)
        if level + 1 == len(fields.channels):
            return Level(tuple(stages), ())
        self.skips.append(features)
        step = self._at(level, features)
        conv = Conv(step, f"{name}.downsamplers.0.conv", (features, features), stride=2)
        return Level(tuple(stages), (conv,))

    def _middle(self) -> tuple[Stage, ...]:
        fields, level = self.fields, len(self.fields.channels) - 1
        features = fields.channels[-1]
        return (
            self._stage("mid_block", 0, level, features, fields.middle_depth),
            self._stage("mid_block", 1, level, features, 0),
        )

    def _up(self, level: int) -> Level:
        fields = self.fields
        name, features = f"up_blocks.{len(fields.channels) - 1 - level}", fields.channels[level]
        below = fields.channels[min(level + 1, len(fields.channels) - 1)]
        stages = []
        for number in range(fields.layers + 1):
            taken = (features if number else below) + self.skips.pop()
            stages.append(self._stage(name, number, level, taken, fields.depths[level]))
        if level == 0:
            return Level(tuple(stages), ())
        side = fields.side >> level
        step = self._at(level - 1, features)
        larger = Upsample(step, f"{name}.upsamplers.0", (fields.batch, side, side, features))
        conv = Conv(step, f"{name}.upsamplers.0.conv", (features, features))
        return Level(tuple(stages), (larger, conv))


def data_shapes(fields: UNetFields) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that a step is handed, by name."""
    side, batch = fields.side, fields.batch
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (batch, side, side, fields.in_channels),
        "time": (batch, fields.channels[0]),
        "context": (batch * fields.context_tokens, fields.context_width),
    }
    if fields.added_width:
        shapes["added"] = (batch, fields.added_width)
    if fields.trains:
        shapes["target"] = (batch, side, side, fields.out_channels)
    return shapes


def described(fields: UNetFields, builder: GraphBuilder) -> dict[str, TensorSpec]:
    """Return the data that a step reads, by name."""
    shapes = data_shapes(fields)
    return {name: builder.tensor(name, shape, Role.DATA) for name, shape in shapes.items()}


def _ends(name: str) -> list[str]:
    """Return the ends of a layer's name that begin with a word, the longest first."""
    parts = name.split(".")
    return [".".join(parts[n:]) for n, part in enumerate(parts) if not part.isdigit()]
