"""The tensor transformer: the sheet's counts and sizes, and what its fields refuse."""

from dataclasses import replace

import numpy as np
import pytest

from archsim import execute
from archsim.ir import WORKLOADS, Phase, Role
from tests.workloads.dense_reference import densified, linear_names, loss
from workloads.tensor_transformer import TensorTransformer

ATIS = TensorTransformer()
SMALL = TensorTransformer(
    encoders=2,
    hidden=12,
    heads=3,
    sequence=4,
    batch=2,
    tt_modes=((3, 4), (4, 3)),
    tt_rank=3,
    vocabulary=11,
    ttm_modes=((2, 3, 2), (2, 3, 2)),
    ttm_rank=2,
    intents=4,
    slots=5,
    segments=2,
)
FLOWS = ("bidirectional", "right_to_left", "left_to_right")


def macs(graph, prefix, kind="contraction"):
    return sum(op.macs for op in graph.operations if op.name.startswith(prefix) and op.kind == kind)


def test_it_is_a_registered_workload():
    assert WORKLOADS["tensor_transformer"] is TensorTransformer


def test_an_encoder_costs_what_the_sheet_says():
    """Six linears, attention 3·2·32·32·768, softmax 12·32·32·32; nothing else multiplies."""
    graph = ATIS.lower()

    assert macs(graph, "encoder0.query.") == 3_055_104
    assert macs(graph, "encoder0.feed_forward.out.") == 3_055_104
    assert macs(graph, "encoder0.attention.softmax.") == 393_216
    assert macs(graph, "encoder0.attention.") == 4_718_592 + 393_216
    assert macs(graph, "encoder0.") == macs(graph, "encoder1.") == 23_442_432


def test_what_is_counted_beyond_the_encoders():
    """Embedding: 32 tokens of 80,640, three times. Heads on 32 rows and on one row."""
    graph = ATIS.lower()

    assert macs(graph, "embedding.") == 3 * 32 * 80_640
    assert macs(graph, "slots.hidden.") == 3_055_104
    assert macs(graph, "slots.classifier.") == 3 * 32 * 768 * 120
    assert macs(graph, "intent.classifier.") == 3 * 768 * 26
    assert graph.macs == sum(
        macs(graph, part) for part in ("embedding.", "encoder", "slots.", "intent.")
    )


def test_other_flows_cost_what_the_sheet_says():
    dense = replace(ATIS, flow="dense").lower()
    chain = replace(ATIS, flow="right_to_left").lower()

    assert dense["encoder0.query.product"].macs == 18_874_368
    assert macs(dense, "encoder0.query.") == 3 * 18_874_368
    assert macs(chain, "encoder0.query.") == 3 * 1_253_376


def test_softmax_backward_by_inner_product_multiplies_elementwise_only():
    graph = replace(ATIS, softmax_backward="inner_product").lower()

    assert macs(graph, "encoder0.") == 23_442_432 - 393_216


@pytest.mark.parametrize(("encoders", "dense_mb", "ratio"), [(2, 36.7, 30.4), (6, 93.5, 51.9)])
def test_models_have_the_sheet_s_sizes(encoders, dense_mb, ratio):
    model = replace(ATIS, encoders=encoders)

    assert model.dense_parameter_bytes / 1e6 == pytest.approx(dense_mb, abs=0.05)
    assert model.dense_parameter_bytes / model.parameter_bytes == pytest.approx(ratio, abs=0.05)


def test_the_two_encoder_model_holds_these_words():
    """14 matrices of 4,896, the embedding's 78,000, 10 rows per encoder, and what is dense:

    32 positions, 146 classifier rows, 2 head biases, gamma and beta: 182 rows; 146 biases.
    """
    words = 14 * 4_896 + 78_000 + 20 * 768 + 182 * 768 + 146

    assert ATIS.parameter_bytes == 4 * words == 1_207_304


def test_one_list_of_modes_is_mirrored():
    one = replace(ATIS, tt_modes=(12, 8, 8))

    assert one.modes == ATIS.modes == ((12, 8, 8), (8, 8, 12))
    assert one.parameter_bytes == ATIS.parameter_bytes


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("flow", ["dense", *FLOWS])
def test_every_parameter_is_updated_once_in_its_own_storage(flow, optimizer):
    model = replace(SMALL, flow=flow, optimizer=optimizer)
    graph = model.lower()

    held = {n for n in graph.inputs if graph.tensors[n].role in (Role.PARAMETER, Role.STATE)}
    updates = [op for op in graph.operations if op.phase is Phase.UPDATE]
    assert sorted(op.overwrites for op in updates) == sorted(held)
    assert set(model.initial_parameters(np.random.default_rng(0))) == held
    assert set(graph.outputs) == {"loss", *(op.output.name for op in updates)}


def test_inputs_are_parameters_state_and_data():
    rng = np.random.default_rng(0)
    graph = replace(SMALL, optimizer="adam").lower()
    model = replace(SMALL, optimizer="adam")

    assert set(graph.inputs) == {*model.initial_parameters(rng), *model.random_batch(rng)}


def test_every_tensor_has_the_number_format_asked_for():
    graph = replace(SMALL, number_format="bf16").lower()

    assert {t.format.name for t in graph.tensors.values()} == {"bf16", "int32"}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation": "relu", "softmax_backward": "inner_product", "segments": 0},
        {"batch": 1, "heads": 1, "tt_modes": (12,), "ttm_modes": ((11,), (12,))},
        {"tt_modes": ((2, 3, 2), (12,)), "tt_rank": 1, "ttm_rank": 1, "encoders": 1},
        {"sequence": 1, "intents": 1, "slots": 1},
    ],
)
def test_the_loss_is_that_of_a_dense_transformer(flow, changes):
    model = replace(SMALL, flow=flow, **changes)
    rng = np.random.default_rng(3)
    values, data = model.initial_parameters(rng), model.random_batch(rng)

    results = execute(model.lower(), values | data)

    assert results["loss"] == pytest.approx(loss(model, values, data), rel=1e-12)


@pytest.mark.parametrize("flow", ["dense", *FLOWS])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("softmax_backward", ["jacobian", "inner_product"])
def test_gradients_are_the_loss_s_central_differences(flow, activation, softmax_backward):
    """Five entries of every parameter; the truncation error is of order 1e-10."""
    model = replace(SMALL, flow=flow, activation=activation, softmax_backward=softmax_backward)
    rng = np.random.default_rng(5)
    values, data = model.initial_parameters(rng), model.random_batch(rng)
    for name in values:  # biases, gammas and betas away from zero and one
        values[name] = values[name] + 0.1 * rng.standard_normal(values[name].shape)

    results = execute(model.lower(), values | data)

    for name, array in values.items():
        for place in rng.choice(array.size, size=min(5, array.size), replace=False):
            index = np.unravel_index(place, array.shape)
            sides = []
            for shift in (1e-5, -1e-5):
                moved = array.copy()
                moved[index] += shift
                sides.append(loss(model, {**values, name: moved}, data))
            difference = (sides[0] - sides[1]) / 2e-5
            gradient = results[f"{name}.gradient"]
            assert gradient.shape == array.shape
            assert gradient[index] == pytest.approx(difference, rel=1e-6, abs=1e-8), name


def assert_close(found, expected, name):
    scale = max(np.abs(expected).max(), 1e-3)  # a key's bias has the gradient 0: rounding alone
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=name)


def test_all_flows_agree():
    """Loss and every gradient: cores with cores, the rest with the dense model of equal weights."""
    rng = np.random.default_rng(11)
    values, data = SMALL.initial_parameters(rng), SMALL.random_batch(rng)
    results = {f: execute(replace(SMALL, flow=f).lower(), values | data) for f in FLOWS}
    dense_values = densified(SMALL, values)
    dense = execute(replace(SMALL, flow="dense").lower(), dense_values | data)

    for flow in FLOWS:
        assert results[flow]["loss"] == pytest.approx(dense["loss"], rel=1e-9)
        for name in values:
            gradient = results[flow][f"{name}.gradient"]
            reference = dense if name in dense_values else results["right_to_left"]
            assert_close(gradient, reference[f"{name}.gradient"], f"{flow} {name}")
    for name in linear_names(SMALL):
        assert_close(*chain_rule(values, results["bidirectional"], dense, name), name)


def chain_rule(values, results, dense, name):
    """The first core's gradient, as it is and from the dense weight's: ``dW (G1 G2 G3)'``."""
    rest = values[f"{name}.G1"]
    for n in (2, 3):
        rest = np.tensordot(rest, values[f"{name}.G{n}"], axes=1)
    d_weight = dense[f"{name}.weight.gradient"].reshape(3, 4, 4, 3)
    return results[f"{name}.G0.gradient"], np.einsum("iabc,rabc->ir", d_weight, rest)


def test_sgd_moves_against_the_gradient():
    model = replace(SMALL, learning_rate=0.25)
    rng = np.random.default_rng(2)
    values, data = model.initial_parameters(rng), model.random_batch(rng)

    results = execute(model.lower(), values | data)
    after = model.next_parameters(results)

    for name, array in values.items():
        assert_close(after[name], array - 0.25 * results[f"{name}.gradient"], name)


def test_two_adam_steps_follow_the_published_algorithm():
    """Kingma and Ba, algorithm 1, written out: m, v, their corrections, the step."""
    model = replace(SMALL, optimizer="adam", learning_rate=0.1, adam_beta1=0.8, adam_beta2=0.9)
    rng = np.random.default_rng(2)
    graph, values = model.lower(), model.initial_parameters(rng)
    moments = {name: (np.zeros(p.tensor.shape),) * 2 for name, p in model.parameters.items()}

    for t in (1, 2):
        results = execute(graph, values | model.random_batch(rng, step=t))
        after = model.next_parameters(results)
        for name, (m, v) in moments.items():
            g = results[f"{name}.gradient"]
            m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2  # noqa: PLW2901
            moments[name] = (m, v)
            change = 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
            np.testing.assert_allclose(after[name], values[name] - change, rtol=1e-9, atol=1e-12)
        values = after


def test_rows_that_no_token_names_have_no_gradient():
    model = replace(SMALL, flow="dense")
    rng = np.random.default_rng(0)
    words = np.full((2, 4), 7)
    data = model.step_inputs(words, [0, 1], words % 5)

    results = execute(model.lower(), model.initial_parameters(rng) | data)

    gradient = results["embedding.table.gradient"]
    assert np.abs(gradient[7]).max() > 0
    assert np.abs(np.delete(gradient, 7, axis=0)).max() == 0


@pytest.mark.parametrize("flow", ["optimal", "shared_optimal", "greedy"])
def test_a_searched_flow_computes_what_a_fixed_one_does(flow):
    rng = np.random.default_rng(4)
    values = SMALL.initial_parameters(rng) | SMALL.random_batch(rng)

    expected = execute(SMALL.lower(), values)
    results = execute(replace(SMALL, flow=flow).lower(), values)

    for name, parameter in SMALL.next_parameters(expected).items():
        found = SMALL.next_parameters(results)[name]
        np.testing.assert_allclose(found, parameter, rtol=1e-10, atol=1e-14)


def test_a_searched_forward_pass_costs_no_more_than_any_fixed_one():
    def forward(flow):
        graph = replace(ATIS, flow=flow).lower()
        return sum(op.macs for op in graph.operations if op.phase is Phase.FORWARD)

    fixed = [forward(flow) for flow in ("bidirectional", "right_to_left", "left_to_right")]

    assert forward("optimal") == forward("shared_optimal") < min(fixed)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoders": 0}, r"encoders: must be in \[1, 256\], got 0"),
        ({"encoders": 10**9}, r"encoders: must be in \[1, 256\]"),
        ({"hidden": -768}, r"hidden: must be in \[1, .*, got -768"),
        ({"heads": 5}, "heads: 5 heads do not divide hidden 768"),
        ({"sequence": 0}, "sequence: must be in"),
        ({"batch": 0}, "batch: must be in"),
        ({"vocabulary": 0}, "vocabulary: must be in"),
        ({"intents": 0}, "intents: must be in"),
        ({"slots": 0}, "slots: must be in"),
        ({"segments": -1}, "segments: must be in"),
        ({"tt_rank": 0}, r"tt_rank: must be in \[1, 768\], got 0"),
        ({"tt_rank": 769}, r"tt_rank: must be in \[1, 768\], got 769"),
        ({"ttm_rank": 0}, r"ttm_rank: must be in \[1, 768\], got 0"),
        (
            {"tt_modes": ((12, 8, 7), (8, 8, 12))},
            "tt_modes: input modes 12 x 8 x 7 make 672, hidden is 768",
        ),
        ({"tt_modes": (12, 8)}, "tt_modes: input modes 12 x 8 make 96, hidden is 768"),
        ({"tt_modes": ((768,), (8, 8))}, "tt_modes: output modes 8 x 8 make 64"),
        ({"tt_modes": ((-12, -8, 8), (8, 8, 12))}, "tt_modes: every input mode must be >= 1"),
        ({"tt_modes": ()}, "tt_modes: expected one list of modes or two"),
        ({"tt_modes": ((768,),) * 3}, "tt_modes: expected one list of modes or two"),
        ({"tt_modes": (768, (768,))}, "tt_modes: expected one list of modes or two"),
        ({"ttm_modes": ((10, 10, 10), (12, 8))}, "ttm_modes: feature modes 12 x 8 make 96"),
        ({"ttm_modes": ((1000,), (12, 64))}, "ttm_modes: 1 token modes do not pair with 2"),
        (
            {"vocabulary": 1001, "ttm_modes": ((10, 10, 10), (12, 8, 8))},
            "ttm_modes: token modes 10 x 10 x 10 make 1000 rows, vocabulary is 1001",
        ),
        ({"ttm_modes": ((-10, -100), (12, 64))}, "ttm_modes: token modes"),
        ({"flow": "backwards"}, "flow: 'backwards' is none of dense, bidirectional"),
        ({"activation": "elu"}, "activation: 'elu' is none of gelu, gelu_erf, relu"),
        ({"optimizer": "lion"}, "optimizer: 'lion' is none of sgd, adam"),
        ({"softmax_backward": "none"}, "softmax_backward: 'none' is none of"),
        ({"learning_rate": 0.0}, "learning_rate: must be > 0 and finite, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate: must be > 0 and finite"),
        ({"layer_norm_epsilon": -1e-5}, "layer_norm_epsilon: must be > 0"),
        ({"adam_beta2": 1.0}, r"adam_beta2: must be in \[0, 1\), got 1.0"),
        ({"adam_epsilon": 0.0}, "adam_epsilon: must be > 0"),
        ({"number_format": "fp31x"}, "number_format: no number format named 'fp31x'"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        replace(ATIS, **changes)


def test_a_dense_model_needs_no_modes():
    assert replace(ATIS, flow="dense", hidden=60, heads=6).lower().macs > 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ((10, 10, 10), (12, 8, 8))),  # 10 x 10 x 10 rows for 1000 words
        ({"tt_modes": (24, 32)}, ((32, 32), (24, 32))),  # 32 x 32 = 1024 rows
        ({"tt_modes": (4, 4, 6, 8)}, ((6, 6, 6, 5), (4, 4, 6, 8))),  # 1080 rows
        ({"vocabulary": 8, "tt_modes": (12, 8, 8)}, ((2, 2, 2), (12, 8, 8))),
        ({"tt_modes": (768,)}, ((1000,), (768,))),
    ],
)
def test_the_embeddings_modes_follow_from_the_matrices_and_the_vocabulary(fields, expected):
    assert TensorTransformer(**fields).embedding_modes == expected


def test_one_list_of_modes_is_mirrored_or_cut_in_the_middle():
    pair = ((12, 8, 8), (8, 8, 12))

    assert TensorTransformer(tt_modes=(12, 8, 8)).modes == pair
    assert TensorTransformer(tt_modes=(12, 8, 8, 8, 8, 12)).modes == pair
    assert TensorTransformer(tt_modes=pair).modes == pair
