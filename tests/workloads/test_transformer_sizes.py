"""BERT-base, ViT-B/16 and Llama-2-7B: every layer's shape, multiplies and parameters.

The numbers are those of the models' published implementations (transformers 5.23.0),
hooked layer by layer; attention is counted in full, whatever is masked.
"""

from dataclasses import replace

import pytest

from archsim.config import build_registered, load
from archsim.contraction.orders import fixed_order
from archsim.ir import WORKLOADS, Contraction
from archsim.registry import load_plugins
from tests.test_configs import CONFIGS

load_plugins()


def shipped(name):
    return build_registered(WORKLOADS, load(CONFIGS / "workloads" / f"{name}.yaml").root)


BERT, VIT, LLAMA = map(shipped, ("bert_base", "vit_b16", "llama2_7b"))


def block(tokens, hidden, wide, *, gate=False):
    """Rows, inputs and outputs of a block's linear layers."""
    square = dict.fromkeys(("query", "key", "value", "projection"), (tokens, hidden, hidden))
    up = dict.fromkeys(
        ("feed_forward.gate", "feed_forward.in") if gate else ("feed_forward.in",),
        (tokens, hidden, wide),
    )
    return {**square, **up, "feed_forward.out": (tokens, wide, hidden)}


MODELS = {
    "bert": (
        BERT,
        block(128, 768, 3072),
        (12, 128, 64),
        {"pooler": (1, 768, 768)},
        11_174_215_680,
        109_482_240,
    ),
    "vit": (
        VIT,
        block(197, 768, 3072),
        (12, 197, 64),
        {"embedding.patches": (196, 768, 768), "classifier": (1, 768, 1000)},
        17_563_828_224,
        86_567_656,
    ),
    "llama": (
        LLAMA,
        block(2048, 4096, 11008, gate=True),
        (32, 2048, 128),
        {"classifier": (2048, 4096, 32000)},
        14_630_806_093_824,
        6_738_415_616,
    ),
}


def sides(operation):
    space = operation.space
    return space.batch, space.m, space.k, space.n


@pytest.mark.parametrize("name", MODELS)
def test_every_product_has_the_published_shape_and_there_are_no_others(name):
    model, linears, (heads, tokens, size), others, macs, _ = MODELS[name]
    expected = {name: (1, *shape) for name, shape in others.items()}
    for n in range(model.layers):
        expected |= {f"layer{n}.{part}": (1, *shape) for part, shape in linears.items()}
        expected[f"layer{n}.attention.scores"] = (heads, tokens, size, tokens)
        expected[f"layer{n}.attention.context"] = (heads, tokens, tokens, size)

    graph = model.lower()

    found = {
        op.name.removesuffix(".product").removesuffix(".output"): sides(op)
        for op in graph.operations
        if isinstance(op, Contraction)
    }
    assert found == expected
    assert graph.macs == macs


PARAMETERS = {
    "bert": {
        "embedding.table": 23_440_896,
        "embedding.segment.": 1_536,
        "embedding.positions": 393_216,
        "embedding.norm.": 1_536,
        "layer0.query.": 590_592,
        "layer3.key.": 590_592,
        "layer3.value.": 590_592,
        "layer11.projection.": 590_592,
        "layer11.attention_norm.": 1_536,
        "layer7.feed_forward.in.": 2_362_368,
        "layer7.feed_forward.out.": 2_360_064,
        "layer7.output_norm.": 1_536,
        "layer5.": 7_087_872,
        "pooler.": 590_592,
    },
    "vit": {
        "embedding.patches.": 590_592,
        "embedding.class": 768,
        "embedding.positions": 197 * 768,
        "layer0.": 7_087_872,
        "head.norm.": 1_536,
        "classifier.": 769_000,
    },
    "llama": {
        "embedding.table": 131_072_000,
        "layer0.query.": 16_777_216,
        "layer31.key.": 16_777_216,
        "layer31.feed_forward.gate.": 45_088_768,
        "layer31.feed_forward.in.": 45_088_768,
        "layer31.feed_forward.out.": 45_088_768,
        "layer31.attention_norm.": 4_096,
        "layer31.feed_forward_norm.": 4_096,
        "head.norm.": 4_096,
        "classifier.": 131_072_000,
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_has_the_published_parameters(name):
    model, *_, total = MODELS[name]

    for part, count in PARAMETERS[name].items():
        held = [p.tensor.elements for name, p in model.parameters.items() if name.startswith(part)]
        assert sum(held) == count, part
    assert model.parameter_count == total


def test_a_training_step_multiplies_three_times_as_much_but_for_the_pixels_gradient():
    """The softmax's backward pass is elementwise; pixels need no gradient."""
    for model, pixels in ((BERT, 0), (LLAMA, 0), (VIT, 115_605_504)):
        used = replace(model, layers=2)
        trained = replace(used, mode="training")
        assert trained.lower().macs == 3 * used.lower().macs - pixels


def test_heads_are_a_batch_and_no_step_is_free():
    """A decoder's layer: 9 products, 4 permutes around attention, 20 passes of the rest.

    Each norm is four operations, each rotation two, softmax with its mask five, each
    residual one, the gate one.
    """
    graph = LLAMA.lower()

    counts = [
        sum(op.name.startswith(f"layer{n}.") for op in graph.operations)
        for n in range(LLAMA.layers)
    ]
    kinds = [op.kind for op in graph.operations if op.name.startswith("layer5.")]
    assert set(counts) == {9 + 4 + 2 * 4 + 2 * 2 + 5 + 2 + 1}
    assert kinds.count("contraction") == 9
    assert kinds.count("permute") == 4


def test_layers_of_one_shape_are_searched_once():
    """Twice as many layers, as many searches."""
    model = replace(
        VIT,
        mode="training",
        layers=1,
        linear="tensor_ring",
        order="shared_optimal",
        number_format="bf16",
        rank=7,
    )
    fixed_order.cache_clear()

    model.lower()

    searched = fixed_order.cache_info().misses
    replace(model, layers=2).lower()
    assert fixed_order.cache_info().misses == searched


@pytest.mark.parametrize("name", ["bert_base", "vit_b16", "llama2_7b", "llama_block"])
def test_a_shipped_model_takes_either_mode(name):
    model = shipped(name)

    for mode in ("inference", "training"):
        assert replace(model, mode=mode, layers=1).lower().macs > 0
