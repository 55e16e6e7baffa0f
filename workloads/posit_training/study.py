"""Accuracy after training in each recipe, over several seeds, with confidence intervals.

Run it with ``python -m workloads.posit_training.study``.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from multiprocessing import get_context

import numpy as np

from workloads.posit_training.recipe import RECIPES, Recipe
from workloads.posit_training.training import NETWORKS, Schedule, train

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Two-sided 95 % quantiles of Student's t for 1 to 9 degrees of freedom."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over seeds and half the width of its 95 % confidence interval, in percent."""

    mean: float
    half_width: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Return the interval of 2 to 10 values, taken as normally distributed."""
        spread = float(np.std(values, ddof=1)) / len(values) ** 0.5
        return cls(mean=float(np.mean(values)), half_width=STUDENT[len(values) - 2] * spread)

    def __str__(self) -> str:
        return f"{self.mean:6.2f} ± {self.half_width:.2f}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network trained in one recipe."""

    network: str
    recipe: Recipe
    accuracy: Interval
    lost: Interval
    """Accuracy less than in the first recipe, seed by seed."""


def study(
    *,
    networks: Sequence[str] = tuple(NETWORKS),
    recipes: Sequence[Recipe] = RECIPES,
    seeds: int = 5,
    schedule: Schedule | None = None,
    processes: int = 1,
) -> list[Row]:
    """Train every network in every recipe with every seed; all of it takes some minutes.

    Raises:
        ValueError: for fewer than two or more than ten seeds, or no process.
    """
    if not 2 <= seeds <= len(STUDENT) + 1:
        raise ValueError(f"seeds must be in [2, {len(STUDENT) + 1}], got {seeds}")
    if processes < 1:
        raise ValueError(f"processes must be >= 1, got {processes}")
    schedule = schedule or Schedule()
    found = accuracies(networks, recipes, seeds, schedule, processes=processes)
    return as_rows(recipes, found)


Accuracies = dict[tuple[str, str], list[float]]
"""In percent, of each seed, by network and recipe."""


def accuracies(
    networks: Sequence[str],
    recipes: Sequence[Recipe],
    seeds: int,
    schedule: Schedule,
    *,
    processes: int = 1,
) -> Accuracies:
    """Train every network in every recipe with each seed from 0 on."""
    runs = [
        (network, recipe, seed, schedule)
        for network, recipe, seed in product(networks, recipes, range(seeds))
    ]
    if processes == 1:
        found = iter([_last(*run) for run in runs])
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            found = iter(list(pool.map(_last, *zip(*runs, strict=True))))
    return {
        (network, recipe.name): list(islice(found, seeds))
        for network, recipe in product(networks, recipes)
    }


def as_rows(recipes: Sequence[Recipe], found: Accuracies) -> list[Row]:
    """Return intervals over seeds; the first recipe is what others lose against."""
    rows = []
    for network in dict.fromkeys(network for network, _ in found):
        first = found[network, recipes[0].name]
        for recipe in recipes:
            here = found[network, recipe.name]
            lost = [a - b for a, b in zip(first, here, strict=True)]
            rows.append(
                Row(
                    network=network,
                    recipe=recipe,
                    accuracy=Interval.of(here),
                    lost=Interval.of(lost),
                )
            )
    return rows


def _last(network: str, recipe: Recipe, seed: int, schedule: Schedule) -> float:
    *_, last = train(network, recipe, seed, schedule)
    return last.accuracy


def as_text(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    lines = [f"{'network':<9}{'recipe':<34}{'accuracy, %':<17}lost against {rows[0].recipe.name}"]
    lines += [
        f"{row.network:<9}{row.recipe.name:<34}{row.accuracy!s:<17}{row.lost}" for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_text(study()))
