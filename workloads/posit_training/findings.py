"""What training in posits shows by itself: accuracies, and what units cost in gates."""

import json
from functools import cache
from itertools import chain
from pathlib import Path

from archsim.ir.findings import Axis, BarChart, Bars, Finding, Table
from workloads.posit_training.accuracies import SCHEDULE, SEEDS, recorded
from workloads.posit_training.digits import TESTED
from workloads.posit_training.recipe import Recipe
from workloads.posit_training.study import Row

UNITS_FILE = Path(__file__).with_name("mac_units.json")
"""What ``archsim rtl compare --json`` printed."""
REFERENCE = "float_mac_8_23"
UNITS = {
    REFERENCE: "fp32",
    "float_mac_5_10": "fp16",
    "posit_mac_16_1": "posit(16,1)",
    "posit_mac_16_2": "posit(16,2)",
    "float_mac_4_3": "fp8 E4M3",
    "float_mac_5_2": "fp8 E5M2",
    "posit_mac_8_0": "posit(8,0)",
    "posit_mac_8_1": "posit(8,1)",
    "posit_mac_8_2": "posit(8,2)",
}
"""Units that are shown, by their names in the file."""
LEAST = 100 / (SEEDS * TESTED)
"""One digit of all that are tested, in percent: where the axis of errors begins."""
MEASURES = {
    "area": ("area_nand2", 68.0),
    "power (toggled transistors)": ("switched_transistors", 51.0),
    "memory (bits of a word)": ("bits", 75.0),
}
"""What the journal's abstract says of its 8-bit prototype: percent saved against floats."""


@cache
def findings() -> tuple[Finding, ...]:
    """Return all, from what was recorded."""
    rows = recorded()
    return error_chart(rows), loss_table(rows), unit_chart(), unit_table(), published_table()


def error_chart(rows: list[Row]) -> BarChart:
    """Digits that each network, trained in each recipe, takes for others."""
    networks = tuple(dict.fromkeys(row.network for row in rows))
    bars = []
    for network in networks:
        found = [row.accuracy for row in rows if row.network == network]
        errors = [100 - one.mean for one in found]
        halves = [one.half_width for one in found]
        bars.append(
            Bars(
                network.upper(),
                values=tuple(errors),
                low=tuple(max(e - h, LEAST) for e, h in zip(errors, halves, strict=True)),
                high=tuple(e + h for e, h in zip(errors, halves, strict=True)),
            )
        )
    return BarChart(
        name="errors",
        title="Errors after training in each format",
        caption=(
            f"On 450 digits held back of 1,797 (UCI, 8 x 8 pixels), {SCHEDULE.epochs} epochs, "
            f"means of {SEEDS} seeds with 95 % intervals of Student's t. Sums of products are "
            "fp32, as wide accumulators have them; formats by tensor role as in the paper. "
            "'Neither' is without warm-up and without scaling. Made by "
            "python -m workloads.posit_training, in a minute of two processors."
        ),
        value=Axis("errors", "%", log=True),
        categories=tuple(dict.fromkeys(row.recipe.name for row in rows)),
        bars=tuple(bars),
    )


def loss_table(rows: list[Row]) -> Table:
    """Accuracy lost against fp32, seed by seed, and the formats of each recipe."""
    return Table(
        name="accuracy_lost",
        title="Accuracy lost against fp32",
        caption=(
            "The same seed chooses first weights, batches and digits held back, so differences "
            "are taken seed by seed; 'neither' is without warm-up and without scaling."
        ),
        columns=(
            "network",
            "recipe",
            "forward",
            "backward",
            "scaling",
            "warm-up, epochs",
            "accuracy, %",
            "±",
            "lost, %",
            "± of it",
        ),
        rows=tuple(
            (
                row.network.upper(),
                row.recipe.name,
                *_formats(row.recipe),
                row.recipe.warm_up,
                round(row.accuracy.mean, 2),
                round(row.accuracy.half_width, 2),
                round(row.lost.mean, 2),
                round(row.lost.half_width, 2),
            )
            for row in rows
        ),
    )


def _formats(recipe: Recipe) -> tuple[str, str, str]:
    return recipe.forward, recipe.backward, recipe.scaling.value


Cost = dict[str, float]


@cache
def _recorded() -> dict[str, Cost]:
    recorded = json.loads(UNITS_FILE.read_text(encoding="utf-8"))
    return {cost["name"]: cost for cost in chain(recorded["units"], recorded["converters"])}


def unit_chart() -> BarChart:
    """Area, depth and toggles of units of each format."""
    costs = _recorded()
    measures = {"area": "area_nand2", "depth": "depth", "energy": "switched_transistors"}
    return BarChart(
        name="units",
        title="Multiply-accumulate units against fp32's",
        caption=(
            "Gates of units that round once, synthesised alike (archsim rtl compare). Energy is "
            "transistors of gates that toggle on normally distributed numbers, without wires and "
            "glitches; posit units have the paper's decoder and encoder."
        ),
        value=Axis("of an fp32 unit", "%"),
        categories=tuple(UNITS.values()),
        bars=tuple(
            Bars(name, tuple(100 * costs[unit][key] / costs[REFERENCE][key] for unit in UNITS))
            for name, key in measures.items()
        ),
    )


def unit_table() -> Table:
    """The numbers behind the chart, and the converters."""
    costs = _recorded()
    shown = UNITS | {
        f"posit_{kind}_{n}_{es}": f"{words} posit({n},{es})"
        for n, es in ((16, 1), (8, 1))
        for kind, words in (("encoder", "fp32 to"), ("decoder", "fp32 from"))
    }
    return Table(
        name="unit_costs",
        title="Units and converters in gates",
        caption="Made by archsim rtl compare --json; energy tables and arrays follow from them.",
        columns=(
            "unit",
            "bits in",
            "gates",
            "area, NAND2",
            "depth, gates",
            "toggled transistors an operation",
        ),
        rows=tuple(
            (
                words,
                costs[unit]["bits"],
                costs[unit]["gates"],
                costs[unit]["area_nand2"],
                costs[unit]["depth"],
                round(costs[unit]["switched_transistors"]),
            )
            for unit, words in shown.items()
        ),
    )


def published_table() -> Table:
    """What the paper's 8-bit prototype saves, and what our units save."""
    costs = _recorded()
    eights = {unit: words for unit, words in UNITS.items() if words.startswith("posit(8")}
    return Table(
        name="published_savings",
        title="Savings of 8-bit posits against fp32, published and synthesised",
        caption=(
            "Published: IEEE TC 70(2), 2021, abstract. Its float and how wide its sums are is not "
            "known to us; our units' sums have the format of their operands, which is small."
        ),
        columns=("saved, %", "published", *eights.values()),
        rows=tuple(
            (
                words,
                published,
                *(
                    round(100 * (1 - costs[unit][key] / costs[REFERENCE][key]), 1)
                    for unit in eights
                ),
            )
            for words, (key, published) in MEASURES.items()
        ),
    )
