"""What the spin signal shows by itself: fringes, echo, couplings, and errors by number format.

All of it follows from the sheet of a workload's own values; no figure of a paper is drawn again.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import log, pi, sqrt
from typing import TYPE_CHECKING, get_args

import numpy as np

from archsim.ir.findings import Axis, BarChart, Bars, Curve, CurveChart, Finding, MapChart
from workloads.spin_dynamics.checks import LARGEST_MHZ, Floats
from workloads.spin_dynamics.coupling import (
    EXCHANGE_DECAY_NM,
    EXCHANGE_MHZ,
    EXCHANGE_NM,
    exchange_mhz,
    largest_change,
)
from workloads.spin_dynamics.precision import FORMATS, largest_errors
from workloads.spin_dynamics.single_spin import free_induction_decay, hahn_echo
from workloads.spin_dynamics.variants import Variant

if TYPE_CHECKING:
    from workloads.spin_dynamics.workload import ElectricallyDetectedFid

SEEN = 0.01
"""A change of so much of full scale is seen, an error of less does no harm (assumed)."""
FRINGES = 3.0
"""Turns within the longest delay, for a workload on resonance."""
POINTS = 151
"""Delays of a curve."""
LEAST_MHZ, MOST_MHZ = 1e-3, 1e3
"""Of exchange that is looked at."""
SMALL: Mapping[str, int] = {"nodes_a": 12, "nodes_b": 4, "distances": 2, "angles": 1}
"""Nodes of the pairs for which errors are computed: what most pairs do, few do as well."""
PERIODS = 10.0
"""The longest delay shown, in periods of the line's standard deviation: fringes are over."""
SHARE = Axis("share P of antiparallel pairs")


def findings(workload: "ElectricallyDetectedFid") -> tuple[Finding, ...]:
    """Return fringes, echo, couplings and precision, in this order."""
    return (
        fringes(workload),
        fringe_map(workload),
        echo(workload),
        coupling_map(workload),
        precision(workload),
    )


def fringes(workload: "ElectricallyDetectedFid") -> CurveChart:
    """Show P over the delay at detunings of nothing, half the workload's own, and its own."""
    own, longest = _detuning(workload), _longest(workload)
    delays = np.linspace(0, longest, POINTS)
    sigma, pulse = workload.sigma_a_mhz, workload.half_pi_ns
    curves = [
        _curve(f"{detuning:g} MHz off resonance",
               delays, free_induction_decay(delays, detuning, sigma, pulse))
        for detuning in (own, own / 2, 0.0)
    ]  # fmt: skip
    hard = free_induction_decay(delays, own, sigma, pulse, finite_pulses=False)
    curves.append(_curve(f"{own:g} MHz, pulses of no length", delays, hard))
    return CurveChart(
        name="fringes",
        title=_lifetime(sigma),
        caption=f"pi/2 - T - pi/2: {_line(workload)}, the donor's addressed line alone. Pulses of "
        "no length turn every spin alike, real ones only those near resonance.",
        x=Axis("delay T between the pulses", "ns"),
        y=SHARE,
        curves=tuple(curves),
    )


def fringe_map(workload: "ElectricallyDetectedFid") -> MapChart:
    """Show P over delay and detuning, as a sweep of the field would."""
    reach = 2 * _detuning(workload)
    delays = np.linspace(0, _longest(workload), 76)
    detunings = np.linspace(-reach, reach, 81)
    sigma, pulse = workload.sigma_a_mhz, workload.half_pi_ns
    return MapChart(
        name="fringe_map",
        title="Fringes fan out over the line: the further off resonance, the faster and the weaker",
        caption=f"pi/2 - T - pi/2: {_line(workload)}, the donor's addressed line alone.",
        x=Axis("delay T between the pulses", "ns"),
        y=Axis("detuning of the line's centre", "MHz"),
        value=SHARE,
        xs=_floats(delays),
        ys=_floats(detunings),
        values=tuple(
            _floats(free_induction_decay(delays, float(detuning), sigma, pulse))
            for detuning in detunings
        ),
    )


def echo(workload: "ElectricallyDetectedFid") -> CurveChart:
    """Show P of the two-pulse echo around T2 = T1, twice the workload's longest delay."""
    own, longest = _detuning(workload), _longest(workload)
    first = 2 * longest
    second = np.linspace(first - longest, first + longest, 2 * POINTS - 1)
    sigma, pulse = workload.sigma_a_mhz, workload.half_pi_ns
    on, off = (hahn_echo(second, first, detuning, sigma, pulse) for detuning in (0.0, own))
    hard = hahn_echo(second, first, 0.0, sigma, pulse, finite_pulses=False)
    at_echo = on[POINTS - 1]
    return CurveChart(
        name="echo",
        title=f"An echo at T2 = T1 = {first:g} ns: P falls to {at_echo:.2g}, where dephased spins "
        "have 0.5",
        caption=f"pi/2 - T1 - pi - T2 - pi/2 with T1 = {first:g} ns, {_line(workload)}. Far from "
        "resonance the pulses turn the spins too little for a whole echo. It undoes the coupling "
        "to a partner as well, and so tells nothing of it.",
        x=Axis("second delay T2", "ns"),
        y=SHARE,
        curves=(
            _curve("on resonance", second, on),
            _curve(f"{own:g} MHz off resonance", second, off),
            _curve("on resonance, pulses of no length", second, hard),
        ),
    )


def coupling_map(workload: "ElectricallyDetectedFid") -> MapChart:
    """Show how much an exchange coupling changes the decay, by its size and the line's width."""
    longest, own = _longest(workload), workload.sigma_a_mhz
    weakest, strongest = (
        float(exchange_mhz(distance)) for distance in (workload.farthest_nm, workload.nearest_nm)
    )
    couplings = np.geomspace(
        min(max(weakest, LEAST_MHZ), 1.0), min(max(10 * strongest, 10.0), MOST_MHZ), 61
    )
    widths = np.geomspace((own or 1.0) / 10, min(3 * (own or 1.0), LARGEST_MHZ), 41)
    seen = weakest_seen(own, longest)
    told = (
        f"shows exchange from {seen:.3g} MHz on: pairs within {_distance(seen):.1f} nm"
        if seen
        else "shows no exchange at all"
    )
    return MapChart(
        name="coupling_map",
        title=f"Within {longest:g} ns, a line of {own:g} MHz {told}",
        caption=f"The largest change by exchange J of the decay within {longest:g} ns, of a "
        f"selective hard pulse; {SEEN:.0%} of full scale counts as seen (assumed). Exchange falls "
        f"from {EXCHANGE_MHZ:g} MHz at {EXCHANGE_NM:g} nm e-fold in {EXCHANGE_DECAY_NM:.2f} nm, "
        "assumed between two published points. Narrower lines would show weaker couplings."
        .replace("%", " %"),
        x=Axis("exchange J", "MHz", log=True),
        y=Axis("standard deviation of the line", "MHz", log=True),
        value=Axis("largest change", "% of full scale", log=True),
        xs=_floats(couplings),
        ys=_floats(widths),
        values=tuple(
            tuple(100 * largest_change(float(j), float(width), longest) for j in couplings)
            for width in widths
        ),
    )  # fmt: skip


def weakest_seen(sigma_mhz: float, longest_ns: float, change: float = SEEN) -> float | None:
    """Return the smallest J, in MHz, that changes the decay so much; none where no J does.

    More J changes the decay more: as much at a shorter delay, when less has dephased.
    """
    low, high = 0.0, MOST_MHZ
    if largest_change(high, sigma_mhz, longest_ns) < change:
        return None
    for _ in range(40):
        middle = (low + high) / 2
        is_seen = largest_change(middle, sigma_mhz, longest_ns) >= change
        low, high = (low, middle) if is_seen else (middle, high)
    return high


def precision(workload: "ElectricallyDetectedFid") -> BarChart:
    """Show the largest error of the signal, by variant and number format."""
    few = {name: min(most, getattr(workload, name)) for name, most in SMALL.items()}
    small = replace(workload, **few)
    errors: dict[Variant, dict[str, float]] = {
        variant: largest_errors(replace(small, variant=variant)) for variant in get_args(Variant)
    }
    return BarChart(
        name="precision",
        title=survival(errors),
        caption=f"The largest error over {workload.delays} delays, {small.member_count} of "
        f"{workload.member_count:,} pairs (the mean of more is usually closer), against fp64 "
        "without a graph. What is worked on for "
        "each pair and delay is rounded to the format after every operation; phases and the mean "
        f"to fp32 at least. Fringes survive an error of less than {SEEN:g} of full scale "
        "(assumed).",
        value=Axis("largest error of the signal, of full scale", log=True),
        categories=FORMATS,
        bars=tuple(
            Bars(_spelled(variant), tuple(found[name] for name in FORMATS))
            for variant, found in errors.items()
        ),
    )


def survival(errors: Mapping[Variant, Mapping[str, float]]) -> str:
    """Say down to which format fringes survive each variant; formats get shorter."""
    alive = {
        name: [_spelled(variant) for variant, found in errors.items() if found[name] < SEEN]
        for name in FORMATS
    }
    everywhere = [name for name in FORMATS if len(alive[name]) == len(errors)]
    some = {name: ways for name, ways in alive.items() if 0 < len(ways) < len(errors)}
    told = []
    if everywhere:
        is_all_before = everywhere == list(FORMATS[: len(everywhere)])
        where = f"down to {everywhere[-1]}" if is_all_before else f"in {', '.join(everywhere)}"
        told.append(f"{where} by every way")
    told += [f"in {name} only by {' and '.join(ways)}" for name, ways in some.items()]
    return f"Fringes survive {'; '.join(told)}" if told else "Fringes survive in no format"


def _detuning(workload: "ElectricallyDetectedFid") -> float:
    """The workload's detuning; on resonance one that makes fringes."""
    return abs(workload.detuning_mhz) or FRINGES * 1e3 / _longest(workload)


def _longest(workload: "ElectricallyDetectedFid") -> float:
    """The workload's longest delay, but not long after the line has dephased."""
    own, sigma = float(workload.delays_ns[-1]), workload.sigma_a_mhz
    return min(own, 1e3 * PERIODS / sigma) if sigma else own


def _lifetime(sigma: float) -> str:
    """Say how long fringes last: until ``g / 2``, what is left of them, is no longer seen."""
    if not sigma:
        return "Ramsey fringes last: a single line does not dephase"
    lifetime_ns = 1e3 * sqrt(-2 * log(2 * SEEN)) / (2 * pi * sigma)
    return f"Ramsey fringes last {lifetime_ns:.0f} ns: a line of {sigma:g} MHz dephases them"


def _line(workload: "ElectricallyDetectedFid") -> str:
    return (
        f"pi/2 pulses of {workload.half_pi_ns:g} ns, a Gaussian line of "
        f"{workload.sigma_a_mhz:g} MHz standard deviation"
    )


def _spelled(variant: Variant) -> str:
    return {"eigen_phase": "eigen-phase"}.get(variant, variant.replace("_", " "))


def _distance(exchange: float) -> float:
    """At which distance pairs couple so strongly."""
    return EXCHANGE_NM - EXCHANGE_DECAY_NM * log(exchange / EXCHANGE_MHZ)


def _curve(name: str, x: Floats, y: Floats) -> Curve:
    return Curve(name, _floats(x), _floats(y))


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(map(float, values))
