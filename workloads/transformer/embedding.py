"""The embedding of tokens: rows of a table, plus a row by position, then a norm.

The table may be a tensor-train matrix: token number and feature number are split into
digits, and entry (token, feature) is a product of one slice per core. Cores are held with
the token digit leading, so that a slice is a row that can be looked up.

Source: Hrinchuk et al., "Tensorized embedding layers" (2020), section 3.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import prod

from archsim import formats
from archsim.contraction.lowering import lower_tree
from archsim.contraction.network import TensorNetwork
from archsim.contraction.orders import chain_steps
from archsim.contraction.training import ReverseFlow
from archsim.contraction.tree import ContractionTree
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

DEVIATION = 0.02
"""Of a table's entries at first; as BERT's."""


class Table(ABC):
    """Rows of features by token."""

    @abstractmethod
    def forward(self, tokens: TensorSpec) -> TensorSpec:
        """Return the tokens' rows."""

    @abstractmethod
    def backward(self, dy: TensorSpec) -> None:
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
            f"{self.name}.rows", self.step.phase, self.table, tokens, shape
        )

    def backward(self, dy: TensorSpec) -> None:
        """Add the rows' gradients onto a table of zeros."""
        self.step.update(self.table, scatter(self.step, self.table, self._tokens, dy))


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
                self.step.phase,
                core,
                digit,
                (tokens.elements, *core.shape[1:]),
            )
            for n, (core, digit) in enumerate(zip(self.cores, self._digits, strict=True))
        ]
        self._slices = slices
        if len(slices) == 1:
            return slices[0]
        result, shape = f"{self.name}.rows", (tokens.elements, b.sizes["e"])
        if not self.step.trains:
            phase, name = self.step.phase, self.name
            parts = lower_tree(b, self._tree(), slices, name, phase, result=result, shape=shape)
            return parts[-1].tensor
        self._flow = ReverseFlow(b, self._tree(), self.name, None)
        return self._flow.forward(slices, result, shape)

    def _digit(self, tokens: TensorSpec, place: int) -> TensorSpec:
        below = prod(self.token_modes[place + 1 :])
        formula = "a" if below == 1 else f"a // {below}"
        if place > 0:
            formula += f" % {self.token_modes[place]}"
        return self.step.builder.elementwise(
            f"{self.name}.digit{place}",
            self.step.phase,
            "t -> t",
            formula,
            tokens,
            number_format=formats.parse("int32"),
        )

    def backward(self, dy: TensorSpec) -> None:
        """Add the slices' gradients up by digit."""
        flow = self._flow if len(self.cores) > 1 else None
        if flow:
            flow.start(dy)
        for n, core in enumerate(self.cores):
            name = f"{self._slices[n].name}.gradient"
            gradient = flow.weight_gradient(n, name) if flow else dy
            self.step.update(core, scatter(self.step, core, self._digits[n], gradient))


def scatter(step: Step, table: TensorSpec, rows: TensorSpec, update: TensorSpec) -> TensorSpec:
    """Return the gradient of a table whose rows were looked up, made from zeros."""
    zeros = step.zeros(f"{table.name}.gradient.zeros", table.shape)
    return step.builder.scatter_add(
        f"{table.name}.gradient", Phase.WEIGHT_GRADIENT, zeros, rows, update, role=Role.GRADIENT
    )


class Positions:
    """A learned row for each position, as many as are needed or a table of more."""

    def __init__(self, step: Step, name: str, rows: int) -> None:
        self.step = step
        sizes = step.builder.sizes
        self.shape = (sizes["s"], sizes["e"])
        self.table = step.parameter(name, (rows, sizes["e"]), deviation=DEVIATION)

    @property
    def looked_up(self) -> bool:
        """Whether the rows in use are some of the table's."""
        return self.table.shape != self.shape

    def forward(self) -> TensorSpec:
        """Return the positions' rows, (sequence, hidden)."""
        if not self.looked_up:
            return self.table
        step = self.step
        name, positions = f"{self.table.name}.rows", step.data["positions"]
        return step.builder.gather(name, step.phase, self.table, positions, self.shape)

    def backward(self, dy: TensorSpec) -> None:
        """Add up over the sequences, and update the table."""
        gradient = f"{self.table.name}.gradient"
        rows = self.step.builder.reduce(
            f"{self.table.name}.rows.gradient" if self.looked_up else gradient,
            Phase.WEIGHT_GRADIENT,
            "b s e -> s e",
            dy,
            role=Role.ACTIVATION if self.looked_up else Role.GRADIENT,
        )
        if self.looked_up:
            rows = scatter(self.step, self.table, self.step.data["positions"], rows)
        self.step.update(self.table, rows)


class TokenEmbedding:
    """Token rows, plus rows by position and by segment, and a norm, where the model has these."""

    def __init__(
        self,
        step: Step,
        tokens: Table,
        positions: Positions | None = None,
        segments: Table | None = None,
        norm: Layer | None = None,
    ) -> None:
        self.step, self.tokens, self.positions = step, tokens, positions
        self.segments, self.norm = segments, norm

    def forward(self) -> TensorSpec:
        """Return the sum, normalised, (tokens, hidden)."""
        b, data = self.step.builder, self.step.data
        rows, terms = [self.tokens.forward(data["tokens"])], ["b s e"]
        if self.positions:
            rows.append(self.positions.forward())
            terms.append("s e")
        if self.segments:
            rows.append(self.segments.forward(data["segments"]))
            terms.append("b s e")
        total = rows[0]
        if len(rows) > 1:
            equation, formula = f"{', '.join(terms)} -> b s e", " + ".join("abc"[: len(rows)])
            shape = (b.sizes["t"], b.sizes["e"])
            total = b.elementwise(
                "embedding.sum", self.step.phase, equation, formula, *rows, shape=shape
            )
        return self.norm.forward(total) if self.norm else total

    def backward(self, dy: TensorSpec) -> None:
        """Update every table."""
        d = self.norm.backward(dy) if self.norm else dy
        if self.positions:
            self.positions.backward(d)
        if self.segments:
            self.segments.backward(d)
        self.tokens.backward(d)
