"""How far a signal is off, computed in a number format: by executing the graph in it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from archsim import formats
from archsim.ir import execute

if TYPE_CHECKING:
    from workloads.spin_dynamics.workload import ElectricallyDetectedFid

PRECISE_BITS = 32
FORMATS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8_e4m3")


def largest_error(workload: "ElectricallyDetectedFid", number_format: str) -> float:
    """Return the largest error of the signal, in units of full scale, over all delays.

    Each tensor that a graph makes is rounded to its format: what is worked on for each pair
    and delay to ``number_format``; what each pair needs once, phases and the ensemble's mean
    to the same format where it has over 32 bit, to fp32 where not, as their hardware would
    accumulate. A fused kernel is taken to round as its operations do. NaN stands for a format
    that the numbers leave. The reference is float64, without a graph.
    """
    wide = number_format if formats.parse(number_format).bits > PRECISE_BITS else "fp32"
    made = replace(workload, number_format=number_format, member_format=wide, fused=False)
    computed = execute(made.lower(), made.inputs(), round_to_format=True, keep=["signal"])
    return float(np.abs(computed["signal"] - workload.signal()).max())


def largest_errors(
    workload: "ElectricallyDetectedFid", number_formats: Iterable[str] = FORMATS
) -> dict[str, float]:
    """Return :func:`largest_error` for each of some formats."""
    return {name: largest_error(workload, name) for name in number_formats}
