"""Layer networks have the sheet's parameter counts; a lowered tree computes its network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim import formats
from archsim.contraction import (
    ContractionTree,
    TensorNetwork,
    lower_tree,
    tensor_train,
    tensor_train_matrix,
)
from archsim.ir import Contraction, GraphBuilder, Phase, execute


def test_a_tensor_train_has_one_core_per_mode():
    train = tensor_train((2, 3), (5,), [4, 6])

    assert train.cores == (("r0", "o0", "r1"), ("r1", "i0", "r2"), ("r2", "i1", "r3"))
    assert train.shapes == ((1, 5, 4), (4, 2, 6), (6, 3, 1))
    assert train.parameters == 86  # 20 + 48 + 18


def test_a_tensor_train_may_begin_with_its_input_cores():
    train = tensor_train((12, 8, 8), (8, 8, 12), [12] * 5, inputs_first=True)

    assert train.cores[0] == ("r0", "i0", "r1")
    assert train.cores[2] == ("r2", "i2", "r3")
    assert train.cores[5] == ("r5", "o2", "r6")
    assert train.parameters == 4_896  # 12·12 + 2·144·8 + 2·144·8 + 12·12


def test_a_tensor_train_matrix_has_one_core_per_pair_of_modes():
    train = tensor_train_matrix((10, 10, 10), (12, 8, 8), [30, 30])

    assert train.cores[0] == ("r0", "i0", "o0", "r1")
    assert train.cores[1] == ("r1", "i1", "o1", "r2")
    assert train.cores[2] == ("r2", "i2", "o2", "r3")
    assert train.shapes[1] == (30, 10, 8, 30)
    assert train.parameters == 78_000  # 3,600 + 72,000 + 2,400


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (tensor_train, ((2, 0), (3,), [1, 1]), "every mode must be >= 1, got 2, 0, 3"),
        (tensor_train, ((2,), (3,), [0]), "every rank must be >= 1, got 0"),
        (tensor_train, ((2,), (3,), [1, 1]), "2 cores have 1 bonds, got 2 ranks"),
        (tensor_train, ((), (), []), "at least one mode"),
        (tensor_train_matrix, ((2,), (3, 3), []), "1 input modes do not pair with 2"),
    ],
)
def test_impossible_layers_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(*arguments)


@st.composite
def trees(draw):
    """Up to five tensors of up to four indices, an output of some of them, any tree."""
    names = "abcdef"
    inputs = draw(
        st.lists(st.lists(st.sampled_from(names), max_size=4, unique=True), min_size=2, max_size=5)
    )
    used = sorted({index for term in inputs for index in term})
    output = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
    sizes = {index: draw(st.integers(1, 3)) for index in used}
    present, steps = list(range(len(inputs))), []
    while len(present) > 1:
        one, other = draw(st.permutations(present))[:2]
        present = [n for n in present if n not in (one, other)] + [len(inputs) + len(steps)]
        steps.append((one, other))
    return ContractionTree(TensorNetwork(inputs, output, sizes), steps)


@settings(deadline=None)  # a busy machine is not a failure
@given(tree=trees(), seed=st.integers(0, 1000))
def test_a_lowered_tree_computes_its_network_at_its_cost(tree, seed):
    network = tree.network
    rng = np.random.default_rng(seed)
    builder = GraphBuilder("network", network.sizes, formats.parse("fp64"))
    shapes = [[network.sizes[i] for i in term] for term in network.inputs]
    tensors = [builder.tensor(f"T{n}", shape) for n, shape in enumerate(shapes)]
    arrays = {f"T{n}": rng.standard_normal(shape) for n, shape in enumerate(shapes)}

    shape = [network.sizes[i] for i in network.output]
    lower_tree(builder, tree, tensors, "net", Phase.FORWARD, result="Y", shape=shape)
    graph = builder.graph()

    letters = [[ord(i) - ord("a") for i in term] for term in (*network.inputs, network.output)]
    operands = [x for pair in zip(arrays.values(), letters, strict=False) for x in pair]
    expected = np.einsum(*operands, letters[-1])
    given_in = {name: arrays[name] for name in graph.inputs}
    np.testing.assert_allclose(execute(graph, given_in)["Y"], expected, rtol=1e-10, atol=1e-12)
    assert graph.macs == tree.macs
    assert all(op.is_matrix_product for op in graph.operations if isinstance(op, Contraction))
