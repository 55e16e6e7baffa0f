"""Steps of a language model on an A100: both engines alike, and what the methods cost."""

import pytest

import archsim
from archsim.experiment import prepare, read
from archsim.machine import simulate
from tests.conftest import EXPERIMENTS

TWO_LAYERS = {
    "workload.layers": 2,
    "workload.batch": 2,
    "workload.sequence": 32,
    "workload.hidden": 128,
    "workload.heads": 4,
    "workload.kv_heads": 2,
    "workload.feed_width": 320,
    "workload.vocabulary": 500,
}
CASES = {
    "dense": {"variant": "dense", "ratio": 1.0},
    "flat": {"ratio": 0.7},
    "flat_decode": {"ratio": 0.7, "step": "decode"},
    "svd": {"variant": "svd", "ratio": 0.7, "step": "decode"},
    "slicegpt": {"variant": "slicegpt", "ratio": 0.7},
}


def ready(**fields):
    """The schedule of a small step, and its machine."""
    overrides = TWO_LAYERS | {f"workload.{field}": value for field, value in fields.items()}
    _, experiment = read(EXPERIMENTS / "a100_llama2_7b_flat.yaml", overrides)
    return prepare(experiment).schedule, experiment.architecture


@pytest.mark.parametrize("name", CASES)
def test_both_engines_live_a_two_layer_decoder_alike(name):
    plan, architecture = ready(**CASES[name])

    assert simulate(plan, architecture) == simulate(plan, architecture, engine="event")


def test_weights_of_four_bit_are_read_as_such_in_products_and_written_out_apart():
    fields = {"step": "decode", "weight_format": "int4"}
    plans = {way: ready(dequantise=way, **fields) for way in ("apart", "in_product")}

    traces = {way: simulate(*plan) for way, plan in plans.items()}

    for way, plan in plans.items():
        assert traces[way] == simulate(*plan, engine="event")
    moved = {way: dram_bytes(*plans[way]) for way in plans}
    whole = dram_bytes(*ready(step="decode"))
    assert moved["in_product"] < whole < moved["apart"]


def dram_bytes(plan, architecture):
    return sum(sum(task.stream.bits) for task in plan.tasks) // 8


@pytest.mark.slow
def test_flat_is_faster_than_the_methods_that_add_products():
    real = {"workload.layers": 2, "workload.vocabulary": 1000, "workload.batch": 16}
    path = EXPERIMENTS / "a100_llama2_7b_flat.yaml"

    latency = {
        variant: archsim.run(
            path, overrides=real | {"workload.variant": variant, "workload.ratio": ratio}
        ).latency_s
        for variant, ratio in (("dense", 1.0), ("flat", 0.7), ("svd", 0.7), ("slicegpt", 0.7))
    }

    assert latency["flat"] < min(latency["svd"], latency["slicegpt"])
    assert latency["flat"] < 0.9 * latency["dense"]
