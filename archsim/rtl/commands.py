"""What ``archsim rtl`` does: one unit as Verilog or as gates, or all of them side by side."""

import json
from pathlib import Path

from archsim.errors import InputError
from archsim.formats import FloatFormat, NumberFormat, Posit
from archsim.formats.posit_fields import Rounding
from archsim.rtl.circuit import Circuit
from archsim.rtl.float_mac import float_mac
from archsim.rtl.macs import PUBLISHED, as_text, comparison, converter_costs, measure
from archsim.rtl.posit_mac import posit_mac
from archsim.rtl.synthesis import verilog

Unit = tuple[Circuit, NumberFormat]
"""A circuit and the format of its words."""


def posit_unit(n: int, es: int, *, improved: bool, toward_zero: bool) -> Unit:
    """Return a posit unit.

    Raises:
        InputError: for a posit that there is not.
    """
    try:
        posit = Posit(n, es)
        rounding: Rounding = "toward_zero" if toward_zero else "nearest"
        return posit_mac(posit, improved=improved, rounding=rounding), posit
    except ValueError as error:
        raise InputError(f"posit_mac: {error}") from error


def float_unit(exponent_bits: int, mantissa_bits: int, *, subnormals: bool) -> Unit:
    """Return a float unit.

    Raises:
        InputError: for a float that there is not.
    """
    name = f"fp{1 + exponent_bits + mantissa_bits}_e{exponent_bits}m{mantissa_bits}"
    try:
        number_format = FloatFormat(name, exponent_bits, mantissa_bits)
    except ValueError as error:
        raise InputError(f"float_mac: {error}") from error
    return float_mac(number_format, subnormals=subnormals), number_format


def deliver(unit: Unit, *, out: Path | None, synthesise: bool, as_json: bool) -> str:
    """Write Verilog where it is wanted, and return what is to be printed."""
    circuit, number_format = unit
    lines = []
    if out or not (synthesise or as_json):
        text = verilog(circuit)
        if out is None:
            return text
        out.write_text(text, encoding="utf-8")
        lines.append(f"wrote {out}")
    if as_json:
        return json.dumps(measure(circuit, number_format).to_dict())
    if synthesise:
        lines.insert(0, as_text([measure(circuit, number_format)]))
    return "\n".join(lines)


def compared(*, as_json: bool) -> str:
    """Return all units beside fp32, what was published, and what converters cost."""
    costs, converters = comparison(), converter_costs()
    if not as_json:
        return "\n\n".join([as_text(costs), as_text(converters)])
    found = {
        "units": [cost.to_dict() for cost in costs],
        "converters": [cost.to_dict() for cost in converters],
        "published": PUBLISHED,
    }
    return json.dumps(found)
