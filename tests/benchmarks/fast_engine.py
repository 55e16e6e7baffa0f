"""How much faster the fast engine is than the event engine, and what it costs at worst.

Run it as ``python tests/benchmarks/fast_engine.py``. All ratios are of one run, because the
machine is shared: the CPU times that a ratio compares are measured in turns, and the least
of each counts. The event engine lives the first tiles of a model only; its time for the whole
is extrapolated by tiles, and the line says from how many.
"""

import gc
import resource
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[2]))

import simpy

import archsim
from archsim.experiment import prepare, read
from archsim.hardware import Architecture
from archsim.machine import simulate, simulator
from archsim.machine.channel import Timing
from archsim.machine.event_engine import EventEngine
from archsim.machine.fast_forward import FastForward
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.results import Trace
from archsim.schedule import Schedule
from tests.machine.strategies import CROWD, crowd
from tests.machines import with_component

MANY = with_component(CROWD, "unit", count=16)
CONFIGS = Path(__file__).parents[2] / "configs"
PART = 50_000
"""Tiles after which the event engine stops."""
ROUNDS = 9
"""Times that each engine is measured."""
PRIMES = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069, 1087, 1091, 1093)


@dataclass(frozen=True)
class Model:
    """A shipped experiment, changed as it is said."""

    experiment: str
    overrides: Mapping[str, object]
    goal: int | None
    """How many times faster the fast engine shall be."""


MODELS = (
    Model("array_llama2_7b_prefill", {}, 500),
    Model("array_vit_b16_tt", {}, 100),
    Model("array_llama_block_tt", {}, None),
    Model("array_bert_base", {}, None),
    Model("array_bert_base", {"workload.mode": "training", "workload.batch": 8}, None),
)


def tiles(plan: Schedule) -> int:
    """Return the tiles of all tasks."""
    return sum(task.stream.tiles for task in plan.tasks)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def in_turns(*works: Callable[[], object]) -> list[float]:
    """Return the least time of each."""
    times = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*times, strict=True)]


def afresh(plan: Schedule, architecture: Architecture, engine: str = "fast") -> Trace:
    """Simulate on a machine on which nothing has been lived before."""
    return simulate(plan, replace(architecture), engine=engine)


class _EnoughError(Exception):
    """So many tiles have been lived."""


class EventPart(EventEngine):
    """The event engine, until so many tiles have been lived."""

    def __init__(
        self, env: simpy.Environment, timings: Mapping[str, Timing], *, ticks: int
    ) -> None:
        super().__init__(env, timings)
        env.process(self._watch(ticks))

    def _watch(self, ticks: int) -> Generator[simpy.Event, None, None]:
        """Process: count from time to time."""
        while True:
            yield self.env.timeout(ticks)
            lived = sum(logs[-1].tiles for logs in self.logs.values())
            if lived >= PART:
                raise _EnoughError(lived)


def event_part(plan: Schedule, architecture: Architecture) -> tuple[float, int]:
    """Return how long the event engine lives some of the tiles, and how many those are."""
    ticks = simulate(plan, architecture).makespan * PART // tiles(plan) // 20
    part = {"part": lambda env, timings, _: EventPart(env, timings, ticks=ticks)}
    simulator.ENGINES = {**simulator.ENGINES, **part}
    start = process_time()
    try:
        simulate(plan, architecture, engine="part")
    except _EnoughError as enough:
        return process_time() - start, enough.args[0]
    raise AssertionError("fewer tiles than a part")


def model_lines(model: Model) -> list[str]:
    """Measure both engines on a model, and a whole run of it."""
    path = CONFIGS / "experiments" / f"{model.experiment}.yaml"
    run = seconds(lambda: archsim.run(path, overrides=model.overrides))
    _, experiment = read(path, model.overrides)
    plan, architecture = prepare(experiment).schedule, experiment.architecture
    (fast,) = in_turns(lambda: afresh(plan, architecture))
    event, lived = event_part(plan, architecture)
    extrapolated = event * tiles(plan) / lived
    changes = "".join(f", {key}={value}" for key, value in model.overrides.items())
    goal = f", goal {model.goal}" if model.goal else ""
    return [
        f"{model.experiment}{changes}: {len(plan.tasks):,} tasks, {tiles(plan):,} tiles",
        f"  fast {fast:.3f} s, event {extrapolated:.1f} s (extrapolated from {lived:,} tiles "
        f"lived in {event:.2f} s): {extrapolated / fast:,.0f} times faster{goal}",
        f"  a whole run {run:.2f} s",
    ]


def loads(times: int, load: int, compute: int) -> TileStream:
    """Return a stream of equal tiles, loaded from a shared DRAM."""
    path = (Stage(StageKind.FETCH, "dram", False, 20), Stage(StageKind.COMPUTE, "unit", True))
    return TileStream(path, (Repeat(times, (TileClass((load, compute), (load, 0), 1, ()),)),))


def side_by_side(streams: list[TileStream]) -> Schedule:
    """Return independent streams, each on a unit of its own."""
    parts = {f"o{n}": {f"unit{n}": stream} for n, stream in enumerate(streams)}
    return crowd(parts, dict.fromkeys(parts, ()))


def worst_line(label: str, streams: list[TileStream]) -> str:
    """Compare the fast engine with itself, when it lives every tile without looking."""
    plan = side_by_side(streams)
    with_looks, without = in_turns(
        lambda: afresh(plan, MANY), lambda: afresh(plan, MANY, "tile by tile")
    )
    return f"  {label:42} {with_looks / without:5.2f} of the time tile by tile"


def worst_lines() -> list[str]:
    """Measure streams with and without a common period."""
    found = ["streams side by side, against the fast engine tile by tile (at most 1.3):"]
    for count in (2, 4, 8, 15):
        slow = [loads(20_000 // count, 17, prime) for prime in PRIMES[:count]]
        found.append(worst_line(f"{count} of incommensurate periods", slow))
        busy = [loads(20_000 // count, 101, prime) for prime in PRIMES[:count]]
        found.append(worst_line(f"{count} the same, the DRAM often busy", busy))
        bound = [loads(20_000 // count, prime, 7) for prime in PRIMES[:count]]
        found.append(worst_line(f"{count} waiting for the DRAM", bound))
    return found


def lone_lines() -> list[str]:
    """Measure one operation of more and more tiles."""
    found = ["a lone stream:"]
    for count in (10**3, 10**5, 10**7, 10**9):
        plan = side_by_side([loads(count, 90, 100)])
        (took,) = in_turns(lambda plan=plan: afresh(plan, MANY))  # type: ignore[misc]
        found.append(f"  {count:>13,} tiles {1e6 * took:8.0f} us")
    return found


def report() -> None:
    """Print all lines, as they are measured."""
    tile_by_tile = {"tile by tile": partial(FastForward, skips=False)}
    simulator.ENGINES = {**simulator.ENGINES, **tile_by_tile}
    for model in MODELS:
        print("\n".join(model_lines(model)), flush=True)
    print("\n".join(worst_lines()), flush=True)
    print("\n".join(lone_lines()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"at most {peak:.0f} MiB of memory, the event engine's runs included")


if __name__ == "__main__":
    report()
