"""A tensor as whole numbers times a scale, made by operations of a graph."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.ir.indexed import Reduction
from archsim.ir.operation import Phase
from archsim.ir.quantizer import Quantizer
from archsim.ir.tensor import TensorSpec

if TYPE_CHECKING:
    from archsim.ir.builder import GraphBuilder


@dataclass(frozen=True, slots=True)
class Quantized:
    """Whole numbers, and the tensor of one number that each of them is multiplied with."""

    values: TensorSpec
    scale: TensorSpec


def quantize(
    builder: "GraphBuilder", quantizer: Quantizer, tensor: TensorSpec, phase: Phase
) -> Quantized:
    """Append what turns a tensor ``x`` into ``x.quantized``: a magnitude, a scale, a rounding."""
    name = tensor.name
    top = builder.add(
        Reduction(
            name=f"{name}.magnitude",
            phase=phase,
            inputs=(tensor,),
            outputs=(builder.tensor(f"{name}.magnitude", ()),),
            equation="n ->",
            sizes={"n": tensor.elements},
            function="magnitude",
        )
    )
    scale = by = builder.pointwise(f"{name}.scale", phase, quantizer.scale_formula, top)
    if not quantizer.divides:
        by = builder.pointwise(f"{name}.inverse_scale", phase, "1 / a", scale)
    values = builder.pointwise(
        f"{name}.quantized", phase, quantizer.formula, tensor, by, number_format=quantizer.format
    )
    return Quantized(values, scale)
