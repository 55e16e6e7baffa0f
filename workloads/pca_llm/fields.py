"""The parameters of a language model in use: what a configuration may say, and what follows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from archsim import formats
from archsim.formats import IntegerFormat
from archsim.ir.graph import OperationGraph
from workloads.pca_llm.checks import check_ratio
from workloads.pca_llm.importance import allocate_ranks, default_importance
from workloads.pca_llm.ranks import (
    Sides,
    factor_rank,
    flat_widths,
    inner_ratio,
    sliced_width,
)
from workloads.transformer.checks import (
    check_limits,
    check_number_format,
    check_positive,
    check_words,
)

Variant = Literal["dense", "flat", "svd", "slicegpt"]
StepKind = Literal["prefill", "decode"]
Dequantise = Literal["apart", "in_product"]

WORDS: Mapping[str, Any] = {"variant": Variant, "step": StepKind, "dequantise": Dequantise}
LIMITS = {
    "batch": 1 << 16,
    "sequence": 1 << 20,
    "layers": 1 << 10,
    "hidden": 1 << 20,
    "heads": 1 << 20,
    "kv_heads": 1 << 20,
    "feed_width": 1 << 22,
    "vocabulary": 1 << 31,
    "rank_multiple": 1 << 16,
}
"""The largest values accepted: beyond them a number is a slip, not a model."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelFields(ABC):
    """A decoder with grouped-query attention, rotary positions, RMSNorm and SwiGLU."""

    variant: Variant = "dense"
    """``dense``; ``flat``: narrower values and nets; ``svd``: two thin factors for each matrix;
    ``slicegpt``: narrower states, turned between nets."""
    step: StepKind = "prefill"
    """``prefill``: a prompt is read, and the first word after it told. ``decode``: one word
    more for each sequence."""
    batch: int = 1
    """Sequences."""
    sequence: int = 2048
    """Tokens of the prompt, or of those that a new one sees: the cached ones and itself."""
    layers: int = 32
    """Blocks of attention and feed-forward net."""
    hidden: int = 4096
    """Features of a token."""
    heads: int = 32
    """Heads of queries."""
    kv_heads: int = 32
    """Heads of keys and values, each shared by equally many of queries."""
    feed_width: int = 11008
    """Channels of the feed-forward net."""
    vocabulary: int = 32000
    """Words."""
    norm_epsilon: float = 1e-5
    """Added to the mean square."""
    rotary_base: float = 10000.0
    """Pair p of d / 2 turns by base^(-2 p / d) for each position."""
    ratio: float = 1.0
    """Share of the parameters of all blocks' matrices that a variant keeps."""
    importance: tuple[float, ...] = ()
    """Of each layer, for ``flat``: how far it turns its states. Without any, a U over the
    layers from 0.30 at both ends to 0.06 in the middle (assumed; the published range)."""
    rank_multiple: int = 1
    """Ranks and widths of compressed layers are rounded to the next multiple, halves up;
    at 1 they are rounded down. The papers do not round to the machine."""
    number_format: str = "fp16"
    """Of activations, caches and arithmetic."""
    weight_format: str = ""
    """Of matrices in blocks: none for ``number_format``, or whole numbers, e.g. ``int4``, with
    one scale for each output (assumed; finer groups add 16 bit for each)."""
    dequantise: Dequantise = "apart"
    """``apart``: an operation of its own writes each matrix in ``number_format``. ``in_product``:
    the product reads whole numbers, and scales its result (assumed to cost no more)."""

    @abstractmethod
    def lower(self) -> OperationGraph:
        """Return the graph of one step."""

    def __post_init__(self) -> None:
        check_words(self, WORDS)
        check_limits(self, LIMITS)
        for name in ("norm_epsilon", "rotary_base"):
            check_positive(name, getattr(self, name))
        check_number_format(self.number_format)
        self._check_weight_format()
        self._check_heads()
        check_ratio("ratio", self.ratio)
        if self.importance and len(self.importance) != self.layers:
            raise ValueError(
                f"importance: {len(self.importance)} numbers for {self.layers} layers, "
                "one for each or none"
            )
        if self.variant == "dense" and self.ratio != 1:
            raise ValueError(
                f"ratio: the dense variant keeps everything, got {self.ratio}; choose another "
                "variant, or a ratio of 1"
            )
        self.widths  # noqa: B018  (reading it is the check)

    def _check_weight_format(self) -> None:
        if not self.weight_format:
            return
        check_number_format(self.weight_format, "weight_format")
        if not isinstance(formats.parse(self.weight_format), IntegerFormat):
            raise ValueError(  # noqa: TRY004  (of a value that the user wrote)
                f"weight_format: scales need whole numbers, e.g. int8, got {self.weight_format!r}"
            )

    def _check_heads(self) -> None:
        if self.hidden % self.heads:
            raise ValueError(f"heads: {self.heads} heads do not divide hidden {self.hidden}")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"kv_heads: {self.kv_heads} heads of keys and values do not divide "
                f"{self.heads} heads of queries"
            )
        if self.head_size % 2:
            raise ValueError(
                f"heads: rotary positions turn pairs of features, a head has {self.head_size}"
            )

    @property
    def head_size(self) -> int:
        """Features of a head's queries and keys."""
        return self.hidden // self.heads

    @property
    def sides(self) -> Sides:
        """Sizes of a dense block."""
        return Sides(
            hidden=self.hidden,
            heads=self.heads,
            kv_heads=self.kv_heads,
            feed_width=self.feed_width,
        )

    @property
    def shares(self) -> tuple[float, ...]:
        """What each layer keeps of its values and channels; 1 but in the flat variant."""
        if self.variant != "flat":
            return (1.0,) * self.layers
        importance = self.importance or default_importance(self.layers)
        return tuple(map(float, allocate_ranks(importance, inner_ratio(self.sides, self.ratio))))

    @cached_property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Features of a head's values and channels of the net, for each layer.

        Raises:
            ValueError: for a ratio that leaves some layer, or factor, without rank.
        """
        if self.variant == "flat":
            importance = self.importance or default_importance(self.layers)
            return flat_widths(self.sides, self.ratio, importance, self.rank_multiple)
        if self.factorised:
            for inputs, outputs in self.sides.linears.values():
                self.factor_rank(inputs, outputs)
        return ((self.head_size, self.feed_width),) * self.layers

    @property
    def factorised(self) -> bool:
        """Whether matrices are two factors each."""
        return self.variant == "svd" and self.ratio < 1

    @property
    def turned(self) -> bool:
        """Whether residuals are sliced and turned."""
        return self.variant == "slicegpt" and self.ratio < 1

    def factor_rank(self, inputs: int, outputs: int) -> int:
        """Return the rank of a matrix's two factors."""
        return factor_rank(inputs, outputs, self.ratio, self.rank_multiple)

    @property
    def width(self) -> int:
        """Features of states between layers."""
        if not self.turned:
            return self.hidden
        return sliced_width(self.sides, self.ratio, self.rank_multiple)

    @property
    def block_parameters(self) -> tuple[int, ...]:
        """Numbers of the matrices of each block, as compressed."""
        found = []
        for value, channels in self.widths:
            keys, width = self.kv_heads * self.head_size, self.width
            sides = {
                "query": (width, self.hidden),
                "key": (width, keys),
                "value": (width, self.kv_heads * value),
                "projection": (self.heads * value, width),
                "gate": (width, channels),
                "feed_in": (width, channels),
                "feed_out": (channels, width),
            }
            each = [
                self.factor_rank(one, other) * (one + other) if self.factorised else one * other
                for one, other in sides.values()
            ]
            found.append(sum(each) + (2 * width * width if self.turned else 0))
        return tuple(found)

    @property
    def kept_parameters(self) -> float:
        """Share of the parameters of all blocks' matrices that are left."""
        return sum(self.block_parameters) / (self.layers * self.sides.parameters)

    @property
    def cache_bytes(self) -> int:
        """Bytes of the keys and values of all tokens."""
        features = sum(self.kv_heads * (self.head_size + value) for value, _ in self.widths)
        bits = formats.parse(self.number_format).bits
        return -(-self.batch * self.sequence * features * bits // 8)
