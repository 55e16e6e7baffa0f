"""Gradients of a contraction: what is computed after the forward pass, and from what.

A network closed with the gradient of its result has a simple rule: the gradient of any
tensor, input or intermediate, is the contraction of all the others. Flows differ in
which intermediates they share.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import accumulate

from archsim import formats
from archsim.contraction.exact_search import TrainingSearch, needs_outer_products, search_training
from archsim.contraction.layer_search import HARDWARE_ORDERS, LayerPlan, LayerSearch
from archsim.contraction.lowering import NetworkLowering, Part, lower_steps
from archsim.contraction.network import TensorNetwork
from archsim.contraction.orders import fixed_order, halves
from archsim.contraction.tree import ContractionTree
from archsim.errors import GraphError, InputError
from archsim.ir.builder import GraphBuilder
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec


class TrainingFlow(ABC):
    """The forward pass, the gradient of the activation and those of the cores, on a builder.

    The network's tensors are the cores, then the activation if there is one; the gradient
    of its output closes it. Call the methods in the order in which they stand here; where
    nobody wants the activation's gradient, ``start`` stands for ``backward``.
    """

    def __init__(self, builder: GraphBuilder, network: TensorNetwork, name: str) -> None:
        self.name = name
        self.network = network
        self.closing = len(network.inputs)
        self.lowering = NetworkLowering(builder, (*network.inputs, network.output))
        self.tensors: tuple[TensorSpec, ...] = ()

    @abstractmethod
    def forward(
        self, tensors: Sequence[TensorSpec], result: str, shape: Sequence[int]
    ) -> TensorSpec:
        """Contract the network's tensors to its output."""

    @abstractmethod
    def start(self, gradient: TensorSpec) -> None:
        """Take the gradient of the output."""

    @abstractmethod
    def backward(self, gradient: TensorSpec, result: str) -> TensorSpec:
        """Start, and return the activation's gradient."""

    @abstractmethod
    def weight_gradient(self, core: int, result: str) -> TensorSpec:
        """Return a core's gradient."""

    @abstractmethod
    def macs(self) -> int:
        """Return the multiply-accumulates of the forward pass and all gradients."""

    def close(self, gradient: TensorSpec, phase: Phase) -> Part:
        """Return the gradient of the output as the part that closes the network."""
        return self.lowering.leaf(self.closing, gradient, phase)

    def finish(self, one: Part, other: Part, leaf: int, result: str, phase: Phase) -> TensorSpec:
        """Merge two parts into the gradient of an input of the network."""
        tensor = self.tensors[leaf]
        role = Role.GRADIENT if tensor.role is Role.PARAMETER else Role.ACTIVATION
        return self.lowering.gradient(
            one, other, leaf, result, phase, shape=tensor.shape, role=role
        )


class ReverseFlow(TrainingFlow):
    """Reverse mode over a contraction tree: ``C = A B`` gives ``dA = dC B`` and ``dB = dC A``.

    Each step's two gradients cost as much as the step, so all gradients together cost
    twice the forward pass. Results of the steps that are ``recomputed`` are not kept until
    then: each costs its step once more, and its memory only while gradients use it.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        tree: ContractionTree,
        name: str,
        activation: int | None,
        recomputed: Collection[int] = (),
    ) -> None:
        super().__init__(builder, tree.network, name)
        self.tree = tree
        self.activation = activation
        self.recomputed = frozenset(recomputed)
        self._again: dict[int, Part] = {}
        if not tree.steps:
            raise GraphError(f"{name}: one tensor alone is not a contraction")
        self._parts: list[Part] = []
        self._gradients: dict[int, Part] = {}
        leaves = len(tree.network.inputs)
        self._used = {
            tensor: (leaves + number, step[1 - side])
            for number, step in enumerate(tree.steps)
            for side, tensor in enumerate(step)
        }

    def forward(
        self, tensors: Sequence[TensorSpec], result: str, shape: Sequence[int]
    ) -> TensorSpec:
        """Contract the tree; every intermediate is kept for the gradients."""
        self.tensors = tuple(tensors)
        self._parts = lower_steps(
            self.lowering, self.tree, tensors, self.name, Phase.FORWARD, result=result, shape=shape
        )
        return self._parts[-1].tensor

    def start(self, gradient: TensorSpec) -> None:
        """Take the gradient of the output."""
        phase = Phase.WEIGHT_GRADIENT if self.activation is None else Phase.BACKWARD
        self._gradients = {len(self._parts) - 1: self.close(gradient, phase)}

    def backward(self, gradient: TensorSpec, result: str) -> TensorSpec:
        """Go back along the intermediates that the activation is part of."""
        assert self.activation is not None
        self.start(gradient)
        return self._leaf(self.activation, result, Phase.BACKWARD)

    def weight_gradient(self, core: int, result: str) -> TensorSpec:
        """Go back along those that only cores are part of, too."""
        return self._leaf(core, result, Phase.WEIGHT_GRADIENT)

    def macs(self) -> int:
        """Count each step three times, and what is made again once more."""
        return 3 * self.tree.macs + sum(self.tree.step_macs[step] for step in self.recomputed)

    def _leaf(self, leaf: int, result: str, phase: Phase) -> TensorSpec:
        made, sibling = self._used[leaf]
        return self.finish(self._gradient(made), self._operand(sibling, phase), leaf, result, phase)

    def _gradient(self, number: int) -> Part:
        if number not in self._gradients:
            part, (made, sibling) = self._parts[number], self._used[number]
            carries = self.activation in part.members
            phase = Phase.BACKWARD if carries else Phase.WEIGHT_GRADIENT
            self._gradients[number] = self.lowering.merge(
                self._gradient(made),
                self._operand(sibling, phase),
                f"{part.tensor.name}.gradient",
                phase,
            )
        return self._gradients[number]

    def _operand(self, number: int, phase: Phase) -> Part:
        """Return a part that was kept, or make it again."""
        leaves = len(self.tree.network.inputs)
        if number - leaves not in self.recomputed:
            return self._parts[number]
        if number not in self._again:
            kept = self._parts[number]
            one, other = (self._operand(n, phase) for n in self.tree.steps[number - leaves])
            self._again[number] = self.lowering.merge(
                one, other, f"{kept.tensor.name}.again", phase, order=kept.indices
            )
        return self._again[number]


class TwoSidedFlow(TrainingFlow):
    """Bi-directional contraction of ``Y = X L R``, whose halves L and R are products of cores.

    Forward: L and R, each from its far end, then ``Z = X L`` and ``Y = Z R``. Backward:
    ``U = dY R'`` and ``dX = U L'``. Weight gradients: ``dL = X' U`` and ``dR = Z' dY``
    once, so that no further step carries the tokens; then, with the products P of a
    half's first cores and Q of its last (made anew, not kept from the forward pass): the
    first core from Q, the last from P, an inner core from P and then Q.

    Source: Tian et al., "Ultra memory-efficient on-FPGA training of transformers via
    tensor-compressed optimization" (2025), and its authors' code.

    Raises:
        GraphError: if a core carries both input and output modes.
    """

    def __init__(self, builder: GraphBuilder, network: TensorNetwork, name: str) -> None:
        super().__init__(builder, network, name)
        self.activation = len(network.inputs) - 1
        self._sides = dict(zip(("left", "right"), halves(network, self.activation), strict=True))
        self._leaves: list[Part] = []
        self._products: dict[str, Part] = {}
        self._gradients: dict[str, Part] = {}
        self._partial: dict[str, tuple[list[Part], list[Part]]] = {}

    def forward(
        self, tensors: Sequence[TensorSpec], result: str, shape: Sequence[int]
    ) -> TensorSpec:
        """Contract both halves, then the activation with one and the other."""
        self.tensors = tuple(tensors)
        phase = Phase.FORWARD
        self._leaves = [self.lowering.leaf(n, tensor, phase) for n, tensor in enumerate(tensors)]
        for side, cores in self._sides.items():
            far_end_first = cores if side == "left" else cores[::-1]
            parts = [self._leaves[core] for core in far_end_first]
            self._products[side] = self._chain(parts, f"{side}.product", phase)[-1]
        x = self._leaves[self.activation]
        self._z = self.lowering.merge(x, self._products["left"], f"{self.name}.Z", phase)
        y = self.lowering.merge(
            self._z,
            self._products["right"],
            result,
            phase,
            order=self.lowering.terms[self.closing],
            shape=shape,
        )
        return y.tensor

    def start(self, gradient: TensorSpec) -> None:
        """Go back through the right half."""
        phase = Phase.BACKWARD
        self._dy = self.close(gradient, phase)
        self._u = self.lowering.merge(self._dy, self._products["right"], f"{self.name}.U", phase)

    def backward(self, gradient: TensorSpec, result: str) -> TensorSpec:
        """Go back through the right half, then through the left."""
        self.start(gradient)
        left = self._products["left"]
        return self.finish(self._u, left, self.activation, result, Phase.BACKWARD)

    def weight_gradient(self, core: int, result: str) -> TensorSpec:
        """Contract the half's gradient with the half's other cores."""
        phase = Phase.WEIGHT_GRADIENT
        side = "left" if core in self._sides["left"] else "right"
        cores = self._sides[side]
        if len(cores) == 1:
            return self.finish(*self._operands(side), core, result, phase)
        if side not in self._gradients:
            self._gradients[side] = self.lowering.merge(
                *self._operands(side),
                f"{self.name}.{side}.gradient",
                phase,
                order=self._products[side].indices,
            )
            self._partial[side] = self._partial_products(side)
        prefixes, suffixes = self._partial[side]
        place, gradient = cores.index(core), self._gradients[side]
        if place == 0:
            return self.finish(gradient, suffixes[1], core, result, phase)
        if place == len(cores) - 1:
            return self.finish(gradient, prefixes[-1], core, result, phase)
        before = self.lowering.merge(prefixes[place - 1], gradient, f"{result}.before", phase)
        return self.finish(before, suffixes[place + 1], core, result, phase)

    def macs(self) -> int:
        """Count them on a graph of its own."""
        builder = GraphBuilder(self.name, self.network.sizes, self.lowering.builder.format)
        return training_step(builder, TwoSidedFlow(builder, self.network, self.name)).macs

    def _operands(self, side: str) -> tuple[Part, Part]:
        """What a half's gradient is the product of."""
        return (self._leaves[self.activation], self._u) if side == "left" else (self._z, self._dy)

    def _partial_products(self, side: str) -> tuple[list[Part], list[Part]]:
        """Products of a half's first 1, 2, … cores, and from each core to its last."""
        parts = [self._leaves[core] for core in self._sides[side]]
        phase = Phase.WEIGHT_GRADIENT
        prefixes = self._chain(parts[:-1], f"{side}.prefix", phase)
        suffixes = self._chain(parts[:0:-1], f"{side}.suffix", phase)
        return prefixes, [prefixes[0], *suffixes[::-1]]

    def _chain(self, parts: Sequence[Part], name: str, phase: Phase) -> list[Part]:
        """Merge parts one after the other, and return every product on the way."""
        count = iter(range(2, len(parts) + 1))
        return list(
            accumulate(
                parts,
                lambda one, other: self.lowering.merge(
                    one, other, f"{self.name}.{name}{next(count)}", phase
                ),
            )
        )


class IndependentFlow(TrainingFlow):
    """The cheapest tree of its own for the forward pass and for every gradient.

    Nothing but the tensors themselves is shared, so no intermediate is kept, and for a
    layer of n cores each of the n + 2 contractions costs as much as the forward pass.
    """

    def __init__(
        self, builder: GraphBuilder, found: TrainingSearch, name: str, activation: int
    ) -> None:
        super().__init__(builder, found.network, name)
        self.found = found
        self.activation = activation
        self._leaves: dict[int, Part] = {}

    def forward(
        self, tensors: Sequence[TensorSpec], result: str, shape: Sequence[int]
    ) -> TensorSpec:
        """Contract the tree of the output."""
        self.tensors = tuple(tensors)
        phase = Phase.FORWARD
        one, other = self._operands(self.closing, self.found.forward, self.name, phase)
        order = self.lowering.terms[self.closing]
        return self.lowering.merge(one, other, result, phase, order=order, shape=shape).tensor

    def start(self, gradient: TensorSpec) -> None:
        """Take the gradient of the output."""
        self._leaves[self.closing] = self.close(gradient, Phase.BACKWARD)

    def backward(self, gradient: TensorSpec, result: str) -> TensorSpec:
        """Contract the tree of the activation's gradient."""
        self.start(gradient)
        tree = self.found.input_gradient
        return self._gradient(self.activation, tree, result, Phase.BACKWARD)

    def weight_gradient(self, core: int, result: str) -> TensorSpec:
        """Contract the tree of the core's gradient."""
        tree = self.found.weight_gradients[core - (core > self.activation)]
        return self._gradient(core, tree, result, Phase.WEIGHT_GRADIENT)

    def macs(self) -> int:
        """Count the trees."""
        return self.found.independent_macs

    def _gradient(self, leaf: int, tree: ContractionTree, result: str, phase: Phase) -> TensorSpec:
        return self.finish(*self._operands(leaf, tree, result, phase), leaf, result, phase)

    def _operands(
        self, missing: int, tree: ContractionTree, name: str, phase: Phase
    ) -> tuple[Part, Part]:
        """Do all steps of a tree over all tensors but one, except the last."""
        numbers = (number for number in range(self.closing + 1) if number != missing)
        parts = [self._leaf(number, phase) for number in numbers]
        for number, (one, other) in enumerate(tree.steps[:-1]):
            made = f"{name}.step{number}"
            parts.append(self.lowering.merge(parts[one], parts[other], made, phase))
        one, other = tree.steps[-1]
        return parts[one], parts[other]

    def _leaf(self, number: int, phase: Phase) -> Part:
        if number not in self._leaves:
            self._leaves[number] = self.lowering.leaf(number, self.tensors[number], phase)
        return self._leaves[number]


def training_flow(
    builder: GraphBuilder,
    network: TensorNetwork,
    order: str,
    name: str,
    machine: LayerSearch | None = None,
) -> TrainingFlow:
    """Return the flow of a named order for a network whose last tensor is the activation.

    ``optimal`` searches the forward pass and each gradient, ``shared_optimal`` only the
    forward pass, whose intermediates the gradients then share; all other orders share too,
    each in its way. The orders of :data:`HARDWARE_ORDERS` are left to a ``machine``.

    Raises:
        InputError: for an order that depends on a machine where none is given.
    """
    activation = len(network.inputs) - 1
    if activation > 0:
        for known in HARDWARE_ORDERS:
            if order == known:
                if machine is None:
                    raise InputError(
                        f"order {order!r} depends on the machine: lower it for one, as an "
                        "experiment does"
                    )
                plan = machine.find(network, known, builder.format)
                return plan_flow(builder, network, plan, name)
    if order == "optimal" and activation > 0:
        return IndependentFlow(builder, _all_cheapest(network, activation), name, activation)
    tree = fixed_order(network, activation, order)
    if order == "bidirectional" and all(halves(network, activation)):
        return TwoSidedFlow(builder, network, name)
    return ReverseFlow(builder, tree, name, activation)


@lru_cache(maxsize=1024)
def _all_cheapest(network: TensorNetwork, activation: int) -> TrainingSearch:
    """Return the cheapest trees; identical layers ask for the same."""
    apart = needs_outer_products_somewhere(network)
    return search_training(network, activation, outer_products=apart, hyperedges=True)


def needs_outer_products_somewhere(network: TensorNetwork) -> bool:
    """Whether the forward pass or some gradient joins tensors that share no index."""
    terms = network.closed
    return any(needs_outer_products([*terms[:n], *terms[n + 1 :]]) for n in range(len(terms)))


def plan_flow(
    builder: GraphBuilder, network: TensorNetwork, plan: LayerPlan, name: str
) -> TrainingFlow:
    """Return the flow of a plan that was made for a machine.

    Raises:
        InputError: if the network cannot take the order that the plan names.
    """
    trees = plan.trees
    if trees is None:
        return training_flow(builder, network, plan.order, name)
    if plan.shares:
        return ReverseFlow(builder, trees.forward, name, trees.activation, plan.recomputed)
    return IndependentFlow(builder, trees, name, trees.activation)


def training_step(builder: GraphBuilder, flow: TrainingFlow) -> OperationGraph:
    """Return the graph of a layer's forward pass and all gradients.

    Inputs: ``X`` (rows, features in), ``dY`` (rows, features out), the cores ``G0 …``;
    results: ``Y``, ``dX``, ``dG0 …``.
    """
    network = flow.network
    *core_terms, (row, *features_in) = network.inputs
    rows = network.sizes[row]
    cores = [
        builder.tensor(f"G{n}", [network.sizes[index] for index in term], Role.PARAMETER)
        for n, term in enumerate(core_terms)
    ]
    x = builder.tensor("X", (rows, network.elements(features_in)))
    wide = (rows, network.elements(network.output) // rows)
    dy = builder.tensor("dY", wide)
    y = flow.forward((*cores, x), "Y", wide)
    dx = flow.backward(dy, "dX")
    gradients = [flow.weight_gradient(n, f"dG{n}") for n in range(len(cores))]
    builder.output(y, dx, *gradients)
    return builder.graph()


def training_macs(network: TensorNetwork, order: str) -> int:
    """Return the multiply-accumulates of a layer's forward pass and all gradients in an order.

    Raises:
        InputError: for an order that the network cannot take, or that depends on a machine.
    """
    builder = GraphBuilder("layer", network.sizes, formats.parse("fp32"))
    return training_flow(builder, network, order, "layer").macs()
