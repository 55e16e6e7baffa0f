"""``a b + c`` of floats in float64, rounded to odd so that rounding again is rounding once."""

import numpy as np

from archsim.formats import FloatFormat


def fused(number_format, a, b, c, *, subnormals=True):
    """Codes of the sums of products of codes; the format has at most 25 bits of mantissa."""
    smallest = 2.0**number_format.smallest_exponent

    def flushed(values):
        return np.where(np.abs(values) < smallest, np.copysign(0.0, values), values)

    a, b, c = (number_format.decode(codes) for codes in (a, b, c))
    if not subnormals:
        a, b, c = flushed(a), flushed(b), flushed(c)
    with np.errstate(all="ignore"):
        product = a * b  # exact
        total = product + c
        part = total - product
        error = (product - (total - part)) + (c - part)  # exact, by Knuth's two-sum
        even = total.view(np.uint64) & np.uint64(1) == 0
        toward = np.where(error > 0, np.inf, -np.inf)
        odd = np.isfinite(total) & (error != 0) & even
        total = np.where(odd, np.nextafter(total, toward), total)
        if not subnormals:
            unbounded = FloatFormat("unbounded", 11, number_format.mantissa_bits).quantize(total)
            total = np.where(np.abs(unbounded) < smallest, np.copysign(0.0, total), total)
    return number_format.encode(total)
