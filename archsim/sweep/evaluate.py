"""Runs points one after the other, and does nothing twice that neighbours have in common.

A run is a chain: configuration, lowered graph, tilings, simulation, prices. A point begins at
the first link that it changes: a workload's graph serves all machines unless it asked them for
an order, and a simulation serves all energy tables. Tilings serve all machines on which an
operation meets the same: every run of a process knows those of the ones before.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from archsim import config
from archsim.config import Document
from archsim.contraction import HardwareOrder, LayerPlan, LayerSearch, OrderTimes, TensorNetwork
from archsim.energy import ActionCounts, EnergyTable, static_energy
from archsim.errors import ArchsimError, CapacityError, MappingError
from archsim.experiment import (
    Experiment,
    lower_experiment,
    machine_search,
    provenance_of,
    read,
    simulate_experiment,
)
from archsim.formats import NumberFormat
from archsim.ir import OperationGraph, Role
from archsim.results import Result
from archsim.results.result import J_PER_PJ
from archsim.results.sweep import METRICS
from archsim.sweep.outcome import Outcome, infeasible
from archsim.sweep.plan import Point, SweepPlan

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

GRAPHS, SIMULATIONS = 4, 2
"""How many of each a process remembers: points come in an order in which few are enough."""
PRICES = "energy"
"""The section of an experiment that no simulation depends on."""


class Recent(Generic[K, V]):
    """What was worked out last, under what it depends on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return what is remembered under a key."""
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def keep(self, key: K, value: V) -> V:
        """Remember a value, and forget the one not asked for the longest."""
        self._found[key] = value
        while len(self._found) > self._most:
            self._found.popitem(last=False)
        return value


@dataclass(frozen=True)
class Lowered:
    """A workload's graph, and whether the machine had a say in it."""

    graph: OperationGraph
    asked_the_machine: bool


@dataclass(frozen=True)
class Simulated:
    """A run that any energy table can price, and what no table changes."""

    counts: ActionCounts
    metrics: Outcome

    def priced(self, table: EnergyTable) -> Outcome:
        """Return the metrics under a table's prices, as a result of its own would have them."""
        latency_s = self.metrics["latency_s"]
        picojoules = self.counts.total_pj(table) + static_energy(table, latency_s)
        energy_j = picojoules * J_PER_PJ
        return self.metrics | {
            "energy_j": energy_j,
            "edp_js": energy_j * latency_s,
            "power_w": energy_j / latency_s,
        }


class Evaluator:
    """Finds the outcome of points of one sweep."""

    def __init__(self, plan: SweepPlan) -> None:
        self.plan = plan
        self.done: Counter[str] = Counter()
        """How often each link of the chain was gone through, to tell what was used again."""
        self._graphs: Recent[str, Lowered] = Recent(GRAPHS)
        self._simulated: Recent[tuple[str, ...], Simulated | ArchsimError] = Recent(SIMULATIONS)

    def outcome(self, point: Point) -> Outcome:
        """Run a point, or say why it cannot be."""
        self.done["points"] += 1
        try:
            return {"feasible": True, "reason": ""} | self._metrics(point)
        except ArchsimError as error:
            return infeasible(str(error))
        except Exception as error:
            return infeasible(f"a bug of archsim: {type(error).__name__}: {error}")

    def _metrics(self, point: Point) -> Outcome:
        document = config.load(self.plan.experiment, point.changes)
        rest = json.dumps({k: v for k, v in document.data.items() if k != PRICES}, sort_keys=True)
        prices = _text(document, PRICES)
        found = self._simulated.get((rest, "")) or self._simulated.get((rest, prices))
        if isinstance(found, Simulated):  # all but the prices was read, and found right, before
            return found.priced(config.build(EnergyTable, document[PRICES]))
        document, experiment = read(self.plan.experiment, point.changes)
        if found is None:
            texts = [_text(document, part) for part in ("workload", "architecture", PRICES)]
            lowered = self._lowered(experiment, texts)
            key = (rest, prices if lowered.asked_the_machine else "")
            found = self._simulated.keep(key, self._run(document, experiment, lowered.graph))
        if isinstance(found, ArchsimError):
            raise found
        return found.priced(experiment.energy)

    def _lowered(self, experiment: Experiment, texts: Sequence[str]) -> Lowered:
        """Lower a workload, unless its graph is known and nothing that it depends on differs."""
        alone, for_machine = texts[0], "".join(texts)
        for key in (alone, for_machine):
            found = self._graphs.get(key)
            if found is not None:
                return found
        self.done["graphs"] += 1
        machine = _Listener(machine_search(experiment))
        graph = lower_experiment(experiment, machine)
        key = for_machine if machine.was_asked else alone
        return self._graphs.keep(key, Lowered(graph, machine.was_asked))

    def _run(
        self,
        document: Document,
        experiment: Experiment,
        graph: OperationGraph,
    ) -> Simulated | ArchsimError:
        """Simulate a point; where it does not fit its machine, no prices will make it fit."""
        self.done["simulations"] += 1
        provenance = provenance_of(document, self.plan.experiment, {})
        try:
            result = simulate_experiment(experiment, provenance, lowered=graph)
        except (CapacityError, MappingError) as error:
            return error
        return Simulated(ActionCounts.of(result.trace.activities), _of_time(result))


class _Listener:
    """A machine's search for orders that remembers whether anyone asked."""

    def __init__(self, search: LayerSearch) -> None:
        self._search = search
        self.was_asked = False

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> LayerPlan:
        self.was_asked = True
        return self._search.find(network, order, number_format)

    def seconds(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> OrderTimes:
        self.was_asked = True
        return self._search.seconds(network, order, number_format)


def _text(document: Document, part: str) -> str:
    """Return a section as a text that stands for all it says."""
    section = document.get(part)
    return "" if section is None else json.dumps(section.data, sort_keys=True)


def _of_time(result: Result) -> Outcome:
    """Return the metrics that do not depend on prices."""
    on_chip = (peak for peak in result.memories.values() if not peak.is_off_chip)
    known = {
        "latency_s": result.latency_s,
        "macs": result.macs,
        "dram_bytes": result.dram_bytes,
        "on_chip_bytes": sum(peak.taken_bytes for peak in on_chip),
        "parameter_bytes": result.parameters.get(Role.PARAMETER, 0),
        "limited_by": result.bounds.limited_by,
    }
    return {name: known.get(name) for name in METRICS}
