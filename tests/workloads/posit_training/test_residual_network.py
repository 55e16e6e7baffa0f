"""The workload ``posit_training``: published sizes, gradients by differences, formats by role."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import archsim
from archsim import config, execute
from archsim.config import build_registered
from archsim.formats import parse
from archsim.ir import WORKLOADS, Phase
from archsim.registry import load_plugins
from tests.conftest import EXPERIMENTS
from workloads.posit_training import PositTraining
from workloads.posit_training.recipe import FP8, INT8, POSIT8, POSIT16
from workloads.posit_training.rounding import Scaling, factor, rounded

WORKLOAD_FILES = EXPERIMENTS.parent / "workloads"
FORMATS = ("forward", "backward", "normalised_forward", "normalised_backward", "kept")
TINY = PositTraining(batch=3, image_size=16, width=4, blocks=(1, 1), classes=5)
"""A stem, a block of each sort, and every pool."""
CIFAR = replace(TINY, image_size=8, stem="cifar", blocks=(1, 2))
POSITS = {
    "forward": "posit(8,1)",
    "backward": "posit(8,2)",
    "normalised_forward": "posit(16,1)",
    "normalised_backward": "posit(16,2)",
}
WHOLE = {"forward": "int8", "backward": "int8", "scales": "measured"}


def drawn(model, seed=0):
    """First values, with every parameter away from its start, and a batch."""
    rng = np.random.default_rng(seed)
    initial = model.initial_parameters(rng)
    for name in model.parameters:
        initial[name] = initial[name] + 0.1 * rng.standard_normal(initial[name].shape)
    return initial, model.random_batch(rng)


def shipped(name):
    load_plugins()
    return build_registered(WORKLOADS, config.load(WORKLOAD_FILES / f"{name}.yaml").root)


def forward_macs(model):
    operations = model.lower().operations
    return sum(op.macs for op in operations if op.phase is Phase.FORWARD) // model.batch


def test_resnet18_has_the_published_totals():
    """torchvision's resnet18: 11,689,512 parameters, 1.814 GMAC of convolutions and classifier."""
    model = shipped("resnet18")

    assert model.parameter_count == 11_689_512
    assert forward_macs(model) == 1_814_073_344
    assert replace(model, blocks=(3, 4, 6, 3)).parameter_count == 21_797_672  # resnet34


def test_cifar10_s_resnet18_has_the_usual_totals():
    """Counted by hand: stem 1,728 x 1,024 pixels, and stages of 4, 5, 5, 5 convolutions."""
    stages = [
        4 * 9 * 64 * 64 * 32**2,
        *(
            (9 * c * c // 2 + 3 * 9 * c * c + c * c // 2) * (32 * 64 // c) ** 2
            for c in (128, 256, 512)
        ),
    ]
    model = shipped("resnet18_cifar10")

    assert model.parameter_count == 11_173_962
    assert forward_macs(model) == 27 * 64 * 32**2 + sum(stages) + 5120 == 555_422_720


def test_a_step_multiplies_three_times_as_often_as_the_way_forward():
    """But the stem's input has no gradient, and a stride's zeros are multiplied: 4 for 1."""
    forward, backward, weights = (
        Counter({op.name.partition(".output")[0]: op.macs for op in graph if op.macs})
        for graph in (
            [op for op in TINY.lower().operations if op.phase is phase]
            for phase in (Phase.FORWARD, Phase.BACKWARD, Phase.WEIGHT_GRADIENT)
        )
    )
    strided = sum(n for name, n in forward.items() if name in (
        "layer2.0.conv1", "layer2.0.downsample.0"))  # fmt: skip

    assert weights.total() == forward.total()
    assert backward.total() == forward.total() - forward["conv1"] + 3 * strided


@pytest.mark.parametrize(
    "model",
    [TINY, CIFAR, replace(TINY, **POSITS), replace(TINY, **POSITS, scales="held")],
    ids=["imagenet", "cifar", "posits", "held scales"],
)
def test_gradients_are_the_loss_s_differences(model):
    """Along a direction drawn for each parameter: two losses, a small step apart.

    Without rounding formats change nothing, and scales of powers of two do not either.
    """
    initial, data = drawn(model)
    data |= {name: np.asarray(2.0 ** (n % 5 - 2)) for n, name in enumerate(model.held_scales)}
    graph, rng = model.lower(), np.random.default_rng(1)

    results = execute(graph, initial | data)

    for name, parameter in model.parameters.items():
        direction = 1e-5 * rng.standard_normal(parameter.tensor.shape)
        ahead, behind = (
            execute(graph, initial | data | {name: initial[name] + sign * direction}, keep=["loss"])
            for sign in (1, -1)
        )
        slope = np.sum(results[f"{name}.gradient"] * direction)
        difference = (ahead["loss"] - behind["loss"]) / 2
        assert difference == pytest.approx(slope, rel=1e-4, abs=1e-12), name


def test_the_loss_is_the_mean_of_what_each_image_s_class_was_given():
    initial, data = drawn(TINY)

    results = execute(TINY.lower(), initial | data)

    logits = results["fc.logits"].reshape(TINY.batch, TINY.classes)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = data["target_places"] - np.arange(TINY.batch) * TINY.classes
    expected = -np.log(shares[np.arange(TINY.batch), targets]).mean()
    assert results["loss"] == pytest.approx(expected, rel=1e-12)
    assert TINY.lower().outputs[0] == "loss"


def test_batch_normalisation_makes_each_channel_s_mean_beta_and_its_deviation_gamma():
    initial, data = drawn(TINY)

    results = execute(TINY.lower(), initial | data)

    y = results["layer2.0.downsample.1.output"].reshape(-1, 8)
    np.testing.assert_allclose(y.mean(axis=0), initial["layer2.0.downsample.1.beta"], rtol=1e-9)
    expected = np.abs(initial["layer2.0.downsample.1.gamma"])
    np.testing.assert_allclose(y.std(axis=0), expected, rtol=1e-3)


def test_momentum_gathers_gradients():
    """Two steps on one batch: v = g1, then v = 0.5 g1 + g2, and w moves by 0.1 v."""
    model = replace(TINY, learning_rate=0.1, momentum=0.5)
    values, data = drawn(model)
    graph = model.lower()
    start = values["fc.weight"]

    first = execute(graph, values | data)
    second = execute(graph, values | model.next_parameters(first) | data)

    one, two = (results["fc.weight.gradient"] for results in (first, second))
    np.testing.assert_allclose(second["fc.weight.velocity.updated"], 0.5 * one + two)
    np.testing.assert_allclose(
        second["fc.weight.updated"], start - 0.1 * one - 0.1 * (0.5 * one + two)
    )


@pytest.mark.parametrize("changes", [{}, POSITS, POSITS | {"scales": "measured"}, WHOLE])
def test_training_lowers_the_loss_in_formats_that_round(changes):
    model = replace(TINY, learning_rate=0.05, **changes)
    rng = np.random.default_rng(0)
    values, data = model.initial_parameters(rng), model.random_batch(rng)
    graph, losses = model.lower(), []

    for _ in range(8):
        results = execute(graph, values | data, round_to_format=True)
        losses.append(float(results["loss"]))
        values |= model.next_parameters(results)

    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("changes", "scaling"),
    [
        (POSITS | {"scales": "measured"}, Scaling.CENTRE),
        (WHOLE, Scaling.LARGEST),
        ({"forward": "fp8_e4m3", "backward": "fp8_e5m2", "scales": "measured"}, Scaling.LARGEST),
    ],
    ids=["posits", "int8", "fp8"],
)
def test_a_measured_scale_and_what_it_rounds_to_are_the_study_s(changes, scaling):
    """The graph holds P(x / S) and S; the study, in float32, their product."""
    model = replace(TINY, **changes)
    initial, data = drawn(model)

    results = execute(model.lower(), initial | data, round_to_format=True)

    for name, role in {
        "layer1.0.conv2.weight": "forward",
        "layer1.0.bn1.output": "forward",
        "layer1.0.bn2.input.gradient": "backward",
    }.items():
        chosen = getattr(model, role)
        whole = results.get(name, initial.get(name)).astype(np.float32)
        scale = results[f"{name}.scale"]
        assert scale == pytest.approx(factor(whole, parse(chosen), scaling), rel=1e-6)
        expected = rounded(whole, chosen, scaling)
        np.testing.assert_allclose(results[f"{name}.operand"] * scale, expected, rtol=2e-3)


def test_formats_follow_the_roles():
    graph = replace(TINY, **POSITS, kept="posit(16,1)").lower()
    names = {name: tensor.format.name for name, tensor in graph.tensors.items()}
    products = {op.name: op.number_format.name for op in graph.operations if op.macs}

    assert names["maxpool"] == names["bn1.output"] == names["conv1.output"] == "posit(16,1)"
    assert names["maxpool.operand"] == names["layer1.0.conv1.weight.operand"] == "posit(8,1)"
    assert names["layer1.0.bn1.input.gradient"] == names["conv1.weight.gradient"] == "posit(16,2)"
    assert names["layer1.0.bn1.input.gradient.operand"] == "posit(8,2)"
    assert names["conv1.weight"] == names["conv1.weight.updated"] == "posit(16,1)"
    assert names["bn1.mean"] == names["fc.logits"] == names["conv1.weight.velocity"] == "fp32"
    assert {products[f"layer1.0.conv1{end}"] for end in (".output", ".input.gradient")} == {
        "posit(8,1)",
        "posit(8,2)",
    }
    assert set(products.values()) == {"posit(8,1)", "posit(8,2)"}


def test_conversions_are_operations_of_their_own_where_formats_differ():
    def conversions(model):
        found = Counter()
        for op in model.lower().operations:
            for name in ("encode", "decode"):
                found[name] += op.functions.get(name, 0) * op.space.points
        return found

    plain, posits = conversions(TINY), conversions(replace(TINY, **POSITS))
    encoded = [
        t for n, t in replace(TINY, **POSITS).lower().tensors.items() if n.endswith(".operand")
    ]

    assert plain.total() == 0
    # Every operand, and the gradient that leaves the loss, which is fp32.
    assert posits["encode"] == sum(t.elements for t in encoded) + TINY.batch * TINY.classes


@pytest.mark.parametrize(
    ("name", "recipe"),
    [("resnet18_posit16", POSIT16), ("resnet18_posit8", POSIT8), ("resnet18_fp8", FP8),
     ("resnet18_int8", INT8)],
)  # fmt: skip
def test_a_shipped_network_has_the_formats_that_the_study_trains_in(name, recipe):
    model = shipped(name)

    assert [getattr(model, field) for field in FORMATS] == [
        getattr(recipe, field) for field in FORMATS
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"blocks": [1, 1]},
        {"blocks": [1, 1], "scales": "held"},
        pytest.param({"blocks": [2, 2, 2, 2], "batch": 2}, marks=pytest.mark.slow),
    ],
    ids=["small", "held scales", "resnet18"],
)
def test_a_reduced_step_lives_alike_in_both_engines(changes):
    """Through a shipped experiment, with its machine and its memory."""
    small = {"width": 8, "image_size": 32, "batch": 1, "classes": 10}
    overrides = {f"workload.{name}": value for name, value in (small | changes).items()}

    fast, event = (
        archsim.run(EXPERIMENTS / "posit_resnet18.yaml", overrides=overrides, engine=engine)
        for engine in ("fast", "event")
    )

    assert fast.trace == event.trace
    assert fast.macs == event.macs > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forward": "posit(8,11)"}, r"forward: number format 'posit\(8,11\)': es must be in"),
        ({"forward": "posit8"}, r"forward: no number format named 'posit8'; did you mean 'posit\("),
        ({"backward": "fp8_e5n2"}, "backward: no number format named 'fp8_e5n2'; did you mean"),
        ({"kept": "int8"}, "kept: whole numbers have no fractions, so only forward and backward"),
        (
            {"forward": "int8", "backward": "int8"},
            "scales: forward is int8, and whole numbers need a scale",
        ),
        (
            {"forward": "posit(8,1)", "backward": "posit(16,2)"},
            r"backward: posit\(16,2\) and the forward format posit\(8,1\) are multiplied",
        ),
        ({"backward": "fp16"}, "backward: fp16 and the forward format fp32 are multiplied"),
        ({"scales": "hold"}, "scales: 'hold' is none of none, held, measured; did you mean"),
        ({"stem": "imagnet"}, "stem: 'imagnet' is none of imagenet, cifar; did you mean"),
        ({"batch": 0}, r"batch: must be in \[1, 65536\], got 0"),
        ({"width": 0}, r"width: must be in \[1, 16384\], got 0"),
        ({"classes": 0}, r"classes: must be in \[1, 1048576\], got 0"),
        (
            {"image_size": 225},
            r"image_size: must be a multiple of 32, as often as the stem 'imagenet' and 4 stages "
            r"halve it, e.g. 224 or 256, got 225",
        ),
        ({"image_size": 28, "stem": "cifar"}, "image_size: must be a multiple of 8, .* 24 or 32"),
        ({"image_size": 16}, "image_size: must be a multiple of 32, .*, e.g. 32, got 16"),
        ({"blocks": ()}, "blocks: must name 1 to 8 stages, got 0"),
        ({"blocks": (2, 0)}, r"blocks: must be in \[1, 256\], got 0"),
        ({"momentum": 1.0}, r"momentum: must be in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, "learning_rate: must be > 0"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        PositTraining(**changes)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"images: expected \(3, 16, 16, 3\), got \(3, 8, 8, 3\)"):
        TINY.step_inputs(images=np.zeros((3, 8, 8, 3)), targets=[0, 1, 2])
    with pytest.raises(ValueError, match=r"targets: expected 3 classes below 5, got \[0, 5, 2\]"):
        TINY.step_inputs(images=np.zeros((3, 16, 16, 3)), targets=[0, 5, 2])
