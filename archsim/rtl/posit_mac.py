"""A generator of posit multiply-accumulate units: ``a b + c`` of any posit, rounded once."""

from archsim.formats import Posit
from archsim.formats.posit_fields import Rounding
from archsim.rtl.circuit import Cat, Circuit, Const, Module, Mux, Signal, Value, Wires, signed
from archsim.rtl.fused_core import Operand, fused


def posit_mac(posit: Posit, *, improved: bool = True, rounding: Rounding = "nearest") -> Circuit:
    """Return a unit with inputs ``a``, ``b``, ``c`` and output ``y``.

    ``improved`` has the paper's decoder and encoder, a second shifter in place of an adder
    before the shifter (see :mod:`archsim.rtl.posit_stages`).

    Raises:
        ValueError: for two bits, which leave nothing to add or multiply.
    """
    if posit.n < 3:
        raise ValueError(
            f"a multiply-accumulate unit takes posits of at least 3 bits, got {posit.name}"
        )
    module = Module()
    inputs = {name: Signal(posit.n, name=name) for name in ("a", "b", "c")}
    output = Signal(posit.n, name="y")
    wires = Wires(module)
    operands = {name: decoded(wires, name, word, posit, improved) for name, word in inputs.items()}
    exact, _ = fused(wires, **operands)
    size = encoded(wires, exact, posit, improved, rounding)
    some = exact.significand.any()
    code = wires.negated_if("code", exact.negative, Cat(Mux(some, size, 0), Const(0, 1)))
    nar = [word == posit.nar for word in inputs.values()]
    module.d.comb += output.eq(Mux(Cat(*nar).any(), posit.nar, code))
    kind = "" if improved else "_plain"
    cut = "" if rounding == "nearest" else "_toward_zero"
    return Circuit(
        name=f"posit_mac_{posit.n}_{posit.es}{kind}{cut}",
        module=module,
        inputs=inputs,
        output=output,
    )


def decoded(wires: Wires, name: str, word: Signal, posit: Posit, improved: bool) -> Operand:
    """Return sign, scale and significand of a pattern; that of NaR is no number's."""
    n, es = posit.n, posit.es
    negative = word[n - 1]
    size = wires.negated_if(f"{name}_size", negative, word[: n - 1])
    first = size[n - 2]
    if improved:
        after = size[: n - 2]
        ones = wires.leading_zeros(f"{name}_ones", (~after)[: n - 2])
        zeros = wires.leading_zeros(f"{name}_zeros", after)
        if_ones = wires.shifted_left(f"{name}_if_ones", after[: n - 3], ones)
        if_zeros = wires.shifted_left(f"{name}_if_zeros", after[: n - 3], zeros)
        regime = Mux(first, Cat(ones, Const(0, 1)), ~Cat(zeros, Const(0, 1)))
        rest = Mux(first, if_ones, if_zeros)
    else:
        run = wires.leading_zeros(f"{name}_run", size ^ Cat(*[first] * (n - 1)))
        amount = wires.named(f"{name}_amount", run + 1)
        rest = wires.shifted_left(f"{name}_shifted", size, amount)[2:]
        wide = Cat(run, Const(0, 1))
        regime = Mux(first, (wide - 1)[: len(wide)], (-wide)[: len(wide)])
    rest = wires.named(f"{name}_rest", rest)
    fraction = n - 3 - es
    some = wires.named(f"{name}_some", size.any())
    return Operand(
        negative=negative,
        scale=wires.named(f"{name}_scale", Cat(rest[fraction:], regime).as_signed()),
        significand=wires.named(
            f"{name}_significand", Cat(rest[:fraction] & Cat(*[some] * fraction), some)
        ),
    )


def encoded(
    wires: Wires, exact: Operand, posit: Posit, improved: bool, rounding: Rounding
) -> Signal:
    """Return the pattern of a magnitude above zero, in ``n - 1`` bits."""
    n, es = posit.n, posit.es
    fraction = n - 3 - es
    below = len(exact.significand) - 1 - (fraction + 1)
    regime = wires.named("regime", exact.scale[es:].as_signed())
    body = Cat(exact.significand[below:-1], exact.scale[:es])
    negative = regime[-1]
    bits = n.bit_length()
    if improved:
        of_ones = wires.shifted_right(
            "of_ones", Cat(body, Const(0b10, 2)), regime[:bits], Const(1, 1)
        )
        of_zeros = wires.shifted_right(
            "of_zeros", Cat(body, Const(0b01, 2)), (~regime)[:bits], Const(0, 1)
        )
        shifted = Mux(negative, of_zeros[0], of_ones[0])
        lost: Value = Mux(negative, of_zeros[1], of_ones[1])
    else:
        amount = wires.named("amount", Mux(negative, -regime, regime + 1)[:bits])
        start = Cat(Const(0, 1), body, negative)
        shifted, lost = wires.shifted_right("shifted", start, amount, ~negative)
    shifted = wires.named("pattern", shifted)
    size: Value = shifted[1:]
    if rounding == "nearest":
        sticky = lost | exact.significand[:below].any()
        up = wires.named("up", shifted[0] & (sticky | shifted[1]))
        size = wires.named("rounded", (size + up)[: n - 1])
    over = wires.named("over", regime >= Const(n - 2, signed(len(regime) + 1)))
    under = wires.named("under", regime < Const(2 - n, signed(len(regime) + 1)))
    return wires.named("size", Mux(over, (1 << (n - 1)) - 1, Mux(under, 1, size)))
