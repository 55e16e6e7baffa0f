"""Contraction orders that suit one machine: its closed forms as prices, its engine as judge."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from math import fsum, inf

import numpy as np

from archsim.contraction import (
    ORDERS,
    CandidateSteps,
    ContractionTree,
    HardwareOrder,
    LayerPlan,
    OrderTimes,
    SimulatedSearch,
    TensorNetwork,
    TrainingSearch,
    cheapest_product,
    gradient_network,
    lower_tree,
    needs_outer_products_somewhere,
    plan_flow,
    search_simulated,
    search_training,
    training_step,
)
from archsim.energy import EnergyTable, account, dynamic_energy
from archsim.errors import InputError
from archsim.experiment.memory import known_tilings
from archsim.formats import NumberFormat
from archsim.hardware import Architecture
from archsim.ir import Contraction, GraphBuilder, OperationGraph, Phase, Role, TensorSpec, Tile
from archsim.ir.operation import Array
from archsim.machine import activities, alone_on, component_kind, simulate
from archsim.mapping import Mapper, TileClass
from archsim.schedule import Schedule, plan_memory, schedule

SIMULATIONS = 200
"""Trees simulated for one contraction before the search says how near it is."""

RECOMPUTATIONS = 64
"""Sets of intermediates whose recomputation is tried where keeping all does not fit."""

ROUNDING = 1e-9
"""How far, relatively, adding joules in another order may move a sum."""

Key = tuple[TensorNetwork, str]
"""A layer's network and the name of its number format."""


class StepPrices:
    """Seconds and joules of a contraction step of any shape, by closed forms.

    A step is one matrix product whose operands and result lie where activations do and
    pass each stage once, all stages overlapping; the fastest unit counts. Each shape is
    priced once.
    """

    def __init__(
        self, architecture: Architecture, energy: EnergyTable, number_format: NumberFormat
    ) -> None:
        self.architecture = architecture
        self.energy = energy
        self.number_format = number_format
        memory = architecture.memories_for(Role.ACTIVATION)[0]
        self._mapper = Mapper(architecture, dict.fromkeys(("a", "b", "c"), memory))
        self._parts: dict[Tile, tuple[TileClass, ...]] = {}

    def seconds(self, shape: Tile) -> float:
        """Time of the longest stage."""
        return _longest_stage(self._overlapped(shape)) / self.architecture.tick_rate

    def joules(self, shape: Tile) -> float:
        """Dynamic energy."""
        return 1e-12 * sum(
            count * self.energy.price(component_kind(self.architecture, component), action, name)
            for part in self._overlapped(shape)
            for component, action, name, count in part.actions
        )

    def least_seconds(self, shape: Tile) -> float:
        """Time that no schedule can beat: every multiplier of a sort of unit always busy."""
        units = self._mapper.candidates(self._operation(shape))
        rates = (
            unit.peak_macs_per_cycle * unit.clock * unit.count
            for unit in map(self.architecture.units.__getitem__, units)
        )
        return shape.points / max(rates)

    def least(self, macs: int) -> tuple[float, float]:
        """Time and energy that no schedule of so much arithmetic can beat."""
        operation = self._operation(Tile())
        units = [self.architecture.units[u] for u in self._mapper.candidates(operation)]
        seconds = macs / sum(u.peak_macs_per_cycle * u.clock * u.count for u in units)
        name = self.number_format.name
        price = min(self.energy.price(unit.kind, "mac", name) for unit in units)
        return seconds, 1e-12 * macs * price + self.energy.static_power * seconds

    def _operation(self, shape: Tile) -> Contraction:
        def tensor(name: str, *extents: int) -> TensorSpec:
            return TensorSpec(name, extents, self.number_format)

        left = tensor("a", shape.batch, shape.m, shape.k)
        right = tensor("b", shape.batch, shape.k, shape.n)
        return Contraction(
            name="step",
            phase=Phase.FORWARD,
            inputs=(left, right),
            outputs=(tensor("c", shape.batch, shape.m, shape.n),),
            equation="batch m k, batch k n -> batch m n",
        )

    def _overlapped(self, shape: Tile) -> tuple[TileClass, ...]:
        if shape not in self._parts:
            operation = self._operation(shape)
            units = self._mapper.candidates(operation)
            ways = [self._mapper.overlapped(operation, unit) for unit in units]
            self._parts[shape] = min(ways, key=_longest_stage)
        return self._parts[shape]


def _longest_stage(parts: tuple[TileClass, ...]) -> int:
    return max(max(part.service) for part in parts)


@dataclass(frozen=True)
class ByShape:
    """An objective of contraction search that prices a step by its shape alone."""

    price_of: Callable[[Tile], float]

    def price(self, steps: CandidateSteps) -> Array:
        """Return the price of every candidate step; equal shapes are asked for once."""
        sides = np.stack([steps.batch, steps.m, steps.n, steps.k], axis=-1).astype(np.int64)
        shapes, places = np.unique(sides.reshape(-1, 4), axis=0, return_inverse=True)
        prices = np.array([self.price_of(Tile(*map(int, shape))) for shape in shapes])
        return prices[places].reshape(steps.macs.shape)


@dataclass(frozen=True)
class Trial:
    """A plan, lowered for a machine, and a time and an energy that it cannot beat there.

    Without a ``schedule`` it does not fit.
    """

    plan: LayerPlan
    macs: int
    schedule: Schedule | None
    seconds: float
    joules: float

    @property
    def tiles(self) -> int:
        """Tiles to simulate."""
        return sum(task.stream.tiles for task in self.schedule.tasks) if self.schedule else 0

    def is_same_run(self, other: "Trial") -> bool:
        """Whether both do the very same operations, as plans of the same trees do."""
        if self.schedule is None or other.schedule is None or self.macs != other.macs:
            return False
        return self.schedule.graph.operations == other.schedule.graph.operations


class MachineSearch:
    """Finds the orders in which a layer's contractions suit a machine; each layer once."""

    def __init__(self, architecture: Architecture, energy: EnergyTable) -> None:
        self.architecture = architecture
        self.energy = energy
        self._prices: dict[str, StepPrices] = {}
        self._tilings = known_tilings()
        self._found: dict[tuple[Key, str], LayerPlan] = {}
        self._tried: dict[tuple[Key, LayerPlan], Trial] = {}
        self._outcomes: dict[tuple[Key, LayerPlan], tuple[float, float]] = {}
        """Seconds and joules of the plans simulated."""

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> LayerPlan:
        """Return how to compute a layer's forward pass and gradients.

        With the trees that the order asks for, gradients of their own and gradients that
        share the forward tree's intermediates are compared, and so are all orders that do
        not depend on the machine; the best by simulated time, energy or their product, as
        the order says, is taken. Plans that a lower bound rules out are not simulated.
        Where a shared plan does not fit the memory, it is tried with intermediates
        computed again.
        """
        key = ((network, number_format.name), order)
        if key not in self._found:
            trees, verdict = self._search(network, order, self._prices_in(number_format))
            plans = [*_named(), *_plans(trees)]
            if order == "simulated":
                # The fastest forward pass need not make the fastest training step.
                fast, _ = self._search(network, "latency", self._prices_in(number_format))
                plans += _plans(fast)
            best, tried, ruled_out = self._best(network, plans, order, number_format)
            told = f"{verdict}; the layer: best of {tried} plans simulated"
            if ruled_out:
                told += f", {ruled_out} ruled out by a bound"
            self._found[key] = replace(best, verdict=told)
        return self._found[key]

    def seconds(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> OrderTimes:
        """Return the time of the layer's training step in this and all other orders."""
        chosen = replace(self.find(network, order, number_format), verdict="")
        key = (network, number_format.name)
        simulated: dict[str, float] = {order: self._outcomes[key, chosen][0]}
        at_least: dict[str, float] = {}
        for trial in self._trials(network, _named(), number_format):
            outcome = self._outcomes.get((key, trial.plan))
            if outcome is None and trial.schedule:
                at_least[trial.plan.order] = trial.seconds
            elif outcome is not None and outcome[0] < inf:
                simulated[trial.plan.order] = outcome[0]
        return OrderTimes(simulated, at_least)

    def trial(self, network: TensorNetwork, plan: LayerPlan, number_format: NumberFormat) -> Trial:
        """Lower and schedule a layer's training step.

        Raises:
            InputError: if the network cannot take the plan, as two halves of TTM cores.
        """
        key = (network, number_format.name), plan
        if key not in self._tried:
            builder = GraphBuilder("layer", network.sizes, number_format)
            graph = training_step(builder, plan_flow(builder, network, plan, "layer"))
            least = self._prices_in(number_format).least(graph.macs)
            planned = self._planned(graph)
            if planned:
                least = self._least(planned)
            self._tried[key] = Trial(plan, graph.macs, planned, *least)
        return self._tried[key]

    def outcome(
        self, network: TensorNetwork, plan: LayerPlan, number_format: NumberFormat
    ) -> tuple[float, float]:
        """Return the simulated seconds and joules of a layer's training step.

        They are infinite if the machine cannot run it.

        Raises:
            InputError: if the network cannot take the plan.
        """
        key = (network, number_format.name), plan
        if key not in self._outcomes:
            trial = self.trial(network, plan, number_format)
            twin = next((k for k in self._outcomes if trial.is_same_run(self._tried[k])), None)
            self._outcomes[key] = self._outcomes[twin] if twin else self._run(trial.schedule)
        return self._outcomes[key]

    def _best(
        self,
        network: TensorNetwork,
        plans: Sequence[LayerPlan],
        order: HardwareOrder,
        number_format: NumberFormat,
    ) -> tuple[LayerPlan, int, int]:
        """Return the best plan, how many were simulated, and how many a bound ruled out."""
        trials = self._trials(network, plans, number_format)
        costs: dict[LayerPlan, float] = {}
        refused: list[LayerPlan] = []

        def compare(trials: list[Trial]) -> None:
            for trial in sorted(trials, key=lambda t: _cost(order, t.seconds, t.joules)):
                bound = _cost(order, trial.seconds, trial.joules)
                if bound > min(costs.values(), default=inf):
                    continue
                outcome = self.outcome(network, trial.plan, number_format)
                costs[trial.plan] = _cost(order, *outcome)
                if costs[trial.plan] == inf and trial.plan.trees and trial.plan.shares:
                    refused.append(trial.plan)

        compare(trials)
        again = [plan for kept in refused for plan in _recomputing(kept)]
        extra = self._trials(network, again, number_format)
        compare(extra)
        best = min(costs, key=lambda plan: costs[plan])
        return best, len(costs), len(trials) + len(extra) - len(costs)

    def _trials(
        self, network: TensorNetwork, plans: Sequence[LayerPlan], number_format: NumberFormat
    ) -> list[Trial]:
        """Lower all plans that the network can take."""
        found = []
        for plan in dict.fromkeys(plans):
            with suppress(InputError):
                found.append(self.trial(network, plan, number_format))
        return found

    def _prices_in(self, number_format: NumberFormat) -> StepPrices:
        name = number_format.name
        if name not in self._prices:
            self._prices[name] = StepPrices(self.architecture, self.energy, number_format)
        return self._prices[name]

    def _search(
        self, network: TensorNetwork, order: HardwareOrder, prices: StepPrices
    ) -> tuple[TrainingSearch, str]:
        """Return the trees that an order asks for, and what is known of them."""
        outer = needs_outer_products_somewhere(network)
        activation = len(network.inputs) - 1
        additive = {"latency": prices.seconds, "energy": prices.joules}
        if order in additive:
            wanted = ByShape(additive[order])
            trees = search_training(network, activation, wanted, outer, hyperedges=True)
            return trees, "each contraction: least sum over its steps"
        if order == "edp":
            networks = [gradient_network(network, n) for n in range(len(network.inputs) + 1)]
            found = [self._least_edp(each, prices, outer) for each in networks]
            steps = tuple(tree.steps for tree in found)
            verdict = "each contraction: least product of sums over its steps"
            return TrainingSearch(network, activation, steps), verdict
        return self._search_by_simulation(network, prices, outer)

    def _search_by_simulation(
        self, network: TensorNetwork, prices: StepPrices, outer: bool
    ) -> tuple[TrainingSearch, str]:
        activation = len(network.inputs) - 1
        searches = []
        for number in range(len(network.inputs) + 1):
            streams = {activation, len(network.inputs)} - {number}
            positions = {n - (n > number) for n in streams}
            wanted = gradient_network(network, number)
            searches.append(self._fastest(wanted, positions, prices, outer))
        worst = max(searches, key=lambda found: found.gap_percent)
        steps = tuple(found.tree.steps for found in searches)
        return TrainingSearch(network, activation, steps), f"each contraction: {worst.verdict}"

    def _least_edp(
        self, network: TensorNetwork, prices: StepPrices, outer: bool
    ) -> ContractionTree:
        objectives = (ByShape(prices.seconds), ByShape(prices.joules))
        watts = self.energy.static_power
        found = cheapest_product(
            network,
            objectives,
            combine=lambda seconds, joules: seconds * (joules + watts * seconds),
            outer_products=outer,
            hyperedges=True,
        )
        return found.tree

    def _fastest(
        self, network: TensorNetwork, activations: set[int], prices: StepPrices, outer: bool
    ) -> SimulatedSearch:
        return search_simulated(
            network,
            ByShape(prices.least_seconds),
            lambda tree: self._simulated(
                self._contraction(tree, activations, prices.number_format)
            )[0],
            limit=SIMULATIONS,
            outer_products=outer,
            hyperedges=True,
        )

    def _planned(self, graph: OperationGraph) -> Schedule | None:
        """Return a graph's schedule, if the machine can run it."""
        try:
            memory = plan_memory(graph, self.architecture)
            alone = alone_on(self.architecture)
            return schedule(graph, self.architecture, memory, self._tilings, alone)
        except InputError:
            return None

    def _least(self, planned: Schedule) -> tuple[float, float]:
        """Return seconds and joules that a schedule takes if no channel is ever contended."""
        finished = dict.fromkeys(planned.predecessors, 0)
        free: dict[str, int] = {}
        for task in planned.tasks:
            ready = (finished[before] for before in planned.predecessors[task.operation])
            start = max(free.get(task.unit, 0), *ready, 0)
            free[task.unit] = end = start + task.stream.uncontended_ticks
            finished[task.operation] = max(finished[task.operation], end)
        seconds = max(finished.values()) / self.architecture.tick_rate
        picojoules = dynamic_energy(activities(planned, self.architecture), self.energy)
        joules = 1e-12 * fsum(picojoules.values()) + self.energy.static_power * seconds
        return seconds, joules * (1 - ROUNDING)

    def _simulated(self, graph: OperationGraph) -> tuple[float, float]:
        """Return a graph's simulated seconds and joules; infinite if the machine cannot run it."""
        return self._run(self._planned(graph))

    def _run(self, planned: Schedule | None) -> tuple[float, float]:
        if planned is None:
            return inf, inf
        trace = simulate(planned, self.architecture)
        return trace.makespan / trace.tick_rate_hz, account(trace, self.energy).total_pj * 1e-12

    def _contraction(
        self, tree: ContractionTree, activations: set[int], number_format: NumberFormat
    ) -> OperationGraph:
        network = tree.network
        builder = GraphBuilder("contraction", network.sizes, number_format)
        tensors = [
            builder.tensor(
                f"tensor{number}",
                [network.sizes[index] for index in term],
                Role.ACTIVATION if number in activations else Role.PARAMETER,
            )
            for number, term in enumerate(network.inputs)
        ]
        lower_tree(builder, tree, tensors, "contraction", Phase.FORWARD, result="result")
        return builder.graph()


def _cost(order: HardwareOrder, seconds: float, joules: float) -> float:
    """What an order has least of."""
    return {"energy": joules, "edp": seconds * joules}.get(order, seconds)


def _named() -> list[LayerPlan]:
    return [LayerPlan(order) for order in ORDERS]


def _plans(trees: TrainingSearch) -> list[LayerPlan]:
    return [LayerPlan(trees=trees, shares=True), LayerPlan(trees=trees, shares=False)]


def _recomputing(plan: LayerPlan) -> Iterator[LayerPlan]:
    """Yield the plan with some intermediates computed again, those that cost least first."""
    assert plan.trees is not None
    tree = plan.trees.forward
    inner = range(len(tree.steps) - 1)
    choices = (frozenset(steps) for size in inner for steps in combinations(inner, size + 1))
    cheapest = sorted(choices, key=lambda steps: sum(tree.step_macs[step] for step in steps))
    for steps in cheapest[:RECOMPUTATIONS]:
        yield replace(plan, recomputed=steps)
