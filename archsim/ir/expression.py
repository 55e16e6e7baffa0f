"""Formulas of elementwise operations: ``"exp(a - b)"``, computed and counted.

A formula is written in Python's syntax, restricted to arithmetic, the functions below
and numbers. Each operator or call is one scalar function of the hardware.
"""

import ast
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import erf
from typing import Any

import numpy as np

from archsim.errors import GraphError, did_you_mean

OPERATORS: dict[type[ast.AST], tuple[str, Callable[..., Any]]] = {
    ast.Add: ("add", np.add),
    ast.Sub: ("add", np.subtract),
    ast.Mult: ("multiply", np.multiply),
    ast.Div: ("divide", np.divide),
    ast.FloorDiv: ("divide", np.floor_divide),
    ast.Mod: ("divide", np.mod),
    ast.USub: ("add", np.negative),
}
"""Operators, with the hardware function that each costs: subtracting and negating are adding."""

_ERF = np.frompyfunc(erf, 1, 1)

CALLS: dict[str, tuple[str, Callable[..., Any], int]] = {
    "exp": ("exp", np.exp, 1),
    "log": ("log", np.log, 1),
    "sqrt": ("sqrt", np.sqrt, 1),
    "tanh": ("tanh", np.tanh, 1),
    "sin": ("sin", np.sin, 1),
    "cos": ("cos", np.cos, 1),
    "maximum": ("maximum", np.maximum, 2),
    "minimum": ("maximum", np.minimum, 2),
    "greater": ("maximum", lambda a, b: np.greater(a, b).astype(float), 2),
    "exp2": ("exp", np.exp2, 1),
    "log2": ("log", np.log2, 1),
    "erf": ("tanh", lambda a: np.asarray(_ERF(a), dtype=np.float64), 1),
    "rint": ("add", np.rint, 1),
    "ceil": ("add", np.ceil, 1),
    "encode": ("encode", np.positive, 1),
    "decode": ("decode", np.positive, 1),
}
"""Callable functions: the hardware function each costs, its value, its arguments.

Rounding to a whole number (``rint``: ties to even) is what an adder does when a number is
added to one so large that nothing is left behind the point. An error function is taken to
cost as much as tanh, which has the same shape. Encoding a number as a posit and decoding it
change nothing but how it is written; what rounds is the format of the tensor it goes to.
"""

FUNCTIONS: tuple[str, ...] = (
    "mac",
    "move",
    *sorted({op[0] for op in OPERATORS.values()} | {call[0] for call in CALLS.values()}),
)
"""Every scalar function that an operation can ask of hardware."""


@dataclass(frozen=True)
class Expression:
    """A parsed formula: its names, what it costs at one point, and its value."""

    formula: str
    names: frozenset[str]
    functions: Mapping[str, int]

    @classmethod
    @cache
    def parse(cls, formula: str) -> "Expression":
        """Parse a formula.

        Raises:
            GraphError: for syntax that is not arithmetic, or an unknown function.
        """
        names: set[str] = set()
        functions: Counter[str] = Counter()
        called: set[ast.AST] = set()  # a call is walked before the name it calls
        for node in ast.walk(_tree(formula)):
            match node:
                case ast.Name(id=name) if name not in CALLS:
                    names.add(name)
                case ast.Name(id=name) if node not in called:
                    raise GraphError(f"formula {formula!r}: {name} is a function")
                case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                    if type(op) not in OPERATORS:
                        raise GraphError(f"formula {formula!r}: no operator {type(op).__name__}")
                    functions[OPERATORS[type(op)][0]] += 1
                case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                    if name not in CALLS:
                        hint = did_you_mean(name, CALLS)
                        raise GraphError(f"formula {formula!r}: no function {name!r}; {hint}")
                    if len(args) != CALLS[name][2]:
                        raise GraphError(f"formula {formula!r}: {name} takes {CALLS[name][2]}")
                    called.add(node.func)
                    functions[CALLS[name][0]] += 1
                case ast.Name() | ast.expr_context() | ast.operator() | ast.unaryop():
                    pass
                case ast.Constant(value=int() | float()):
                    pass
                case _:
                    raise GraphError(f"formula {formula!r}: only arithmetic and calls by name")
        return cls(formula, frozenset(names), functions or Counter(move=1))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Compute the formula with numpy, broadcasting."""
        return _evaluate(_tree(self.formula), values)


@cache
def _tree(formula: str) -> ast.expr:
    try:
        return ast.parse(formula, mode="eval").body
    except SyntaxError as error:
        raise GraphError(f"formula {formula!r}: {error.msg}") from error


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)][1](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)][1](_evaluate(operand, values))
        case ast.Call(func=ast.Name(id=name), args=args):
            return CALLS[name][1](*(_evaluate(argument, values) for argument in args))
    raise AssertionError(f"parse let {ast.dump(node)} through")
