"""Expressions: what they come to, what they refuse, and that Python agrees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.sweep.expressions import Expression

VALUES = {"rank": 8, "share": 0.5, "format": "tensor_train", "sram": "2 MiB", "missing": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rank > 4 and format == 'tensor_train'", True),
        ("rank in [4, 16] or not share < 1", False),
        ("4 < rank <= 8", True),
        ("sram < '3 MiB'", True),
        ("sram == 2 * 2 ** 20", True),
        ("missing is None", True),
        ("format not in ('a', 'b')", True),
        ("max(rank, 9) - min(1, share) // 1", 9),
        ("rank if share > 0.4 else 0", 8),
        ("ceil(log2(rank + 1))", 4),
        ("-rank + 3 * 2 % 4", -6),
    ],
)
def test_an_expression_comes_to_what_it_says(text, expected):
    assert Expression.read(text, VALUES).value(VALUES) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rank.bit_length()", "no function"),
        ("__import__('os')", "no function '__import__'"),
        ("rank[0]", "'rank[0]' has no meaning"),
        ("[x for x in (1, 2)]", "has no meaning"),
        ("(lambda: 1)", "has no meaning"),
        ("rank := 3", "is not an expression"),
        ("rank >", "is not an expression"),
        ("", "is not an expression"),
        ("rnak > 3", "no axis 'rnak' here; did you mean 'rank'?"),
        ("1 + " * 200 + "1", "at most 500"),
        ("max(rank, default=3)", "no function 'max'"),
    ],
)
def test_what_is_no_expression_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem.replace("[", r"\[").replace("?", r"\?")):
        Expression.read(text, VALUES)


@pytest.mark.parametrize(
    "text",
    ["format > 3", "rank / 0", "missing < 3", "9 ** 9 ** 9", "format * 1000000000", "2.0**9999"],
)
def test_what_has_no_value_says_for_which_values(text):
    with pytest.raises(ValueError, match="has no value for"):
        Expression.read(text, VALUES).value(VALUES)


def test_what_comes_first_decides_whether_the_rest_is_looked_at():
    assert Expression.read("missing is None or missing > 3", VALUES).value(VALUES)


numbers = st.integers(-9, 9)
signs = st.sampled_from(["+", "-", "*", "<", "<=", ">", ">=", "==", "!=", "and", "or"])


@given(numbers, numbers, numbers, signs, signs)
def test_python_agrees(a, b, c, first, second):
    text = f"(a {first} b) {second} c"

    found = Expression.read(text, "abc").value({"a": a, "b": b, "c": c})

    expected = eval(text, {}, {"a": a, "b": b, "c": c})  # noqa: S307
    if "and" in (first, second) or "or" in (first, second):
        assert bool(found) == bool(expected) or first in ("and", "or")
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("a <= 2 * b", "a", "2 * b"), ("a >= b", "b", "a"), ("a < 1", "a", "1")],
)
def test_a_bound_has_two_sides(text, low, high):
    assert Expression.read(text, "ab").sides() == (Expression(low), Expression(high))


@pytest.mark.parametrize("text", ["a == 1", "a", "1 < a < 2"])
def test_what_is_no_bound_is_refused(text):
    with pytest.raises(ValueError, match="is not a bound"):
        Expression.read(text, "a").sides()
