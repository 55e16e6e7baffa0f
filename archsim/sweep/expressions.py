"""Expressions over the names of axes: numbers, texts, comparisons, and nothing that does harm.

``rank > 8 and format == 'tensor_train'``, ``engines * pes > 2 * 1024``, ``sram < '2 MiB'``.
Values with a unit are numbers of base units, in the expression's own texts as well.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, log2, sqrt
from typing import Any

from archsim.errors import did_you_mean
from archsim.sweep.quantities import magnitude

LONGEST = 500
"""Characters of an expression."""
LARGEST_BITS = 1024
"""Bits of a power: larger ones take for ever, and are no size of hardware."""
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda part, whole: part in whole,
    ast.NotIn: lambda part, whole: part not in whole,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": ceil,
    "floor": floor,
    "log2": log2,
    "max": max,
    "min": min,
    "sqrt": sqrt,
}
PARTS = (
    ast.Expression,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.And,
    ast.Or,
    *OPERATORS,
)
"""All that an expression may be made of."""
PLAIN = (bool, int, float, str, type(None))
"""What constants may be."""


@dataclass(frozen=True)
class Expression:
    """A text that has been read, and what it means for some values of its names."""

    text: str

    @classmethod
    def read(cls, text: str, names: Iterable[str]) -> "Expression":
        """Return the expression that a text spells.

        Raises:
            ValueError: if it is none, or has a name that is not known.
        """
        expression = cls(text)
        known = set(names)
        for name in expression.names:
            if name not in known:
                raise ValueError(f"no axis {name!r} here; {did_you_mean(name, known)}")
        return expression

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names whose values it depends on, in order."""
        called = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        found = (
            node.id
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Name) and id(node) not in called
        )
        return tuple(dict.fromkeys(found))

    def value(self, values: Mapping[str, object]) -> Any:
        """Return what it comes to.

        Raises:
            ValueError: where it has no value: a text compared to a number, a division by zero.
        """
        try:
            return _value(self._tree.body, values)
        except (TypeError, ArithmeticError, ValueError) as error:
            given = ", ".join(f"{name} = {values[name]!r}" for name in self.names)
            raise ValueError(f"{self.text!r} has no value for {given}: {error}") from None

    def sides(self) -> "tuple[Expression, Expression]":
        """Return what must not exceed what, of an expression such as ``a <= b``.

        Raises:
            ValueError: for any other expression.
        """
        match self._tree.body:
            case ast.Compare(left=left, ops=[ast.LtE() | ast.Lt()], comparators=[right]):
                pair = (left, right)
            case ast.Compare(left=left, ops=[ast.GtE() | ast.Gt()], comparators=[right]):
                pair = (right, left)
            case _:
                raise ValueError(f"{self.text!r} is not a bound, e.g. latency_s <= 0.01")
        return Expression(ast.unparse(pair[0])), Expression(ast.unparse(pair[1]))

    @cached_property
    def _tree(self) -> ast.Expression:
        if len(self.text) > LONGEST:
            raise ValueError(f"an expression of {len(self.text)} characters; at most {LONGEST}")
        try:
            tree = ast.parse(self.text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"{self.text!r} is not an expression, e.g. rank > 8") from None
        for node in ast.walk(tree):
            _check(node, self.text)
        return tree


def _check(node: ast.AST, text: str) -> None:
    """Refuse what an expression must not be made of."""
    if not isinstance(node, PARTS):
        raise ValueError(f"{text!r}: {_spelled(node)} has no meaning here")  # noqa: TRY004
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS or node.keywords:
            raise ValueError(f"{text!r}: no function {name!r}; known: {', '.join(FUNCTIONS)}")
    if isinstance(node, ast.Constant) and not isinstance(node.value, PLAIN):
        raise ValueError(f"{text!r}: {node.value!r} has no meaning here")  # noqa: TRY004


def _spelled(node: ast.AST) -> str:
    return repr(ast.unparse(node)) if isinstance(node, ast.expr) else type(node).__name__


def _value(node: ast.AST, values: Mapping[str, object]) -> Any:
    match node:
        case ast.Constant():
            return magnitude(node.value)
        case ast.Name():
            return magnitude(values[node.id])
        case ast.List() | ast.Tuple():
            return [_value(part, values) for part in node.elts]
        case ast.UnaryOp():
            return OPERATORS[type(node.op)](_value(node.operand, values))
        case ast.BinOp():
            left, right = _value(node.left, values), _value(node.right, values)
            return _combined(node.op, left, right)
        case ast.BoolOp():
            stop = isinstance(node.op, ast.Or)
            return next(
                (stop for part in node.values if bool(_value(part, values)) is stop), not stop
            )
        case ast.IfExp():
            return _value(node.body if _value(node.test, values) else node.orelse, values)
        case ast.Call(func=ast.Name(id=name)):
            return FUNCTIONS[name](*(_value(part, values) for part in node.args))
        case ast.Compare():
            return _compared(node, values)
    raise AssertionError(node)


def _combined(sign: ast.operator, left: Any, right: Any) -> Any:
    """Combine two numbers; texts and lists are not added up or repeated."""
    for part in (left, right):
        if not isinstance(part, int | float):
            raise TypeError(f"{part!r} is not a number")
    if isinstance(sign, ast.Pow) and int(left).bit_length() * abs(right) > LARGEST_BITS:
        raise ValueError(f"{left} to the power of {right} is no size of hardware")
    return OPERATORS[type(sign)](left, right)


def _compared(node: ast.Compare, values: Mapping[str, object]) -> bool:
    left = _value(node.left, values)
    for sign, part in zip(node.ops, node.comparators, strict=True):
        right = _value(part, values)
        if not OPERATORS[type(sign)](left, right):
            return False
        left = right
    return True
