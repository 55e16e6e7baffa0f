"""How much faster the fast engine is than the event engine, and what it costs at worst.

Run it as ``python tests/benchmarks/fast_engine.py``. All ratios are of one run, because the
machine is shared: the CPU times that a ratio compares are measured in turns, and the least
of each counts. The event engine lives the first operations of a model only; its time for the
whole is extrapolated by tiles, and the line says from how many.
"""

import gc
import resource
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsim import config
from archsim.energy import EnergyTable, account
from archsim.formats import parse
from archsim.hardware import Architecture
from archsim.ir import GraphBuilder, OperationGraph, Phase, Role, TensorSpec
from archsim.machine import simulate, simulator
from archsim.machine.fast_forward import FastForward
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.registry import load_plugins
from archsim.schedule import Schedule, absorb, plan_memory, schedule
from tests.machine.strategies import CROWD, crowd
from tests.machines import with_component

MANY = with_component(CROWD, "unit", count=16)
CONFIGS = Path(__file__).parents[2] / "configs"
PART = 50_000
"""Tiles after which the event engine may stop."""
ROUNDS = 9
"""Times that each engine is measured."""
PRIMES = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069, 1087, 1091, 1093)


@dataclass(frozen=True)
class Model:
    """A stack of equal layers."""

    build: Callable[[int], OperationGraph]
    """Return so many layers as a graph."""
    layers: int
    goal: int
    """How many times faster the fast engine shall be."""


def machine() -> Architecture:
    """Return the generic array with room for any weights."""
    document = config.load(CONFIGS / "architectures" / "generic_array.yaml")
    architecture = config.build(Architecture, document.root)
    dram = replace(architecture.components["dram"], capacity=2**40)
    return replace(architecture, components={**architecture.components, "dram": dram})


def decoder(layers: int, *, tokens: int = 2048, d: int = 4096, f: int = 11008) -> OperationGraph:
    """Return the prefill of a Llama-2-7B-like stack: attention of 32 heads, a gated MLP."""
    sizes = {"t": tokens, "s": tokens, "d": d, "h": 32, "e": d // 32, "f": f}
    builder = GraphBuilder("decoder", sizes, parse("bf16"))

    def weight(name: str, *shape: int) -> TensorSpec:
        return builder.tensor(name, shape, Role.PARAMETER)

    def contract(name: str, equation: str, one: TensorSpec, other: TensorSpec) -> TensorSpec:
        return builder.contract(name, Phase.INFERENCE, equation, one, other)

    def each(name: str, equation: str, what: str, *inputs: TensorSpec) -> TensorSpec:
        return builder.elementwise(name, Phase.INFERENCE, equation, what, *inputs)

    def total(name: str, equation: str, one: TensorSpec) -> TensorSpec:
        return builder.reduce(name, Phase.INFERENCE, equation, one)

    def normed(name: str, x: TensorSpec) -> TensorSpec:
        squares = each(f"{name}.squares", "t d -> t d", "a * a", x)
        return each(
            name, "t d, t -> t d", "a / sqrt(b)", x, total(f"{name}.sum", "t d -> t", squares)
        )

    x = builder.tensor("x", (tokens, d), Role.DATA)
    for number in range(layers):
        at = f"layer{number}."
        heads = (d, 32, d // 32)
        y = normed(f"{at}norm1", x)
        q = contract(f"{at}q", "t d, d h e -> h t e", y, weight(f"{at}Wq", *heads))
        k = contract(f"{at}k", "s d, d h e -> h s e", y, weight(f"{at}Wk", *heads))
        v = contract(f"{at}v", "s d, d h e -> h s e", y, weight(f"{at}Wv", *heads))
        scores = contract(f"{at}scores", "h t e, h s e -> h t s", q, k)
        powers = each(f"{at}powers", "h t s -> h t s", "exp(a)", scores)
        sums = total(f"{at}sums", "h t s -> h t", powers)
        shares = each(f"{at}shares", "h t s, h t -> h t s", "a / b", powers, sums)
        seen = contract(f"{at}seen", "h t s, h s e -> h t e", shares, v)
        out = contract(f"{at}out", "h t e, h e d -> t d", seen, weight(f"{at}Wo", *heads[1:], d))
        x = each(f"{at}sum1", "t d, t d -> t d", "a + b", x, out)
        y = normed(f"{at}norm2", x)
        gate = contract(f"{at}gate", "t d, d f -> t f", y, weight(f"{at}Wg", d, f))
        up = contract(f"{at}up", "t d, d f -> t f", y, weight(f"{at}Wu", d, f))
        inner = each(f"{at}inner", "t f, t f -> t f", "a / (1 + exp(a)) * b", gate, up)
        down = contract(f"{at}down", "t f, f d -> t d", inner, weight(f"{at}Wd", f, d))
        x = each(f"{at}sum2", "t d, t d -> t d", "a + b", x, down)
    builder.output(x)
    return builder.graph()


MATRICES = (("qkv", "d", "g"), ("out", "g", "d"), ("up", "d", "f"), ("down", "f", "d"))
"""Those of a layer, with the indices of their two sides."""


def training_step(layers: int, *, tokens: int = 197 * 8, d: int = 768) -> OperationGraph:
    """Return a ViT-B/16-like training step: each layer's matrices forward, dX, dW and update."""
    sizes = {"t": tokens, "d": d, "g": d, "f": 4 * d}
    builder = GraphBuilder("training", sizes, parse("bf16"))
    x = builder.tensor("x", (tokens, d), Role.DATA)
    passed: list[tuple[str, str, str, TensorSpec, TensorSpec]] = []
    for number in range(layers):
        for name, i, o in MATRICES:
            w = builder.tensor(f"layer{number}.{name}.W", (sizes[i], sizes[o]), Role.PARAMETER)
            passed.append((f"layer{number}.{name}", i, o, x, w))
            y = builder.contract(
                f"layer{number}.{name}", Phase.FORWARD, f"t {i}, {i} {o} -> t {o}", x, w
            )
            x = builder.elementwise(
                f"layer{number}.{name}.act", Phase.FORWARD, f"t {o} -> t {o}", "tanh(a)", y
            )
    for name, i, o, before, w in reversed(passed):
        gradient = builder.contract(
            f"{name}.dW", Phase.WEIGHT_GRADIENT, f"t {i}, t {o} -> {i} {o}", before, x
        )
        x = builder.contract(f"{name}.dX", Phase.BACKWARD, f"t {o}, {i} {o} -> t {i}", x, w)
        builder.elementwise(
            f"{name}.update",
            Phase.UPDATE,
            f"{i} {o}, {i} {o} -> {i} {o}",
            "a - 0.01 * b",
            w,
            gradient,
            overwrites=w.name,
            role=Role.PARAMETER,
        )
    builder.output(x)
    return builder.graph()


MODELS: Mapping[str, Model] = {
    "Llama-2-7B-like prefill": Model(decoder, layers=32, goal=500),
    "ViT-B/16-like training step": Model(training_step, layers=12, goal=100),
}


def planned(graph: OperationGraph, architecture: Architecture) -> Schedule:
    """Return the schedule of a graph."""
    shaped = absorb(graph, architecture).graph
    return schedule(shaped, architecture, plan_memory(shaped, architecture))


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


class _EnoughError(Exception):
    """A part of a run has been lived."""


def event_part(plan: Schedule, architecture: Architecture) -> tuple[float, int]:
    """Return how long the event engine lives the first operations, and their tiles."""
    by_operation: Counter[str] = Counter()
    for task in plan.tasks:
        by_operation[task.operation] += task.stream.tiles
    # Equal units work through their tasks in order, so the first ones are done first.
    lived = list(accumulate(by_operation[name] for name in dict.fromkeys(by_operation)))

    def stop(done: int, _: int) -> None:
        if lived[done - 1] >= PART:
            raise _EnoughError(done)

    start = process_time()
    try:
        simulate(plan, architecture, stop, engine="event")
    except _EnoughError as enough:
        return process_time() - start, lived[enough.args[0] - 1]
    return process_time() - start, lived[-1]


def model_lines(name: str, model: Model, architecture: Architecture) -> list[str]:
    """Measure both engines on a model, and what else a run of it takes."""
    steps: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        start = process_time()
        result = work()
        steps[step] = process_time() - start
        return result

    graph = timed("lower", lambda: model.build(model.layers))
    shaped = timed("absorb", lambda: absorb(graph, architecture).graph)
    memory = timed("plan memory", lambda: plan_memory(shaped, architecture))
    whole = timed("map and schedule", lambda: schedule(shaped, architecture, memory))
    trace = timed("simulate", lambda: simulate(whole, architecture))
    table = config.build(EnergyTable, config.load(CONFIGS / "energy" / "asic_16nm.yaml").root)
    timed("price", lambda: account(trace, table))
    (fast,) = in_turns(lambda: simulate(whole, architecture))
    event, lived = event_part(whole, architecture)
    extrapolated = event * tiles(whole) / lived
    return [
        f"{name}: {len(whole.tasks):,} tasks, {tiles(whole):,} tiles",
        f"  fast {fast:.3f} s, event {extrapolated:.1f} s (extrapolated from {lived:,} tiles "
        f"lived in {event:.2f} s): {extrapolated / fast:,.0f} times faster, goal {model.goal}",
        "  a run: "
        + ", ".join(f"{step} {took:.2f} s" for step, took in steps.items())
        + f"; in all {sum(steps.values()):.2f} s",
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
        lambda: simulate(plan, MANY), lambda: simulate(plan, MANY, engine="tile by tile")
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
        (took,) = in_turns(lambda plan=plan: simulate(plan, MANY))  # type: ignore[misc]
        found.append(f"  {count:>13,} tiles {1e6 * took:8.0f} us")
    return found


def report() -> None:
    """Print all lines, as they are measured."""
    load_plugins()
    tile_by_tile = {"tile by tile": partial(FastForward, skips=False)}
    simulator.ENGINES = {**simulator.ENGINES, **tile_by_tile}
    architecture = machine()
    for name, model in MODELS.items():
        print("\n".join(model_lines(name, model, architecture)), flush=True)
    print("\n".join(worst_lines()), flush=True)
    print("\n".join(lone_lines()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"at most {peak:.0f} MiB of memory, the event engine's runs included")


if __name__ == "__main__":
    report()
