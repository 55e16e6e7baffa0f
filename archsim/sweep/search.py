"""Search: which points are worth a run is asked of optuna, batch by batch.

A search is repeatable: equal outcomes lead to equal questions. So nothing of it is kept; one that
was stopped is gone through again with the outcomes on disk, and goes on where they end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archsim.errors import InputError
from archsim.sweep.journal import Journal
from archsim.sweep.outcome import Outcome
from archsim.sweep.plan import Point, SearchPlan, SweepPlan
from archsim.sweep.table import derived_values

try:
    import optuna
except ModuleNotFoundError as error:
    raise InputError("a search needs optuna: pip install 'archsim[search]'") from error

Answers = Mapping[int, Outcome | None]
"""Outcomes by number; none for what could not be run."""
WORST = 1e30
"""What an objective of an infeasible point is taken to be."""


def searched(
    plan: SweepPlan, answers: Callable[[Sequence[Point]], Answers]
) -> Iterator[tuple[Point, Outcome]]:
    """Yield every point that a search wants run, once it has been, with its outcome.

    It ends when it has had its trials, or when an answer is missing.
    """
    wanted = plan.search
    assert wanted is not None
    study = _study(wanted)
    tried: dict[int, Outcome] = {}
    left = wanted.trials
    while left:
        trials = [study.ask() for _ in range(min(left, wanted.batch))]
        points = [_point(plan, trial) for trial in trials]
        new = {p.number: p for p in points if p.number not in tried and not plan.skips(p)}
        found = answers(tuple(new.values()))
        for point in new.values():
            outcome = found.get(point.number)
            if outcome is not None:
                tried[point.number] = outcome
                yield point, outcome
        if any(found.get(number) is None for number in new):
            return
        for trial, point in zip(trials, points, strict=True):
            _tell(study, trial, plan, point, tried.get(point.number))
        left -= len(trials)


def tried_points(plan: SweepPlan, journal: Journal) -> Iterator[Point]:
    """Yield the points of a search that were run, in the order in which it asked for them."""

    def known(points: Sequence[Point]) -> Answers:
        return {point.number: journal.get(plan.key(point)) for point in points}

    yield from (point for point, _ in searched(plan, known))


def _study(wanted: SearchPlan) -> "optuna.Study":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler: optuna.samplers.BaseSampler = (
        optuna.samplers.TPESampler(seed=wanted.seed)
        if wanted.method == "tpe"
        else optuna.samplers.NSGAIISampler(seed=wanted.seed, population_size=max(2, wanted.batch))
    )
    directions = ["minimize"] * len(wanted.objectives)
    return optuna.create_study(sampler=sampler, directions=directions)


def _point(plan: SweepPlan, trial: "optuna.Trial") -> Point:
    """Return the point that a trial means; it is not asked about axes that are not there."""
    places = [0] * len(plan.axes)
    for number, axis in enumerate(plan.axes):
        if plan.at(tuple(places)).settings[number] is None:
            continue
        last = len(axis.settings) - 1
        if isinstance(axis.settings[0].value, int | float):
            places[number] = trial.suggest_int(axis.name, 0, last)
        else:
            places[number] = int(trial.suggest_categorical(axis.name, range(last + 1)))
    return plan.at(tuple(places))


def _tell(
    study: "optuna.Study",
    trial: "optuna.Trial",
    plan: SweepPlan,
    point: Point,
    outcome: Outcome | None,
) -> None:
    """Say how a trial went; one that is skipped or infeasible breaks a bound."""
    wanted = plan.search
    assert wanted is not None
    values = [WORST] * len(wanted.objectives)
    bounds = [1.0, *(0.0 for _ in wanted.constraints)]  # above 0: broken
    if outcome is not None and outcome["feasible"]:
        known: dict[str, Any] = {**plan.named(point), **outcome}
        known |= derived_values(plan, point, outcome)
        values = [float(known[column]) for column in wanted.objectives]
        over = (float(low.value(known) - high.value(known)) for low, high in wanted.constraints)
        bounds = [-1.0, *over]
    for number, bound in enumerate(bounds):
        trial.set_constraint(str(number), bound)
    study.tell(trial, values)
