"""Formulas: what they compute, what they cost, what they refuse."""

import numpy as np
import pytest

from archsim.errors import GraphError
from archsim.ir.expression import FUNCTIONS, Expression

A, B = np.array([1.0, -4.0, 9.0]), np.array([2.0, 3.0, 0.5])


@pytest.mark.parametrize(
    ("formula", "value", "functions"),
    [
        ("a + b", [3, -1, 9.5], {"add": 1}),
        ("-a - b", [-3, 1, -9.5], {"add": 2}),
        ("a * b / 2", [1, -6, 2.25], {"multiply": 1, "divide": 1}),
        ("a // 2", [0, -2, 4], {"divide": 1}),
        ("a % 4", [1, 0, 1], {"divide": 1}),
        ("maximum(a, 0)", [1, 0, 9], {"maximum": 1}),
        ("greater(a, b)", [0, 0, 1], {"maximum": 1}),
        ("exp(a * 0) + tanh(b * 0)", [1, 1, 1], {"exp": 1, "tanh": 1, "multiply": 2, "add": 1}),
        ("sqrt(a * a)", [1, 4, 9], {"sqrt": 1, "multiply": 1}),
        ("sin(a * 0) + cos(b * 0)", [1, 1, 1], {"sin": 1, "cos": 1, "multiply": 2, "add": 1}),
        ("minimum(a, b)", [1, -4, 0.5], {"maximum": 1}),
        ("rint(a + b)", [3, -1, 10], {"add": 2}),  # 9.5 is as near to 9: ties go to even
        ("rint(b)", [2, 3, 0], {"add": 1}),
        ("ceil(b)", [2, 3, 1], {"add": 1}),
        ("exp2(b)", [4, 8, 2**0.5], {"exp": 1}),
        ("log2(exp2(a))", [1, -4, 9], {"log": 1, "exp": 1}),
        ("erf(b * 0)", [0, 0, 0], {"tanh": 1, "multiply": 1}),
        ("erf(b)", [0.9953222650189527, 0.9999779095030014, 0.5204998778130465], {"tanh": 1}),
        ("log(exp(b))", [2, 3, 0.5], {"log": 1, "exp": 1}),
        ("encode(decode(a) * 2)", [2, -8, 18], {"encode": 1, "decode": 1, "multiply": 1}),
        ("a", [1, -4, 9], {"move": 1}),
    ],
)
def test_a_formula_computes_and_counts_its_functions(formula, value, functions):
    expression = Expression.parse(formula)

    found = expression.evaluate({"a": A, "b": B})

    np.testing.assert_allclose(found, value, rtol=1e-15)
    assert dict(expression.functions) == functions
    assert set(functions) <= set(FUNCTIONS)


def test_a_formula_names_its_variables_and_not_its_functions():
    assert Expression.parse("exp(a - b) / 3").names == {"a", "b"}


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("a +", "invalid syntax"),
        ("a ** 2", "no operator Pow"),
        ("~a", "no operator Invert"),
        ("exq(a)", "no function 'exq'; did you mean 'exp'"),
        ("maximum(a)", "maximum takes 2"),
        ("a * exp", "exp is a function"),
        ("exp(a, base=2)", "only arithmetic"),
        ("a < b", "only arithmetic"),
        ("a.real", "only arithmetic"),
        ("a[0]", "only arithmetic"),
        ("a if b else 1", "only arithmetic"),
        ("(a, b)", "only arithmetic"),
        ("'a'", "only arithmetic"),
        ("(lambda: a)()", "only arithmetic"),
        ("[a for a in b]", "only arithmetic"),
    ],
)
def test_what_is_not_arithmetic_is_refused(formula, message):
    with pytest.raises(GraphError, match=message):
        Expression.parse(formula)
