"""The workload: one batched matrix product, to see what a machine makes of a shape."""

from dataclasses import dataclass

from archsim import formats
from archsim.errors import RegistryError
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role
from archsim.ir.workload import WORKLOADS

MOST = 1 << 24
"""Beyond this a side is a slip, not a matrix."""


@WORKLOADS.register("gemm")
@dataclass(frozen=True, kw_only=True)
class Gemm:
    """``batch`` products of an m x k by a k x n matrix, ``C = A B``.

    Where ``batch`` is 1 and ``weights`` is true, B is a parameter; otherwise both operands
    are activations, as in attention.
    """

    m: int = 1024
    """Rows of A and C."""
    n: int = 1024
    """Columns of B and C."""
    k: int = 1024
    """Columns of A, rows of B."""
    batch: int = 1
    """Independent products, each with matrices of its own."""
    weights: bool = True
    """Whether B is a parameter."""
    number_format: str = "fp32"

    def __post_init__(self) -> None:
        for name in ("m", "n", "k", "batch"):
            if not 1 <= getattr(self, name) <= MOST:
                raise ValueError(f"{name}: must be in [1, {MOST}], got {getattr(self, name)}")
        try:
            formats.parse(self.number_format)
        except RegistryError as error:
            raise ValueError(f"number_format: {error}") from error

    def lower(self) -> OperationGraph:
        """Return the graph of the one operation ``C``; its inputs are ``A`` and ``B``."""
        sizes = {"b": self.batch, "m": self.m, "n": self.n, "k": self.k}
        builder = GraphBuilder("gemm", sizes, formats.parse(self.number_format))
        is_weight = self.weights and self.batch == 1
        a = builder.tensor("A", (self.batch, self.m, self.k), Role.DATA)
        b = builder.tensor(
            "B", (self.batch, self.k, self.n), Role.PARAMETER if is_weight else Role.DATA
        )
        c = builder.contract("C", Phase.INFERENCE, "b m k, b k n -> b m n", a, b)
        builder.output(c)
        return builder.graph()
