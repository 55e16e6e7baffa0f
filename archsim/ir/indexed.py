"""Operations in index notation, with named indices separated by spaces: ``"b i, i o -> b o"``.

A tensor may be viewed with finer indices than it has dimensions, row-major: ``"b i0 i1"``
of a (32, 96) tensor, where ``sizes`` gives ``i0`` and ``i1``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import prod
from typing import ClassVar

import numpy as np

from archsim.errors import GraphError
from archsim.formats import IntegerFormat, NumberFormat
from archsim.ir.expression import Expression
from archsim.ir.operation import Array, Indices, Operation
from archsim.ir.tensor import TensorSpec
from archsim.ir.tile import AXES, Access, Axis, Layout, Tile


@lru_cache(maxsize=1 << 14)
def read_equation(equation: str) -> tuple[tuple[Indices, ...], Indices]:
    """Split ``"b i, i o -> b o"`` into its input terms and its output term.

    Raises:
        GraphError: if there is not exactly one arrow, or an index stands twice in a term.
    """
    left, arrow, right = equation.partition("->")
    if not arrow or "->" in right:
        raise GraphError(f"{equation!r}: expected one '->' between inputs and output")
    terms = tuple(tuple(term.split()) for term in left.split(","))
    for term in (*terms, tuple(right.split())):
        if len(set(term)) != len(term):
            raise GraphError(f"{equation!r}: an index stands twice in {' '.join(term)!r}")
    return terms, tuple(right.split())


@dataclass(frozen=True, kw_only=True)
class Indexed(Operation):
    """An operation in index notation; ``sizes`` where shapes do not tell the extents."""

    equation: str
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.inputs):
            raise self.fail(f"{len(self.inputs)} inputs for {self.equation!r}")
        self.extents  # noqa: B018  (reading it is the check)

    @cached_property
    def _read(self) -> tuple[tuple[Indices, ...], Indices]:
        try:
            return read_equation(self.equation)
        except GraphError as error:
            raise self.fail(str(error)) from error

    @property
    def terms(self) -> tuple[Indices, ...]:
        """The indices of each input."""
        return self._read[0]

    @property
    def result(self) -> Indices:
        """The indices of the output."""
        return self._read[1]

    @cached_property
    def extents(self) -> dict[str, int]:
        """Length of every index.

        Raises:
            GraphError: if two tensors disagree on an index, or a view does not cover its tensor.
        """
        found = dict(self.sizes)
        pairs = list(zip((*self.terms, self.result), (*self.inputs, self.output), strict=True))
        for term, tensor in pairs:
            if len(term) != len(tensor.shape):
                continue  # a finer view: its extents come from sizes or another tensor
            for index, extent in zip(term, tensor.shape, strict=True):
                if index not in self.sizes and found.setdefault(index, extent) != extent:
                    raise self.fail(
                        f"index {index!r} is {found[index]} elsewhere but {extent} "
                        f"in {tensor.name} {tensor.shape}"
                    )
        for term, tensor in pairs:
            unknown = [index for index in term if index not in found]
            if unknown:
                raise self.fail(f"no size for index {unknown[0]!r} of {tensor.name}")
            if prod(found[index] for index in term) != tensor.elements:
                view = " x ".join(str(found[index]) for index in term)
                raise self.fail(f"{tensor.name} {tensor.shape} cannot be viewed as {view}")
        return found

    def shape(self, term: Sequence[str]) -> tuple[int, ...]:
        """Extents of a term's indices, in order."""
        return tuple(self.extents[index] for index in term)

    def layout(self, term: Indices, wanted: Indices) -> Layout | None:
        """How a tensor with a term's indices lies, if that is not the order that is wanted.

        Indices of length 1 may stand anywhere.
        """
        stored = [index for index in term if self.extents[index] > 1]
        order = tuple(stored.index(index) for index in wanted if index in stored)
        if order == tuple(range(len(stored))):
            return None
        return Layout(self.shape(stored), order)

    def view(self, array: Array, term: Sequence[str], order: Sequence[str]) -> Array:
        """View an input by its term's indices in another order; absent ones have length 1."""
        shaped = array.reshape(self.shape(term))
        kept = [index for index in order if index in term]
        moved = shaped.transpose([term.index(index) for index in kept])
        return moved.reshape([self.extents[i] if i in term else 1 for i in order])


@dataclass(frozen=True, kw_only=True)
class Contraction(Indexed):
    """A sum of products of two tensors: ``"b i, i o -> b o"``.

    Indices of both inputs and the output are the batch, of one input and the output m or
    n, of both inputs alone k.
    """

    kind: ClassVar[str] = "contraction"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.terms) != 2:
            raise self.fail(f"a contraction takes two tensors, got {self.equation!r}")
        left, right = self.terms
        for index in (*left, *right):
            if index not in self.result and not (index in left and index in right):
                raise self.fail(f"index {index!r} stands in one tensor only: reduce it first")
        for index in self.result:
            if index not in left and index not in right:
                raise self.fail(f"output index {index!r} stands in no input")

    @cached_property
    def groups(self) -> dict[Axis, Indices]:
        """The indices folded onto each axis."""
        left, right = self.terms
        return {
            "batch": tuple(i for i in self.result if i in left and i in right),
            "m": tuple(i for i in self.result if i in left and i not in right),
            "n": tuple(i for i in self.result if i in right and i not in left),
            "k": tuple(i for i in left if i not in self.result),
        }

    @cached_property
    def space(self) -> Tile:
        return Tile(**{axis: prod(self.shape(group)) for axis, group in self.groups.items()})

    @property
    def functions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return AXES

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[0].format

    @property
    def reads(self) -> tuple[Access, ...]:
        left, right = zip(self.inputs, self.terms, strict=True)
        return self._access(*left, ("batch", "m", "k")), self._access(*right, ("batch", "k", "n"))

    @property
    def writes(self) -> tuple[Access, ...]:
        return (self._access(self.output, self.result, ("batch", "m", "n")),)

    def _access(self, tensor: TensorSpec, term: Indices, axes: tuple[Axis, ...]) -> Access:
        wanted = tuple(index for axis in axes for index in self.groups[axis])
        return Access(tensor, axes, layout=self.layout(term, wanted))

    @property
    def is_matrix_product(self) -> bool:
        """Whether both operands and the output lie as (batch, m, k), (batch, k, n), (batch, m, n).

        Size-1 indices may stand anywhere.
        """
        batch, m, n, k = (self.groups[axis] for axis in ("batch", "m", "n", "k"))
        wanted = ((*batch, *m, *k), (*batch, *k, *n), (*batch, *m, *n))
        terms = (*self.terms, self.result)
        return not any(map(self.layout, terms, wanted))

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        batch, m, n, k = (self.groups[axis] for axis in ("batch", "m", "n", "k"))
        (left, right), space = self.terms, self.space
        a = self.view(arrays[0], left, (*batch, *m, *k)).reshape(space.batch, space.m, space.k)
        b = self.view(arrays[1], right, (*batch, *k, *n)).reshape(space.batch, space.k, space.n)
        order = (*batch, *m, *n)
        product = np.matmul(a, b).reshape(self.shape(order))
        result = product.transpose([order.index(index) for index in self.result])
        return (result.reshape(self.output.shape),)


@dataclass(frozen=True, kw_only=True)
class Elementwise(Indexed):
    """A formula at every point of the output: ``"b i, i -> b i"`` with ``"a + b"``.

    ``formula`` calls the inputs a, b, c, … in order; an input without one of the output's
    indices is broadcast along it.
    """

    kind: ClassVar[str] = "elementwise"

    formula: str

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            names = self.expression.names
        except GraphError as error:
            raise self.fail(str(error)) from error
        expected = {chr(ord("a") + n) for n in range(len(self.inputs))}
        if names != expected:
            raise self.fail(
                f"formula {self.formula!r} uses {sorted(names)}, its inputs are {sorted(expected)}"
            )
        for term in self.terms:
            if missing := set(term) - set(self.result):
                raise self.fail(f"index {min(missing)!r} is not in the output")

    @cached_property
    def expression(self) -> Expression:
        """The formula, parsed."""
        return Expression.parse(self.formula)

    @cached_property
    def runs(self) -> dict[Axis, Indices]:
        """The output's indices in runs that the same inputs have, folded onto batch, m, n.

        Runs beyond the third are left whole, as are indices of length 1.
        """
        runs: list[list[str]] = []
        patterns: list[tuple[bool, ...]] = []
        for index in self.result:
            if self.extents[index] == 1:
                continue
            pattern = tuple(index in term for term in self.terms)
            if patterns and patterns[-1] == pattern:
                runs[-1].append(index)
            else:
                runs.append([index])
                patterns.append(pattern)
        axes: tuple[Axis, ...] = ("m", "n") if len(runs) < 3 else ("batch", "m", "n")
        return {axis: tuple(run) for axis, run in zip(axes, runs, strict=False)}

    @cached_property
    def space(self) -> Tile:
        folded = {axis: prod(self.shape(run)) for axis, run in self.runs.items()}
        return Tile(**folded, k=self.output.elements // prod(folded.values()))

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return tuple(self.runs) or ("m",)

    def _access(self, tensor: TensorSpec, term: Indices) -> Access:
        axes = tuple(axis for axis, run in self.runs.items() if run[0] in term)
        folded = prod(prod(self.shape(self.runs[axis])) for axis in axes)
        wanted = tuple(index for index in self.result if index in term)
        return Access(tensor, axes, tensor.elements // folded, layout=self.layout(term, wanted))

    @property
    def reads(self) -> tuple[Access, ...]:
        return tuple(map(self._access, self.inputs, self.terms))

    @property
    def writes(self) -> tuple[Access, ...]:
        return (self._access(self.output, self.result),)

    @property
    def functions(self) -> Mapping[str, int]:
        return self.expression.functions

    @property
    def number_format(self) -> NumberFormat:
        """The output's; numbers that become whole ones are computed in what they were before."""
        whole = isinstance(self.output.format, IntegerFormat)
        formats = (tensor.format for tensor in self.inputs) if whole else ()
        found = (one for one in formats if not isinstance(one, IntegerFormat))
        return next(found, self.output.format)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        views = {
            chr(ord("a") + n): self.view(array, term, self.result)
            for n, (array, term) in enumerate(zip(arrays, self.terms, strict=True))
        }
        value = np.broadcast_to(self.expression.evaluate(views), self.shape(self.result))
        return (value.reshape(self.output.shape),)


REDUCTIONS: Mapping[str, tuple[str, Callable[[Array, tuple[int, ...]], Array]]] = {
    "add": ("add", lambda array, axes: array.sum(axis=axes)),
    "maximum": ("maximum", lambda array, axes: array.max(axis=axes)),
    # A magnitude is a number without its sign bit: the comparison is all that it costs.
    "magnitude": ("maximum", lambda array, axes: np.abs(array).max(axis=axes)),
}
"""What reductions do: the hardware function that each point costs, and the value."""


@dataclass(frozen=True, kw_only=True)
class Reduction(Indexed):
    """A sum or a maximum along the indices that the output lacks: ``"b i -> b"``."""

    kind: ClassVar[str] = "reduction"

    function: str = "add"
    """``add``, ``maximum``, or ``magnitude``: the largest absolute value."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.function not in REDUCTIONS:
            known = ", ".join(map(repr, REDUCTIONS))
            raise self.fail(f"function must be one of {known}, got {self.function!r}")
        if len(self.terms) != 1 or not set(self.result) <= set(self.terms[0]):
            raise self.fail(
                f"expected one input that has every output index, got {self.equation!r}"
            )

    @property
    def space(self) -> Tile:
        kept = self.output.elements
        return Tile(m=kept, k=self.inputs[0].elements // kept)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m", "k")

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("m", "k")),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m",)),)

    @property
    def functions(self) -> Mapping[str, int]:
        return {REDUCTIONS[self.function][0]: 1}

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        term = self.terms[0]
        kept = [index for index in term if index in self.result]
        axes = tuple(n for n, index in enumerate(term) if index not in self.result)
        shaped = arrays[0].reshape(self.shape(term))
        value = REDUCTIONS[self.function][1](shaped, axes)
        result = value.transpose([kept.index(index) for index in self.result])
        return (result.reshape(self.output.shape),)


@dataclass(frozen=True, kw_only=True)
class Permute(Indexed):
    """The same numbers in another order: ``"b h d -> h b d"``."""

    kind: ClassVar[str] = "permute"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.terms) != 1 or set(self.terms[0]) != set(self.result):
            raise self.fail(f"expected one input with the output's indices, got {self.equation!r}")

    @property
    def space(self) -> Tile:
        return Tile(m=self.output.elements)

    @property
    def functions(self) -> Mapping[str, int]:
        return {"move": 1}

    @property
    def reads(self) -> tuple[Access, ...]:
        return (Access(self.inputs[0], ("m",), layout=self.layout(self.terms[0], self.result)),)

    @property
    def writes(self) -> tuple[Access, ...]:
        return (Access(self.output, ("m",)),)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        moved = self.view(arrays[0], self.terms[0], self.result)
        return (moved.reshape(self.output.shape),)
