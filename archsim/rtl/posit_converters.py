"""Generators of what brings fp32 numbers into a posit's format and back, rounded once."""

from archsim.formats import Posit, parse
from archsim.rtl.circuit import Cat, Circuit, Const, Module, Mux, Signal, Wires
from archsim.rtl.fused_core import Operand
from archsim.rtl.posit_mac import decoded, encoded

FP32 = parse("fp32")
MANTISSA, BIAS, TOP = 23, 127, 255
"""Bits of an fp32 fraction, its exponent's bias and its largest exponent, of NaN and infinity."""


def posit_encoder(posit: Posit) -> Circuit:
    """Return a circuit whose output ``y`` is the posit nearest to the fp32 number ``a``.

    What lies below fp32's normal numbers lies below ``minpos``, too, and is taken as such.

    Raises:
        ValueError: for a posit that reaches beyond fp32's normal numbers.
    """
    _check(posit)
    module = Module()
    word = Signal(FP32.bits, name="a")
    output = Signal(posit.n, name="y")
    wires = Wires(module)
    mantissa, exponent, negative = word[:MANTISSA], word[MANTISSA:-1], word[-1]
    some = wires.named("some", word[:-1].any())
    exact = Operand(
        negative=negative,
        scale=wires.named("scale", exponent - BIAS),
        significand=Cat(mantissa, Const(1, 1)),
    )
    size = encoded(wires, exact, posit, improved=True, rounding="nearest")
    code = wires.negated_if("code", negative, Cat(Mux(some, size, 0), Const(0, 1)))
    module.d.comb += output.eq(Mux(exponent == TOP, posit.nar, code))
    name = f"posit_encoder_{posit.n}_{posit.es}"
    return Circuit(name=name, module=module, inputs={"a": word}, output=output)


def posit_decoder(posit: Posit) -> Circuit:
    """Return a circuit whose output ``y`` is the posit ``a`` in fp32, exactly.

    Raises:
        ValueError: for a posit that fp32 does not hold.
    """
    _check(posit)
    module = Module()
    word = Signal(posit.n, name="a")
    output = Signal(FP32.bits, name="y")
    wires = Wires(module)
    operand = decoded(wires, "a", word, posit, improved=True)
    fraction = len(operand.significand) - 1
    some = operand.significand[fraction]
    exponent = wires.named("exponent", (operand.scale + BIAS)[:8])
    mantissa = Cat(Const(0, MANTISSA - fraction), operand.significand[:fraction])
    number = Cat(mantissa, Mux(some, exponent, 0), operand.negative)
    nan = (TOP << MANTISSA) | (1 << (MANTISSA - 1))
    module.d.comb += output.eq(Mux(word == posit.nar, nan, number))
    name = f"posit_decoder_{posit.n}_{posit.es}"
    return Circuit(name=name, module=module, inputs={"a": word}, output=output)


def _check(posit: Posit) -> None:
    if not (3 <= posit.n <= 24 and posit.largest_scale < BIAS):
        raise ValueError(
            f"a converter takes posits of 3 to 24 bits that fp32 holds, got {posit.name}"
        )
