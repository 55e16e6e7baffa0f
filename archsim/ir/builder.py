"""Builds operation graphs: names tensors, and writes down each transpose that hardware needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from archsim.formats import NumberFormat
from archsim.ir.choice import Choice
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Contraction, Elementwise, Permute, Reduction, read_equation
from archsim.ir.lookup import Gather, ScatterAdd
from archsim.ir.operation import Indices, Operation, Phase
from archsim.ir.tensor import Role, TensorSpec


class GraphBuilder:
    """Collects operations one after the other; each method returns the tensor it makes.

    Operations and the tensors they make share a name. ``sizes`` holds the extents of all
    index names used.
    """

    def __init__(self, name: str, sizes: Mapping[str, int], number_format: NumberFormat) -> None:
        self.name = name
        self.sizes = dict(sizes)
        self.format = number_format
        self._operations: list[Operation] = []
        self._outputs: list[str] = []
        self._choices: list[Choice] = []
        self._moved: dict[tuple[str, Indices, Indices], TensorSpec] = {}

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        role: Role = Role.ACTIVATION,
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Describe a tensor without making it: an input of the graph."""
        return TensorSpec(name, tuple(shape), number_format or self.format, role)

    def output(self, *tensors: TensorSpec) -> None:
        """Declare tensors that outlive the graph."""
        self._outputs.extend(tensor.name for tensor in tensors)

    def graph(self) -> OperationGraph:
        """Return the finished graph."""
        return OperationGraph(
            self._operations, name=self.name, outputs=self._outputs, choices=self._choices
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operations so far."""
        return sum(operation.macs for operation in self._operations)

    def chose(self, choice: Choice) -> None:
        """Note which of several ways was taken."""
        self._choices.append(choice)

    def add(self, operation: Operation) -> TensorSpec:
        """Append an operation and return its output."""
        self._operations.append(operation)
        return operation.output

    def _sizes(self, terms: Iterable[Indices]) -> dict[str, int]:
        return {index: self.sizes[index] for term in terms for index in term}

    def contract(
        self,
        name: str,
        phase: Phase,
        equation: str,
        left: TensorSpec,
        right: TensorSpec,
        *,
        shape: Sequence[int] | None = None,
        role: Role = Role.ACTIVATION,
    ) -> TensorSpec:
        """Contract two tensors as one (batched) matrix product.

        Operands that do not lie as (batch, m, k) and (batch, k, n), and an output that is
        not wanted as (batch, m, n), are permuted by operations of their own; the two
        operands change places where that saves one.
        """
        (one, other), result = read_equation(equation)
        extents = tuple(self._sizes((one, other)).items())
        plan = _matrix_product(one, other, result, extents)
        if plan.swaps:
            left, right, one, other = right, left, other, one
        a = self._lay(left, one, plan.left_order, phase)
        b = self._lay(right, other, plan.right_order, phase)
        shape = shape or [self.sizes[index] for index in result]
        moves = plan.result_moves
        product = self.add(
            Contraction(
                name=f"{name}.product" if moves else name,
                phase=phase,
                inputs=(a, b),
                outputs=(
                    self.tensor(f"{name}.product", [self.sizes[i] for i in plan.result_order])
                    if moves
                    else self.tensor(name, shape, role),
                ),
                equation=f"{' '.join(plan.left_order)}, {' '.join(plan.right_order)}"
                f" -> {' '.join(plan.result_order)}",
                sizes=self._sizes((plan.left_order, plan.right_order)),
            )
        )
        if not moves:
            return product
        return self.permute(name, phase, plan.result_order, result, product, shape=shape, role=role)

    def _lay(self, tensor: TensorSpec, term: Indices, order: Indices, phase: Phase) -> TensorSpec:
        """Permute an operand, once for all who want it so."""
        if _same_layout(self.sizes, term, order):
            return tensor
        key = (tensor.name, term, order)
        if key not in self._moved:
            name = f"{tensor.name}.as_{'_'.join(order)}"
            self._moved[key] = self.permute(name, phase, term, order, tensor)
        return self._moved[key]

    def permute(
        self,
        name: str,
        phase: Phase,
        term: Indices,
        order: Indices,
        tensor: TensorSpec,
        *,
        shape: Sequence[int] | None = None,
        role: Role = Role.ACTIVATION,
    ) -> TensorSpec:
        """Write a tensor's numbers in another order."""
        return self.add(
            Permute(
                name=name,
                phase=phase,
                inputs=(tensor,),
                outputs=(self.tensor(name, shape or [self.sizes[i] for i in order], role),),
                equation=f"{' '.join(term)} -> {' '.join(order)}",
                sizes=self._sizes((term,)),
            )
        )

    def elementwise(
        self,
        name: str,
        phase: Phase,
        equation: str,
        formula: str,
        *inputs: TensorSpec,
        shape: Sequence[int] | None = None,
        role: Role = Role.ACTIVATION,
        overwrites: str = "",
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Compute a formula at every point of the output."""
        terms, result = read_equation(equation)
        made = self.tensor(name, shape or [self.sizes[i] for i in result], role, number_format)
        return self.add(
            Elementwise(
                name=name,
                phase=phase,
                inputs=inputs,
                outputs=(made,),
                equation=equation,
                sizes=self._sizes((*terms, result)),
                formula=formula,
                overwrites=overwrites,
            )
        )

    def reduce(
        self,
        name: str,
        phase: Phase,
        equation: str,
        tensor: TensorSpec,
        *,
        function: str = "add",
        shape: Sequence[int] | None = None,
        role: Role = Role.ACTIVATION,
    ) -> TensorSpec:
        """Sum, or take the maximum, along the indices that the output lacks."""
        terms, result = read_equation(equation)
        return self.add(
            Reduction(
                name=name,
                phase=phase,
                inputs=(tensor,),
                outputs=(self.tensor(name, shape or [self.sizes[i] for i in result], role),),
                equation=equation,
                sizes=self._sizes(terms),
                function=function,
            )
        )

    def gather(
        self, name: str, phase: Phase, table: TensorSpec, rows: TensorSpec, shape: Sequence[int]
    ) -> TensorSpec:
        """Look rows of a table up."""
        made = self.tensor(name, shape)
        return self.add(Gather(name=name, phase=phase, inputs=(table, rows), outputs=(made,)))

    def scatter_add(
        self,
        name: str,
        phase: Phase,
        table: TensorSpec,
        rows: TensorSpec,
        update: TensorSpec,
        *,
        role: Role = Role.ACTIVATION,
    ) -> TensorSpec:
        """Add updates onto rows of a table, in its own storage."""
        return self.add(
            ScatterAdd(
                name=name,
                phase=phase,
                inputs=(table, rows, update),
                outputs=(self.tensor(name, table.shape, role, table.format),),
                overwrites=table.name,
            )
        )


def _same_layout(sizes: Mapping[str, int], one: Indices, other: Indices) -> bool:
    """Whether two orders are the same but for indices of length 1."""
    return [i for i in one if sizes[i] > 1] == [i for i in other if sizes[i] > 1]


@dataclass(frozen=True)
class _MatrixProduct:
    """One way to write a contraction as a matrix product, and what must be permuted for it."""

    left_order: Indices
    right_order: Indices
    result_order: Indices
    result_moves: bool
    moved_elements: int
    swaps: bool = False
    """Whether the operands change places."""


@lru_cache(maxsize=1 << 14)
def _matrix_product(
    left: Indices, right: Indices, result: Indices, extents: tuple[tuple[str, int], ...]
) -> _MatrixProduct:
    """Return the way that permutes the least; identical layers ask for the same."""
    sizes = dict(extents)
    straight = _straight(left, right, result, sizes)
    swapped = _straight(right, left, result, sizes)
    if straight.moved_elements <= swapped.moved_elements:
        return straight
    return replace(swapped, swaps=True)


def _straight(
    left: Indices, right: Indices, result: Indices, sizes: Mapping[str, int]
) -> _MatrixProduct:
    """Return the way that permutes the least with the operands where they are."""
    batch = tuple(i for i in result if i in left and i in right)
    m = tuple(i for i in left if i not in right)
    n = tuple(i for i in right if i not in left)
    k = tuple(i for i in left if i in right and i not in result)
    orders = [
        ((*batch, *m, *summed), (*batch, *summed, *n))
        for summed in (k, tuple(i for i in right if i in k))
    ]

    def elements(term: Indices) -> int:
        return prod(sizes[i] for i in term)

    def cost(order: tuple[Indices, Indices]) -> int:
        moved = 0 if _same_layout(sizes, left, order[0]) else elements(left)
        return moved + (0 if _same_layout(sizes, right, order[1]) else elements(right))

    left_order, right_order = best = min(orders, key=cost)
    product: Indices = (*batch, *m, *n)
    moves = not _same_layout(sizes, product, result)
    return _MatrixProduct(
        left_order=left_order,
        right_order=right_order,
        result_order=product if moves else result,
        result_moves=moves,
        moved_elements=cost(best) + (elements(result) if moves else 0),
    )
