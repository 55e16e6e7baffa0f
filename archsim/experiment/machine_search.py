"""Contraction orders that suit one machine: its closed forms as prices, its engine as judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from archsim.contraction import (
    ORDERS,
    CandidateSteps,
    ContractionTree,
    HardwareOrder,
    LayerPlan,
    SimulatedSearch,
    TensorNetwork,
    TrainingFlow,
    TrainingSearch,
    cheapest_product,
    gradient_network,
    lower_tree,
    needs_outer_products_somewhere,
    plan_flow,
    search_simulated,
    search_training,
    training_flow,
)
from archsim.energy import EnergyTable, account
from archsim.errors import InputError
from archsim.formats import NumberFormat
from archsim.hardware import Architecture
from archsim.ir import Contraction, GraphBuilder, OperationGraph, Phase, Role, TensorSpec, Tile
from archsim.ir.operation import Array
from archsim.machine import component_kind, simulate
from archsim.mapping import Mapper, TileClass, Tilings
from archsim.schedule import plan_memory, schedule

SIMULATIONS = 200
"""Trees simulated for one contraction before the search says how near it is."""

Key = tuple[tuple[tuple[str, ...], ...], tuple[str, ...], tuple[tuple[str, int], ...], str]
"""What makes two networks, in a number format, the same."""


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


class MachineSearch:
    """Finds the orders in which a layer's contractions suit a machine; each layer once."""

    def __init__(self, architecture: Architecture, energy: EnergyTable) -> None:
        self.architecture = architecture
        self.energy = energy
        self._prices: dict[str, StepPrices] = {}
        self._tilings: Tilings = {}
        self._found: dict[tuple[Key, str], LayerPlan] = {}
        self._seconds: dict[tuple[Key, str], float] = {}

    def find(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> LayerPlan:
        """Return how to compute a layer's forward pass and gradients.

        With the trees that the order asks for, gradients of their own and gradients that
        share the forward tree's intermediates are both simulated; the better one is taken,
        by time, energy or their product as the order says.
        """
        key = (_key(network, number_format), order)
        if key not in self._found:
            trees, verdict = self._search(network, order, self._prices_in(number_format))
            plans = [LayerPlan(trees, shares=True), LayerPlan(trees, shares=False)]
            if order == "simulated":
                # The fastest forward pass need not make the fastest training step.
                plans.append(self.find(network, "latency", number_format))
            best = min(plans, key=lambda p: self._cost(p, order, number_format))
            told = f"{verdict}; the layer: best of {len(plans)} plans simulated"
            self._found[key] = replace(best, verdict=told)
        return self._found[key]

    def seconds(
        self, network: TensorNetwork, order: HardwareOrder, number_format: NumberFormat
    ) -> Mapping[str, float]:
        """Return the simulated time of the layer's training step in this and all other orders."""
        times: dict[str, float] = {}
        for known in (*ORDERS, order):
            key = (_key(network, number_format), known)
            if key not in self._seconds:
                self._seconds[key] = self._order_seconds(network, known, number_format)
            if self._seconds[key] < inf:
                times[known] = self._seconds[key]
        return times

    def _order_seconds(
        self, network: TensorNetwork, order: str, number_format: NumberFormat
    ) -> float:
        """Return infinity for an order that this network has not, as two halves of TTM cores."""
        builder = GraphBuilder("layer", network.sizes, number_format)
        try:
            flow = training_flow(builder, network, order, "layer", self)
        except InputError:
            return inf
        return self._simulated(_training_step(builder, flow))[0]

    def _cost(self, plan: LayerPlan, order: HardwareOrder, number_format: NumberFormat) -> float:
        builder = GraphBuilder("layer", plan.trees.network.sizes, number_format)
        graph = _training_step(builder, plan_flow(builder, plan, "layer"))
        seconds, joules = self._simulated(graph)
        return {"energy": joules, "edp": seconds * joules}.get(order, seconds)

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

    def _simulated(self, graph: OperationGraph) -> tuple[float, float]:
        """Return a graph's simulated seconds and joules; infinite if the machine cannot run it."""
        try:
            memory = plan_memory(graph, self.architecture)
            planned = schedule(graph, self.architecture, memory, self._tilings)
        except InputError:
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


def _training_step(builder: GraphBuilder, flow: TrainingFlow) -> OperationGraph:
    """Return the graph of a layer's forward pass and all gradients."""
    network = flow.network
    activation = len(network.inputs) - 1
    shapes = [[network.sizes[index] for index in term] for term in network.inputs]
    cores = [
        builder.tensor(f"layer.G{number}", shape, Role.PARAMETER)
        for number, shape in enumerate(shapes[:-1])
    ]
    shape = [network.sizes[index] for index in network.output]
    flow.forward([*cores, builder.tensor("X", shapes[activation])], "Y", shape)
    flow.backward(builder.tensor("dY", shape), "dX")
    for core in range(activation):
        flow.weight_gradient(core, f"layer.dG{core}")
    return builder.graph()


def _key(network: TensorNetwork, number_format: NumberFormat) -> Key:
    return network.inputs, network.output, tuple(network.sizes.items()), number_format.name
