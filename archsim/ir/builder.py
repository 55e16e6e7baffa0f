"""Builds operation graphs: names tensors, and writes down each transpose that hardware needs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from math import prod

from archsim.formats import NumberFormat
from archsim.ir.choice import Choice
from archsim.ir.convolution import Convolution
from archsim.ir.graph import OperationGraph
from archsim.ir.indexed import Contraction, Elementwise, Permute, Reduction, read_equation
from archsim.ir.lookup import Gather, ScatterAdd
from archsim.ir.matrix_product import matrix_product, same_layout
from archsim.ir.operation import Indices, Operation, Phase
from archsim.ir.quantized import Quantized, quantize
from archsim.ir.quantizer import Quantizer
from archsim.ir.tensor import Role, TensorSpec


class GraphBuilder:
    """Collects operations one after the other; each method returns the tensor it makes.

    Operations and the tensors they make share a name. ``sizes`` holds the extents of all
    index names used. With a ``quantizer``, products are of whole numbers: an operand becomes
    such once for all who want it, by operations of its own, and so does each sum a number of
    ``number_format`` again.
    """

    def __init__(
        self,
        name: str,
        sizes: Mapping[str, int],
        number_format: NumberFormat,
        quantizer: Quantizer | None = None,
    ) -> None:
        self.name = name
        self.quantizer = quantizer
        self.sizes = dict(sizes)
        self.format = number_format
        self._operations: list[Operation] = []
        self._outputs: list[str] = []
        self._choices: list[Choice] = []
        self._moved: dict[tuple[str, Indices, Indices], TensorSpec] = {}
        self._quantized: dict[str, Quantized] = {}
        self._constants: set[str] = set()
        self.beforehand: list[Permute] = []
        """What is done once, before the first step: constants in other orders than they lie."""

    def sized(self, **sizes: int) -> "GraphBuilder":
        """Return a builder of the same graph that knows other sizes, too."""
        builder = copy(self)
        builder.sizes = {**self.sizes, **sizes}
        return builder

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        role: Role = Role.ACTIVATION,
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Describe a tensor without making it: an input of the graph."""
        return TensorSpec(name, tuple(shape), number_format or self.format, role)

    @contextmanager
    def in_format(self, number_format: NumberFormat) -> Iterator[None]:
        """Describe tensors in another format for a while."""
        usual, self.format = self.format, number_format
        try:
            yield
        finally:
            self.format = usual

    def elements(self, term: str) -> int:
        """Return how many numbers a term such as ``"b i"`` stands for."""
        return prod(self.sizes[index] for index in term.split())

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
        shape = shape or [self.sizes[index] for index in read_equation(equation)[1]]
        made = self.tensor(name, shape, role)
        return self._product(
            made, phase, (left, right), lambda a, b, out: self._contract(equation, phase, a, b, out)
        )

    def convolve(
        self,
        name: str,
        phase: Phase,
        feature_map: TensorSpec,
        kernel: TensorSpec,
        shape: Sequence[int],
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        flipped: bool = False,
    ) -> TensorSpec:
        """Convolve a map with a kernel, as :class:`Convolution` does, to a map of ``shape``."""

        def convolved(a: TensorSpec, b: TensorSpec, out: TensorSpec) -> TensorSpec:
            return self.add(
                Convolution(
                    name=out.name,
                    phase=phase,
                    inputs=(a, b),
                    outputs=(out,),
                    stride=stride,
                    padding=padding,
                    dilation=dilation,
                    groups=groups,
                    flipped=flipped,
                )
            )

        return self._product(self.tensor(name, shape), phase, (feature_map, kernel), convolved)

    def _product(
        self,
        made: TensorSpec,
        phase: Phase,
        operands: tuple[TensorSpec, TensorSpec],
        multiply: Callable[[TensorSpec, TensorSpec, TensorSpec], TensorSpec],
    ) -> TensorSpec:
        """Multiply two tensors as they are, or the whole numbers that stand for them."""
        if self.quantizer is None:
            return multiply(*operands, made)
        one, other = (self.quantized(tensor, phase) for tensor in operands)
        total = TensorSpec(f"{made.name}.accumulator", made.shape, self.quantizer.accumulator)
        multiply(one.values, other.values, total)
        scales = one.scale, other.scale
        return self.pointwise(made.name, phase, "a * (b * c)", total, *scales, role=made.role)

    def quantized(self, tensor: TensorSpec, phase: Phase) -> Quantized:
        """Return a tensor as whole numbers, made once for all who want it."""
        assert self.quantizer is not None, tensor.name
        if tensor.name not in self._quantized:
            self._quantized[tensor.name] = quantize(self, self.quantizer, tensor, phase)
        return self._quantized[tensor.name]

    def hold_quantized(self, values: TensorSpec, scale: TensorSpec) -> None:
        """Note that a tensor is handed in as whole numbers, with their scale."""
        self._quantized[values.name] = Quantized(values, scale)

    def hold_orders(self, constant: TensorSpec) -> None:
        """Note that a tensor never changes: it is handed in once more in each order wanted."""
        self._constants.add(constant.name)

    def _contract(
        self, equation: str, phase: Phase, left: TensorSpec, right: TensorSpec, made: TensorSpec
    ) -> TensorSpec:
        (one, other), result = read_equation(equation)
        extents = tuple(self._sizes((one, other)).items())
        plan = matrix_product(one, other, result, extents)
        if plan.swaps:
            left, right, one, other = right, left, other, one
        a = self._lay(left, one, plan.left_order, phase)
        b = self._lay(right, other, plan.right_order, phase)
        output, moves = made, plan.result_moves
        if moves:
            shape = tuple(self.sizes[i] for i in plan.result_order)
            output = replace(made, name=f"{made.name}.product", shape=shape, role=Role.ACTIVATION)
        product = self.add(
            Contraction(
                name=output.name,
                phase=phase,
                inputs=(a, b),
                outputs=(output,),
                equation=f"{' '.join(plan.left_order)}, {' '.join(plan.right_order)}"
                f" -> {' '.join(plan.result_order)}",
                sizes=self._sizes((plan.left_order, plan.right_order)),
            )
        )
        if not moves:
            return product
        order, role = plan.result_order, made.role
        return self.permute(made.name, phase, order, result, product, shape=made.shape, role=role)

    def _lay(self, tensor: TensorSpec, term: Indices, order: Indices, phase: Phase) -> TensorSpec:
        """Permute an operand, once for all who want it so."""
        if same_layout(self.sizes, term, order):
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
        """Write a tensor's numbers in another order, or have a constant handed in so."""
        made = TensorSpec(name, tuple(shape or [self.sizes[i] for i in order]), tensor.format, role)
        if tensor.name in self._constants:
            made = replace(made, role=tensor.role)
        operation = Permute(
            name=name,
            phase=phase,
            inputs=(tensor,),
            outputs=(made,),
            equation=f"{' '.join(term)} -> {' '.join(order)}",
            sizes=self._sizes((term,)),
        )
        if tensor.name in self._constants:
            self.beforehand.append(operation)
            return made
        return self.add(operation)

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

    def pointwise(
        self,
        name: str,
        phase: Phase,
        formula: str,
        first: TensorSpec,
        *others: TensorSpec,
        role: Role = Role.ACTIVATION,
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Compute a formula of tensors of as many numbers as the first, and of single numbers.

        The result has the first one's shape.
        """
        terms = ["n" if one.elements == first.elements else "" for one in (first, *others)]
        return self.add(
            Elementwise(
                name=name,
                phase=phase,
                inputs=(first, *others),
                outputs=(self.tensor(name, first.shape, role, number_format),),
                equation=f"{', '.join(terms)} -> n",
                sizes={"n": first.elements},
                formula=formula,
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
