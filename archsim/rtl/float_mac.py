"""A generator of floating-point multiply-accumulate units: ``a b + c``, rounded once.

IEEE formats: infinity and NaN, ties to even. ``subnormals=False`` reads numbers below the
normal ones as zero and returns zero for results that round below them, as accelerators often do.
"""

from archsim.formats import FloatFormat, Specials
from archsim.rtl.circuit import Cat, Circuit, Const, Module, Mux, Signal, Value, Wires, signed
from archsim.rtl.fused_core import Operand, fused


def float_mac(number_format: FloatFormat, *, subnormals: bool = True) -> Circuit:
    """Return a unit with inputs ``a``, ``b``, ``c`` and output ``y``.

    Raises:
        ValueError: for a format whose last exponent is not kept for infinity and NaN.
    """
    if number_format.specials is not Specials.IEEE:
        raise ValueError(
            f"a float unit takes formats with IEEE's infinity, not {number_format.name}"
        )
    exponent_bits, mantissa_bits = number_format.exponent_bits, number_format.mantissa_bits
    module = Module()
    inputs = {name: Signal(number_format.bits, name=name) for name in ("a", "b", "c")}
    output = Signal(number_format.bits, name="y")
    wires = Wires(module)
    operands = {
        name: _decoded(wires, name, word, number_format, subnormals)
        for name, word in inputs.items()
    }
    exact, opposite = fused(wires, **operands)
    body = _encoded(wires, exact, number_format, subnormals)
    a, b, c = (_Kind(word, operands[name], mantissa_bits) for name, word in inputs.items())
    infinite_product = (a.infinite & b.some) | (b.infinite & a.some)
    nan = wires.named(
        "nan",
        a.nan | b.nan | c.nan
        | (a.infinite & ~b.some) | (b.infinite & ~a.some)
        | (infinite_product & c.infinite & opposite),
    )  # fmt: skip
    some = exact.significand.any()
    # An exact zero is positive, unless both of its terms were negative zeros.
    product_negative = operands["a"].negative ^ operands["b"].negative
    terms_are_zero = ~(a.some & b.some) & ~c.some
    zero_negative = Mux(terms_are_zero, product_negative & operands["c"].negative, 0)
    infinite = wires.named("infinite", infinite_product | c.infinite)
    infinity_negative = Mux(infinite_product, product_negative, operands["c"].negative)
    negative = Mux(infinite, infinity_negative, Mux(some, exact.negative, zero_negative))
    infinity = number_format.largest_code + 1
    quiet = infinity | 1 << (mantissa_bits - 1)
    finite = Mux(infinite, infinity, Mux(some, body, 0))
    width = exponent_bits + mantissa_bits
    result = Cat(Mux(nan, quiet, finite)[:width], negative & ~nan)
    module.d.comb += output.eq(result)
    flushed = "" if subnormals else "_flushed"
    return Circuit(
        name=f"float_mac_{exponent_bits}_{mantissa_bits}{flushed}",
        module=module,
        inputs=inputs,
        output=output,
    )


class _Kind:
    """What an operand is, apart from a finite number."""

    def __init__(self, word: Signal, operand: Operand, mantissa_bits: int) -> None:
        last = word[mantissa_bits:-1].all()
        self.infinite = last & ~word[:mantissa_bits].any()
        self.nan = last & word[:mantissa_bits].any()
        self.some = operand.significand.any()


def _decoded(
    wires: Wires, name: str, word: Signal, number_format: FloatFormat, subnormals: bool
) -> Operand:
    mantissa_bits, bias = number_format.mantissa_bits, number_format.bias
    exponent = word[mantissa_bits:-1]
    mantissa = word[:mantissa_bits]
    normal = wires.named(f"{name}_normal", exponent.any())
    scale = wires.named(f"{name}_unshifted", Cat(exponent, Const(0, 1)).as_signed() - bias)
    if not subnormals:
        kept = Cat(mantissa & Cat(*[normal] * mantissa_bits), normal)
        return Operand(
            negative=word[-1],
            scale=scale,
            significand=wires.named(f"{name}_significand", kept),
        )
    # A subnormal number's leading one is brought to the top as a normal one's is.
    zeros = wires.leading_zeros(f"{name}_zeros", mantissa)
    shifted = wires.shifted_left(f"{name}_normalised", mantissa, zeros)
    significand = Mux(normal, Cat(mantissa, Const(1, 1)), Cat(Const(0, 1), shifted))
    return Operand(
        negative=word[-1],
        scale=wires.named(f"{name}_scale", Mux(normal, scale, -bias - zeros)),
        significand=wires.named(f"{name}_significand", significand),
    )


def _encoded(wires: Wires, exact: Operand, number_format: FloatFormat, subnormals: bool) -> Signal:
    """Return exponent and mantissa of a magnitude above zero."""
    mantissa_bits = number_format.mantissa_bits
    smallest = number_format.smallest_exponent
    significand: Value = exact.significand
    scale = exact.scale
    # How far below the smallest normal number the leading one stands.
    short = wires.named("short", smallest - scale)
    lost: Value = Const(0, 1)
    if subnormals:
        bits = len(significand).bit_length()
        within = wires.named("below_normal", ~short[-1] & short.any())
        far = wires.named("far_below", short[bits:-1].any() & within)
        amount = wires.named("denormalise", Mux(within, short[:bits], 0))
        shifted, off = wires.shifted_right("denormalised", significand, amount, Const(0, 1))
        significand = wires.named("placed", Mux(far, 0, shifted))
        lost = wires.named("denormal_lost", off | (far & exact.significand.any()))
        scale = wires.named("placed_scale", Mux(within, Const(smallest, signed(len(scale))), scale))
    below = len(significand) - 1 - mantissa_bits
    half = significand[below - 1]
    sticky = wires.named("sticky", lost | significand[: below - 1].any())
    field = wires.named("field", scale - smallest + significand[-1])
    joined = Cat(significand[below:-1], field)
    up = wires.named("up", half & (sticky | significand[below]))
    rounded = wires.named("rounded", (joined.as_signed() + up)[: len(joined)])
    reached = wires.named("reached", rounded[mantissa_bits:].as_signed())
    infinity = number_format.largest_code + 1
    over = wires.named("beyond", reached >= (1 << number_format.exponent_bits) - 1)
    width = number_format.exponent_bits + mantissa_bits
    body = Mux(over, infinity, rounded[:width])
    if not subnormals:
        body = Mux(reached < 1, 0, body)
    return wires.named("body", body[:width])
