"""Which number format each tensor of a training step is kept in, and from when on."""

from dataclasses import dataclass, replace

from workloads.posit_training.rounding import Scaling


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Formats by role. The loss, biases and the optimiser's momentum stay in fp32."""

    name: str
    forward: str = "fp32"
    """Activations and weights of convolutions and dense layers."""
    backward: str = "fp32"
    """Gradients of activations and of weights."""
    normalised_forward: str = "fp32"
    """What batch normalisation returns."""
    normalised_backward: str = "fp32"
    """The gradient that batch normalisation passes back."""
    kept: str = "fp32"
    """Weights between steps, to which updates are added."""
    scaling: Scaling = Scaling.NONE
    warm_up: int = 0
    """Epochs in fp32 before the formats above come into force."""

    def __post_init__(self) -> None:
        if self.warm_up < 0:
            raise ValueError(f"warm_up must be >= 0 epochs, got {self.warm_up}")


FP32 = Recipe(name="fp32")

POSIT16 = Recipe(
    name="posit16",
    forward="posit(16,1)",
    backward="posit(16,2)",
    normalised_forward="posit(16,1)",
    normalised_backward="posit(16,2)",
    kept="posit(16,1)",
    scaling=Scaling.CENTRE,
    warm_up=1,
)
"""The paper's for ImageNet; that weights are kept in (16,1) is assumed."""

POSIT8 = Recipe(
    name="posit8",
    forward="posit(8,1)",
    backward="posit(8,2)",
    normalised_forward="posit(16,1)",
    normalised_backward="posit(16,2)",
    scaling=Scaling.CENTRE,
    warm_up=1,
)
"""The paper's for CIFAR-10; that weights are kept in fp32 between steps is assumed."""

FP8 = Recipe(
    name="fp8",
    forward="fp8_e4m3",
    backward="fp8_e5m2",
    normalised_forward="fp16",
    normalised_backward="fp16",
    scaling=Scaling.LARGEST,
    warm_up=1,
)
"""E4M3 forward and E5M2 backward, each tensor scaled by its largest element."""

INT8 = replace(FP8, name="int8", forward="int8", backward="int8")
"""Symmetric integers, each tensor scaled by its largest element."""

RECIPES = (
    FP32,
    POSIT16,
    replace(POSIT16, name="posit16, neither", scaling=Scaling.NONE, warm_up=0),
    POSIT8,
    replace(POSIT8, name="posit8, no warm-up", warm_up=0),
    replace(POSIT8, name="posit8, no scaling", scaling=Scaling.NONE),
    replace(POSIT8, name="posit8, neither", scaling=Scaling.NONE, warm_up=0),
    replace(POSIT8, name="posit8, weights kept in posit16", kept="posit(16,1)"),
    replace(POSIT8, name="posit8, weights kept in posit8", kept="posit(8,1)"),
    replace(POSIT8, name="posit8, backward (8,1)", backward="posit(8,1)"),
    replace(
        POSIT8,
        name="posit8, backward (8,1), neither",
        backward="posit(8,1)",
        scaling=Scaling.NONE,
        warm_up=0,
    ),
    FP8,
    replace(FP8, name="fp8, neither", scaling=Scaling.NONE, warm_up=0),
    INT8,
)
"""What the study compares: the paper's recipes, each without its parts, and other formats.

"Neither" is without warm-up and without scaling. Integers always need a scale.
"""
