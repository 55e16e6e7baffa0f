"""One linear layer with an adapter: numpy and graph against torch's numbers, and each other.

``lora_reference.npz`` holds one case (33 rows, 20 features in, 24 out, rank 1, scaling 2): x, W,
A, B, dy in float32; y, dA, dB, dx by torch autograd in float64; dy in int8 by torch's
fake_quantize. The errors below are those of an independent implementation.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim import execute
from archsim.ir import Quantizer
from tests.conftest import EXPERIMENTS
from workloads.lora_diffusion import LoraLinear, lora_step

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "shared" / "refdata" / "lora"
GRADIENTS = ("y", "dA", "dB", "dx")
ERRORS = {
    "absmax": {
        "y": 0.011314829691692558,
        "dB": 0.013362692103172369,
        "dA": 0.010784331692991296,
        "dx": 0.01046070415557482,
    },
    "pow2": {
        "y": 0.013096049265473461,
        "dB": 0.01379424122320013,
        "dA": 0.01565372862242096,
        "dx": 0.01290331761980258,
    },
}


def cases():
    """Name, arrays, scaling, errors by scheme."""
    yield "r1", dict(np.load(HERE / "lora_reference.npz")), 2.0, ERRORS
    if not (SHARED / "lora.json").exists():
        return
    everything = np.load(SHARED / "lora.npz")
    for case in json.loads((SHARED / "lora.json").read_text())["cases"]:
        name = case["name"]
        arrays = {
            key.removeprefix(f"{name}/"): everything[key]
            for key in everything.files
            if key.startswith(f"{name}/")
        }
        yield f"shared-{name}", arrays, case["scaling"], case["rel_err"]


CASES = [pytest.param(*case, id=name) for name, *case in cases()]


def operands(arrays):
    return [arrays[name] for name in ("x", "W", "A", "B", "dy")]


@pytest.mark.parametrize(("arrays", "scaling", "errors"), CASES)
def test_exact_results_are_torch_s(arrays, scaling, errors):
    found = lora_step(*operands(arrays), scaling)

    for name in GRADIENTS:
        expected = arrays[f"float/{name}"]
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scheme", ["absmax", "pow2"])
@pytest.mark.parametrize(("arrays", "scaling", "errors"), CASES)
def test_quantised_results_err_by_as_much_as_the_reference_does(arrays, scaling, errors, scheme):
    """To 13 digits: a single number rounded otherwise changes the error in the fifth."""
    found = lora_step(*operands(arrays), scaling, scheme)

    np.testing.assert_array_equal(found["gq"], arrays[f"{scheme}/gq"])
    for name in GRADIENTS:
        exact = arrays[f"float/{name}"]
        error = np.linalg.norm(found[name] - exact) / np.linalg.norm(exact)
        assert error == pytest.approx(errors[scheme][name], rel=1e-12), name


@pytest.mark.parametrize("scheme", ["absmax", "pow2"])
def test_accumulators_are_integer_products_of_int8_operands(scheme):
    arrays = dict(np.load(HERE / "lora_reference.npz"))

    found = lora_step(*operands(arrays), 2.0, scheme)

    sums = found["accumulators"]
    xq, wq, aq, bq, gq, hq, dhq = (
        found[name].astype(np.int64) for name in ("xq", "Wq", "Aq", "Bq", "gq", "hq", "dhq")
    )
    expected = {
        "xW": xq @ wq, "h": xq @ aq, "hB": hq @ bq, "dB": hq.T @ gq,
        "dh": gq @ bq.T, "dA": xq.T @ dhq, "gW": gq @ wq.T, "dhA": dhq @ aq.T,
    }  # fmt: skip
    assert set(sums) == set(expected)
    for name, total in expected.items():
        assert sums[name].dtype == np.int32
        np.testing.assert_array_equal(sums[name], total, err_msg=name)
    assert list(found["scales"]) == ["x", "W", "A", "B", "dy", "h", "dh"]
    for name, q in (("h", "hq"), ("dh", "dhq")):
        assert found[q].dtype == np.int8
        assert np.abs(found[q]).max() == 127 or scheme == "pow2"
        values = found["scales"][name] * found[q].astype(float)
        assert np.isfinite(values).all()


def test_halves_round_to_even_and_the_scale_is_the_magnitude_s_127th():
    values = np.array([-127, -2.5, -1.5, 0.5, 1.5, 2.5, 126.5])

    absmax, pow2 = Quantizer("absmax").quantize(values), Quantizer("pow2").quantize(3.5 * values)

    assert absmax[0].tolist() == [-127, -2, -2, 0, 2, 2, 126]
    assert absmax[1] == 1
    assert pow2[1] == 4  # 3.5 is not a power of two: the next one is
    assert pow2[0].tolist() == [-111, -2, -1, 0, 1, 2, 111]
    assert Quantizer("pow2").quantize(np.zeros(3))[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("scheme", ["absmax", "pow2"])
@pytest.mark.parametrize(("arrays", "scaling", "errors"), CASES)
def test_the_graph_computes_the_same_bits(arrays, scaling, errors, scheme):
    x, w, a, b, dy = operands(arrays)
    rank = a.shape[1]
    layer = LoraLinear(
        tokens=len(x),
        features_in=x.shape[1],
        features_out=w.shape[1],
        rank=rank,
        alpha=scaling * rank,
        quantizer=scheme,
        learning_rate=0.5,
    )
    expected = lora_step(x, w, a, b, dy, scaling, scheme)
    inputs = {
        "X": x, "dY": dy, "layer.lora.A": a, "layer.lora.B": b,
        "layer.weight": expected["Wq"], "layer.weight.scale": expected["scales"]["W"],
    }  # fmt: skip

    graph = layer.lower()
    found = execute(graph, inputs)

    sums = expected["accumulators"]
    for name, value in {
        "layer.lora.output": expected["y"],
        "X.gradient": expected["dx"],
        "layer.lora.A.gradient": expected["dA"],
        "layer.lora.B.gradient": expected["dB"],
        "layer.lora.h.quantized": expected["hq"],
        "layer.lora.h.scale": expected["scales"]["h"],
        "layer.lora.h.gradient.quantized": expected["dhq"],
        "layer.lora.h.gradient.scale": expected["scales"]["dh"],
        "dY.quantized": expected["gq"],
        "layer.lora.A.quantized": expected["Aq"],
        "layer.lora.h.accumulator": sums["h"],
        "layer.lora.product.accumulator": sums["hB"],
        "layer.lora.A.gradient.accumulator": sums["dA"],
        "layer.lora.input.gradient.accumulator": sums["dhA"],
        "layer.lora.A.updated": a - 0.5 * expected["dA"],
    }.items():
        np.testing.assert_array_equal(found[name].reshape(np.shape(value)), value, err_msg=name)
    assert graph.outputs[0] == "layer.lora.output"
    for tensor in graph.tensors.values():  # whole numbers that their formats can hold
        if tensor.format.name in ("int8", "int32"):
            values = found[tensor.name]
            np.testing.assert_array_equal(tensor.format.quantize(values), values)


def test_a_graph_s_products_are_int8_by_int8_into_int32():
    graph = LoraLinear(tokens=8, features_in=16, features_out=16, quantizer="absmax").lower()

    products = [op for op in graph.operations if op.kind == "contraction"]

    assert len(products) == 3 + 5  # xW, xA, hB; dB, dh, dA, and dx of W and of A
    for op in products:
        assert [tensor.format.name for tensor in (*op.inputs, op.output)] == ["int8"] * 2 + [
            "int32"
        ]
    # X, A, B, dY, h, dh: each a reduction, a scale and a rounding, once for all its readers.
    names = ("X", "layer.lora.A", "layer.lora.B", "dY", "layer.lora.h", "layer.lora.h.gradient")
    for name in names:
        assert graph[f"{name}.magnitude"].functions == {"maximum": 1}
        rounding = graph[f"{name}.quantized"]
        assert rounding.functions == {"divide": 1, "add": 1 + 1, "maximum": 2}
        assert rounding.number_format.name == "fp32"
        assert rounding.output.format.name == "int8"
    assert sum(op.name.endswith(".quantized") for op in graph.operations) == len(names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantizer": "pow"}, "quantizer: no quantizer 'pow'; did you mean 'pow2'"),
        ({"a": np.zeros((3, 2))}, r"a: expected the shape \(4, 2\), got \(3, 2\)"),
        ({"grad": np.zeros((6, 3))}, r"x: expected the shape \(6, 4\), got \(5, 4\)"),
    ],
)
def test_a_bad_argument_is_refused_by_name(changes, message):
    shapes = {"x": (5, 4), "w": (4, 3), "a": (4, 2), "b": (2, 3), "grad": (5, 3)}
    given = {name: np.ones(shape) for name, shape in shapes.items()} | {"scaling": 1.0}

    with pytest.raises(ValueError, match=f"^{message}"):
        lora_step(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 321}, r"rank: must be in \[1, 320\], got 321"),
        ({"tokens": 0}, "tokens: must be in"),
        ({"alpha": 0.0}, "alpha: must be > 0"),
        ({"quantizer": "int8"}, "quantizer: 'int8' is none of none, absmax, pow2"),
        ({"number_format": "fp33"}, "number_format: no number format named 'fp33'"),
    ],
)
def test_a_layer_s_bad_field_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        LoraLinear(**changes)


def test_quantising_costs_time_and_energy():
    """A shipped machine runs all three; whole numbers cost less energy, and dividing costs time."""
    runs = {
        name: archsim.run(
            EXPERIMENTS / "array_lora_linear.yaml", overrides={"workload.quantizer": name}
        )
        for name in ("none", "absmax", "pow2")
    }

    exact, absmax, pow2 = runs.values()
    assert pow2.ticks < absmax.ticks  # multiplies by a power of two where absmax divides
    assert pow2.energy_j < exact.energy_j  # an int8 multiply-accumulate is cheaper
