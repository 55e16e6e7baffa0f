"""Findings of each kind, small enough to be checked by eye."""

from math import nan

from archsim.ir.findings import Axis, BarChart, Bars, Curve, CurveChart, MapChart, Table
from archsim.report.findings.origin import Origin

ORIGIN = Origin("0123456789abcdef", "archsim run tiny.yaml")
CURVES = CurveChart(
    name="decay",
    title="The signal is gone after 2 ns",
    caption="A pulse, a wait, a pulse.",
    x=Axis("delay", "ns"),
    y=Axis("signal", "mV"),
    curves=(
        Curve("measured", (0.0, 1.0, 2.0), (1.0, 0.5, 0.25), low=(0.9, 0.4, 0.2)),
        Curve("computed", (0.0, 2.0), (1.0, 0.125)),
    ),
)
MAP = MapChart(
    name="plane",
    title="More of both is better",
    caption="All of both.",
    x=Axis("rate", "Hz", log=True),
    y=Axis("depth"),
    value=Axis("gain", "%"),
    xs=(1.0, 10.0, 100.0),
    ys=(0.0, 1.0),
    values=((1.0, 2.0, 3.0), (4.0, 5.0, nan)),
)
BARS = BarChart(
    name="errors",
    title="fp8 loses it",
    caption="Largest of 10.",
    value=Axis("largest error", "mV", log=True),
    categories=("fp32", "fp8"),
    bars=(
        Bars("dense", (1e-6, nan)),
        Bars("sparse", (2e-6, 0.5), low=(1e-6, 0.25), high=(4e-6, 0.75)),
    ),
)
TABLE = Table(
    name="ways",
    title="Two <ways> & what they take",
    caption="With $ and | in it.",
    columns=("way", "time [ns]", "why"),
    rows=(("dense | all", 1234567, "every number"), ("sparse", 0.125, "few of them")),
)
ALL = (CURVES, MAP, BARS, TABLE)
