"""Operations that one kernel does: what passes between them stays in registers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from archsim.formats import NumberFormat
from archsim.ir.builder import GraphBuilder
from archsim.ir.execute import execute
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Indexed, read_equation
from archsim.ir.operation import Array, Indices, Phase
from archsim.ir.tensor import Role, TensorSpec
from archsim.ir.tile import Access, Axis, Tile

AXES: tuple[Axis, ...] = ("m", "k")


@dataclass(frozen=True, kw_only=True)
class Fused(Indexed):
    """A graph of operations at every point of a grid, e.g. ``"e s, t -> t"`` over t, summed over e.

    ``kept`` are the indices of the grid that the output has, ``summed`` those that it lacks;
    all others are worked through at each point. It computes what the graph computes, in
    registers wide enough not to round between; products are multiplies and adds there, and
    moves are free. Registers are assumed to suffice.
    """

    kind: ClassVar[str] = "reduction"

    graph: OperationGraph
    kept: Indices = ()
    summed: Indices = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        names = tuple(tensor.name for tensor in self.inputs)
        if set(names) != set(self.graph.inputs) or len(set(names)) != len(names):
            raise self.fail(f"inputs {names} are not the graph's, {self.graph.inputs}")
        if self.graph.outputs != (self.output.name,):
            raise self.fail(f"the graph makes {self.graph.outputs}, not {self.output.name}")
        if not set(self.kept) <= set(self.result) or set(self.summed) & set(self.result):
            raise self.fail(f"the output's {self.result} must have all of kept, none of summed")
        for term in (*self.terms, self.result):
            for run in (self.kept, self.summed):
                if 0 < len(set(run) & set(term)) < len(run):
                    raise self.fail(f"{' '.join(term)!r} has some but not all of {' '.join(run)!r}")

    @cached_property
    def space(self) -> Tile:
        points = {"m": self.kept, "k": self.summed}
        folded = {axis: self._points(run) for axis, run in points.items()}
        return Tile(m=folded["m"], k=folded["k"])

    def _points(self, run: Indices) -> int:
        found = 1
        for index in run:
            found *= self.extents[index]
        return found

    @cached_property
    def functions(self) -> Mapping[str, int]:
        """Of all operations together, at each point, rounded up."""
        total: Counter[str] = Counter()
        for operation in self.graph.operations:
            for name, times in operation.functions.items():
                parts = {"mac": ("multiply", "add"), "move": ()}.get(name, (name,))
                for part in parts:
                    total[part] += times * operation.space.points
        return {name: -(-count // self.space.points) for name, count in total.items()}

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return AXES

    @property
    def number_format(self) -> NumberFormat:
        """That of the first operation."""
        return self.graph.operations[0].number_format

    @property
    def reads(self) -> tuple[Access, ...]:
        return tuple(map(self._access, self.inputs, self.terms))

    @property
    def writes(self) -> tuple[Access, ...]:
        return (self._access(self.output, self.result),)

    def _access(self, tensor: TensorSpec, term: Indices) -> Access:
        runs: dict[Axis, Indices] = {"m": self.kept, "k": self.summed}
        axes = [axis for axis, run in runs.items() if run and run[0] in term]
        axes.sort(key=lambda axis: term.index(runs[axis][0]))
        points = 1
        for axis in axes:
            points *= self._points(runs[axis])
        return Access(tensor, tuple(axes), tensor.elements // points)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        values = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
        return (execute(self.graph, values, keep=[self.output.name])[self.output.name],)


def summed(
    builder: GraphBuilder,
    name: str,
    phase: Phase,
    equation: str,
    formulas: tuple[str, ...],
    *tensors: TensorSpec,
    role: Role = Role.ACTIVATION,
) -> TensorSpec:
    """Sum a formula over the indices that the output lacks; no number of it is stored.

    Of several formulas, each of the later ones is of the one before, its ``a``.
    """
    terms, result = read_equation(equation)
    points = next(term for term in terms if set(result) < set(term))
    grid = " ".join(points)
    inner = GraphBuilder(name, builder.sizes, builder.format)
    first, *others = formulas
    left = f"{equation.partition('->')[0]} -> {grid}"
    found = inner.elementwise(f"{name}.0", phase, left, first, *tensors)
    for number, formula in enumerate(others, start=1):
        found = inner.elementwise(f"{name}.{number}", phase, f"{grid} -> {grid}", formula, found)
    total = inner.reduce(name, phase, f"{grid} -> {' '.join(result)}", found, role=role)
    return builder.add(
        Fused(
            name=name,
            phase=phase,
            inputs=tensors,
            outputs=(total,),
            equation=equation,
            sizes={index: builder.sizes[index] for index in points},
            graph=inner.graph(),
            kept=result,
            summed=tuple(index for index in points if index not in result),
        )
    )
