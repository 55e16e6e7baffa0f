"""What multiply-accumulate units cost in gates: posits beside floats, measured alike."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from archsim.formats import FloatFormat, NumberFormat, Posit
from archsim.rtl.circuit import Circuit
from archsim.rtl.float_mac import float_mac
from archsim.rtl.posit_converters import FP32, posit_decoder, posit_encoder
from archsim.rtl.posit_mac import posit_mac
from archsim.rtl.synthesis import synthesise

OPERATIONS = 20_001
"""Operations over which toggles are counted; the standard error is below one percent."""

REFERENCE = "float_mac_8_23"
"""The unit that others are measured by: fp32 with subnormals."""

PUBLISHED = (
    "published, 8-bit posit prototype against standard floating point (IEEE TC 70(2), 2021): "
    "68 % less area, 51 % less power, 75 % less memory"
)


@dataclass(frozen=True, kw_only=True)
class MacCost:
    """One unit as gates."""

    name: str
    bits: int
    gates: int
    area_nand2: float
    """In NAND gates of two inputs, from transistors in static CMOS."""
    depth: int
    """Gates on the longest path."""
    switched_transistors: float
    """Transistors of the gates that toggle, per operation: a stand-in for dynamic energy."""

    def saving(self, other: "MacCost") -> dict[str, float]:
        """Return how much less this is than another, in percent."""
        pairs = {
            "area": (self.area_nand2, other.area_nand2),
            "depth": (self.depth, other.depth),
            "switching": (self.switched_transistors, other.switched_transistors),
            "memory": (self.bits, other.bits),
        }
        return {name: 100 * (1 - mine / theirs) for name, (mine, theirs) in pairs.items()}

    def to_dict(self) -> dict[str, object]:
        """Return what programs read."""
        return asdict(self)


def measure(circuit: Circuit, number_format: NumberFormat) -> MacCost:
    """Synthesise a unit and run it on numbers, in the format of its inputs, as a network has them.

    ``a`` and ``b`` are standard normal, ``c`` twice that; the same numbers for each format.
    """
    netlist = synthesise(circuit)
    a, b, c = np.random.default_rng(0).standard_normal((3, OPERATIONS))
    values = {"a": a, "b": b, "c": 2 * c}
    codes = {name: number_format.encode(values[name]) for name in circuit.inputs}
    return MacCost(
        name=circuit.name,
        bits=number_format.bits,
        gates=len(netlist.gates),
        area_nand2=netlist.area_nand2,
        depth=netlist.depth,
        switched_transistors=netlist.switched_transistors(**codes),
    )


def units() -> Iterator[tuple[Circuit, NumberFormat]]:
    """The paper's posits, plain and improved, and floats with and without subnormals."""
    for exponent_bits, mantissa_bits in ((8, 23), (5, 10), (8, 7), (5, 2), (4, 3)):
        bits = 1 + exponent_bits + mantissa_bits
        number_format = FloatFormat(
            f"fp{bits}_e{exponent_bits}m{mantissa_bits}", exponent_bits, mantissa_bits
        )
        # Without subnormals, fp32's multiplier takes logic optimisation minutes, not seconds.
        for subnormals in (True, False) if bits < 32 else (True,):
            yield float_mac(number_format, subnormals=subnormals), number_format
    for n, es in ((16, 1), (16, 2), (8, 0), (8, 1), (8, 2)):
        for improved in (False, True):
            yield posit_mac(Posit(n, es), improved=improved), Posit(n, es)


def converters() -> Iterator[tuple[Circuit, NumberFormat]]:
    """What brings fp32 into the paper's posits and back, with the format of its input."""
    for n, es in ((16, 1), (16, 2), (8, 1), (8, 2)):
        yield posit_encoder(Posit(n, es)), FP32
        yield posit_decoder(Posit(n, es)), Posit(n, es)


def comparison() -> list[MacCost]:
    """Synthesise all units; a minute or two."""
    return [measure(circuit, number_format) for circuit, number_format in units()]


def converter_costs() -> list[MacCost]:
    """Synthesise all converters; seconds."""
    return [measure(circuit, number_format) for circuit, number_format in converters()]


def as_text(costs: list[MacCost]) -> str:
    """Return a table, with savings against fp32 where it is among the units."""
    reference = next((cost for cost in costs if cost.name == REFERENCE), None)
    head = f"{'unit':<24}{'gates':>7}{'area':>8}{'depth':>7}{'toggles':>9}"
    lines = [f"{head}   area, depth, toggles, memory saved against fp32" if reference else head]
    for cost in costs:
        line = (
            f"{cost.name:<24}{cost.gates:>7}{cost.area_nand2:>8.0f}{cost.depth:>7}"
            f"{cost.switched_transistors:>9.0f}"
        )
        if reference:
            line += "".join(f"{saved:>7.0f} %" for saved in cost.saving(reference).values())
        lines.append(line)
    lines += [
        "area in two-input NAND gates, depth in gates, toggles in switched transistors an operation"
    ]
    return "\n".join([*lines, PUBLISHED] if reference else lines)
