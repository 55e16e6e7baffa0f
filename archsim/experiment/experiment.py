"""One run, from its configuration to its result: the only module that sees every part."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from archsim import config
from archsim.config import Document, Section
from archsim.contraction import ContractionStudy, HardwareAware, LayerSearch
from archsim.energy import EnergyTable, account, dynamic_energy
from archsim.errors import CapacityError, InputError, did_you_mean
from archsim.experiment.batch_room import batch_advice
from archsim.experiment.machine_search import MachineSearch
from archsim.experiment.memory import known_tilings, met
from archsim.hardware import COMPONENTS, Architecture
from archsim.ir import WORKLOADS, Choice, OperationGraph, Role, Workload
from archsim.machine import DEFAULT_ENGINE, ENGINES, Progress, activities, alone_on, simulate
from archsim.processes import collecting_rarely
from archsim.registry import load_plugins
from archsim.results import METRICS, OrderChoice, Provenance, PublishedValue, Result
from archsim.schedule import Schedule, absorb, plan_memory, schedule

SECTIONS = (
    "name",
    "description",
    "workload",
    "architecture",
    "energy",
    "mapping",
    "epoch",
    "published",
)
LIBRARIES = ("simpy", "numpy", "networkx")
ASSUMED = ("assumed", "recalled")
"""How the source of a value that nobody has published begins."""


@dataclass(frozen=True, kw_only=True)
class MappingOptions:
    """How operations are laid out on the architecture."""

    grouping: bool = True
    """Whether small parameters of different layers share the banks of a memory."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """How many steps a pass over the training data takes."""

    steps: int
    """Steps of one epoch."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: must be >= 1, got {self.steps}")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The complete input of one run."""

    name: str
    workload: Workload
    architecture: Architecture
    energy: EnergyTable
    mapping: MappingOptions = field(default_factory=MappingOptions)
    epoch: Epoch | None = None
    published: tuple[PublishedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment up to its simulation."""

    lowered: OperationGraph
    """The workload's operations, before any is absorbed."""
    schedule: Schedule
    absorbed: tuple[str, ...]
    """Shaping operations that networks do on the way."""


def run(
    path: str | Path,
    *,
    overrides: Mapping[str, object] | None = None,
    engine: str | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> Result:
    """Simulate the experiment that a file describes.

    ``overrides`` are values by dotted path, e.g. ``{"workload.tt_rank": 8}``; ``engine`` is
    ``fast`` (the default) or ``event``, and both give the same result; ``progress`` is told
    after each operation how many are done, and how many there are; ``workers`` are processes
    that search for mappings and simulate ahead, which changes no result.

    Raises:
        InputError: if the file, or what it asks for, is wrong.
        RunError: if the simulation could not finish.
    """
    engine = engine or DEFAULT_ENGINE
    if engine not in ENGINES:
        raise InputError(f"no engine named {engine!r}; {did_you_mean(engine, ENGINES)}")
    with collecting_rarely():
        document, experiment = read(path, overrides)
        provenance = provenance_of(document, path, overrides or {}, engine)
        return simulate_experiment(experiment, provenance, progress, workers=workers)


def lower(path: str | Path, *, overrides: Mapping[str, object] | None = None) -> OperationGraph:
    """Return the operation graph of the experiment that a file describes.

    Raises:
        InputError: if the file, or what it asks for, is wrong.
    """
    workload = read_workload(path, overrides)
    if not isinstance(workload, HardwareAware):
        return workload.lower()
    return lower_experiment(read(path, overrides)[1])


def read(
    path: str | Path, overrides: Mapping[str, object] | None = None
) -> tuple[Document, Experiment]:
    """Read an experiment's file, and all that it names.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    document = config.load(path, overrides)
    document.root.allow_only(SECTIONS)
    load_plugins()
    epoch, mapping = document.get("epoch"), document.get("mapping")
    experiment = Experiment(
        name=_name(document, path),
        workload=_workload(document),
        architecture=config.build(Architecture, document["architecture"]),
        energy=config.build(EnergyTable, document["energy"]),
        mapping=config.build(MappingOptions, mapping) if mapping else MappingOptions(),
        epoch=config.build(Epoch, epoch) if epoch else None,
        published=_published(document),
    )
    return document, experiment


def read_workload(path: str | Path, overrides: Mapping[str, object] | None = None) -> Workload:
    """Read only the workload of an experiment's file.

    Raises:
        ConfigError: naming the file, the line, the value and what is expected.
    """
    document = config.load(path, overrides)
    load_plugins()
    return _workload(document)


def simulate_experiment(
    experiment: Experiment,
    provenance: Provenance,
    progress: Progress | None = None,
    lowered: OperationGraph | None = None,
    workers: int = 1,
) -> Result:
    """Lower, plan, schedule, simulate and price an experiment, with the engine it was run with.

    The workload's operations are given where it was ``lowered`` before. What this process
    knows of the machine is used again (:mod:`archsim.experiment.memory`).

    Raises:
        InputError: if the workload does not fit the architecture.
        RunError: if the simulation could not finish.
    """
    experiment = replace(experiment, architecture=met(experiment.architecture))
    ready = prepare(experiment, lowered, workers)
    trace = simulate(
        ready.schedule,
        experiment.architecture,
        progress,
        engine=provenance.engine,
        workers=workers,
    )
    return Result(
        name=experiment.name,
        trace=trace,
        energy=account(trace, experiment.energy),
        provenance=provenance,
        steps_per_epoch=experiment.epoch.steps if experiment.epoch else None,
        published=experiment.published,
        parameters=_bytes_by_role(ready.lowered),
        orders=_orders(ready.lowered),
        absorbed=ready.absorbed,
    )


def prepare(
    experiment: Experiment,
    lowered: OperationGraph | None = None,
    workers: int = 1,
) -> Prepared:
    """Do all that comes before the simulation, and find what would end it.

    The workload's operations are given where it was ``lowered`` before. What this process
    knows of the machine is used again (:mod:`archsim.experiment.memory`).

    Raises:
        InputError: if the workload does not fit the architecture, or an action has no price.
    """
    architecture = experiment.architecture
    lowered = lowered or lower_experiment(experiment)
    shaped = absorb(lowered, architecture)
    grouping = experiment.mapping.grouping
    try:
        memory = plan_memory(shaped.graph, architecture, grouping=grouping)
    except CapacityError as error:
        advice = batch_advice(experiment.workload, architecture, grouping=grouping)
        raise CapacityError(f"{error}{advice}") from error
    known = known_tilings()
    planned = schedule(shaped.graph, architecture, memory, known, alone_on(architecture), workers)
    # An action without a price would otherwise be found hours later; tasks of a stream are alike.
    different = {id(task.stream): task for task in reversed(planned.tasks)}
    once = replace(planned, tasks=tuple(different.values()))
    dynamic_energy(activities(once, architecture), experiment.energy)
    return Prepared(lowered, planned, shaped.operations)


def check(path: str | Path) -> str:
    """Check a configuration file of any kind and return one line about it.

    An experiment is lowered, mapped and scheduled, but not simulated.

    Raises:
        InputError: if something is wrong with it.
    """
    document = config.load(path)
    load_plugins()
    if "components" in document:
        architecture = config.build(Architecture, document.root)
        return f"architecture {architecture.name}: {len(architecture.components)} components"
    if "traffic" in document:
        table = config.build(EnergyTable, document.root)
        return f"energy table {table.name}: {len(table.prices)} prices"
    if "equation" in document:
        study = config.build(ContractionStudy, document.root)
        return f"contraction: {len(study.network.inputs)} tensors"
    if "kind" in document:
        return _check_kind(document)
    _, experiment = read(path)
    ready = prepare(experiment).schedule
    graph, memory = ready.graph, ready.memory
    taken = ", ".join(
        f"{name} {100 * use.units / use.capacity_units:.0f} % full"
        for name, use in memory.peaks.items()
    )
    return (
        f"experiment {experiment.name}: {len(graph.operations):,} operations, "
        f"{graph.macs:,} MACs; {taken}"
    )


def _check_kind(document: Document) -> str:
    """Check a workload or a component, whichever has a kind of that name."""
    kind = str(document["kind"].data)
    if kind in COMPONENTS:
        spec = config.build_registered(COMPONENTS, document.root)
        return f"component: a {kind} at {spec.clock / 1e6:,.6g} MHz"
    if kind not in WORKLOADS:
        hint = did_you_mean(kind, [*COMPONENTS, *WORKLOADS])
        raise document["kind"].fail(f"no component or workload named {kind!r}", hint)
    graph = config.build_registered(WORKLOADS, document.root).lower()
    return f"workload: {len(graph.operations):,} operations, {graph.macs:,} MACs"


def lower_experiment(experiment: Experiment, machine: LayerSearch | None = None) -> OperationGraph:
    """Lower a workload, for the experiment's machine where it asks what that would like."""
    workload = experiment.workload
    if not isinstance(workload, HardwareAware):
        return workload.lower()
    return workload.lower_for(machine or machine_search(experiment))


def machine_search(experiment: Experiment) -> LayerSearch:
    """Return what finds the orders that an experiment's machine likes."""
    return MachineSearch(experiment.architecture, experiment.energy)


def _name(document: Document, path: str | Path) -> str:
    section = document.get("name")
    name = section.data if section else Path(path).stem
    if not isinstance(name, str) or not name:
        raise document["name"].fail(f"expected a text, got {name!r}")
    return name


def _workload(document: Document) -> Workload:
    return config.build_registered(WORKLOADS, document["workload"])


def _published(document: Document) -> tuple[PublishedValue, ...]:
    section = document.get("published")
    if section is None:
        return ()
    section.allow_only(METRICS)
    return tuple(_published_value(document, section[metric]) for metric in section.keys)


def _published_value(document: Document, section: Section) -> PublishedValue:
    value = section.data
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise section.fail(f"expected a number > 0, got {value!r}")
    source = document.sources.get(".".join(section.path), "")
    if not source:
        raise section.fail("a published value needs a source", "write {value: ..., source: ...}")
    mark = source.partition(":")[0]
    status = mark if mark in ASSUMED else "published"
    return PublishedValue(metric=section.path[-1], value=value, status=status, source=source)


def _orders(graph: OperationGraph) -> tuple[OrderChoice, ...]:
    """Group the layers that chose alike."""
    alike: dict[tuple[object, ...], list[Choice]] = {}
    for choice in graph.choices:
        alike.setdefault((choice.chosen, *choice.costs.items()), []).append(choice)
    return tuple(
        OrderChoice(
            layers=tuple(choice.subject for choice in choices),
            chosen=choices[0].chosen,
            unit=choices[0].unit,
            costs=choices[0].costs,
            at_least=choices[0].at_least,
            margin=choices[0].margin,
            verdict=choices[0].verdict,
        )
        for choices in alike.values()
    )


def _bytes_by_role(graph: OperationGraph) -> dict[str, int]:
    """Bytes of all tensors but activations; one that overwrites its like counts once."""
    totals: dict[str, int] = {}
    for name, tensor in graph.tensors.items():
        producer = graph.producer(name)
        overwritten = (
            graph.tensors[producer.overwrites] if producer and producer.overwrites else None
        )
        if tensor.role is Role.ACTIVATION or (overwritten and overwritten.role is tensor.role):
            continue
        totals[tensor.role] = totals.get(tensor.role, 0) + tensor.size_bytes
    return totals


def provenance_of(
    document: Document,
    path: str | Path,
    overrides: Mapping[str, Any],
    engine: str = DEFAULT_ENGINE,
) -> Provenance:
    """Return where the result of a document's experiment will come from."""
    settings = [f"--set {shlex.quote(f'{key}={value}')}" for key, value in overrides.items()]
    if engine != DEFAULT_ENGINE:
        settings.append(f"--engine {engine}")
    return Provenance(
        config=str(path),
        config_hash=config.config_hash(document),
        overrides=dict(overrides),
        engine=engine,
        versions=dict(_versions()),
        assumptions={
            place: source
            for place, source in document.sources.items()
            if source.startswith(ASSUMED)
        },
        command=" ".join(["archsim run", shlex.quote(str(path)), *settings]),
    )


@cache
def _versions() -> Mapping[str, str]:
    """Return the versions of all that results depend on: no process changes its own."""
    libraries = {library: version(library) for library in LIBRARIES}
    return {"archsim": version("archsim"), "python": python_version(), **libraries}
