"""The embedding of images: a row for each square patch, a row of its own before them, positions.

Source: Dosovitskiy et al., "An image is worth 16 x 16 words" (2020), eq. 1.
"""

from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.embedding import DEVIATION, Positions
from workloads.transformer.linear import Linear, dense_weight
from workloads.transformer.step import Step

PIXELS = ("ch", "py", "px")
"""Indices of a patch's numbers: channel, row, column."""


class PatchEmbedding:
    """``x = [class row; patches W + bias] + positions``, for each image.

    Patches do not overlap, so that the convolution is a product with permuted pixels. The
    image is (batch, channels, height, width); sizes hold the patches' rows y and columns z,
    a patch's ``PIXELS`` and their product ``pixels``, and all patches m.
    """

    def __init__(self, step: Step, positions: Positions) -> None:
        self.step, self.positions = step, positions
        self.patches = Linear(step, "embedding.patches", dense_weight("pixels", "e"), "m")
        features = (step.builder.sizes["e"],)
        self.first = step.parameter("embedding.class", features, deviation=DEVIATION)

    def forward(self) -> TensorSpec:
        """Return the tokens, (tokens, hidden): positions, with class row and patches added on."""
        b, data, phase, sizes = self.step.builder, self.step.data, self.step.phase, self.step.sizes
        channel, row, column = PIXELS
        flat = b.permute(
            "embedding.pixels",
            phase,
            ("b", channel, "y", row, "z", column),
            ("b", "y", "z", *PIXELS),
            data["images"],
            shape=(sizes["m"], sizes["pixels"]),
        )
        patches = self.patches.forward(flat)
        shape = (sizes["t"], sizes["e"])
        rows = b.elementwise(
            "embedding.rows", phase, "s e -> b s e", "a", self.positions.forward(), shape=shape
        )
        first = b.elementwise("embedding.class.rows", phase, "e -> b e", "a", self.first)
        begun = b.scatter_add("embedding.begun", phase, rows, data["first_tokens"], first)
        return b.scatter_add("embedding.sum", phase, begun, data["patch_places"], patches)

    def backward(self, dy: TensorSpec) -> None:
        """Update positions, class row and patches; pixels have no gradient."""
        b, data, sizes = self.step.builder, self.step.data, self.step.sizes
        phase = Phase.WEIGHT_GRADIENT
        self.positions.backward(dy)
        shape = (sizes["b"], sizes["e"])
        firsts = b.gather("embedding.class.rows.gradient", phase, dy, data["first_tokens"], shape)
        gradient = b.reduce(
            f"{self.first.name}.gradient", phase, "b e -> e", firsts, role=Role.GRADIENT
        )
        self.step.update(self.first, gradient)
        shape = (sizes["m"], sizes["e"])
        places = data["patch_places"]
        patches = b.gather("embedding.patches.output.gradient", phase, dy, places, shape)
        self.patches.end(patches)
