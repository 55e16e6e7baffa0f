"""The workload ``lora_diffusion``: published sizes, gradients by differences, what is left out."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim import config, execute
from archsim.config import build_registered
from archsim.errors import MappingError
from archsim.ir import WORKLOADS, Phase
from archsim.machine import simulate
from archsim.registry import load_plugins
from archsim.schedule import plan_memory, schedule
from tests.conftest import EXPERIMENTS
from tests.machines import off_chip
from tests.workloads.diffusion_cases import TOY, UNETS, adapted, drawn
from workloads.lora_diffusion import LoraDiffusion

SHARED = Path(__file__).parents[3] / "shared" / "refdata" / "models"
WORKLOAD_FILES = EXPERIMENTS.parent / "workloads"
SD15 = LoraDiffusion()


@pytest.fixture(scope="module")
def forward():
    """SD v1.5's forward pass at 512 x 512, without adapters' operations."""
    graph = replace(SD15, mode="inference").lower()
    return [op for op in graph.operations if ".lora." not in op.name]


def sort_of(op):
    """Convolution, linear layer or product of attention, by the operation's own name."""
    name = op.name.removesuffix(".product").removesuffix(".output")
    if name.endswith((".scores", ".context")):
        return "attention"
    last = name.rpartition(".")[2]
    return "conv" if last.startswith(("conv", "proj_in", "proj_out")) else "linear"


def layer_of(op):
    """The layer that a product belongs to, as the reference names it."""
    name = op.name.removesuffix(".product").removesuffix(".output")
    return name.replace(".scores", ".qk").replace(".context", ".pv")


def test_stable_diffusion_1_5_has_the_published_totals(forward):
    macs = Counter()
    for op in forward:
        if op.macs:
            macs[sort_of(op)] += op.macs

    assert SD15.unet_parameters == 859_520_964
    assert SD15.lora_parameters == 797_184
    assert macs == {
        "conv": 221_973_053_440, "linear": 116_637_532_160, "attention": 63_026_135_040,
    }  # fmt: skip
    assert sum(macs.values()) == 401_636_720_640


@pytest.mark.skipif(not SHARED.exists(), reason="reference values are not at hand")
def test_every_layer_equals_the_reference(forward):
    with (SHARED / "sd15_unet_512.csv").open() as file:
        rows = list(csv.DictReader(file))
    products = {layer_of(op): op for op in forward if op.macs}
    parameters = Counter()
    for name, parameter in SD15.parameters.items():
        if not parameter.trained:
            parameters[name.rpartition(".")[0]] += parameter.tensor.elements

    expected = {row["name"]: row for row in rows if int(row["macs"])}
    assert set(products) == set(expected)
    for name, row in expected.items():
        op = products[name]
        assert op.macs == int(row["macs"]), name
        assert op.space.k == int(row["K"]), name
        assert {op.space.m, op.space.n} == {int(row["M"]), int(row["N"])}, name
        assert op.space.batch == int(row["heads"] or 1), name
    held = {row["name"]: int(row["params"]) for row in rows if int(row["params"])}
    assert parameters == held
    kinds = Counter(row["type"] for row in rows)
    names = [op.name for op in forward]
    assert (
        sum(name.endswith(".spread") for name in names) == kinds["GroupNorm"] + kinds["LayerNorm"]
    )
    assert sum(name.endswith(".exponentials") for name in names) == kinds["Softmax"]
    silus = [op for op in forward if getattr(op, "formula", "") == "a / (1 + exp(-a))"]
    assert len(silus) == kinds["SiLU"]


@pytest.mark.skipif(not SHARED.exists(), reason="reference values are not at hand")
def test_the_adapters_are_those_of_the_reference():
    with (SHARED / "sd15_lora_targets.csv").open() as file:
        expected = {row["name"]: int(row["lora_params_r4"]) for row in csv.DictReader(file)}
    found = Counter()
    for name in adapted(SD15):
        found[name.removesuffix(".lora.A").removesuffix(".lora.B")] += SD15.parameters[
            name
        ].tensor.elements

    assert found == expected


@pytest.mark.parametrize(
    ("name", "parameters", "lora"),
    [
        ("sd15_unet", 859_520_964, 797_184),
        ("sd15_unet_int8", 859_520_964, 797_184),
        ("sd2_unet", 865_910_724, None),
        ("sdxl_unet", 2_567_463_684, None),
    ],
)
def test_a_shipped_model_has_the_published_parameters(name, parameters, lora):
    load_plugins()
    model = build_registered(WORKLOADS, config.load(WORKLOAD_FILES / f"{name}.yaml").root)

    assert model.unet_parameters == parameters
    assert lora in (None, model.lora_parameters)


def test_a_step_goes_back_as_far_as_the_lowest_adapter_and_no_further(forward):
    """Of each product: its input's gradient costs as much, but where nobody wants it.

    A stride of 2 leaves 3 of 4 pixels of the dilated gradient zero, which are multiplied all
    the same. Attention has four products back for two. An adapter has dA and dB, and dh and
    its part of dx.
    """
    block = "down_blocks.0.attentions.0.transformer_blocks.0"
    first = (
        *("conv_in", "time_embedding", "down_blocks.0.resnets.0."),
        *(f"{block}.attn1.to_{part}" for part in "qkv"),
        "down_blocks.0.attentions.0.proj_in",
    )

    def wanted(layer):
        is_text = layer.endswith(("attn2.to_k", "attn2.to_v"))
        return not (layer.startswith(first) or "time_emb_proj" in layer or is_text)

    factors = {"conv": 1, "linear": 1, "attention": 2}
    backward = 0
    for op in forward:
        if op.macs and wanted(layer_of(op)):
            backward += op.macs * factors[sort_of(op)] * (4 if "downsamplers" in op.name else 1)
    adapters = 0
    for op in forward:
        layer = layer_of(op)
        if op.macs and layer.rpartition(".attn")[2][2:] in SD15.lora_targets:
            rows = op.macs // (op.space.k * op.space.n) if op.space.m != op.space.n else op.space.m
            k = op.space.k
            n = op.macs // (rows * k)
            adapters += 4 * rows * (k + n)  # forward
            adapters += 4 * rows * (2 * n + k * (2 if wanted(layer) else 1))

    graph = SD15.lower()

    assert graph.macs == 401_636_720_640 + backward + adapters
    late = [op.name for op in graph.operations if op.phase is Phase.BACKWARD]
    assert not [name for name in late if name.startswith(first) and ".lora." not in name]
    assert not [name for name in late if name.startswith(first) and "lora.input" in name]
    trained = {op.overwrites for op in graph.operations if op.phase is Phase.UPDATE}
    parameters = {name for name in trained if not name.endswith("_moment")}
    assert parameters == set(adapted(SD15))


@pytest.mark.parametrize("name", ["sd15_like", "sdxl_like", "everywhere"])
def test_gradients_are_the_loss_s_differences(name):
    """Along a direction drawn for each adapter's matrix: two losses, a small step apart."""
    model = UNETS[name]
    rng = np.random.default_rng(3)
    initial, data = drawn(model, rng)
    graph = model.lower()
    results = execute(graph, initial | data)
    step = 1e-5
    for parameter in rng.permutation(adapted(model))[:24]:
        direction = rng.standard_normal(initial[parameter].shape)

        ahead, behind = (
            execute(
                graph,
                {**initial, **data, parameter: initial[parameter] + sign * step * direction},
                keep=["loss"],
            )["loss"]
            for sign in (1, -1)
        )

        slope = np.sum(results[f"{parameter}.gradient"] * direction)
        assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=1e-4, abs=1e-7), parameter


def test_training_lowers_the_loss():
    """Adapters begin as no change at all: B is zero."""
    model = replace(TOY, learning_rate=0.3)
    rng = np.random.default_rng(0)
    values, data = model.initial_parameters(rng), model.random_batch(rng)
    values |= model.beforehand(values)
    plain = replace(model, mode="inference")
    graph, losses = model.lower(), []
    graph_of_use = plain.lower()
    given = values | data
    start = execute(graph_of_use, {name: given[name] for name in graph_of_use.inputs})

    for _ in range(12):
        results = execute(graph, values | data)
        losses.append(float(results["loss"]))
        values |= model.next_parameters(results)

    np.testing.assert_allclose(
        losses[0], np.mean((start["conv_out.output"] - data["target"]) ** 2), rtol=1e-12
    )
    assert losses[-1] < 0.97 * losses[0]


def test_frozen_weights_are_permuted_once_or_in_every_step():
    once, often = (replace(TOY, hold_orders=held).lower() for held in (True, False))

    def permuted(graph):
        return [op.name for op in graph.operations if op.name.endswith((".turned", ".as_o_i"))]

    copies = {name: once.tensors[name] for name in once.inputs if name in permuted(often)}
    assert permuted(once) == []
    assert set(copies) == set(permuted(often)) != set()
    assert {tensor.role for tensor in copies.values()} == {"parameter"}
    assert once.macs == often.macs


@pytest.mark.parametrize("scheme", ["absmax", "pow2"])
def test_a_step_in_whole_numbers_is_near_the_exact_one(scheme):
    """A rounding to 8 bits errs by up to 1/254 of the largest number, some dozen in a row."""
    rng = np.random.default_rng(1)
    initial, data = drawn(TOY, rng)
    whole = replace(TOY, quantizer=scheme)
    held = {}
    for name, parameter in whole.parameters.items():
        if parameter.quantizer is None:
            held[name] = initial[name]
        else:
            held[name], scale = parameter.quantizer.quantize(initial[name])
            held[f"{name}.scale"] = np.asarray(scale)

    held |= whole.beforehand(held)
    exact = execute(TOY.lower(), initial | data)
    graph = whole.lower()
    found = execute(graph, held | data)

    products = [op for op in graph.operations if op.kind == "contraction"]
    assert {t.format.name for op in products for t in op.inputs} == {"int8"}
    assert {op.output.format.name for op in products} == {"int32"}
    assert found["loss"] == pytest.approx(exact["loss"], rel=0.1)
    a, b = (
        np.concatenate([r[f"{name}.gradient"].ravel() for name in adapted(TOY)])
        for r in (exact, found)
    )
    assert a @ b > 0.9 * np.linalg.norm(a) * np.linalg.norm(b)


@pytest.mark.parametrize("quantizer", ["none", "pow2"])
def test_a_toy_s_step_lives_alike_in_both_engines(quantizer):
    """Through a shipped experiment, with its machine and its memory."""
    changes = {
        "workload.quantizer": quantizer, "workload.resolution": 64, "workload.channels": [32, 64],
        "workload.layers": 1, "workload.depths": [1, 0], "workload.heads": [2, 2],
        "workload.context_tokens": 7, "workload.context_width": 24, "workload.time_width": 64,
    }  # fmt: skip

    results = [
        archsim.run(EXPERIMENTS / "array_sd15_lora.yaml", overrides=changes, engine=engine)
        for engine in ("fast", "event")
    ]

    fast, event = (result.trace for result in results)
    assert fast == event
    assert results[0].macs == results[1].macs > 0


def test_a_format_that_the_array_lacks_is_answered_with_those_it_knows():
    with pytest.raises(MappingError) as caught:
        archsim.run(
            EXPERIMENTS / "array_sd15_lora_int8.yaml",
            overrides={
                "architecture.components.array.number_formats": ["fp32", "fp16"],
                "workload.resolution": 64,
            },
        )

    message = str(caught.value)
    assert "no unit of 'generic_array' can do it: array knows fp32, fp16" in message
    assert "int8" in message
    assert message.count("\n") == 0


BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora_rank": 0}, r"lora_rank: must be in \[1, "),
        (
            {"lora_rank": 321},
            rf"lora_rank: must be in \[1, 320\], the width of {BLOCK}.attn1.to_q, got 321",
        ),
        ({"lora_rank": 1281, "lora_targets": ("linear_2",)}, r"lora_rank: must be in \[1, 1280\]"),
        (
            {"lora_rank": 321, "lora_targets": ("net.0.proj",)},
            rf"lora_rank: must be in \[1, 320\], the width of {BLOCK}.ff.net.0.proj, got 321",
        ),
        (
            {"lora_targets": ("to_q", "to_w")},
            "lora_targets: no linear layer is called 'to_w'; did you mean 'to_",
        ),
        (
            {"lora_targets": (f"{BLOCK}.attn3.to_q",)},
            f"lora_targets: no linear layer is called '{BLOCK}.attn3.to_q'; did you mean "
            f"'{BLOCK}.attn",
        ),
        (
            {"lora_targets": ("q",)},
            "lora_targets: no linear layer is called 'q'; did you mean 'to_q'?",
        ),
        (
            {"lora_targets": ("conv",)},
            "lora_targets: no linear layer is called 'conv'; known: linear_1, linear_2, net.2, "
            "proj, time_emb_proj, to_k, to_out.0, to_q, to_v",
        ),
        ({"lora_targets": ()}, "lora_targets: name at least one linear layer"),
        (
            {"resolution": 500},
            r"resolution: must be a multiple of 64 \(8 pixels of the autoencoder x 8 of 3 "
            r"halvings\), e.g. 448 or 512, got 500",
        ),
        ({"resolution": 32}, r"resolution: must be a multiple of 64 .*, e.g. 64, got 32"),
        ({"batch": 0}, r"batch: must be in \[1, 65536\], got 0"),
        ({"quantizer": "int8"}, "quantizer: 'int8' is none of none, absmax, pow2"),
        ({"number_format": "fp33"}, "number_format: no number format named 'fp33'"),
        ({"depths": (1, 1)}, "depths: 2 values for the 4 levels of channels"),
        ({"channels": ()}, "channels: there must be at least one level"),
        ({"channels": (320, 640, 1280, 1290)}, "groups: 32 groups do not divide 1290 channels"),
        ({"heads": (8, 8, 8, 7)}, "heads: 7 heads do not divide 1280 channels"),
        (
            {"channels": (3, 6, 6, 6), "groups": 3, "heads": (1, 1, 1, 1)},
            "channels: the first level's must be even",
        ),
        ({"mode": "train"}, "mode: 'train' is none of inference, training"),
        ({"lora_alpha": -1.0}, "lora_alpha: must be > 0"),
        ({"adam_beta1": 1.0}, r"adam_beta1: must be in \[0, 1\), got 1.0"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        LoraDiffusion(**changes)


def test_a_bad_target_is_told_with_its_place_in_the_file(tmp_path):
    with pytest.raises(archsim.errors.ConfigError) as caught:
        archsim.lower(
            EXPERIMENTS / "array_sd15_lora.yaml", overrides={"workload.lora_targets": ["to_qq"]}
        )

    assert "workload" in str(caught.value)
    assert "no linear layer is called 'to_qq'; did you mean 'to_q'" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"latents": 0, "context": 0}, "target: the step reads it, and it is not given"),
        ({"added": 0}, "added: the step reads no such data but latents, time, context, target"),
    ],
)
def test_data_that_is_missing_or_stray_is_refused_by_name(data, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        TOY.step_inputs(time_steps=[1, 2], **data)


def test_time_steps_become_cosines_and_sines():
    found = TOY.step_inputs(
        time_steps=[0, 100],
        **{n: np.zeros(s) for n, s in {
            "latents": (2, 8, 8, 4), "target": (2, 8, 8, 4), "context": (6, 6)}.items()},
    )["time"]  # fmt: skip

    expected = [[1, 1, 0, 0], [np.cos(100), np.cos(1), np.sin(100), np.sin(1)]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_small_step_fits_any_machine_with_the_functions():
    graph, machine = replace(TOY, batch=1).lower(), off_chip()

    plan = schedule(graph, machine, plan_memory(graph, machine))

    assert simulate(plan, machine).makespan > 0
