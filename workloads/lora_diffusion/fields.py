"""The parameters of a diffusion U-Net and of its adapters, checked, and what follows."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from archsim.ir.graph import OperationGraph
from workloads.lora_diffusion.lora_linear import QuantizerName
from workloads.transformer.attention import SoftmaxBackward
from workloads.transformer.checks import (
    check_betas,
    check_limits,
    check_number_format,
    check_positive,
    check_within,
    check_words,
)
from workloads.transformer.optimizer import OptimizerName

Mode = Literal["inference", "training"]
LIMITS = {
    "batch": 1 << 16,
    "resolution": 1 << 16,
    "vae_factor": 1 << 10,
    "in_channels": 1 << 16,
    "out_channels": 1 << 16,
    "layers": 1 << 8,
    "context_tokens": 1 << 20,
    "context_width": 1 << 20,
    "groups": 1 << 16,
    "time_width": 1 << 20,
    "lora_rank": 1 << 20,
}
"""The largest values accepted: beyond them a number is a slip, not a model."""
WORDS: dict[str, Any] = {
    "mode": Mode,
    "quantizer": QuantizerName,
    "optimizer": OptimizerName,
    "softmax_backward": SoftmaxBackward,
}
"""The fields that are words, and what each may say."""


@dataclass(frozen=True, kw_only=True)
class UNetFields(ABC):
    """What makes one diffusion U-Net, and one way to fine-tune it, differ from another."""

    mode: Mode = "training"
    """``training``: also the gradients that adapters need, and their update."""
    batch: int = 1
    """Images per step."""
    resolution: int = 512
    """Pixels along each side of an image."""
    vae_factor: int = 8
    """Pixels of the image for one of the latent map that the U-Net works on, along a side."""
    in_channels: int = 4
    out_channels: int = 4
    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    """Of each level; from one to the next, rows and columns are halved."""
    layers: int = 2
    """Residual blocks of a level on the way down; there is one more on the way up."""
    depths: tuple[int, ...] = (1, 1, 1, 0)
    """Transformer blocks behind each residual block of a level; 0 for no attention."""
    middle_depth: int = 1
    """Transformer blocks between the two residual blocks of the middle."""
    heads: tuple[int, ...] = (8, 8, 8, 8)
    """Attention heads of each level; the middle has the last one's."""
    context_tokens: int = 77
    """Tokens of the text that attention looks at."""
    context_width: int = 768
    """Features of each."""
    linear_projection: bool = False
    """Whether linear layers, not convolutions of one pixel, stand around transformer blocks."""
    groups: int = 32
    """Groups of channels of a group norm."""
    norm_epsilon: float = 1e-5
    """Of group norms in residual blocks."""
    time_width: int = 1280
    """Features that the time step is embedded in."""
    added_width: int = 0
    """Features of what else conditions the time embedding (SDXL: pooled text, sizes); 0: none."""
    lora_rank: int = 4
    lora_alpha: float = 4.0
    """The adapters' products are scaled by alpha / rank."""
    lora_targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Linear layers with an adapter, by the last parts of their names."""
    quantizer: QuantizerName = "none"
    """Whether all products are of int8 numbers: with scales ``max |x| / 127``, or powers of
    two. Frozen weights are held so; the adapters' are quantised anew in each step."""
    hold_orders: bool = True
    """Whether frozen weights are held a second time, in the order that gradients want them in;
    otherwise they are permuted in each step."""
    softmax_backward: SoftmaxBackward = "inner_product"
    """A row's derivative as one number for all its entries, or (``jacobian``) as the matrix."""
    optimizer: OptimizerName = "adam"
    """Of the adapters."""
    learning_rate: float = 1e-4
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    number_format: str = "fp32"
    """Of what is not quantised."""

    @abstractmethod
    def lower(self) -> OperationGraph:
        """Return the graph of one step."""

    def __post_init__(self) -> None:
        check_words(self, WORDS)
        check_limits(self, LIMITS)
        check_within("middle_depth", self.middle_depth, 0, 1 << 8)
        check_within("added_width", self.added_width, 0, 1 << 20)
        for name in ("norm_epsilon", "lora_alpha", "learning_rate", "adam_epsilon"):
            check_positive(name, getattr(self, name))
        check_betas(adam_beta1=self.adam_beta1, adam_beta2=self.adam_beta2)
        check_number_format(self.number_format)
        self._check_levels()
        self._check_resolution()

    def _check_levels(self) -> None:
        if not self.channels:
            raise ValueError("channels: there must be at least one level")
        for name, least in {"channels": 1, "depths": 0, "heads": 1}.items():
            values = getattr(self, name)
            if len(values) != len(self.channels):
                raise ValueError(
                    f"{name}: {len(values)} values for the {len(self.channels)} levels of channels"
                )
            for value in values:
                check_within(name, value, least, 1 << 16)
        depths = (*self.depths[:-1], max(self.depths[-1], self.middle_depth))
        for channels, heads, depth in zip(self.channels, self.heads, depths, strict=True):
            if channels % self.groups:
                raise ValueError(f"groups: {self.groups} groups do not divide {channels} channels")
            if depth and channels % heads:
                raise ValueError(f"heads: {heads} heads do not divide {channels} channels")
        if self.channels[0] % 2:
            raise ValueError(
                f"channels: the first level's must be even, half for sines of the time step and "
                f"half for cosines, got {self.channels[0]}"
            )

    def _check_resolution(self) -> None:
        halvings = 2 ** (len(self.channels) - 1)
        multiple = self.vae_factor * halvings
        if self.resolution % multiple:
            below = self.resolution // multiple * multiple
            near = f"{below} or {below + multiple}" if below else f"{multiple}"
            raise ValueError(
                f"resolution: must be a multiple of {multiple} ({self.vae_factor} pixels of the "
                f"autoencoder x {halvings} of {len(self.channels) - 1} halvings), e.g. {near}, "
                f"got {self.resolution}"
            )

    @property
    def side(self) -> int:
        """Rows, and columns, of the latent map."""
        return self.resolution // self.vae_factor

    @property
    def trains(self) -> bool:
        """Whether gradients follow the forward pass."""
        return self.mode == "training"
