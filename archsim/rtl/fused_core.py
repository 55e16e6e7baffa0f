"""What a posit's and a float's multiply-accumulate unit have in common: ``a b + c``, exactly.

Multiply, align, add, normalise, as in :mod:`archsim.rtl.posit_stages`; what decodes operands
and rounds the result is the format's own.
"""

from dataclasses import dataclass

from archsim.rtl.circuit import Cat, Const, Mux, Signal, Value, Wires
from archsim.rtl.posit_stages import GUARD


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A sign, a signed scale, and a significand whose top bit is one, or all of it zero."""

    negative: Value
    scale: Value
    significand: Value


def fused(wires: Wires, a: Operand, b: Operand, c: Operand) -> tuple[Operand, Signal]:
    """Return ``a b + c`` with its leading one at the top, and whether the terms' signs differ.

    The last bit of the significand stands for all that lies below it; an exact zero has a
    significand of zero and, where both terms are zero, the sign of ``c``.
    """
    fraction = len(a.significand) - 1
    width = 3 + 2 * fraction + GUARD
    product = wires.named("product", a.significand * b.significand)
    product_negative = wires.named("product_negative", a.negative ^ b.negative)
    product_scale = wires.named("product_scale", a.scale + b.scale)

    gap = wires.named("scale_gap", product_scale - c.scale)
    product_some = wires.named("product_some", a.significand.any() & b.significand.any())
    c_some = wires.named("c_some", c.significand.any())
    first = wires.named("product_first", ~c_some | (product_some & (gap > 0)))
    distance = wires.named("distance", abs(gap)[: len(gap) - 1])
    wide_product = Cat(Const(0, GUARD), product)
    wide_c = Cat(Const(0, fraction + GUARD), c.significand)
    wide = max(len(wide_product), len(wide_c))
    large = wires.named("large", Mux(first, wide_product, wide_c))
    small = wires.named("small_unshifted", Mux(first, wide_c, wide_product))
    needed = wide.bit_length()
    far = wires.named("far", distance[needed:].any())
    near, lost = wires.shifted_right("small_shifted", small, distance[:needed], Const(0, 1))
    jam = wires.named("jam", Mux(far, small.any(), near[0] | lost))
    small = wires.named("small", Cat(jam, Mux(far, 0, near[1:])))

    subtract = wires.named("subtract", product_negative ^ c.negative)
    flipped = small ^ Cat(*[subtract] * len(small))
    term = Cat(flipped, subtract, subtract)[: width + 1]
    total = wires.named("total", (large + term + subtract)[: width + 1])
    turned = wires.named("turned", total[width])
    magnitude = wires.negated_if("magnitude", turned, total[:width])

    zeros = wires.leading_zeros("zeros", magnitude)
    return Operand(
        negative=wires.named("negative", Mux(first, product_negative, c.negative) ^ turned),
        scale=wires.named("scale", Mux(first, product_scale, c.scale) + 2 - zeros),
        significand=wires.shifted_left("normalised", magnitude, zeros),
    ), subtract
