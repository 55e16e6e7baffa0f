"""Contraction orders by name: the fixed ones of papers and libraries, and searched ones.

A linear layer as a network is one activation tensor and cores. Modes that the
activation shares with the cores are *input modes*; modes of the output that the
activation lacks are *output modes*. Cores are listed from one end to the other, either
output cores first, as in ``y = W x``, or input cores first, as in ``Y = X W``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import fmean
from typing import Literal, get_args

from archsim.contraction.exact_search import needs_outer_products, search
from archsim.contraction.greedy_search import greedy
from archsim.contraction.network import TensorNetwork
from archsim.contraction.tree import ContractionTree, Step
from archsim.errors import GraphError, InputError, did_you_mean

FixedOrder = Literal["bidirectional", "right_to_left", "left_to_right"]
FIXED_ORDERS: tuple[FixedOrder, ...] = get_args(FixedOrder)
SearchedOrder = Literal["optimal", "shared_optimal", "greedy"]
SEARCHED_ORDERS: tuple[SearchedOrder, ...] = get_args(SearchedOrder)
ORDERS: tuple[FixedOrder | SearchedOrder, ...] = (*FIXED_ORDERS, *SEARCHED_ORDERS)


@lru_cache(maxsize=1024)
def fixed_order(network: TensorNetwork, activation: int, order: str) -> ContractionTree:
    """Return the contraction tree of a named order.

    ``right_to_left``: the activation meets the cores from their input end to their output
    end; where cores carry both kinds of modes, the last core first.
    ``left_to_right``: the activation meets the input cores from the middle outwards, then
    the output cores from the middle outwards; where cores carry both, the first core first.
    ``bidirectional``: input and output cores are contracted among themselves, each half
    from its far end towards the middle; the activation meets one half, then the other.
    ``optimal`` and ``shared_optimal``: fewest multiply-accumulates; they differ in the
    gradients only. ``greedy``: step by step, what shrinks the tensors held the most. Equal
    networks are searched once.

    Source: Tian et al., "Ultra memory-efficient on-FPGA training of transformers via
    tensor-compressed optimization" (2025), bi-directional contraction.

    Raises:
        InputError: for an order that is not one of these, or too many tensors to search.
        GraphError: if the order is bidirectional and a core carries modes of both kinds.
    """
    if not 0 <= activation < len(network.inputs):
        raise GraphError(f"no tensor {activation} among {len(network.inputs)} to be the activation")
    layer = _Layer(network, activation)
    match order:
        case "right_to_left":
            return _chain(network, [activation, *layer.right_to_left])
        case "left_to_right":
            return _chain(network, [activation, *layer.left_to_right])
        case "bidirectional":
            return _two_sided(network, activation, *halves(network, activation))
        case "optimal" | "shared_optimal":
            apart = needs_outer_products(network.inputs)
            return search(network, outer_products=apart, hyperedges=True)
        case "greedy":
            return greedy(network)
    raise InputError(f"no order named {order!r}; {did_you_mean(order, ORDERS)}")


def halves(network: TensorNetwork, activation: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the input half and the output half of the cores.

    Each half runs from the input end to the output end: the last of the input half and
    the first of the output half lie in the middle.

    Raises:
        GraphError: if a core carries both input and output modes.
    """
    layer = _Layer(network, activation)
    for core in layer.cores:
        if core in layer.input_cores and core in layer.output_cores:
            raise GraphError(
                f"bidirectional order: core {core} ({' '.join(network.inputs[core])}) carries "
                "input and output modes, so the cores have no two halves; "
                "choose right_to_left or left_to_right"
            )
    inward = layer.cores if layer.inputs_first else layer.cores[::-1]
    side = layer.sides
    left = _connected(network, [core for core in inward if side[core] == "input"])
    right = _connected(network, [core for core in inward[::-1] if side[core] == "output"])
    return tuple(left), tuple(right[::-1])


@dataclass(frozen=True)
class _Layer:
    """What the orders need to know of a network with one activation."""

    network: TensorNetwork
    activation: int

    @property
    def cores(self) -> list[int]:
        return [n for n in range(len(self.network.inputs)) if n != self.activation]

    def _with(self, modes: set[str]) -> frozenset[int]:
        return frozenset(n for n in self.cores if modes & set(self.network.inputs[n]))

    @cached_property
    def input_cores(self) -> frozenset[int]:
        """Cores with an input mode."""
        return self._with(set(self.network.inputs[self.activation]) - set(self.network.output))

    @cached_property
    def output_cores(self) -> frozenset[int]:
        """Cores with an output mode."""
        return self._with(set(self.network.output) - set(self.network.inputs[self.activation]))

    @property
    def inputs_first(self) -> bool:
        if not self.input_cores or not self.output_cores or self.input_cores & self.output_cores:
            return False
        return fmean(self.input_cores) < fmean(self.output_cores)

    @cached_property
    def sides(self) -> dict[int, str]:
        """``"input"`` or ``"output"`` per core.

        A core without modes joins the half that it touches in the fewest steps; one as
        close to both, or to neither, joins the input half.
        """
        found = dict.fromkeys(self.input_cores, "input") | dict.fromkeys(
            self.output_cores, "output"
        )
        while waiting := [core for core in self.cores if core not in found]:
            touched = {core: self._touched(core, found) for core in waiting}
            reached = {core: min(sides) for core, sides in touched.items() if sides}
            found |= reached or dict.fromkeys(waiting, "input")
        return found

    def _touched(self, core: int, sides: dict[int, str]) -> set[str]:
        indices = set(self.network.inputs[core])
        return {side for n, side in sides.items() if indices & set(self.network.inputs[n])}

    @property
    def right_to_left(self) -> list[int]:
        return self.cores if self.inputs_first else self.cores[::-1]

    @property
    def left_to_right(self) -> list[int]:
        if self.input_cores & self.output_cores:
            return self.cores
        outward = self.cores[::-1] if self.inputs_first else self.cores
        inputs = [core for core in outward if self.sides[core] == "input"]
        return inputs + [core for core in outward[::-1] if self.sides[core] == "output"]


def _connected(network: TensorNetwork, cores: Sequence[int]) -> list[int]:
    """Reorder cores so that each touches those before it, where one can."""
    waiting, found, touched = list(cores), [], set[str]()
    while waiting:
        choice = min(waiting, key=lambda core: not touched & set(network.inputs[core]))
        waiting.remove(choice)
        found.append(choice)
        touched.update(network.inputs[choice])
    return found


def chain_steps(order: Sequence[int], made: int) -> list[Step]:
    """Return the steps that contract tensors one after the other; ``made`` is the next number."""
    steps: list[Step] = []
    current = order[0]
    for tensor in order[1:]:
        steps.append((current, tensor))
        current = made
        made += 1
    return steps


def _chain(network: TensorNetwork, order: Sequence[int]) -> ContractionTree:
    return ContractionTree(network, chain_steps(order, len(network.inputs)))


def _two_sided(
    network: TensorNetwork, activation: int, left: Iterable[int], right: Iterable[int]
) -> ContractionTree:
    made, steps, meeting = len(network.inputs), list[Step](), [activation]
    for half in (list(left), list(right)[::-1]):
        if half:
            steps += chain_steps(half, made + len(steps))
            meeting.append(made + len(steps) - 1 if len(half) > 1 else half[0])
    return ContractionTree(network, steps + chain_steps(meeting, made + len(steps)))
