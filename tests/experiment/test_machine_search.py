"""Contraction orders for a machine: bounds that bound, searches that simulation confirms."""

import re
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archsim
from archsim.contraction import (
    HARDWARE_ORDERS,
    ORDERS,
    LayerPlan,
    TensorNetwork,
    block_term,
    gradient_network,
    hierarchical_tucker,
    k_best,
    search_training,
    tensor_ring,
    tensor_train,
    tensor_train_matrix,
)
from archsim.errors import InputError
from archsim.experiment import read
from archsim.experiment.machine_search import ByShape, MachineSearch, StepPrices, _cost
from archsim.formats import parse
from archsim.hardware import SramSpec
from archsim.ir import Tile
from workloads.tensor_layers import training_graph

EXPERIMENTS = Path(__file__).parents[2] / "configs" / "experiments"
FP32 = parse("fp32")


def layer(weight, rows):
    """A layer's network: the cores, then the activation."""
    inputs = [index for index in sorted(weight.sizes) if index.startswith("i")]
    outputs = [index for index in sorted(weight.sizes) if index.startswith("o")]
    return TensorNetwork(
        (*weight.cores, ("rows", *inputs)), ("rows", *outputs), {**weight.sizes, "rows": rows}
    )


SMALL = layer(tensor_train((4, 6), (6, 4), (3, 5, 3)), 8)
PAPER = layer(tensor_train((12, 8, 8), (8, 8, 12), (12,) * 5, inputs_first=True), 32)
PAIRED = layer(tensor_train_matrix((4, 6), (6, 4), (3,)), 8)


@pytest.fixture(scope="module")
def machine():
    _, experiment = read(EXPERIMENTS / "u50_atis_2enc.yaml")
    return MachineSearch(experiment.architecture, experiment.energy)


@pytest.fixture(scope="module")
def prices(machine):
    return StepPrices(machine.architecture, machine.energy, FP32)


def simulated_times(machine, network, activations):
    """The simulated time of every tree of a network."""
    return [
        machine._simulated(machine._contraction(tree, activations, FP32))[0]
        for _, tree in k_best(network, "macs")
    ]


@settings(max_examples=40, deadline=None)
@given(st.builds(Tile, *[st.integers(1, 40)] * 4))
def test_no_simulated_product_is_faster_than_the_bound(machine, prices, shape):
    network = TensorNetwork(
        (("b", "m", "k"), ("b", "k", "n")),
        ("b", "m", "n"),
        {"b": shape.batch, "m": shape.m, "k": shape.k, "n": shape.n},
    )

    (time,) = simulated_times(machine, network, {0, 1})

    assert prices.least_seconds(shape) <= time * (1 + 1e-12)


def test_a_steps_price_is_its_longest_stage(prices):
    """768 x 12 by 12 x 32 on twelve multipliers at 100 MHz.

    The kernel takes 20 + 768 * 32 - 1 cycles; the link at 64 bit a cycle brings
    (768 * 12 + 12 * 32) / 2 = 4,800 lines and takes 768 * 32 / 2 = 12,288 back.
    """
    assert prices.seconds(Tile(m=768, n=32, k=12)) == pytest.approx((20 + 768 * 32 - 1) / 100e6)


@pytest.mark.parametrize("number", range(len(SMALL.inputs) + 1))
def test_the_simulated_search_finds_what_simulating_every_tree_finds(machine, number):
    network = gradient_network(SMALL, number)
    streams = {len(SMALL.inputs) - 1, len(SMALL.inputs)} - {number}
    activations = {n - (n > number) for n in streams}

    found, verdict = machine._search(SMALL, "simulated", machine._prices_in(FP32))
    tree = {
        len(SMALL.inputs): found.forward,
        len(SMALL.inputs) - 1: found.input_gradient,
    }.get(number) or found.weight_gradients[number]

    time = machine._simulated(machine._contraction(tree, activations, FP32))[0]
    assert time == min(simulated_times(machine, network, activations))
    assert found.network == SMALL
    assert verdict == "each contraction: optimal (proved by simulation)"


@pytest.mark.slow
def test_the_papers_layer_is_proved_optimal_by_simulation(machine):
    """374 trees: the count of the forward pass of a TT layer of three modes a side."""
    found, _ = machine._search(PAPER, "simulated", machine._prices_in(FP32))
    times = simulated_times(machine, PAPER, {len(PAPER.inputs) - 1})

    best = machine._simulated(machine._contraction(found.forward, {len(PAPER.inputs) - 1}, FP32))[0]
    assert len(times) == 374
    assert best == min(times)


@pytest.mark.parametrize("order", HARDWARE_ORDERS)
def test_an_order_for_the_machine_is_no_slower_there_than_the_least_macs(machine, order):
    """The layer is simulated whole: of all plans that no bound rules out, the best is taken."""
    times = machine.seconds(PAPER, order, FP32)

    assert {*times.simulated, *times.at_least} == {*ORDERS, order}
    if order in ("latency", "simulated"):
        others = (*times.simulated.values(), *times.at_least.values())
        assert times.simulated[order] == min(others)


def test_an_order_that_the_cores_cannot_take_is_left_out(machine):
    times = machine.seconds(PAIRED, "latency", FP32)

    assert "bidirectional" not in {*times.simulated, *times.at_least}


LAYERS = {
    "tt": tensor_train((4, 6), (6, 4), (8, 8, 8)),
    "ttm": tensor_train_matrix((4, 6), (6, 4), (8,)),
    "tr": tensor_ring((4, 6), (6, 4), (3,) * 4),
    "ht": hierarchical_tucker((4, 6), (6, 4), (3,) * 6),
    "btd": block_term((4, 6), (6, 4), (3, 3)),
}


@pytest.mark.parametrize("name", ["u50_layer", "array_layer"])
@pytest.mark.parametrize("kind", LAYERS)
def test_no_fixed_order_beats_one_that_is_searched_for_the_machine(name, kind):
    """By the simulator's own measure: every order is simulated here, bounds or not."""
    _, experiment = read(EXPERIMENTS / f"{name}.yaml")
    machine = MachineSearch(experiment.architecture, experiment.energy)
    network = layer(LAYERS[kind], 16)
    costs = {}
    for order in ORDERS:
        try:
            graph = training_graph(LAYERS[kind].cores, LAYERS[kind].sizes, 16, order)
        except InputError:
            continue
        costs[order] = machine._simulated(graph)

    for order in ("latency", "edp", "energy"):
        graph = training_graph(LAYERS[kind].cores, LAYERS[kind].sizes, 16, order, machine=machine)
        own = _cost(order, *machine._simulated(graph))
        assert own <= min(_cost(order, *outcome) for outcome in costs.values())
        times = machine.seconds(network, order, FP32)
        for other, bound in times.at_least.items():
            assert bound <= costs[other][0]


@pytest.mark.parametrize("name", ["u50_layer", "array_layer"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_schedule_bounds_its_simulation(name, kind):
    """From below, but not by far: nothing but waiting for contended channels is missing."""
    _, experiment = read(EXPERIMENTS / f"{name}.yaml")
    machine = MachineSearch(experiment.architecture, experiment.energy)
    network = layer(LAYERS[kind], 16)

    for trial in machine._trials(network, [LayerPlan(order) for order in ORDERS], FP32):
        seconds, joules = machine.outcome(network, trial.plan, FP32)

        assert machine._prices_in(FP32).least(trial.macs)[0] <= trial.seconds <= seconds
        assert trial.joules <= joules
        assert trial.seconds > 0.4 * seconds
        assert trial.joules > 0.4 * joules


def test_plans_of_the_same_trees_are_simulated_once(monkeypatch):
    _, experiment = read(EXPERIMENTS / "array_layer.yaml")
    machine = MachineSearch(experiment.architecture, experiment.energy)
    runs = []
    run = machine._run
    monkeypatch.setattr(machine, "_run", lambda planned: runs.append(planned) or run(planned))
    trees = search_training(SMALL, len(SMALL.inputs) - 1)

    named, own, apart = (
        machine.outcome(SMALL, plan, FP32)
        for plan in (LayerPlan("shared_optimal"), LayerPlan(trees=trees), LayerPlan("optimal"))
    )

    assert named == own != apart
    assert len(runs) == 2


def test_a_plan_that_the_cores_cannot_take_has_no_trial(machine):
    with pytest.raises(InputError, match="carries input and output modes"):
        machine.trial(PAIRED, LayerPlan("bidirectional"), FP32)


def cramped(memory):
    """The kernels of the U50 beside one SRAM, and nothing else to lie in."""
    _, experiment = read(EXPERIMENTS / "array_layer.yaml")
    components = {
        name: spec
        for name, spec in experiment.architecture.components.items()
        if not name.startswith("dram")
    }
    components["sram"] = SramSpec(capacity=memory)
    architecture = replace(
        experiment.architecture,
        components=components,
        routes=experiment.architecture.routes[:1],
        placement={},
    )
    return MachineSearch(architecture, experiment.energy)


@pytest.mark.parametrize(("memory", "recomputed"), [(88, {0}), (96, set()), (4096, set())])
def test_a_layer_that_does_not_fit_with_all_intermediates_kept_computes_some_again(
    memory, recomputed
):
    """88 KiB is too little for the product of two cores beside the rest; 64 KiB for anything."""
    network = layer(tensor_train_matrix((4, 4, 4), (4, 4, 4), (8, 8)), 64)
    kept = LayerPlan(trees=search_training(network, len(network.inputs) - 1))
    machine = cramped(2**10 * memory)

    best, *_ = machine._best(network, [kept], "latency", FP32)

    assert best.recomputed == recomputed
    assert machine._outcomes[(network, "fp32"), best][0] < inf
    assert (machine._outcomes[(network, "fp32"), kept][0] == inf) == bool(recomputed)


def test_a_layer_that_fits_in_no_way_costs_infinitely_much():
    network = layer(tensor_train_matrix((4, 4, 4), (4, 4, 4), (8, 8)), 64)
    kept = LayerPlan(trees=search_training(network, len(network.inputs) - 1))
    machine = cramped(2**16)

    machine._best(network, [kept], "latency", FP32)

    assert {seconds for seconds, _ in machine._outcomes.values()} == {inf}


def test_plans_are_not_simulated_that_a_bound_rules_out(machine):
    plan = machine.find(PAPER, "latency", FP32)
    times = machine.seconds(PAPER, "latency", FP32)

    assert "left_to_right" in times.at_least
    assert "left_to_right" not in times.simulated
    assert re.search(r"best of \d plans simulated, \d ruled out by a bound$", plan.verdict)


def test_equal_shapes_are_priced_once(machine):
    asked = []

    def price(shape):
        asked.append(shape)
        return float(shape.points)

    list(k_best(PAPER, ByShape(price)))

    assert len(asked) == len(set(asked))


def test_the_result_tells_the_order_and_its_margin():
    result = archsim.run(
        EXPERIMENTS / "u50_atis_2enc.yaml",
        overrides={"workload.encoders": 1, "workload.flow": "edp"},
    )

    layers, intent = result.orders
    assert "encoder0.query" in layers.layers
    assert intent.layers == ("intent.hidden",)  # it sees one token: another network
    assert layers.chosen == "edp"
    assert layers.unit == "s"
    others = [c for order, c in {**layers.at_least, **layers.costs}.items() if order != "edp"]
    assert layers.margin == min(others) / layers.costs["edp"]
    assert result.to_dict()["orders"][0]["chosen"] == "edp"
    assert layers.verdict.startswith(
        "each contraction: least product of sums over its steps; the layer: best of "
    )
    assert all(bound > layers.costs["edp"] for bound in layers.at_least.values())


def test_a_graph_alone_has_no_machine():
    with pytest.raises(InputError, match="order 'latency' depends on the machine"):
        training_graph([("i0", "r"), ("r", "o0")], {"i0": 4, "r": 2, "o0": 4}, 3, "latency")


def test_lowering_an_experiment_has_its_machine():
    graph = archsim.lower(
        EXPERIMENTS / "u50_atis_2enc.yaml",
        overrides={"workload.encoders": 1, "workload.flow": "latency"},
    )

    assert {choice.chosen for choice in graph.choices} == {"latency"}
