"""The parameters of a residual network's training step, checked, and what follows."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from archsim import formats
from archsim.formats import IntegerFormat
from archsim.ir.graph import OperationGraph
from workloads.posit_training.recipe import Recipe
from workloads.transformer.checks import (
    check_limits,
    check_number_format,
    check_positive,
    check_within,
    check_words,
)

Stem = Literal["imagenet", "cifar"]
Scales = Literal["none", "held", "measured"]
LIMITS = {"batch": 1 << 16, "image_size": 1 << 14, "width": 1 << 14, "classes": 1 << 20}
"""The largest values accepted: beyond them a number is a slip, not a network."""
WORDS: dict[str, Any] = {"stem": Stem, "scales": Scales}
"""The fields that are words, and what each may say."""
FORMATS = ("forward", "backward", "normalised_forward", "normalised_backward", "kept")


@dataclass(frozen=True, kw_only=True)
class ResidualNetworkFields(ABC):
    """What makes one residual network, and one way to train it, differ from another."""

    batch: int = 32
    """Images per step."""
    image_size: int = 224
    """Rows, and columns, of an image of three channels."""
    stem: Stem = "imagenet"
    """``imagenet``: a 7 x 7 convolution of stride 2 and a maximum over 3 x 3, stride 2;
    ``cifar``: a 3 x 3 convolution."""
    width: int = 64
    """Channels of the first stage; each later one has twice as many, and half the rows."""
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    """Blocks of two convolutions in each stage: 2, 2, 2, 2 is ResNet-18, 3, 4, 6, 3 ResNet-34."""
    classes: int = 1000
    forward: str = "fp32"
    """Format of the maps and kernels that are multiplied."""
    backward: str = "fp32"
    """Format of the gradients that they are multiplied with."""
    normalised_forward: str = "fp32"
    """Format of what products, normalisations, sums and pools make on the way forward."""
    normalised_backward: str = "fp32"
    """The same on the way back, and of the kernels' gradients."""
    kept: str = "fp32"
    """Format of the kernels between steps; all other parameters and the momentum are fp32."""
    scales: Scales = "none"
    """Whether what is multiplied is divided by a scale first: one that an earlier step left
    (``held``), or one found anew for each tensor in each step (``measured``): the paper's
    centre for posits, the largest magnitude for others."""
    learning_rate: float = 0.1
    momentum: float = 0.9

    @abstractmethod
    def lower(self) -> OperationGraph:
        """Return the graph of one step."""

    def __post_init__(self) -> None:
        check_words(self, WORDS)
        check_limits(self, LIMITS)
        check_positive("learning_rate", self.learning_rate)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: must be in [0, 1), got {self.momentum}")
        if not 1 <= len(self.blocks) <= 8:
            raise ValueError(f"blocks: must name 1 to 8 stages, got {len(self.blocks)}")
        for blocks in self.blocks:
            check_within("blocks", blocks, 1, 1 << 8)
        self._check_formats()
        self._check_size()

    def _check_formats(self) -> None:
        for field in FORMATS:
            check_number_format(getattr(self, field), field)
        for field in FORMATS:
            if not isinstance(formats.parse(getattr(self, field)), IntegerFormat):
                continue
            if field not in ("forward", "backward"):
                raise ValueError(
                    f"{field}: whole numbers have no fractions, so only forward and backward "
                    f"may be whole, got {getattr(self, field)}"
                )
            if self.scales == "none":
                raise ValueError(
                    f"scales: {field} is {getattr(self, field)}, and whole numbers need a scale: "
                    "held or measured"
                )

        one, other = formats.parse(self.forward), formats.parse(self.backward)
        if type(one) is not type(other) or one.bits != other.bits:
            raise ValueError(
                f"backward: {self.backward} and the forward format {self.forward} are multiplied "
                "with each other: they must be of one family and of as many bits"
            )

    def _check_size(self) -> None:
        multiple = 2 ** (len(self.blocks) - 1) * (4 if self.stem == "imagenet" else 1)
        if self.image_size % multiple:
            below = self.image_size // multiple * multiple
            near = f"{below} or {below + multiple}" if below else f"{multiple}"
            raise ValueError(
                f"image_size: must be a multiple of {multiple}, as often as the stem {self.stem!r} "
                f"and {len(self.blocks)} stages halve it, e.g. {near}, got {self.image_size}"
            )

    @property
    def recipe(self) -> Recipe:
        """The formats by role, as the numpy study has them."""
        chosen = {field: getattr(self, field) for field in FORMATS}
        return Recipe(name=self.forward, **chosen)
