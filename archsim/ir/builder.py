"""Builds operation graphs: names tensors, and writes down each transpose that hardware needs."""

from collections.abc import Iterable, Mapping, Sequence
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
        plans = [
            _MatrixProduct(self.sizes, left, one, right, other, result),
            _MatrixProduct(self.sizes, right, other, left, one, result),
        ]
        plan = min(plans, key=lambda plan: plan.moved_elements)
        a = self._lay(plan.left, plan.left_term, plan.left_order, phase)
        b = self._lay(plan.right, plan.right_term, plan.right_order, phase)
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


class _MatrixProduct:
    """One way to write a contraction as a matrix product, and what must be permuted for it."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        left: TensorSpec,
        left_term: Indices,
        right: TensorSpec,
        right_term: Indices,
        result: Indices,
    ) -> None:
        self.left, self.right = left, right
        self.left_term, self.right_term = left_term, right_term
        batch = tuple(i for i in result if i in left_term and i in right_term)
        m = tuple(i for i in left_term if i not in right_term)
        n = tuple(i for i in right_term if i not in left_term)
        k = tuple(i for i in left_term if i in right_term and i not in result)
        orders = [
            (k_order, (*batch, *m, *k_order), (*batch, *k_order, *n))
            for k_order in (k, tuple(i for i in right_term if i in k))
        ]

        def cost(order: tuple[Indices, Indices, Indices]) -> int:
            moved = 0 if _same_layout(sizes, left_term, order[1]) else left.elements
            return moved + (0 if _same_layout(sizes, right_term, order[2]) else right.elements)

        best = min(orders, key=cost)
        _, self.left_order, self.right_order = best
        self.result_order: Indices = (*batch, *m, *n)
        self.result_moves = not _same_layout(sizes, self.result_order, result)
        if not self.result_moves:
            self.result_order = result
        self.moved_elements = cost(best) + (
            prod(sizes[i] for i in result) if self.result_moves else 0
        )
