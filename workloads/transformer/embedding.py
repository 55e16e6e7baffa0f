"""The embedding: rows of a table by token, plus a row by position, then a layer norm.

The table is a tensor-train matrix: token number and feature number are split into
digits, and entry (token, feature) is a product of one slice per core. Cores are held with
the token digit leading, so that a slice is a row that can be looked up.

Source: Hrinchuk et al., "Tensorized embedding layers" (2020), section 3.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import prod

from archsim import formats
from archsim.contraction.network import TensorNetwork
from archsim.contraction.orders import chain_steps
from archsim.contraction.training import ReverseFlow
from archsim.contraction.tree import ContractionTree
from archsim.ir.operation import Indices, Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.norms import LayerNorm
from workloads.transformer.step import Step

DEVIATION = 0.02
"""Of a table's entries at first; as BERT's."""


class Table(ABC):
    """Rows of features by token."""

    @abstractmethod
    def forward(self, tokens: TensorSpec) -> TensorSpec:
        """Return the tokens' rows."""

    @abstractmethod
    def backward(self, dy: TensorSpec, loss: TensorSpec) -> None:
        """Add the gradients up by row, and update the table."""


class DenseTable(Table):
    """A table held as it is; ``size`` rows."""

    def __init__(self, step: Step, name: str, size: int) -> None:
        self.step, self.name = step, name
        shape = (size, step.builder.sizes["e"])
        self.table = step.parameter(f"{name}.table", shape, deviation=DEVIATION)

    def forward(self, tokens: TensorSpec) -> TensorSpec:
        """Look the rows up."""
        self._tokens = tokens
        shape = (tokens.elements, self.table.shape[1])
        return self.step.builder.gather(
            f"{self.name}.rows", Phase.FORWARD, self.table, tokens, shape
        )

    def backward(self, dy: TensorSpec, loss: TensorSpec) -> None:
        """Add the rows' gradients onto a table of zeros."""
        self.step.update(self.table, scatter(self.step, self.table, self._tokens, dy, loss))


class TensorTrainTable(Table):
    """A table held as cores of shape (token mode, bond, feature mode, bond).

    The slices of a token are contracted from one end to the other: from the end that
    costs less.
    """

    def __init__(
        self,
        step: Step,
        name: str,
        token_modes: Sequence[int],
        feature_modes: Sequence[int],
        rank: int,
    ) -> None:
        self.step, self.name, self.token_modes = step, name, tuple(token_modes)
        bonds = [1, *[rank] * (len(token_modes) - 1), 1]
        deviation = (DEVIATION / prod(bonds) ** 0.5) ** (1 / len(token_modes))
        self.cores = [
            step.parameter(f"{name}.core{n}", (v, bonds[n], f, bonds[n + 1]), deviation=deviation)
            for n, (v, f) in enumerate(zip(token_modes, feature_modes, strict=True))
        ]
        step.builder.sizes.update({f"e{n}": extent for n, extent in enumerate(feature_modes)})
        step.builder.sizes.update({f"c{n}": extent for n, extent in enumerate(bonds)})

    def _tree(self) -> ContractionTree:
        """The cheaper of the two orders along the train."""
        modes = tuple(f"e{n}" for n in range(len(self.cores)))
        slices = [("t", f"c{n}", mode, f"c{n + 1}") for n, mode in enumerate(modes)]
        network = TensorNetwork(slices, ("t", *modes), self.step.builder.sizes)
        line = range(len(slices))
        trees = [
            ContractionTree(network, chain_steps(order, len(slices)))
            for order in (line, line[::-1])
        ]
        return min(trees, key=lambda tree: tree.macs)

    def forward(self, tokens: TensorSpec) -> TensorSpec:
        """Look a slice of every core up by its digit, and contract them token by token."""
        b = self.step.builder
        self._digits = [self._digit(tokens, n) for n in range(len(self.cores))]
        slices = [
            b.gather(
                f"{self.name}.slice{n}",
                Phase.FORWARD,
                core,
                digit,
                (tokens.elements, *core.shape[1:]),
            )
            for n, (core, digit) in enumerate(zip(self.cores, self._digits, strict=True))
        ]
        self._slices = slices
        if len(slices) == 1:
            return slices[0]
        self._flow = ReverseFlow(b, self._tree(), self.name, None)
        return self._flow.forward(slices, f"{self.name}.rows", (tokens.elements, b.sizes["e"]))

    def _digit(self, tokens: TensorSpec, place: int) -> TensorSpec:
        below = prod(self.token_modes[place + 1 :])
        formula = "a" if below == 1 else f"a // {below}"
        if place > 0:
            formula += f" % {self.token_modes[place]}"
        return self.step.builder.elementwise(
            f"{self.name}.digit{place}",
            Phase.FORWARD,
            "t -> t",
            formula,
            tokens,
            number_format=formats.parse("int32"),
        )

    def backward(self, dy: TensorSpec, loss: TensorSpec) -> None:
        """Add the slices' gradients up by digit."""
        flow = self._flow if len(self.cores) > 1 else None
        if flow:
            flow.start(dy)
        for n, core in enumerate(self.cores):
            name = f"{self._slices[n].name}.gradient"
            gradient = flow.weight_gradient(n, name) if flow else dy
            self.step.update(core, scatter(self.step, core, self._digits[n], gradient, loss))


def scatter(
    step: Step, table: TensorSpec, rows: TensorSpec, update: TensorSpec, loss: TensorSpec
) -> TensorSpec:
    """Return the gradient of a table whose rows were looked up, made from zeros."""
    zeros = step.zeros(f"{table.name}.gradient.zeros", table.shape, loss)
    return step.builder.scatter_add(
        f"{table.name}.gradient", Phase.WEIGHT_GRADIENT, zeros, rows, update, role=Role.GRADIENT
    )


class Embedding:
    """Token rows, position rows and, where the model has segments, segment rows; normalised."""

    def __init__(self, step: Step, tokens: Table, segments: int, epsilon: float) -> None:
        self.step, self.tokens = step, tokens
        sizes = step.builder.sizes
        self.positions = step.parameter(
            "embedding.positions", (sizes["s"], sizes["e"]), deviation=DEVIATION
        )
        self.segments = DenseTable(step, "embedding.segment", segments) if segments else None
        self.norm = LayerNorm(step, "embedding.norm", epsilon, divides=True)

    def forward(self) -> TensorSpec:
        """Return the normalised sum, (tokens, hidden)."""
        b, data = self.step.builder, self.step.data
        rows = [self.tokens.forward(data["tokens"])]
        terms: list[Indices] = [("b", "s", "e"), ("s", "e")]
        rows.append(self.positions)
        if self.segments:
            rows.append(self.segments.forward(data["segments"]))
            terms.append(("b", "s", "e"))
        equation = f"{', '.join(' '.join(term) for term in terms)} -> b s e"
        shape = (b.sizes["t"], b.sizes["e"])
        formula = " + ".join("abc"[: len(rows)])
        total = b.elementwise("embedding.sum", Phase.FORWARD, equation, formula, *rows, shape=shape)
        return self.norm.forward(total)

    def backward(self, dy: TensorSpec, loss: TensorSpec) -> None:
        """Update every table."""
        d = self.norm.backward(dy)
        gradient = self.step.builder.reduce(
            "embedding.positions.gradient",
            Phase.WEIGHT_GRADIENT,
            "b s e -> s e",
            d,
            role=Role.GRADIENT,
        )
        self.step.update(self.positions, gradient)
        if self.segments:
            self.segments.backward(d, loss)
        self.tokens.backward(d, loss)
