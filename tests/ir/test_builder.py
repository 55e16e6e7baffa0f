"""GraphBuilder: contractions become matrix products, and each transpose an operation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archsim
from archsim import formats
from archsim.ir import Contraction, GraphBuilder, Permute, Phase, Quantizer, Role

SIZES = {"b": 2, "m": 3, "n": 4, "k": 5}


def builder(**sizes):
    return GraphBuilder("built", SIZES | sizes, formats.parse("fp32"))


def kinds(graph):
    return [operation.kind for operation in graph.operations]


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("m k, k n -> m n", ["contraction"]),
        ("k n, m k -> m n", ["contraction"]),  # the operands change places
        ("k m, n k -> n m", ["contraction"]),
        ("m k, n k -> m n", ["permute", "contraction"]),
        ("k m, k n -> m n", ["permute", "contraction"]),
        ("k m, n k -> m n", ["contraction", "permute"]),  # one result of 12 moves, not 15 + 20
        ("m b k, b k n -> b m n", ["permute", "contraction"]),
        ("b m k, b k n -> m b n", ["contraction", "permute"]),
    ],
)
def test_only_what_lies_wrong_is_permuted(equation, expected):
    b = builder()
    left, right = (
        b.tensor(name, [SIZES[i] for i in term.split()])
        for name, term in zip("LR", equation.partition("->")[0].split(","), strict=True)
    )

    b.contract("y", Phase.FORWARD, equation, left, right)

    assert kinds(b.graph()) == expected


@settings(deadline=None)  # a busy machine is not a failure
@given(
    left=st.permutations("abk"),
    right=st.permutations("ack"),
    result=st.permutations("abc"),
    sizes=st.tuples(*[st.integers(1, 3)] * 4),
)
def test_a_contraction_gives_the_einsum_however_its_tensors_lie(left, right, result, sizes):
    extents = dict(zip("abck", sizes, strict=True))
    b = builder(**extents)
    rng = np.random.default_rng(0)
    specs = [b.tensor(n, [extents[i] for i in t]) for n, t in (("L", left), ("R", right))]
    arrays = {spec.name: rng.standard_normal(spec.shape) for spec in specs}

    equation = f"{' '.join(left)}, {' '.join(right)} -> {' '.join(result)}"
    b.contract("y", Phase.FORWARD, equation, *specs)
    graph = b.graph()

    letters = f"{''.join(left)},{''.join(right)}->{''.join(result)}"
    expected = np.einsum(letters, *arrays.values())
    np.testing.assert_allclose(archsim.execute(graph, arrays)["y"], expected, atol=1e-12)
    products = [op for op in graph.operations if isinstance(op, Contraction)]
    assert [op.is_matrix_product for op in products] == [True]
    assert graph.macs == np.prod(sizes)


def test_a_tensor_is_permuted_once_for_all_who_want_it_so():
    b = builder()
    x, w = b.tensor("x", (5, 3)), b.tensor("w", (5, 4))
    for name in ("one", "other"):
        b.contract(name, Phase.FORWARD, "k m, k n -> m n", x, w)

    moved = [op.name for op in b.graph().operations if isinstance(op, Permute)]

    assert moved == ["x.as_m_k"]


def test_a_result_takes_the_shape_and_role_asked_for():
    b = builder()
    x, w = b.tensor("x", (6, 5)), b.tensor("w", (5, 4), Role.PARAMETER)

    y = b.contract(
        "y", Phase.BACKWARD, "b m k, k n -> b m n", x, w, shape=(6, 4), role=Role.GRADIENT
    )

    assert (y.shape, y.role) == ((6, 4), Role.GRADIENT)
    assert b.graph()["y"].phase is Phase.BACKWARD


def test_tables_are_read_and_written_by_row():
    b = builder()
    table, rows = b.tensor("table", (4, 3)), b.tensor("rows", (2,))
    found = b.gather("found", Phase.FORWARD, table, rows, (2, 3))
    b.scatter_add("sum", Phase.FORWARD, table, rows, found)

    arrays = {"table": np.arange(12.0).reshape(4, 3), "rows": [3, 3]}
    results = archsim.execute(b.graph(), arrays)

    assert results["found"].tolist() == [[9, 10, 11], [9, 10, 11]]
    assert results["sum"][3].tolist() == [27, 30, 33]  # the row and twice itself
    assert results["sum"][:3].tolist() == arrays["table"][:3].tolist()


def test_declared_outputs_outlive_the_graph():
    b = builder()
    x = b.tensor("x", (3, 5))
    y = b.reduce("y", Phase.FORWARD, "m k -> m", x)
    z = b.elementwise("z", Phase.FORWARD, "m -> m", "a", y)
    b.output(y)

    assert b.graph().outputs == (y.name, z.name)


def test_sizes_of_a_part_are_no_sizes_of_the_whole():
    b = builder()
    x = b.tensor("x", (7, 5))

    y = b.sized(m=7).contract("y", Phase.FORWARD, "m k, k n -> m n", x, b.tensor("w", (5, 4)))

    assert y.shape == (7, 4)
    assert b.sizes["m"] == 3
    assert [op.name for op in b.graph().operations] == ["y"]


def test_an_operand_is_quantised_once_and_held_ones_not_at_all():
    b = GraphBuilder("built", SIZES, formats.parse("fp32"), Quantizer("absmax"))
    x, w = b.tensor("x", (3, 5)), b.tensor("w", (5, 4), Role.PARAMETER, formats.parse("int8"))
    b.hold_quantized(w, b.tensor("s", (), Role.PARAMETER))
    b.contract("y", Phase.FORWARD, "m k, k n -> m n", x, w)
    b.contract("z", Phase.FORWARD, "m k, k n -> m n", x, w)

    graph = b.graph()

    made = ["x.magnitude", "x.scale", "x.quantized", "y.accumulator", "y", "z.accumulator", "z"]
    assert sorted(op.name for op in graph.operations) == sorted(made)
    rng = np.random.default_rng(0)
    given_ = {"x": rng.standard_normal((3, 5)), "w": rng.integers(-127, 128, (5, 4)), "s": 0.5}
    found = archsim.execute(graph, given_)
    scale = np.abs(given_["x"]).max() / 127
    whole = np.rint(given_["x"] / scale)
    np.testing.assert_array_equal(found["y.accumulator"], whole @ given_["w"])
    np.testing.assert_allclose(found["y"], 0.5 * scale * (whole @ given_["w"]), rtol=1e-14)
    assert found["y"].tolist() == found["z"].tolist()
