"""training_graph: the sheet's counts, and the gradients of a dense layer for every format."""

from collections import Counter

import numpy as np
import pytest

from archsim import execute
from archsim.contraction import FIXED_ORDERS, tensor_train, tensor_train_matrix
from archsim.errors import GraphError, InputError
from archsim.ir import Contraction, Phase, Role
from workloads.tensor_layers import training_graph

ONE_SIDED = ("right_to_left", "left_to_right")


def mirrored(network):
    return [core[::-1] for core in network.cores[::-1]], network.sizes


def plain(network):
    return network.cores, network.sizes


def cores_of(text, **sizes):
    return [core.split() for core in text.split(",")], sizes


SHEET = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)
UNEVEN = tensor_train((5, 2), (3, 7), [2, 6, 3], inputs_first=True)
THREE = tensor_train((2, 3, 4), (4, 3, 2), [3, 4, 5, 4, 3], inputs_first=True)
LAYERS = {
    "train, inputs first": (plain(THREE), FIXED_ORDERS),
    "train, outputs first": (plain(tensor_train((5, 2), (3, 7), [3, 6, 2])), FIXED_ORDERS),
    "train, mirrored": (mirrored(UNEVEN), FIXED_ORDERS),
    "train of one mode": (plain(tensor_train((5,), (4,), [3], inputs_first=True)), FIXED_ORDERS),
    "train of two modes": (plain(UNEVEN), FIXED_ORDERS),
    "train of four modes": (plain(tensor_train((2, 3, 2, 2), (2, 2, 3, 2), [2, 3] * 3 + [2])),
                            FIXED_ORDERS),
    "train of unequal halves": (plain(tensor_train((6,), (2, 3, 2), [2, 3, 2], inputs_first=True)),
                                FIXED_ORDERS),
    "train of rank 1": (plain(tensor_train((2, 3), (3, 2), [1, 1, 1])), FIXED_ORDERS),
    "train with modes of 1": (plain(tensor_train((1, 3), (2, 1), [2, 3, 2])), FIXED_ORDERS),
    "train with bonds of 1 at its ends": (
        cores_of("r0 i0 r1, r1 o0 r2", i0=3, o0=4, r0=1, r1=2, r2=1), FIXED_ORDERS),
    "train with dangling bonds": (
        cores_of("r0 i0 r1, r1 o0 r2", i0=3, o0=4, r0=3, r1=2, r2=2), FIXED_ORDERS),
    "matrix train": (plain(tensor_train_matrix((4, 3, 2), (2, 3, 4), [5, 4])), ONE_SIDED),
    "matrix train of four modes": (
        plain(tensor_train_matrix((2, 3, 2, 4), (3, 2, 4, 2), [3, 5, 4])), ONE_SIDED),
    "ring": (cores_of("r0 i0 r1, r1 i1 r2, r2 o0 r3, r3 o1 r0",
                      i0=6, i1=5, o0=4, o1=7, r0=3, r1=2, r2=4, r3=3), FIXED_ORDERS),
    "hierarchy": (
        cores_of("i0 a, i1 b, a b c, o0 d, o1 e, d e f, c f",
                 i0=4, i1=3, o0=5, o1=2, a=3, b=2, c=4, d=4, e=2, f=3), FIXED_ORDERS),
    "block term": (cores_of("r0 r1 r2, i0 o0 r0, i1 o1 r1, i2 o2 r2",
                            i0=4, i1=3, i2=2, o0=2, o1=3, o2=4, r0=3, r1=2, r2=4), ONE_SIDED),
    "one dense core": (cores_of("i0 o0", i0=4, o0=3), ONE_SIDED),
    "one transposed core": (cores_of("o1 i0 o0", i0=4, o0=3, o1=2), ONE_SIDED),
    "an index in three cores": (
        cores_of("i0 r0, i1 r0, r0 o0", i0=4, i1=3, o0=5, r0=3), FIXED_ORDERS),
    "a mode in two cores": (cores_of("i0 r0, i0 r0 r1, r1 o0", i0=4, o0=5, r0=3, r1=2),
                            FIXED_ORDERS),
    "a core that joins nothing": (cores_of("i0 r0, r0 o0, z", i0=4, o0=5, r0=3, z=2),
                                  FIXED_ORDERS),
    "no output modes": (cores_of("i0 r0, r0 i1", i0=4, i1=2, r0=3), FIXED_ORDERS),
    "no input modes": (cores_of("o0 r0, r0 o1", o0=4, o1=2, r0=3), FIXED_ORDERS),
    "eleven modes": (
        ([[f"i{n}"] for n in range(11)] + [["o0"]], {f"i{n}": 1 + (n % 3 == 1) for n in range(11)}
         | {"o0": 2}), FIXED_ORDERS),
}  # fmt: skip
CASES = [(name, order) for name, (_, orders) in LAYERS.items() for order in orders]


def dense_truth(core_indices, sizes, arrays):
    """Y, dX and every dG from one einsum each; einsum sums whatever the result lacks."""
    number = {index: n for n, index in enumerate(["batch", *sizes])}

    def modes(side):
        found = [i for i in number if i[0] == side and i[1:].isdigit()]
        return sorted(found, key=lambda index: int(index[1:]))

    terms = {f"G{n}": list(core) for n, core in enumerate(core_indices)}
    terms |= {"X": ["batch", *modes("i")], "dY": ["batch", *modes("o")]}
    extents = {**sizes, "batch": len(arrays["X"])}
    shaped = {k: arrays[k].reshape([extents[i] for i in term]) for k, term in terms.items()}

    def without(target):
        operands = []
        for name, term in terms.items():
            if name != target and {"Y": "dY", "dX": "X"}.get(target, target[1:]) != name:
                operands += [shaped[name], [number[i] for i in term]]
        wanted = terms[{"Y": "dY"}.get(target, target[1:])]
        present = {i for term in operands[1::2] for i in term}
        found = [number[i] for i in wanted if number[i] in present]
        result = np.einsum(*operands, found, optimize=True)
        missing = tuple(n for n, i in enumerate(wanted) if number[i] not in present)
        full = np.expand_dims(result, missing)  # a dangling index: the same for every value
        return np.broadcast_to(full, [extents[i] for i in wanted]).reshape(arrays_shape(target))

    def arrays_shape(target):
        return arrays[{"Y": "dY"}.get(target, target[1:])].shape

    return {
        target: without(target) for target in ("Y", "dX", *(f"d{k}" for k in terms if k[0] == "G"))
    }


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(("name", "order"), CASES)
def test_results_equal_the_dense_layer(name, order, batch):
    core_indices, sizes = LAYERS[name][0]
    rng = np.random.default_rng(7)
    graph = training_graph(core_indices, sizes, batch, order)
    arrays = {name: rng.standard_normal(graph.tensors[name].shape) for name in graph.inputs}

    results = execute(graph, arrays)

    for target, expected in dense_truth(core_indices, sizes, arrays).items():
        assert results[target].shape == expected.shape
        np.testing.assert_allclose(results[target], expected, rtol=1e-9, atol=1e-10, err_msg=target)


def test_features_are_row_major_with_mode_0_most_significant():
    """A weight that picks i0 = 1, i1 = 2 of 2 x 3 features and writes to o0 = 2 of 4."""
    cores = [["i0"], ["i1"], ["o0"]]
    graph = training_graph(cores, {"i0": 2, "i1": 3, "o0": 4}, 1, "right_to_left")
    unit = {"G0": [0, 1], "G1": [0, 0, 1], "G2": [0, 0, 1, 0]}

    results = execute(graph, {"X": [[0, 1, 2, 3, 4, 5]], "dY": [[0, 0, 1, 0]], **unit})

    assert results["Y"].tolist() == [[0, 0, 5, 0]]  # feature 1·3 + 2
    assert results["dX"].tolist() == [[0, 0, 0, 0, 0, 1]]


def macs_by_phase(graph):
    found = Counter()
    for operation in graph.operations:
        found[operation.phase] += operation.macs
    return dict(found)


@pytest.mark.parametrize("listed", [plain, mirrored])
def test_bidirectional_costs_what_the_sheet_says(listed):
    """Modes (12,8,8 | 8,8,12), rank 12, 32 rows."""
    graph = training_graph(*listed(SHEET), 32, "bidirectional")

    assert macs_by_phase(graph) == {
        Phase.FORWARD: 838_656,
        Phase.BACKWARD: 589_824,
        Phase.WEIGHT_GRADIENT: 1_626_624,  # 2·294,912 + 144·7,200
    }
    assert graph.macs == 3_055_104


@pytest.mark.parametrize(
    ("order", "forward"), [("right_to_left", 1_253_376), ("left_to_right", 9_529_344)]
)
def test_reverse_mode_costs_twice_the_forward_pass(order, forward):
    phases = macs_by_phase(training_graph(*plain(SHEET), 32, order))

    assert phases[Phase.FORWARD] == forward
    assert phases[Phase.BACKWARD] + phases[Phase.WEIGHT_GRADIENT] == 2 * forward


def test_the_sheet_s_compute_ratios_hold():
    dense = training_graph([["i0", "o0"]], {"i0": 768, "o0": 768}, 32, "right_to_left")
    graphs = [dense, *(training_graph(*plain(SHEET), 32, order) for order in FIXED_ORDERS)]

    plain_macs, two_sided, chain, _ = (macs_by_phase(graph)[Phase.FORWARD] for graph in graphs)

    assert plain_macs == 18_874_368
    assert plain_macs / two_sided == pytest.approx(22.51, abs=0.005)
    assert chain / two_sided == pytest.approx(1.49, abs=0.005)


def words(order):
    """Parameters and forward intermediates of the sheet's layer."""
    graph = training_graph(*plain(SHEET), 32, order)
    made = [op.output for op in graph.operations if isinstance(op, Contraction)
            and op.phase is Phase.FORWARD and op.output.name != "Y"]  # fmt: skip
    parameters = [t for t in graph.tensors.values() if t.role is Role.PARAMETER]
    return sum(tensor.elements for tensor in [*parameters, *made])


def test_parameters_and_intermediates_take_the_sheet_s_words():
    """4,896 of cores, 2·9,216 of halves, 2·1,152 on the way to them, 32·12 of Z."""
    assert words("bidirectional") == 26_016
    assert 589_824 / words("bidirectional") == pytest.approx(22.67, abs=0.005)
    assert words("right_to_left") / words("bidirectional") == pytest.approx(2.33, abs=0.005)


def test_inner_cores_of_long_trains_share_partial_products():
    """Four cores of mode 2, rank 3, to one output core of mode 2; 5 rows.

    Weight gradients: dL 5·16·3, dR the same for Z'dY 5·3·2; prefixes G0G1 4·9, G0G1G2 8·9;
    suffixes G2G3 9·4·3, G1G2G3 9·8·3; G0 and G3: 16·9; G1 and G2: 16·9 with the prefix
    (length 1 and 2), then r1 i1.. : 3·8·3·3 and 3·4·3·3 with the suffix.
    """
    train = tensor_train((2, 2, 2, 2), (2,), [3, 3, 3, 3], inputs_first=True)
    graph = training_graph(train.cores, train.sizes, 5, "bidirectional")

    expected = 240 + 30 + (36 + 72) + (108 + 216) + 2 * 144 + (144 + 216) + (144 + 108)
    assert macs_by_phase(graph)[Phase.WEIGHT_GRADIENT] == expected


def test_every_transpose_is_an_operation_of_its_own():
    for order in FIXED_ORDERS:
        graph = training_graph(*plain(SHEET), 32, order)
        contractions = [op for op in graph.operations if isinstance(op, Contraction)]

        assert contractions
        assert all(op.is_matrix_product for op in contractions)


def test_bidirectional_transposes_move_few_words():
    """Both halves for dX, U and Z; the left half's gradient; G0 G2 G3 G5, and P and Q per half.

    Large ones: five of 9,216. Small ones: 2·384 of U and Z, four of 1,152 and two of 144.
    """
    graph = training_graph(*plain(SHEET), 32, "bidirectional")

    moved = sum(op.output.elements for op in graph.operations if op.kind == "permute")

    assert moved == 5 * 9_216 + 2 * 384 + 4 * 1_152 + 2 * 144 == 51_744


def test_parameters_and_gradients_have_their_roles():
    graph = training_graph(*plain(UNEVEN), 5)

    assert {graph.tensors[f"G{n}"].role for n in range(4)} == {Role.PARAMETER}
    assert {graph.tensors[f"dG{n}"].role for n in range(4)} == {Role.GRADIENT}
    assert set(graph.outputs) == {"Y", "dX", "dG0", "dG1", "dG2", "dG3"}
    assert set(graph.inputs) == {"X", "dY", "G0", "G1", "G2", "G3"}


@pytest.mark.parametrize(
    ("cores", "sizes", "batch", "order", "message"),
    [
        ("i0 r, r o0", {"i0": 2, "o0": 2}, 1, "right_to_left", r"tensor 0 \(i0 r\): index 'r' has"),
        ("i0 r, r o0", {"i0": 2, "o0": 2, "r": 0}, 1, "right_to_left", "size >= 1, got 0"),
        ("i0 r, r o0", {"i0": 2, "o0": 2, "r": 2}, 0, "right_to_left", "batch must be >= 1, got 0"),
        ("i0 o0", {"i0": 2, "o0": 2, "i1": 3}, 1, "right_to_left", "mode 'i1' .* in no core"),
        ("i0 o0", {"i0": 2, "o0": 2}, 1, "bidirectional", "core 0 .* carries input and output"),
        ("i0 o0", {"i0": 2, "o0": 2}, 1, "rightmost", "no order named 'rightmost'"),
    ],
)  # fmt: skip
def test_impossible_layers_are_refused(cores, sizes, batch, order, message):
    with pytest.raises(InputError, match=message):
        training_graph([core.split() for core in cores.split(",")], sizes, batch, order)


def test_no_cores_are_not_a_layer():
    with pytest.raises(GraphError, match="one tensor alone"):
        training_graph([], {}, 1, "right_to_left")
