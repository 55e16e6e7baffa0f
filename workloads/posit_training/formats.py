"""Number formats by a tensor's role, and the operations that bring a tensor into its format.

Products of a step are of *operands*: maps and kernels in the recipe's forward format, gradients
in its backward format. What lies between products is in the formats of normalisation.
"""

from dataclasses import dataclass

from archsim import formats
from archsim.formats import IntegerFormat, NumberFormat, Posit
from archsim.ir.builder import GraphBuilder
from archsim.ir.fused import summed
from archsim.ir.indexed import Reduction
from archsim.ir.operation import Phase
from archsim.ir.quantizer import LEAST, Quantizer
from archsim.ir.tensor import Role, TensorSpec
from workloads.posit_training.recipe import Recipe
from workloads.posit_training.rounding import MARGIN, largest

FP32 = formats.parse("fp32")


def converted(letter: str, source: NumberFormat, target: NumberFormat) -> str:
    """Return the formula that reads a number of one format in another.

    Posits of as many bits differ in where their exponent ends, which a decoder is told: they
    are read as they are.
    """
    if isinstance(source, Posit):
        if isinstance(target, Posit) and source.bits == target.bits:
            return letter
        letter = f"decode({letter})"
    return f"encode({letter})" if isinstance(target, Posit) else letter


@dataclass(frozen=True)
class Operand:
    """Numbers of a product, and what each of them is multiplied with, if with anything."""

    values: TensorSpec
    scale: TensorSpec | None


class Operands:
    """The operands of products, each made once for all who want it.

    With scales ``x = S P(x / S)``, as the numpy study has them: a product of two operands is
    multiplied with both scales again. ``held`` scales are handed in, as an earlier step left
    them; ``measured`` ones are found anew for each tensor in each step.
    """

    def __init__(self, builder: GraphBuilder, recipe: Recipe, scales: str) -> None:
        self.builder, self.scales = builder, scales
        self.forward, self.backward = formats.parse(recipe.forward), formats.parse(recipe.backward)
        self.held: list[TensorSpec] = []
        """Scales that are handed in."""
        self._made: dict[str, Operand] = {}

    def of(self, tensor: TensorSpec, phase: Phase) -> Operand:
        """Return a map or a kernel, or of the backward phase a gradient, as an operand."""
        target = self.backward if phase is Phase.BACKWARD else self.forward
        if tensor.format == target and self.scales == "none":
            return Operand(tensor, None)
        if tensor.name not in self._made:
            self._made[tensor.name] = self._make(tensor, target, phase)
        return self._made[tensor.name]

    def smallest(self, tensor: TensorSpec) -> TensorSpec:
        """Return what tells a tensor's signs in the fewest bits: its operand, if there is one."""
        made = self._made.get(tensor.name)
        return made.values if made and made.values.format.bits < tensor.format.bits else tensor

    def _make(self, tensor: TensorSpec, target: NumberFormat, phase: Phase) -> Operand:
        name, one = tensor.name, converted("a", tensor.format, target)
        if self.scales == "none":
            values = self.builder.pointwise(
                f"{name}.operand", phase, one, tensor, number_format=target
            )
            return Operand(values, None)
        with self.builder.in_format(FP32):
            scale = self._scale(tensor, target, phase)
            inverse = self.builder.pointwise(f"{name}.inverse_scale", phase, "1 / a", scale)
        formula = converted(f"{converted('a', tensor.format, FP32)} * b", FP32, target)
        if isinstance(target, IntegerFormat):
            formula = Quantizer("pow2").formula
        values = self.builder.pointwise(
            f"{name}.operand", phase, formula, tensor, inverse, number_format=target
        )
        return Operand(values, scale)

    def _scale(self, tensor: TensorSpec, target: NumberFormat, phase: Phase) -> TensorSpec:
        name = f"{tensor.name}.scale"
        if self.scales == "held":
            scale = self.builder.tensor(name, (), Role.STATE)
            self.held.append(scale)
            return scale
        if isinstance(target, Posit):
            return self._centre(tensor, target, phase)
        magnitude = f"{tensor.name}.magnitude"
        top = self.builder.add(
            Reduction(
                name=magnitude,
                phase=phase,
                inputs=(tensor,),
                outputs=(self.builder.tensor(magnitude, ()),),
                equation="n ->",
                sizes={"n": tensor.elements},
                function="magnitude",
            )
        )
        return self.builder.pointwise(
            name, phase, f"maximum(a, {LEAST!r}) / {largest(target)!r}", top
        )

    def _centre(self, tensor: TensorSpec, posit: Posit, phase: Phase) -> TensorSpec:
        """Append ``2**(round(mean(log2|x|)) + 2)`` over all but zeros, as the paper scales."""
        every = self.builder.sized(n=tensor.elements)
        one = converted("a", tensor.format, FP32)
        size = f"maximum({one}, -{one})"
        clipped = f"minimum(maximum(a, {posit.minpos!r}), {posit.maxpos!r})"
        logs = (size, f"greater(a, 0) * log2({clipped})")
        name = tensor.name
        total = summed(every, f"{name}.logarithms", phase, "n ->", logs, tensor)
        count = summed(every, f"{name}.some", phase, "n ->", (size, "greater(a, 0)"), tensor)
        formula = f"exp2(rint(a / maximum(b, 1)) + {MARGIN})"
        return self.builder.pointwise(f"{name}.scale", phase, formula, total, count)


def product_format(one: Operand, usual: NumberFormat) -> NumberFormat:
    """Return the format that sums of products are written in: whole numbers' are whole."""
    return formats.parse("int32") if isinstance(one.values.format, IntegerFormat) else usual


def rescaled(
    builder: GraphBuilder,
    product: TensorSpec,
    name: str,
    phase: Phase,
    one: Operand,
    other: Operand,
) -> TensorSpec:
    """Return a product of two operands as it is, or times both their scales."""
    if one.scale is None or other.scale is None:
        return product
    return builder.pointwise(
        name, phase, "a * (b * c)", product, one.scale, other.scale, role=product.role
    )
