"""The workload: one linear layer trained one step, its weight dense or a network of cores."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

from archsim import formats
from archsim.contraction import CoreNetwork, LayerSearch
from archsim.errors import RegistryError
from archsim.ir.graph import OperationGraph
from archsim.ir.workload import WORKLOADS
from workloads.tensor_layers import PAIRED, Flow, WeightKind, core_network, training_graph

TensorFormat = Literal["tt", "ttm", "tr", "ht", "btd"]
KINDS: Mapping[TensorFormat, WeightKind] = {
    "tt": "tensor_train",
    "ttm": "tensor_train_matrix",
    "tr": "tensor_ring",
    "ht": "hierarchical_tucker",
    "btd": "block_term",
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "format": get_args(TensorFormat),
    "order": get_args(Flow),
}
"""What the fields that are words may say."""
MAX_FEATURES = MAX_RANK = 1 << 20
MAX_BATCH = 1 << 24
"""Beyond these a number is a slip, not a layer."""


@WORKLOADS.register("tensor_layer")
@dataclass(frozen=True, kw_only=True)
class TensorLayer:
    """One training step of a linear layer: forward pass, input gradient, core gradients.

    The defaults are a matrix of 768 x 768 as a tensor train, as in the tensorised
    transformer for ATIS. Nothing is updated: that costs the same in every order.

    Source: the formats are those of :mod:`archsim.contraction.layers`.
    """

    format: TensorFormat = "tt"
    """Tensor train with the input cores first, tensor-train matrix, tensor ring, hierarchical
    Tucker, or one block term."""
    in_modes: tuple[int, ...] = (12, 8, 8)
    """Their product is the number of input features."""
    out_modes: tuple[int, ...] = (8, 8, 12)
    """Their product is the number of output features."""
    rank: int = 12
    """Of every bond between two cores."""
    batch: int = 32
    """Rows of the activation."""
    order: Flow = "bidirectional"
    """How the cores are contracted, or ``dense`` for the plain matrix in their place; the
    last four depend on the machine."""
    number_format: str = "fp32"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: {getattr(self, name)!r} is none of {', '.join(known)}")
        for name, most in {"rank": MAX_RANK, "batch": MAX_BATCH}.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name}: must be in [1, {most}], got {getattr(self, name)}")
        for name in ("in_modes", "out_modes"):
            _check_modes(name, getattr(self, name))
        if KINDS[self.format] in PAIRED and self.order != "dense":
            self._check_pairs()
        try:
            formats.parse(self.number_format)
        except RegistryError as error:
            raise ValueError(f"number_format: {error}") from error

    def _check_pairs(self) -> None:
        if len(self.in_modes) != len(self.out_modes):
            raise ValueError(
                f"out_modes: {len(self.out_modes)} output modes do not pair with "
                f"{len(self.in_modes)} input modes, as format {self.format!r} needs"
            )
        if self.order == "bidirectional":
            raise ValueError(
                f"order: a core of format {self.format!r} carries input and output modes, so "
                "there are no two halves to contract; choose another order, e.g. optimal"
            )

    @property
    def network(self) -> CoreNetwork:
        """The cores; the matrix as a single one where the order is ``dense``."""
        if self.order == "dense":
            modes = {f"i{n}": extent for n, extent in enumerate(self.in_modes)}
            modes |= {f"o{n}": extent for n, extent in enumerate(self.out_modes)}
            return CoreNetwork((tuple(modes),), modes)
        return core_network(KINDS[self.format], self.in_modes, self.out_modes, self.rank)

    def lower(self) -> OperationGraph:
        """Return the graph of one training step, as :func:`training_graph` names its tensors.

        Raises:
            InputError: for an order that depends on the machine (see :meth:`lower_for`), or
                more cores than a search takes.
        """
        return self._lower(None)

    def lower_for(self, machine: LayerSearch) -> OperationGraph:
        """Return the graph of one training step, in an order that suits a machine."""
        return self._lower(machine)

    def _lower(self, machine: LayerSearch | None) -> OperationGraph:
        network = self.network
        return training_graph(
            network.cores,
            network.sizes,
            self.batch,
            self.order,
            number_format=self.number_format,
            machine=machine,
        )


def _check_modes(name: str, modes: tuple[int, ...]) -> None:
    product = " x ".join(map(str, modes)) or "()"
    if not modes or min(modes) < 1:
        raise ValueError(f"{name}: every mode must be >= 1, and there must be one, got {product}")
    if prod(modes) > MAX_FEATURES:
        raise ValueError(f"{name}: {product} make more than {MAX_FEATURES} features")
