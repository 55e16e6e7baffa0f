"""The workload: one frozen linear layer with an adapter, trained one step."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from archsim import formats
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.quantizer import Quantizer
from archsim.ir.tensor import Role
from archsim.ir.workload import WORKLOADS
from workloads.lora_diffusion.adapter import Projection
from workloads.transformer.checks import (
    check_known,
    check_number_format,
    check_positive,
    check_within,
)
from workloads.transformer.optimizer import Optimizer, Sgd
from workloads.transformer.step import Parameter, Step
from workloads.transformer.tape import Tape
from workloads.transformer.trained import TrainedModel

QuantizerName = Literal["none", "absmax", "pow2"]
QUANTIZERS: Mapping[QuantizerName, Quantizer | None] = {
    "none": None,
    "absmax": Quantizer("absmax"),
    "pow2": Quantizer("pow2"),
}
MOST = 1 << 24
"""Beyond this a number is a slip, not a layer."""


@WORKLOADS.register("lora_linear")
@dataclass(frozen=True, kw_only=True)
class LoraLinear(TrainedModel):
    """``y = x W + s (x A) B``: forward, the gradients of x, A and B, and their update.

    The defaults are a projection of the widest attention of Stable Diffusion v1.5.

    Source: Hu et al., "LoRA: Low-rank adaptation of large language models" (2021).
    """

    tokens: int = 4096
    """Rows of x."""
    features_in: int = 320
    features_out: int = 320
    rank: int = 4
    """Columns of A, rows of B."""
    alpha: float = 4.0
    """The scaling s is alpha / rank."""
    quantizer: QuantizerName = "none"
    """Whether products are of int8 numbers: with scales ``max |x| / 127``, or powers of two."""
    learning_rate: float = 1e-4
    number_format: str = "fp32"
    """Of what is not quantised."""

    def __post_init__(self) -> None:
        for name in ("tokens", "features_in", "features_out"):
            check_within(name, getattr(self, name), 1, MOST)
        check_within("rank", self.rank, 1, min(self.features_in, self.features_out))
        check_positive("alpha", self.alpha)
        check_positive("learning_rate", self.learning_rate)
        check_known("quantizer", self.quantizer, tuple(QUANTIZERS))
        check_number_format(self.number_format)

    @property
    def update_rule(self) -> Optimizer:
        """Plain gradient descent."""
        return Sgd(learning_rate=self.learning_rate)

    def lower(self) -> OperationGraph:
        """Return the graph of one step.

        Inputs: ``x``, ``dY``, and parameters, of which ``layer.weight`` is whole numbers with
        ``layer.weight.scale`` where there is a quantizer. Results: ``layer.lora.output``;
        ``X.gradient``, ``layer.lora.A.gradient``, ``layer.lora.B.gradient``.
        """
        step, layer = self._layer()
        builder = step.builder
        x, dy = (
            builder.tensor(name, (self.tokens, features), Role.DATA)
            for name, features in (("X", self.features_in), ("dY", self.features_out))
        )
        tape = Tape(step)
        tape.want(x)
        y = layer.apply(tape, x)
        builder.output(y)
        builder.output(*tape.go_back(y, dy).values())
        return builder.graph()

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The frozen weight and the adapter."""
        return self._layer()[0].parameters

    def _layer(self) -> tuple[Step, Projection]:
        number_format = formats.parse(self.number_format)
        builder = GraphBuilder(
            "LoRA linear", {"t": self.tokens}, number_format, QUANTIZERS[self.quantizer]
        )
        step = Step(builder, self.update_rule, {})
        layer = Projection(
            step,
            "layer",
            "t",
            (self.features_in, self.features_out),
            bias=False,
            rank=self.rank,
            scaling=self.alpha / self.rank,
        )
        return step, layer
