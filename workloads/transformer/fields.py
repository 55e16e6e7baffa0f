"""The parameters of a transformer: what a configuration may say, checked, and what follows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, get_args

from archsim.contraction import (
    HARDWARE_ORDERS,
    CoreNetwork,
    FixedOrder,
    HardwareOrder,
    SearchedOrder,
    factorise,
)
from archsim.ir.graph import OperationGraph
from workloads.tensor_layers import PAIRED, WeightKind, core_network
from workloads.transformer.activations import ActivationKind
from workloads.transformer.attention import SoftmaxBackward
from workloads.transformer.checks import (
    check_betas,
    check_known,
    check_limits,
    check_number_format,
    check_positive,
    check_within,
    check_words,
)
from workloads.transformer.norms import NormKind
from workloads.transformer.optimizer import OptimizerName

Part = Literal["query", "key", "value", "projection", "gate", "feed_in", "feed_out", "head"]
"""The linear layers of a block, and those of the head."""
IN_BLOCKS: tuple[Part, ...] = get_args(Part)[:-1]
Mode = Literal["inference", "training"]
FeedForwardKind = Literal[ActivationKind, "swiglu"]
NormPlace = Literal["before", "after"]
PositionKind = Literal["learned", "rotary", "none"]
InputKind = Literal["tokens", "patches", "states"]
HeadKind = Literal["none", "pooler", "classifier", "pooled_classifier", "tokens"]
Order = Literal[FixedOrder, SearchedOrder, HardwareOrder]
LinearKind = Literal["dense", WeightKind]

LIMITS = {
    "batch": 1 << 16,
    "sequence": 1 << 20,
    "layers": 1 << 10,
    "hidden": 1 << 20,
    "heads": 1 << 20,
    "feed_width": 1 << 22,
    "vocabulary": 1 << 31,
    "max_positions": 1 << 24,
    "image": 1 << 16,
    "patch": 1 << 16,
    "channels": 1 << 10,
    "classes": 1 << 24,
}
"""The largest values accepted: beyond them a number is a slip, not a model."""


WORDS: Mapping[str, Any] = {
    "mode": Mode,
    "feed_forward": FeedForwardKind,
    "norm": NormKind,
    "norm_place": NormPlace,
    "positions": PositionKind,
    "input": InputKind,
    "head": HeadKind,
    "linear": LinearKind,
    "order": Order,
    "softmax_backward": SoftmaxBackward,
    "optimizer": OptimizerName,
}
"""The fields that are words, and what each may say."""


def block_sides(*, hidden: int, keys: int, wide: int) -> dict[Part, tuple[int, int]]:
    """Return the features in and out of each linear layer of a block.

    ``keys`` are those of all heads of keys together, ``wide`` those inside the feed-forward net.
    """
    return {
        "query": (hidden, hidden),
        "key": (hidden, keys),
        "value": (hidden, keys),
        "projection": (hidden, hidden),
        "gate": (hidden, wide),
        "feed_in": (hidden, wide),
        "feed_out": (wide, hidden),
    }


@dataclass(frozen=True, kw_only=True)
class TransformerFields(ABC):
    """What makes one transformer differ from another."""

    mode: Mode = "inference"
    """``inference``: the forward pass. ``training``: also every gradient, and the update."""
    batch: int = 1
    """Sequences or images per step."""
    sequence: int = 128
    """Tokens of a sequence; of an image one more than it has patches."""
    layers: int = 12
    """Blocks of attention and feed-forward net."""
    hidden: int = 768
    """Features of a token."""
    heads: int = 12
    """Heads of queries."""
    kv_heads: int = 0
    """Heads of keys and values, each shared by equally many of queries; 0 for as many."""
    feed_forward: FeedForwardKind = "gelu"
    """``gelu``, ``relu``: a function between two linear layers. ``swiglu``: three, one a gate."""
    feed_width: int = 3072
    """Features between the feed-forward net's linear layers."""
    norm: NormKind = "layer_norm"
    """``layer_norm`` has a bias and takes off the mean, ``rms_norm`` neither."""
    norm_place: NormPlace = "after"
    """Before each net, and once more before the head; or after each residual, and once
    after the embedding of tokens."""
    norm_epsilon: float = 1e-12
    """Added to the variance, or the mean square."""
    causal: bool = False
    """Whether no token sees a later one. Masked scores are computed all the same."""
    positions: PositionKind = "learned"
    """Rows added by the embedding, queries and keys turned in each block, or nothing."""
    max_positions: int = 512
    """Rows of the table of learned positions."""
    rotary_base: float = 10000.0
    """Pair p of d / 2 turns by base^(-2 p / d) for each position."""
    biases: tuple[Part, ...] = get_args(Part)
    """Linear layers with a bias; patches have one always."""
    input: InputKind = "tokens"
    """Word numbers, images, or the states of tokens ``X``: blocks without an embedding."""
    vocabulary: int = 30522
    """Words, where the input or the head is tokens."""
    segments: int = 2
    """Kinds of segment rows, where the input is tokens; 0 for none."""
    image: int = 224
    """Pixels along each side of an image."""
    patch: int = 16
    """Pixels along each side of a patch."""
    channels: int = 3
    """Numbers of a pixel."""
    head: HeadKind = "pooler"
    """``none``: the states; ``pooler``: a linear layer and tanh on each first token;
    ``classifier``: a linear layer on each first token, or (``pooled_classifier``) on the
    pooler's result; ``tokens``: logits of all words for every token. Training without a
    classifier takes the result's gradient ``dY`` as data."""
    classes: int = 1000
    """What a classifier tells apart."""
    linear: LinearKind = "dense"
    """How the weights of linear layers are held."""
    tensorised: tuple[Part, ...] = IN_BLOCKS
    """The linear layers that are held so; the others are dense."""
    modes: tuple[tuple[int, ...], ...] = ()
    """Ways to split features: inputs take the one whose product they are, outputs too but
    in reverse. Without any, three factors as even as can be, the largest first."""
    rank: int = 12
    """Of every bond between two cores."""
    order: Order = "shared_optimal"
    """How cores are contracted; the last four depend on the machine, and suit training."""
    softmax_backward: SoftmaxBackward = "inner_product"
    """A row's derivative as one number for all its entries, or (``jacobian``) as the matrix."""
    optimizer: OptimizerName = "sgd"
    """Of all parameters alike."""
    learning_rate: float = 1e-3
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    number_format: str = "fp32"

    @abstractmethod
    def lower(self) -> OperationGraph:
        """Return the graph of one step."""

    def __post_init__(self) -> None:
        self._check_words()
        check_limits(self, LIMITS)
        check_within("segments", self.segments, 0, 1 << 16)
        for name in ("learning_rate", "norm_epsilon", "adam_epsilon", "rotary_base"):
            check_positive(name, getattr(self, name))
        check_betas(adam_beta1=self.adam_beta1, adam_beta2=self.adam_beta2)
        check_number_format(self.number_format)
        self._check_heads()
        self._check_sequence()
        if self.linear != "dense":
            self._check_cores()

    def _check_words(self) -> None:
        check_words(self, WORDS)
        for name in ("biases", "tensorised"):
            for part in getattr(self, name):
                check_known(name, part, get_args(Part))

    def _check_heads(self) -> None:
        if self.hidden % self.heads:
            raise ValueError(f"heads: {self.heads} heads do not divide hidden {self.hidden}")
        check_within("kv_heads", self.kv_heads, 0, self.heads)
        if self.heads % self.key_heads:
            raise ValueError(
                f"kv_heads: {self.kv_heads} heads of keys and values do not divide "
                f"{self.heads} heads of queries"
            )
        if self.positions == "rotary" and self.head_size % 2:
            raise ValueError(
                f"positions: rotary turns pairs of features, a head has {self.head_size}"
            )

    def _check_sequence(self) -> None:
        if self.input == "patches":
            if self.positions != "learned":
                raise ValueError(f"positions: those of images are learned, got {self.positions!r}")
            if self.image % self.patch:
                raise ValueError(
                    f"patch: {self.patch} pixels do not divide the image's {self.image}"
                )
            if self.sequence != self.patches + 1:
                raise ValueError(
                    f"sequence: must be {self.patches + 1}, the {self.patches} patches of an "
                    f"image of {self.image} x {self.image} pixels and one more, "
                    f"got {self.sequence}"
                )
        learned = self.positions == "learned" and self.input != "states"
        if learned and self.sequence > self.max_positions:
            raise ValueError(
                f"sequence: {self.sequence} tokens are more than the {self.max_positions} "
                "learned positions (max_positions)"
            )

    def _check_cores(self) -> None:
        sides = dict(self._sides())
        if not sides:
            raise ValueError(f"tensorised: names no layer to hold as {self.linear}")
        features = sorted({size for pair in sides.values() for size in pair})
        for modes in self.modes:
            shown = " x ".join(map(str, modes)) or "()"
            if not modes or min(modes) < 1:
                raise ValueError(f"modes: every mode must be >= 1, got {shown}")
            if prod(modes) not in features:
                raise ValueError(
                    f"modes: {shown} make {prod(modes)}, tensorised layers have "
                    f"{', '.join(map(str, features))} features"
                )
        if not 1 <= self.rank <= features[0]:
            raise ValueError(
                f"rank: must be in [1, {features[0]}], the fewest features of a tensorised "
                f"layer, got {self.rank}"
            )
        for name, (inputs, outputs) in sides.items():
            counts = len(self._modes_of(inputs)), len(self._modes_of(outputs))
            if self.linear in PAIRED and counts[0] != counts[1]:
                raise ValueError(
                    f"modes: {self.linear} pairs input with output modes, but the {inputs} "
                    f"inputs of {name} have {counts[0]} and its {outputs} outputs {counts[1]}"
                )
        self._check_order()

    def _check_order(self) -> None:
        if self.linear in PAIRED and self.order == "bidirectional":
            raise ValueError(
                f"order: a core of a {self.linear} carries input and output modes, so there are "
                "no two halves to contract; choose another order, e.g. shared_optimal"
            )
        if self.mode == "inference" and self.order in HARDWARE_ORDERS:
            raise ValueError(
                f"order: {self.order!r} is searched for steps of training; for inference choose "
                "another order, e.g. optimal"
            )

    @property
    def key_heads(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads

    @property
    def head_size(self) -> int:
        """Features of a head."""
        return self.hidden // self.heads

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return (self.image // self.patch) ** 2

    @property
    def logits(self) -> int:
        """Classes that the head tells apart; 0 where it has no classifier."""
        if self.head == "tokens":
            return self.vocabulary
        return self.classes if self.head in ("classifier", "pooled_classifier") else 0

    @property
    def pools(self) -> bool:
        """Whether there is a pooler."""
        return self.head in ("pooler", "pooled_classifier")

    @property
    def trains(self) -> bool:
        """Whether gradients follow the forward pass."""
        return self.mode == "training"

    def weight(self, part: Part, inputs: int, outputs: int) -> CoreNetwork | None:
        """Return the cores of a part's weight; None where it is dense."""
        if self.linear == "dense" or part not in self.tensorised:
            return None
        in_modes, out_modes = self._modes_of(inputs), self._modes_of(outputs)
        return core_network(self.linear, in_modes, out_modes[::-1], self.rank)

    def _sides(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Input and output features of every tensorised layer."""
        hidden, keys = self.hidden, self.key_heads * self.head_size
        sides = block_sides(hidden=hidden, keys=keys, wide=self.feed_width)
        for part in self.tensorised:
            if part in sides and (part != "gate" or self.feed_forward == "swiglu"):
                yield part, sides[part]
        if "head" in self.tensorised and self.pools:
            yield "pooler", (hidden, hidden)
        if "head" in self.tensorised and self.logits:
            yield "classifier", (hidden, self.logits)

    def _modes_of(self, features: int) -> tuple[int, ...]:
        if self.modes:
            for modes in self.modes:
                if prod(modes) == features:
                    return modes
            raise ValueError(
                f"modes: none of {', '.join(' x '.join(map(str, m)) for m in self.modes)} "
                f"make {features}, the features of a tensorised layer"
            )
        try:
            return factorise(features, 3)[::-1]
        except ValueError as error:
            raise ValueError(f"modes: give some; {error}") from error
