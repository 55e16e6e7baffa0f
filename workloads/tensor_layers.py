"""Linear layers whose weight is a network of tensor cores: forward pass and every gradient.

``Y = X W``, where W, input features by output features, is the contraction of the cores.
Of the cores' indices, ``i0 i1 …`` are input modes and ``o0 o1 …`` output modes; all
others are summed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from types import MappingProxyType
from typing import Literal

from archsim import formats
from archsim.contraction import (
    HARDWARE_ORDERS,
    ORDERS,
    ContractionTree,
    CoreNetwork,
    FixedOrder,
    HardwareOrder,
    LayerSearch,
    SearchedOrder,
    TensorNetwork,
    block_term,
    fixed_order,
    hierarchical_tucker,
    lower_tree,
    tensor_ring,
    tensor_train,
    tensor_train_matrix,
    training_flow,
    training_macs,
    training_step,
)
from archsim.errors import GraphError, InputError
from archsim.ir import Choice
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Indices, Phase
from archsim.ir.tensor import TensorSpec

Flow = Literal["dense", FixedOrder, SearchedOrder, HardwareOrder]
"""How a weight is held and contracted: as one matrix, or as cores in one of the orders."""

WeightKind = Literal[
    "tensor_train",
    "tensor_train_matrix",
    "tensor_ring",
    "hierarchical_tucker",
    "block_term",
]
"""The tensor formats of a weight that have one rank."""
PAIRED: tuple[WeightKind, ...] = ("tensor_train_matrix", "block_term")
"""Formats whose cores carry an input mode and an output mode: they have no two halves."""


def core_network(
    kind: WeightKind, in_modes: tuple[int, ...], out_modes: tuple[int, ...], rank: int
) -> CoreNetwork:
    """Return the cores of a weight in one format, with the same rank at every bond.

    Raises:
        ValueError: for a mode or rank < 1, or lists of modes that the format does not take.
    """
    inputs, outputs = len(in_modes), len(out_modes)
    builders: Mapping[WeightKind, tuple[_Builder, int]] = {
        "tensor_train": (partial(tensor_train, inputs_first=True), inputs + outputs - 1),
        "tensor_train_matrix": (tensor_train_matrix, inputs - 1),
        "tensor_ring": (tensor_ring, inputs + outputs),
        "hierarchical_tucker": (hierarchical_tucker, 2 * (inputs + outputs) - 2),
        "block_term": (block_term, inputs),
    }
    build, bonds = builders[kind]
    return build(in_modes, out_modes, [rank] * bonds)


_Builder = Callable[[tuple[int, ...], tuple[int, ...], list[int]], CoreNetwork]


def modes(core_indices: Iterable[Sequence[str]], side: str) -> Indices:
    """Return the modes of one side, ``"i"`` or ``"o"``, most significant first."""
    names = {index for core in core_indices for index in core}
    found = [index for index in names if re.fullmatch(rf"{side}\d+", index)]
    return tuple(sorted(found, key=lambda index: int(index[1:])))


class TensorLinear:
    """One linear layer on a graph builder, whose ``sizes`` hold the extents of all indices.

    ``inputs`` and ``outputs`` are the modes of its features, most significant first;
    ``rows`` is the index of the activation's rows. Intermediates are called ``<name>.…``.
    Call forward, backward (or start, where nobody wants the activation's gradient) and
    weight_gradient in this order; forward alone unless it ``trains``. A dense weight is one
    core. ``machine`` is asked for trees where the order depends on it.

    Raises:
        InputError: for an unknown order, or cores that the order cannot take.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        name: str,
        core_indices: Iterable[Sequence[str]],
        *,
        inputs: Indices,
        outputs: Indices,
        rows: str,
        order: str,
        machine: LayerSearch | None = None,
    ) -> None:
        network = _layer(builder, core_indices, inputs, outputs, rows)
        self.shape = (builder.sizes[rows], network.elements(outputs))
        self.flow = training_flow(builder, network, order, name, machine)
        if len(network.inputs) > 2:
            builder.chose(_choice(builder, name, network, order, machine))

    def forward(
        self,
        x: TensorSpec,
        cores: Sequence[TensorSpec],
        result: str,
        shape: Sequence[int] | None = None,
    ) -> TensorSpec:
        """Return ``X W``, of shape (rows, features out) or as many numbers in another shape."""
        return self.flow.forward((*cores, x), result, shape or self.shape)

    def start(self, dy: TensorSpec) -> None:
        """Take the gradient of the product, for the cores alone."""
        self.flow.start(dy)

    def backward(self, dy: TensorSpec, result: str) -> TensorSpec:
        """Return the gradient of x, given that of the product."""
        return self.flow.backward(dy, result)

    def weight_gradient(self, core: int, result: str) -> TensorSpec:
        """Return a core's gradient."""
        return self.flow.weight_gradient(core, result)


def infer(
    builder: GraphBuilder,
    name: str,
    core_indices: Iterable[Sequence[str]],
    tensors: Sequence[TensorSpec],
    *,
    inputs: Indices,
    outputs: Indices,
    rows: str,
    order: str,
    result: str,
    shape: Sequence[int] | None = None,
) -> TensorSpec:
    """Append a layer's forward pass alone and return ``X W``; ``tensors`` are the cores and X.

    Everything else is as in :class:`TensorLinear`.

    Raises:
        InputError: for an order that is unknown, depends on a machine or suits no such cores.
    """
    network = _layer(builder, core_indices, inputs, outputs, rows)
    tree = _forward_tree(network, order)
    if len(network.inputs) > 2:
        macs = _forward_macs(network)
        builder.chose(Choice(name, order, "MACs", macs))
    shape = shape or (builder.sizes[rows], network.elements(outputs))
    parts = lower_tree(builder, tree, tensors, name, Phase.INFERENCE, result=result, shape=shape)
    return parts[-1].tensor


def _layer(
    builder: GraphBuilder,
    core_indices: Iterable[Sequence[str]],
    inputs: Indices,
    outputs: Indices,
    rows: str,
) -> TensorNetwork:
    """Return the network of the cores and, last, the activation."""
    return TensorNetwork((*core_indices, (rows, *inputs)), (rows, *outputs), builder.sizes)


def _forward_tree(network: TensorNetwork, order: str) -> ContractionTree:
    return fixed_order(network, len(network.inputs) - 1, order)


@cache
def _forward_macs(network: TensorNetwork) -> Mapping[str, float]:
    """Return the multiply-accumulates of a layer's forward pass in every order it can take."""
    found: dict[str, float] = {}
    for order in ORDERS:
        with suppress(InputError):  # an order that these cores cannot take
            found[order] = _forward_tree(network, order).macs
    return MappingProxyType(found)


def _choice(
    builder: GraphBuilder,
    name: str,
    network: TensorNetwork,
    order: str,
    machine: LayerSearch | None,
) -> Choice:
    """Return what the layer's training step costs in this order and in all others."""
    for known in HARDWARE_ORDERS:
        if order == known:
            assert machine is not None, order
            verdict = machine.find(network, known, builder.format).verdict
            times = machine.seconds(network, known, builder.format)
            return Choice(name, order, "s", times.simulated, times.at_least, verdict)
    return Choice(name, order, "MACs", _macs(network))


@cache
def _macs(network: TensorNetwork) -> Mapping[str, float]:
    """Return the multiply-accumulates of a layer's training step in every order it can take."""
    found: dict[str, float] = {}
    for order in ORDERS:
        with suppress(InputError):  # an order that these cores cannot take
            found[order] = training_macs(network, order)
    return MappingProxyType(found)


def training_graph(
    core_indices: Sequence[Sequence[str]],
    sizes: Mapping[str, int],
    batch: int,
    order: str = "bidirectional",
    *,
    number_format: str = "fp32",
    machine: LayerSearch | None = None,
) -> OperationGraph:
    """Return the graph of one tensor linear layer's forward pass, dX and core gradients.

    Inputs: ``X`` (batch, features in), ``dY`` (batch, features out), the cores ``G0 …``.
    Results: ``Y``, ``dX``, ``dG0 …``. Features are row-major with mode 0 most
    significant. ``machine`` is asked for trees where the order depends on it; ``dense`` is
    the order of one core, which leaves no choice.

    Raises:
        InputError: for a malformed network, an unknown order, or cores that the order
            cannot take.
    """
    if batch < 1:
        raise GraphError(f"batch must be >= 1, got {batch}")
    cores = tuple(map(tuple, core_indices))
    for index in modes([tuple(sizes)], "i") + modes([tuple(sizes)], "o"):
        if not any(index in core for core in cores):
            raise GraphError(f"mode {index!r} has a size but stands in no core")
    row = "batch"
    while row in sizes:
        row += "_"
    builder = GraphBuilder(
        f"tensor layer, {order}", {**sizes, row: batch}, formats.parse(number_format)
    )
    layer = TensorLinear(
        builder,
        "layer",
        cores,
        inputs=modes(cores, "i"),
        outputs=modes(cores, "o"),
        rows=row,
        order="shared_optimal" if order == "dense" and len(cores) == 1 else order,
        machine=machine,
    )
    return training_step(builder, layer.flow)
