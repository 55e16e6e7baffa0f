"""Numbers as people read them: few digits, a prefix, a unit."""

from dataclasses import dataclass
from math import floor, isfinite, log10

DECIMAL = {
    1e12: "T",
    1e9: "G",
    1e6: "M",
    1e3: "k",
    1.0: "",
    1e-3: "m",
    1e-6: "µ",
    1e-9: "n",
    1e-12: "p",
    1e-15: "f",
}
BINARY = {2.0**40: "Ti", 2.0**30: "Gi", 2.0**20: "Mi", 2.0**10: "Ki", 1.0: ""}
WITHOUT_LARGE_PREFIXES = ("s",)
"""Nobody reads kiloseconds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One prefix and one number of decimals for all values of an axis or a column."""

    factor: float
    """Base units in one of ``symbol``."""
    symbol: str
    decimals: int

    @classmethod
    def of(cls, largest: float, unit: str, *, digits: int = 3, decimals: int = 0) -> "Scale":
        """Choose the prefix that shows the largest value with ``digits`` digits.

        ``decimals`` is how many there are at least, for the sake of smaller values.
        """
        prefixes = BINARY if unit == "B" else DECIMAL
        if not largest:
            return cls(1.0, unit, 0)
        rounded = abs(float(f"{largest:.{digits}g}"))
        allowed = [f for f in prefixes if f <= 1 or unit not in WITHOUT_LARGE_PREFIXES]
        factor = next((f for f in allowed if rounded >= f), allowed[-1])
        if factor == 1 and unit == "B":
            return cls(1.0, unit, 0)
        wanted = digits - 1 - floor(log10(rounded / factor))
        return cls(factor, prefixes[factor] + unit, max(decimals, wanted))

    def number(self, value: float) -> str:
        """Write a value without the unit."""
        return f"{value / self.factor:,.{self.decimals}f}"

    def text(self, value: float) -> str:
        """Write a value with the unit."""
        return f"{self.number(value)} {self.symbol}"


def quantity(value: float, unit: str) -> str:
    """Write a value with three digits: ``quantity(0.00123, "s")`` is ``"1.23 ms"``."""
    return Scale.of(value, unit).text(value)


def percent(share: float) -> str:
    """Write a share of one: whole percents, a decimal below ten."""
    hundredths = 100 * share
    return f"{hundredths:.0f} %" if hundredths >= 9.95 or not hundredths else f"{hundredths:.1f} %"


def ratio_text(ratio: float) -> str:
    """Write how many times as much something is, in three digits or so."""
    if ratio >= 100:
        return f"{ratio:,.0f} x" if ratio < 10**6 else f"{ratio:#.2g} x"
    if ratio >= 0.1:
        return f"{ratio:.{1 if ratio >= 10 else 2}f} x"
    return f"{ratio:#.2g} x"


def count(value: float, noun: str = "") -> str:
    """Write a number of things, of which there may be halves."""
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return f"{number} {noun}".rstrip()


def ellipsize(text: str, width: int) -> str:
    """Shorten a text in its middle, so that its start and end still tell it from others."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def number(value: float) -> str:
    """Write a number without prefixes in three digits or so, whole ones below a million fully."""
    if not isfinite(value):
        return str(value)
    size = abs(value)
    if value == int(value) and size < 10**6:
        return f"{value:,.0f}"
    if 1e-3 <= size < 10**6:
        decimals = max(0, 2 - floor(log10(size)))
        text = f"{value:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if decimals else text
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
