"""Bidirectional recurrent layers, time step by time step: GRU and LSTM.

The input's part of all gates is one product for all steps. Then each step multiplies the state
of both directions with the recurrent weights, and a cell makes the next state of it: the
forward direction's of step t, the backward one's of step T - 1 - t. A layer's outputs are
(T, 2, hidden), of which each cell writes its two rows.

Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), in the
form of cuDNN and PyTorch, where the reset gate is applied behind the product; Hochreiter and
Schmidhuber, "Long short-term memory" (1997).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir import Access, GraphBuilder, Operation, Phase, Role, TensorSpec, Tile
from archsim.ir.expression import Expression
from archsim.ir.operation import Array
from archsim.ir.tile import Axis

CellKind = Literal["gru", "lstm"]

GATES: Mapping[CellKind, int] = MappingProxyType({"gru": 3, "lstm": 4})
"""Gates of a cell: reset, update, new; input, forget, cell, output."""

FORMULAS: Mapping[CellKind, Mapping[str, str]] = MappingProxyType(
    {
        "gru": {
            "r": "1 / (1 + exp(-(x0 + p0 + b0)))",
            "z": "1 / (1 + exp(-(x1 + p1 + b1)))",
            "n": "tanh(x2 + b2 + r * (p2 + b3))",
            "h": "n + z * (h - n)",
        },
        "lstm": {
            "i": "1 / (1 + exp(-(x0 + p0 + b0)))",
            "f": "1 / (1 + exp(-(x1 + p1 + b1)))",
            "g": "tanh(x2 + p2 + b2)",
            "o": "1 / (1 + exp(-(x3 + p3 + b3)))",
            "c": "f * c + i * g",
            "h": "o * tanh(c)",
        },
    }
)
"""A cell, in order: x and p are parts of gates that the input and the state make, b biases."""
BIASES = 4
"""Of each unit: of a GRU two in the new gate, before and behind the reset gate."""
STATES: Mapping[CellKind, tuple[str, ...]] = MappingProxyType({"gru": ("h",), "lstm": ("h", "c")})
"""What passes from step to step: the output first."""


@cache
def cell_functions(cell: CellKind) -> Mapping[str, int]:
    """Return how often each scalar function runs for a unit of a cell."""
    total: Counter[str] = Counter()
    for formula in FORMULAS[cell].values():
        total.update(Expression.parse(formula).functions)
    return MappingProxyType(dict(total))


@dataclass(frozen=True, kw_only=True)
class Cell(Operation):
    """One step of both directions' cells.

    Inputs are (input's part of the gates of all steps, the state's part, biases, states), and
    the layer's outputs so far but at the first step; outputs are (the layer's outputs, states).
    """

    kind: ClassVar[str] = "elementwise"

    cell: CellKind
    step: int

    @property
    def space(self) -> Tile:
        return Tile(m=self.outputs[1].elements)

    @property
    def cuts(self) -> tuple[Axis, ...]:
        return ("m",)

    @property
    def functions(self) -> Mapping[str, int]:
        return cell_functions(self.cell)

    @property
    def number_format(self) -> NumberFormat:
        return self.inputs[1].format

    @property
    def reads(self) -> tuple[Access, ...]:
        gates = GATES[self.cell]
        # Whoever writes two rows of the outputs holds these, no others.
        grains = [gates, gates, BIASES] + [1] * (len(self.inputs) - 3)
        return tuple(
            Access(tensor, ("m",), grain) for tensor, grain in zip(self.inputs, grains, strict=True)
        )

    @property
    def writes(self) -> tuple[Access, ...]:
        return tuple(Access(tensor, ("m",)) for tensor in self.outputs)

    def evaluate(self, *arrays: Array) -> tuple[Array, ...]:
        steps, _, hidden = self.output.shape
        gates, names = GATES[self.cell], STATES[self.cell]
        rows = (0, self.step), (1, steps - 1 - self.step)
        taken = arrays[0].reshape(steps, 2, gates, hidden)
        values = {}
        for gate in range(gates):
            values[f"x{gate}"] = taken[[row for _, row in rows], [0, 1], gate]
            values[f"p{gate}"] = arrays[1].reshape(2, gates, hidden)[:, gate]
        values |= {f"b{n}": arrays[2].reshape(2, BIASES, hidden)[:, n] for n in range(BIASES)}
        values |= dict(zip(names, arrays[3:], strict=False))
        for name, formula in FORMULAS[self.cell].items():
            values[name] = Expression.parse(formula).evaluate(values)
        earlier = arrays[3 + len(names) :]
        outputs = earlier[0].copy() if earlier else np.zeros(self.output.shape)
        for direction, row in rows:
            outputs[row, direction] = values["h"][direction]
        return outputs, *(values[name] for name in names)


def bidirectional_layer(
    builder: GraphBuilder, name: str, cell: CellKind, x: TensorSpec, steps: int, hidden: int
) -> TensorSpec:
    """Append a layer over ``steps`` rows of x; return its outputs, (steps, 2, hidden).

    Inputs of the graph that it adds are ``<name>.weight``, ``.recurrent``, ``.bias``, and
    ``.h`` (and ``.c``), the states before the first step.
    """
    gates, features = GATES[cell], x.elements // steps
    width = gates * hidden
    build = builder.sized(t=steps, i=features, n=2 * width, d=2, h=hidden, g=width)
    phase = Phase.INFERENCE
    weight = build.tensor(f"{name}.weight", (features, 2 * width), Role.PARAMETER)
    recurrent = build.tensor(f"{name}.recurrent", (2, hidden, width), Role.PARAMETER)
    bias = build.tensor(f"{name}.bias", (2, BIASES, hidden), Role.PARAMETER)
    taken = build.contract(f"{name}.input", phase, "t i, i n -> t n", x, weight)
    states = tuple(build.tensor(f"{name}.{s}", (2, hidden), Role.DATA) for s in STATES[cell])
    outputs: TensorSpec | None = None
    for step in range(steps):
        here = f"{name}.step{step}"
        part = build.contract(f"{here}.product", phase, "d h, d h g -> d g", states[0], recurrent)
        earlier = () if outputs is None else (outputs,)
        made = build.tensor(f"{here}.outputs", (steps, 2, hidden))
        after = tuple(build.tensor(f"{here}.{s}", (2, hidden)) for s in STATES[cell])
        outputs = build.add(
            Cell(
                name=here,
                phase=phase,
                inputs=(taken, part, bias, *states, *earlier),
                outputs=(made, *after),
                overwrites="" if not earlier else earlier[0].name,
                cell=cell,
                step=step,
            )
        )
        states = after
    assert outputs is not None, "a layer has a step at least"
    return outputs
