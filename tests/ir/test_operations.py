"""Operations against numpy: values by einsum, work and traffic by counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import GraphError
from archsim.ir import (
    Contraction,
    Elementwise,
    Gather,
    Permute,
    Phase,
    Reduction,
    ScatterAdd,
    TensorSpec,
)

LETTERS = "abcdefg"


@st.composite
def contractions(draw):
    """Two terms and a result: every index in both inputs, or in one and the result."""
    sizes = {index: draw(st.integers(1, 4)) for index in LETTERS}
    groups = {index: draw(st.sampled_from("bmnk")) for index in LETTERS}
    used = draw(st.lists(st.sampled_from(LETTERS), unique=True, max_size=6))
    terms = [
        draw(st.permutations([i for i in used if groups[i] in kinds]))
        for kinds in ("bmk", "bnk", "bmn")
    ]
    return sizes, terms


def equation(*terms):
    *inputs, result = (" ".join(term) for term in terms)
    return f"{', '.join(inputs)} -> {result}"


def tensor(name, sizes, term):
    return TensorSpec(name, tuple(sizes[index] for index in term))


def fill(seed, *tensors):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(t.shape) for t in tensors]


def make(kind, inputs, output, **rest):
    return kind(name="op", phase=Phase.FORWARD, inputs=inputs, outputs=(output,), **rest)


@settings(deadline=None)  # a busy machine is not a failure
@given(case=contractions(), seed=st.integers(0, 99))
def test_a_contraction_is_an_einsum(case, seed):
    sizes, terms = case
    left, right, out = (tensor(n, sizes, t) for n, t in zip("LRO", terms, strict=True))
    arrays = fill(seed, left, right)

    operation = make(Contraction, (left, right), out, equation=equation(*terms))
    (value,) = operation.evaluate(*arrays)

    expected = np.einsum(f"{''.join(terms[0])},{''.join(terms[1])}->{''.join(terms[2])}", *arrays)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    points = np.prod([sizes[i] for i in {*terms[0], *terms[1]}], dtype=int)
    assert operation.macs == operation.space.points == points
    whole = [access.elements(operation.space) for access in (*operation.reads, *operation.writes)]
    assert whole == [left.elements, right.elements, out.elements]


@settings(deadline=None)  # a busy machine is not a failure
@given(case=contractions(), seed=st.integers(0, 99))
def test_a_tensor_may_be_viewed_with_finer_indices(case, seed):
    """The same contraction of flattened operands gives the same numbers, flattened."""
    sizes, terms = case
    specs = [tensor(n, sizes, t) for n, t in zip("LRO", terms, strict=True)]
    flat = [TensorSpec(spec.name, (spec.elements,)) for spec in specs]
    arrays = fill(seed, *specs[:2])

    shaped = make(Contraction, tuple(specs[:2]), specs[2], equation=equation(*terms))
    folded = make(Contraction, tuple(flat[:2]), flat[2], equation=equation(*terms), sizes=sizes)

    (one,) = shaped.evaluate(*arrays)
    (other,) = folded.evaluate(*(array.reshape(-1) for array in arrays))
    np.testing.assert_array_equal(one.reshape(-1), other)


@pytest.mark.parametrize(
    ("terms", "holds"),
    [
        ("b m k, b k n, b m n", True),
        ("m k, k n, m n", True),
        ("m k, n k, m n", False),
        ("k m, k n, m n", False),
        ("m k, k n, n m", False),
        ("m b k, b k n, b m n", False),
        ("m one k, k n, m n one", True),
    ],
)
def test_a_matrix_product_lies_as_batch_m_k_and_batch_k_n(terms, holds):
    sizes = {"b": 2, "m": 3, "n": 4, "k": 5, "one": 1}
    split = [term.split() for term in terms.split(",")]
    specs = [tensor(n, sizes, t) for n, t in zip("LRO", split, strict=True)]

    operation = make(Contraction, tuple(specs[:2]), specs[2], equation=equation(*split))

    assert operation.is_matrix_product is holds


def test_an_elementwise_operation_broadcasts():
    a, b, out = TensorSpec("a", (2, 3)), TensorSpec("b", (3,)), TensorSpec("o", (3, 2))
    arrays = fill(0, a, b)

    operation = make(Elementwise, (a, b), out, equation="i j, j -> j i", formula="a * b + 1")

    np.testing.assert_allclose(operation.evaluate(*arrays)[0], (arrays[0] * arrays[1] + 1).T)
    assert dict(operation.functions) == {"multiply": 1, "add": 1}
    assert operation.space.points == 6
    assert operation.macs == 0


def test_an_elementwise_operation_fills_a_tensor_from_a_scalar():
    scalar, out = TensorSpec("s", ()), TensorSpec("o", (2, 3))

    operation = make(Elementwise, (scalar,), out, equation=" -> i j", formula="0 * a")

    assert operation.evaluate(np.array(7.0))[0].tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(("function", "reduce"), [("add", np.sum), ("maximum", np.max)])
@pytest.mark.parametrize(
    ("equation", "axes", "order"),
    [("i j k -> i", (1, 2), (0,)), ("i j k -> k i", (1,), (1, 0)), ("i j k -> ", (0, 1, 2), ())],
)
def test_a_reduction_sums_or_takes_the_maximum(function, reduce, equation, axes, order):
    source = TensorSpec("s", (2, 3, 4))
    (array,) = fill(1, source)
    expected = reduce(array, axis=axes).transpose(order)

    out = TensorSpec("o", expected.shape)
    operation = make(Reduction, (source,), out, equation=equation, function=function)

    np.testing.assert_allclose(operation.evaluate(array)[0], expected)
    assert operation.space.points == 24
    assert dict(operation.functions) == {function: 1}


@settings(deadline=None)  # a busy machine is not a failure
@given(order=st.permutations("abcd"))
def test_a_permute_is_a_transpose(order):
    sizes = {"a": 2, "b": 3, "c": 1, "d": 4}
    source, out = tensor("s", sizes, "abcd"), tensor("o", sizes, order)
    (array,) = fill(2, source)

    operation = make(Permute, (source,), out, equation=equation("abcd", order))

    expected = array.transpose(["abcd".index(i) for i in order])
    np.testing.assert_array_equal(operation.evaluate(array)[0], expected)
    assert dict(operation.functions) == {"move": 1}
    assert operation.space.points == 24


TABLE, ROWS = TensorSpec("table", (5, 2, 3)), TensorSpec("rows", (4,))


def test_a_gather_looks_rows_up():
    (table,) = fill(3, TABLE)

    operation = make(Gather, (TABLE, ROWS), TensorSpec("o", (4, 6)))

    value = operation.evaluate(table, np.array([4, 0, 4, 1]))[0]
    np.testing.assert_array_equal(value, table[[4, 0, 4, 1]].reshape(4, 6))
    assert operation.space.points == 24


def test_a_scatter_adds_rows_up_and_leaves_its_input_alone():
    update = TensorSpec("update", (4, 6))
    (changes,) = fill(4, update)
    table = np.ones((5, 2, 3))

    operation = make(
        ScatterAdd, (TABLE, ROWS, update), TensorSpec("o", TABLE.shape), overwrites="table"
    )
    value = operation.evaluate(table, np.array([4, 0, 4, 1]), changes)[0]

    expected = np.ones((5, 6))
    for row, change in zip([4, 0, 4, 1], changes, strict=True):
        expected[row] += change
    np.testing.assert_allclose(value.reshape(5, 6), expected)
    assert (table == 1).all()


@pytest.mark.parametrize("rows", [[5, 0, 0, 0], [-1, 0, 0, 0], [0.5, 0, 0, 0]])
def test_rows_outside_the_table_are_refused(rows):
    operation = make(Gather, (TABLE, ROWS), TensorSpec("o", (4, 6)))

    with pytest.raises(GraphError, match=r"'op' \(gather\): rows must be whole .* in \[0, 5\)"):
        operation.evaluate(np.zeros(TABLE.shape), np.array(rows))


A23, B34, C24 = TensorSpec("A", (2, 3)), TensorSpec("B", (3, 4)), TensorSpec("C", (2, 4))


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "rest", "message"),
    [
        (Contraction, (A23, B34), C24, {"equation": "i j, j k"}, "expected one '->'"),
        (Contraction, (A23, B34), C24, {"equation": "i i, i k -> i k"}, "index stands twice"),
        (Contraction, (A23,), C24, {"equation": "i j, j k -> i k"}, "1 inputs for"),
        (Contraction, (A23, C24), C24, {"equation": "i j, j k -> i k"}, "index 'j' is 3 elsewhere"),
        (Contraction, (A23, B34), C24, {"equation": "i j, j k -> i l"}, "'k' stands in one tensor"),
        (Contraction, (A23, B34), C24, {"equation": "i j, j k -> x k"}, "'i' stands in one tensor"),
        (
            Contraction,
            (A23, A23),
            TensorSpec("O", (2, 3, 5)),
            {"equation": "i j, i j -> i j z"},
            "output index 'z' stands in no input",
        ),
        (Contraction, (A23, B34, C24), C24, {"equation": "i j, j k, i k -> i k"}, "two tensors"),
        (Contraction, (A23, B34), C24, {"equation": "i x y, y k -> i k"}, "no size for index 'x'"),
        (
            Contraction,
            (A23, B34),
            C24,
            {"equation": "i x y, x y k -> i k", "sizes": {"x": 2, "y": 2}},
            r"A \(2, 3\) cannot be viewed as 2 x 2 x 2",
        ),
        (Elementwise, (A23,), A23, {"equation": "i j -> i j", "formula": "a + b"}, "uses"),
        (Elementwise, (A23,), A23, {"equation": "i j -> i j", "formula": "a +"}, "invalid syntax"),
        (
            Elementwise,
            (A23,),
            TensorSpec("O", (2,)),
            {"equation": "i j -> i", "formula": "a"},
            "index 'j' is not in the output",
        ),
        (
            Reduction,
            (A23,),
            A23,
            {"equation": "i j -> i j", "function": "mean"},
            "must be one of 'add'",
        ),
        (Reduction, (A23, A23), A23, {"equation": "i j, i j -> i j"}, "expected one input"),
        (Permute, (A23,), TensorSpec("O", (2,)), {"equation": "i j -> i"}, "expected one input"),
        (Gather, (TABLE, ROWS), TensorSpec("o", (4, 5)), {}, r"4 rows of \(5, 2, 3\) do not make"),
        (
            ScatterAdd,
            (TABLE, ROWS, TensorSpec("u", (4, 6))),
            TensorSpec("o", TABLE.shape),
            {},
            "must overwrite the table",
        ),
        (
            ScatterAdd,
            (TABLE, ROWS, TensorSpec("u", (4, 5))),
            TensorSpec("o", TABLE.shape),
            {"overwrites": "table"},
            "do not make",
        ),
    ],
)
def test_a_malformed_operation_is_refused_by_name(kind, inputs, output, rest, message):
    with pytest.raises(GraphError, match=rf"operation 'op' \({kind.kind}\): .*{message}"):
        make(kind, inputs, output, **rest)
