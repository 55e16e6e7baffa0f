"""Number formats by name: how many bits, and which values they can hold.

``parse("bf16").quantize(array)`` rounds to the nearest value of the format,
ties to even, bit-exactly. Posits also add and multiply, on bit patterns.
"""

from archsim.formats.floating import FloatFormat, Specials
from archsim.formats.integer import IntegerFormat
from archsim.formats.number_format import FAMILIES, NumberFormat, parse
from archsim.formats.posit import Posit

__all__ = ["FAMILIES", "FloatFormat", "IntegerFormat", "NumberFormat", "Posit", "Specials", "parse"]
