"""The residual block of a U-Net: two convolutions, and the time step's features between them."""

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.lora_diffusion.adapter import Projection
from workloads.lora_diffusion.feature_maps import Conv
from workloads.transformer.activations import Silu
from workloads.transformer.norms import group_norm
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape, Wants


class NormedConv:
    """``conv(silu(norm(x)))`` of a map whose channels are sizes g x c of the step, e in all."""

    def __init__(self, step: Step, names: tuple[str, str, str], features: int, epsilon: float):
        norm, active, conv = names
        self.norm = group_norm(step, norm, epsilon, trained=False)
        self.active = Silu(step, active, "b p e")
        self.conv = Conv(step, conv, (step.sizes["e"], features))

    def apply(self, tape: Tape, x: TensorSpec) -> TensorSpec:
        """Go through all three."""
        return tape.apply(self.conv, tape.apply(self.active, tape.apply(self.norm, x)))


class ResidualBlock:
    """``shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + project(silu(time)))))``.

    The shortcut is a convolution of one pixel where the number of channels changes.
    ``step`` and ``made`` know the map's sizes before and after: b images, p pixels, g x c = e
    channels.

    Source: Rombach et al., "High-resolution image synthesis with latent diffusion models"
    (2022), after Ho et al., "Denoising diffusion probabilistic models" (2020), appendix B.
    """

    def __init__(
        self, step: Step, made: Step, name: str, projection: Projection, epsilon: float
    ) -> None:
        self.step, self.name, self.projection = made, name, projection
        taken, features = step.sizes["e"], made.sizes["e"]
        self.first = NormedConv(
            step, (f"{name}.norm1", f"{name}.active1", f"{name}.conv1"), features, epsilon
        )
        self.time = Silu(step.sized(w=projection.features_in), f"{name}.time", "b w")
        self.second = NormedConv(
            made, (f"{name}.norm2", f"{name}.active2", f"{name}.conv2"), features, epsilon
        )
        self.shortcut = None
        if taken != features:
            self.shortcut = Conv(step, f"{name}.conv_shortcut", (taken, features), kernel=1)

    def apply(self, tape: Tape, x: TensorSpec, time: TensorSpec) -> TensorSpec:
        """Return the block's map; ``time`` is (images, width)."""
        y = self.first.apply(tape, x)
        moved = self._shift(tape, y, self.projection.apply(tape, tape.apply(self.time, time)))
        y = self.second.apply(tape, moved)
        kept = tape.apply(self.shortcut, x) if self.shortcut else x
        return tape.add(f"{self.name}.output", kept, y)

    def _shift(self, tape: Tape, y: TensorSpec, features: TensorSpec) -> TensorSpec:
        """Add an image's features to each of its pixels."""
        builder, name = self.step.builder, f"{self.name}.shifted"
        shifted = builder.elementwise(
            name, self.step.phase, "b p e, b e -> b p e", "a + b", y, features, shape=y.shape
        )

        def pullback(dy: TensorSpec, wants: Wants) -> tuple[TensorSpec | None, ...]:
            total = None
            if wants[1]:
                total = builder.reduce(f"{name}.time.gradient", Phase.BACKWARD, "b p e -> b e", dy)
            return dy, total

        return tape.record(shifted, (y, features), pullback)
