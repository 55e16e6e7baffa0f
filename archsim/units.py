"""Physical units: what a user writes, and the base unit we keep.

A field annotated ``Bytes`` holds bytes, always; only this module and
:mod:`archsim.config` ever see ``"512 KiB"``. Parsing is exact: 0.1 GB/s is
100 000 000 B/s, not the nearest float.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,2})?"


@dataclass(frozen=True)
class Unit:
    """A base unit and how many of it each accepted spelling stands for.

    A ``whole`` quantity is counted in base units (bytes, hertz); any other is a
    real number of them (joules, watts).
    """

    symbol: str
    scale: Mapping[str, Fraction] = field(hash=False)
    whole: bool = True

    def parse(self, text: str) -> int | float:
        """Convert ``"<number> <spelling>"`` to base units.

        Raises:
            ValueError: for anything else, or for a fraction of a whole base unit.
        """
        match = re.fullmatch(rf"\s*({NUMBER})\s*([A-Za-z/]+)\s*", text)
        if match is None or match[2] not in self.scale:
            spellings = ", ".join(self.scale)
            raise ValueError(f"expected a number and one of {spellings}, got {text!r}")
        if len(match[1]) > 40:
            raise ValueError(f"a number of {len(match[1])} digits is not a quantity")
        value = Fraction(match[1]) * self.scale[match[2]]
        if not self.whole:
            return float(value)
        if value.denominator != 1:
            raise ValueError(f"{text!r} is not a whole number of {self.symbol}")
        return int(value)


def _scale(**spellings: float) -> dict[str, Fraction]:
    return {name.replace("_per_", "/"): Fraction(str(value)) for name, value in spellings.items()}


Bytes = Annotated[
    int, Unit("B", _scale(B=1, KiB=2**10, MiB=2**20, GiB=2**30, kB=10**3, MB=10**6, GB=10**9))
]
Bits = Annotated[int, Unit("bit", _scale(bit=1, bits=1, B=8))]
BytesPerSecond = Annotated[
    int, Unit("B/s", _scale(B_per_s=1, MB_per_s=10**6, GB_per_s=10**9, TB_per_s=10**12))
]
Hertz = Annotated[int, Unit("Hz", _scale(Hz=1, kHz=10**3, MHz=10**6, GHz=10**9))]
Picojoules = Annotated[float, Unit("pJ", _scale(fJ=1e-3, pJ=1, nJ=10**3, uJ=10**6), whole=False)]
Watts = Annotated[float, Unit("W", _scale(mW=1e-3, W=1), whole=False)]
Nanometres = Annotated[int, Unit("nm", _scale(nm=1))]
Volts = Annotated[float, Unit("V", _scale(mV=1e-3, V=1), whole=False)]
