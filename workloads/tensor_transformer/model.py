"""The workload: a transformer for intents and slots, compressed or dense, trained one step."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from archsim import formats
from archsim.contraction import LayerSearch, tensor_train
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.tensor import Role, TensorSpec
from archsim.ir.workload import WORKLOADS
from workloads.tensor_layers import Flow
from workloads.tensor_transformer.encoder import encoder
from workloads.tensor_transformer.heads import Heads
from workloads.transformer.activations import ActivationKind
from workloads.transformer.attention import SoftmaxBackward
from workloads.transformer.checks import (
    check_betas,
    check_limits,
    check_number_format,
    check_positive,
    check_within,
    check_words,
)
from workloads.transformer.embedding import (
    DenseTable,
    Positions,
    Table,
    TensorTrainTable,
    TokenEmbedding,
)
from workloads.transformer.linear import WeightFormat, dense_weight
from workloads.transformer.norms import layer_norm
from workloads.transformer.optimizer import Optimizer, OptimizerName, named_optimizer
from workloads.transformer.step import Parameter, Step
from workloads.transformer.trained import TrainedModel

LIMITS = {
    "encoders": 256,
    "hidden": 1 << 20,
    "heads": 1 << 20,
    "sequence": 1 << 16,
    "batch": 1 << 16,
    "vocabulary": 1 << 31,
    "intents": 1 << 20,
    "slots": 1 << 20,
}
"""The largest values accepted: beyond them a number is a slip, not a model."""
WORDS: dict[str, Any] = {
    "flow": Flow,
    "activation": ActivationKind,
    "softmax_backward": SoftmaxBackward,
    "optimizer": OptimizerName,
}
"""The fields that are words, and what each may say."""


@WORKLOADS.register("tensor_transformer")
@dataclass(frozen=True, kw_only=True)
class TensorTransformer(TrainedModel):
    """One training step of a transformer whose weights are tensor trains.

    The defaults are the two-encoder model for ATIS (air travel requests of 32 tokens).
    Beyond the compressed matrices it holds 32 position rows, 26 + 120 classifier rows
    and their biases, the biases of both heads, and the embedding's layer norm; ATIS
    utterances are single sentences, so there are no segment rows.

    Source: Tian et al., "Ultra memory-efficient on-FPGA training of transformers via
    tensor-compressed optimization" (2025), with its authors' code.
    """

    encoders: int = 2
    hidden: int = 768
    """Features of a token."""
    heads: int = 12
    sequence: int = 32
    """Tokens of an utterance."""
    batch: int = 1
    """Utterances per step."""
    tt_modes: tuple[tuple[int, ...], tuple[int, ...]] | tuple[int, ...] = (
        (12, 8, 8),
        (8, 8, 12),
    )
    """Input and output modes of every hidden x hidden matrix. One list is mirrored, or cut in
    the middle where all of it makes hidden x hidden."""
    tt_rank: int = 12
    """Of every bond between two cores."""
    flow: Flow = "bidirectional"
    """How the matrices are held and contracted: ``dense``, or cores in this order; the last
    four depend on the machine."""
    vocabulary: int = 1000
    ttm_modes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    """Token and feature modes of the embedding; without them, the matrices' input modes and
    as many nearly equal token modes as just cover the vocabulary."""
    ttm_rank: int = 30
    segments: int = 0
    """Kinds of segment rows; 0 for single sentences."""
    intents: int = 26
    slots: int = 120
    activation: ActivationKind = "gelu"
    softmax_backward: SoftmaxBackward = "jacobian"
    """``jacobian`` as in the authors' kernel; ``inner_product`` costs less."""
    layer_norm_epsilon: float = 1e-5
    optimizer: OptimizerName = "sgd"
    learning_rate: float = 1e-3
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    number_format: str = "fp32"

    def __post_init__(self) -> None:
        check_words(self, WORDS)
        check_limits(self, LIMITS)
        check_within("segments", self.segments, 0, 1 << 16)
        check_within("tt_rank", self.tt_rank, 1, self.hidden)
        check_within("ttm_rank", self.ttm_rank, 1, self.hidden)
        if self.hidden % self.heads:
            raise ValueError(f"heads: {self.heads} heads do not divide hidden {self.hidden}")
        if self.flow != "dense":
            self._check_modes()
        for name in ("learning_rate", "layer_norm_epsilon", "adam_epsilon"):
            check_positive(name, getattr(self, name))
        check_betas(adam_beta1=self.adam_beta1, adam_beta2=self.adam_beta2)
        check_number_format(self.number_format)

    def _check_modes(self) -> None:
        for side, modes in zip(("input", "output"), self.modes, strict=True):
            _factorise("tt_modes", side, modes, self.hidden)
        tokens, features = self.embedding_modes
        _factorise("ttm_modes", "feature", features, self.hidden)
        if len(tokens) != len(features):
            raise ValueError(
                f"ttm_modes: {len(tokens)} token modes do not pair with "
                f"{len(features)} feature modes"
            )
        if min(tokens) < 1 or prod(tokens) < self.vocabulary:
            raise ValueError(
                f"ttm_modes: token modes {_product(tokens)} make {prod(tokens)} rows, "
                f"vocabulary is {self.vocabulary}"
            )

    @property
    def modes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Input and output modes of every hidden x hidden matrix.

        Raises:
            ValueError: if ``tt_modes`` is neither one list of numbers nor two.
        """
        numbers = tuple(mode for mode in self.tt_modes if isinstance(mode, int))
        lists = tuple(tuple(modes) for modes in self.tt_modes if not isinstance(modes, int))
        if numbers and not lists:
            middle = len(numbers) // 2
            if prod(numbers) == self.hidden**2 and len(numbers) % 2 == 0:
                return numbers[:middle], numbers[middle:]
            return numbers, numbers[::-1]
        if len(lists) == 2 and not numbers:
            return lists[0], lists[1]
        raise ValueError(f"tt_modes: expected one list of modes or two, got {self.tt_modes}")

    @property
    def embedding_modes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token and feature modes of the embedding's TTM cores."""
        if self.ttm_modes is not None:
            return self.ttm_modes
        features = self.modes[0]
        return _covering(self.vocabulary, len(features)), features

    def lower(self) -> OperationGraph:
        """Return the graph of one training step.

        Inputs: data, parameters and optimiser state; each parameter and state ``x`` is
        overwritten by ``x.updated``. ``loss`` is the loss before the update, and
        ``x.gradient`` the gradient of parameter x.

        Raises:
            InputError: for a flow that depends on the machine; see :meth:`lower_for`.
        """
        return self._lower(None)

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the graph of one training step, in orders that suit a machine."""
        return self._lower(machine)

    def _lower(self, machine: LayerSearch | None) -> OperationGraph:
        model = _Model(self, machine)
        model.run()
        return model.step.builder.graph()

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every trained tensor by name."""
        return _Model(self).step.parameters

    @property
    def dense_parameter_bytes(self) -> int:
        """Bytes that the same model takes uncompressed."""
        return replace(self, flow="dense").parameter_bytes

    @property
    def update_rule(self) -> Optimizer:
        """The optimiser."""
        rates = self.learning_rate, self.adam_beta1, self.adam_beta2, self.adam_epsilon
        return named_optimizer(self.optimizer, *rates)

    def step_inputs(
        self,
        tokens: ArrayLike,
        intents: ArrayLike,
        slots: ArrayLike,
        *,
        segments: ArrayLike | None = None,
        step: int = 1,
    ) -> dict[str, Array]:
        """Return the data of step 1, 2, …: tokens and slots (batch, sequence), intents (batch)."""
        count = self.batch * self.sequence
        data = {
            "tokens": np.asarray(tokens).reshape(count),
            "first_tokens": np.arange(self.batch) * self.sequence,
            "intent_targets": np.eye(self.intents)[np.asarray(intents).reshape(self.batch)],
            "slot_targets": np.eye(self.slots)[np.asarray(slots).reshape(count)],
        }
        if self.segments:
            kinds = np.zeros(count) if segments is None else np.asarray(segments)
            data["segments"] = kinds.reshape(count)
        return data | {
            name: np.asarray(value) for name, value in self.update_rule.scalars(step).items()
        }

    def random_batch(self, rng: np.random.Generator, *, step: int = 1) -> dict[str, Array]:
        """Return data drawn uniformly."""
        shape = (self.batch, self.sequence)
        return self.step_inputs(
            rng.integers(self.vocabulary, size=shape),
            rng.integers(self.intents, size=self.batch),
            rng.integers(self.slots, size=shape),
            segments=rng.integers(self.segments, size=shape) if self.segments else None,
            step=step,
        )


class _Model:
    """The layers of a transformer, on a graph builder of their own."""

    def __init__(self, spec: TensorTransformer, machine: LayerSearch | None = None) -> None:
        sizes = {
            "t": spec.batch * spec.sequence,
            "b": spec.batch,
            **dict.fromkeys("sqkl", spec.sequence),
            "h": spec.heads,
            "d": spec.hidden // spec.heads,
            "e": spec.hidden,
            "f": spec.hidden,
            "n": spec.intents,
            "m": spec.slots,
        }
        name = f"tensor transformer, {spec.flow}"
        builder = GraphBuilder(name, sizes, formats.parse(spec.number_format))
        self.step = Step(builder, spec.update_rule, _data(builder, spec), machine)
        weight = _weight(spec, builder)
        self.embedding = _embedding(spec, self.step)
        self.encoders = [
            encoder(
                self.step,
                f"encoder{number}",
                weight,
                softmax_backward=spec.softmax_backward,
                function=spec.activation,
                epsilon=spec.layer_norm_epsilon,
            )
            for number in range(spec.encoders)
        ]
        self.heads = Heads(self.step, weight)

    def run(self) -> None:
        """Lower the forward pass, the backward pass and the updates."""
        x = self.embedding.forward()
        for block in self.encoders:
            x = block.forward(x)
        loss = self.heads.forward(x)
        self.step.builder.output(loss)
        self.step.number = loss
        dx = self.heads.backward()
        for block in reversed(self.encoders):
            dx = block.backward(dx)
        self.embedding.backward(dx)


def _data(builder: GraphBuilder, spec: TensorTransformer) -> dict[str, TensorSpec]:
    whole = formats.parse("int32")
    tokens = spec.batch * spec.sequence
    return {
        "tokens": builder.tensor("tokens", (tokens,), Role.DATA, whole),
        "segments": builder.tensor("segments", (tokens,), Role.DATA, whole),
        "first_tokens": builder.tensor("first_tokens", (spec.batch,), Role.DATA, whole),
        "intent_targets": builder.tensor("intent_targets", (spec.batch, spec.intents), Role.DATA),
        "slot_targets": builder.tensor("slot_targets", (tokens, spec.slots), Role.DATA),
    }


def _weight(spec: TensorTransformer, builder: GraphBuilder) -> WeightFormat:
    if spec.flow == "dense":
        return dense_weight("e", "f")
    inputs, outputs = spec.modes
    ranks = [spec.tt_rank] * (len(inputs) + len(outputs) - 1)
    network = tensor_train(inputs, outputs, ranks, inputs_first=True)
    ends = {"r0", f"r{len(network.cores)}"}
    builder.sizes.update(network.sizes)
    return WeightFormat(
        cores=tuple(tuple(i for i in core if i not in ends) for core in network.cores),
        inputs=tuple(f"i{n}" for n in range(len(inputs))),
        outputs=tuple(f"o{n}" for n in range(len(outputs))),
        order=spec.flow,
    )


def _embedding(spec: TensorTransformer, step: Step) -> TokenEmbedding:
    tokens = _table(spec, step)
    positions = Positions(step, "embedding.positions", spec.sequence)
    segments = DenseTable(step, "embedding.segment", spec.segments) if spec.segments else None
    norm = layer_norm(step, "embedding.norm", spec.layer_norm_epsilon, divides=True)
    return TokenEmbedding(step, tokens, positions, segments, norm)


def _table(spec: TensorTransformer, step: Step) -> Table:
    if spec.flow == "dense":
        return DenseTable(step, "embedding", spec.vocabulary)
    return TensorTrainTable(step, "embedding", *spec.embedding_modes, spec.ttm_rank)


def _product(modes: Sequence[int]) -> str:
    return " x ".join(map(str, modes)) or "()"


def _covering(extent: int, count: int) -> tuple[int, ...]:
    """Return nearly equal modes whose product is at least ``extent``, the larger ones first."""
    modes: list[int] = []
    for left in range(count, 0, -1):
        mode = next(m for m in itertools.count(1) if m**left >= extent)
        modes.append(mode)
        extent = -(-extent // mode)
    return tuple(modes)


def _factorise(name: str, side: str, modes: Sequence[int], whole: int) -> None:
    if not modes or min(modes) < 1:
        raise ValueError(f"{name}: every {side} mode must be >= 1, got {_product(modes)}")
    if prod(modes) != whole:
        raise ValueError(
            f"{name}: {side} modes {_product(modes)} make {prod(modes)}, hidden is {whole}"
        )
