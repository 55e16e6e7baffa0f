"""Rotary positions: features of queries and keys turned by angles that grow with the position.

Source: Su et al., "RoFormer: Enhanced transformer with rotary position embedding" (2021),
eq. 15; feature n of a head is paired with feature n + d / 2, as in the published weights of
the Llama models.
"""

import numpy as np

from archsim.ir.operation import Array, Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step


class Rotary(Layer):
    """``y_u = sum over v of R_uv x_v``, for each token and pair of features (x_0, x_1).

    R holds a 2 x 2 rotation for every position and pair, the tensor ``rotation`` of shape
    (positions, 2, 2, d / 2). ``heads`` are the indices of the heads of x.
    """

    def __init__(self, step: Step, name: str, heads: str) -> None:
        self.step, self.name = step, name
        self.one, self.other = f"b s {heads} u p", f"b s {heads} v p"
        self.both = f"b s {heads} u v p"

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the turned x."""
        return self._turn(x, self.name, self.step.phase, self.other, self.one)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Turn back: a rotation's transpose is its inverse."""
        name = f"{self.name}.input.gradient"
        return self._turn(dy, name, Phase.BACKWARD, self.one, self.other)

    def _turn(self, x: TensorSpec, name: str, phase: Phase, given: str, wanted: str) -> TensorSpec:
        builder, rotation = self.step.builder, self.step.data["rotation"]
        equation = f"{given}, s u v p -> {self.both}"
        terms = builder.elementwise(f"{name}.terms", phase, equation, "a * b", x, rotation)
        return builder.reduce(name, phase, f"{self.both} -> {wanted}", terms, shape=x.shape)


def rotations(positions: Array, head_size: int, base: float) -> Array:
    """Return the rotation of each position: by ``position base^(-2 p / d)`` for pair p."""
    pairs = head_size // 2
    angles = positions[:, None] * base ** (-np.arange(pairs) / pairs)
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.stack([cosine, -sine, sine, cosine], axis=1).reshape(len(positions), 2, 2, pairs)


def rotation_tensor(step: Step) -> TensorSpec:
    """Describe the rotations as data of a step: sizes s and d are known."""
    sizes = step.builder.sizes
    return step.builder.tensor("rotation", (sizes["s"], 2, 2, sizes["d"] // 2), Role.DATA)
