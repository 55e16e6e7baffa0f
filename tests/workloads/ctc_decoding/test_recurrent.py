"""Recurrent layers as graphs over time steps, against a loop over gates and PyTorch's layers."""

import numpy as np
import pytest

from archsim import formats
from archsim.ir import GraphBuilder, Role, execute
from workloads.ctc_decoding.recurrent import (
    BIASES,
    GATES,
    STATES,
    bidirectional_layer,
    cell_functions,
)

STEPS, FEATURES, HIDDEN = 5, 3, 4


def layer_graph(cell, steps=STEPS):
    builder = GraphBuilder("layer", {}, formats.parse("fp32"))
    x = builder.tensor("x", (steps, FEATURES), Role.DATA)
    builder.output(bidirectional_layer(builder, "rnn", cell, x, steps, HIDDEN))
    return builder.graph()


def values_of(graph, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=graph.tensors[name].shape) for name in graph.inputs}


def outputs_of(graph, values):
    last = graph.operations[-1].output.name
    return execute(graph, values, keep=[last])[last]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lived(cell, values):
    """One direction after the other, gate by gate, as the papers write them."""
    found = np.zeros((STEPS, 2, HIDDEN))
    for direction, order in enumerate([range(STEPS), reversed(range(STEPS))]):
        gates = range(GATES[cell])
        width = GATES[cell] * HIDDEN
        weights = values["rnn.weight"][:, direction * width : (direction + 1) * width]
        w = [weights[:, g * HIDDEN : (g + 1) * HIDDEN] for g in gates]
        u = [values["rnn.recurrent"][direction][:, g * HIDDEN : (g + 1) * HIDDEN] for g in gates]
        b = values["rnn.bias"][direction]
        h = values["rnn.h"][direction]
        c = values["rnn.c"][direction] if cell == "lstm" else None
        for t in order:
            x = values["x"][t]
            if cell == "gru":
                r = sigmoid(x @ w[0] + h @ u[0] + b[0])
                z = sigmoid(x @ w[1] + h @ u[1] + b[1])
                n = np.tanh(x @ w[2] + b[2] + r * (h @ u[2] + b[3]))
                h = (1 - z) * n + z * h
            else:
                i, f, o = (sigmoid(x @ w[g] + h @ u[g] + b[g]) for g in (0, 1, 3))
                c = f * c + i * np.tanh(x @ w[2] + h @ u[2] + b[2])
                h = o * np.tanh(c)
            found[t, direction] = h
    return found


@pytest.mark.parametrize("cell", list(GATES))
def test_a_layer_is_what_a_loop_over_time_makes_of_it(cell):
    graph = layer_graph(cell)
    values = values_of(graph)

    outputs = outputs_of(graph, values)

    np.testing.assert_allclose(outputs, lived(cell, values), rtol=1e-12, atol=1e-14)


@pytest.mark.reference
@pytest.mark.parametrize("cell", list(GATES))
def test_a_layer_is_pytorchs(cell):
    torch = pytest.importorskip("torch")
    kind = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    layer = kind(FEATURES, HIDDEN, bidirectional=True).double()
    graph, width = layer_graph(cell), GATES[cell] * HIDDEN
    values = values_of(graph)
    with torch.no_grad():
        for direction, suffix in enumerate(["", "_reverse"]):
            ways = values["rnn.weight"][:, direction * width : (direction + 1) * width].T
            bias = values["rnn.bias"][direction]
            behind = np.zeros(width)
            if cell == "gru":  # its fourth bias lies behind the product that the reset gate scales
                behind[2 * HIDDEN :] = bias[3]
            before = bias[: GATES[cell]].ravel()
            for name, value in {
                "weight_ih": ways,
                "weight_hh": values["rnn.recurrent"][direction].T,
                "bias_ih": before,
                "bias_hh": behind,
            }.items():
                getattr(layer, f"{name}_l0{suffix}").copy_(torch.tensor(value))
        states = [torch.tensor(values[f"rnn.{state}"]) for state in STATES[cell]]
        given = states[0] if cell == "gru" else tuple(states)
        wanted, _ = layer(torch.tensor(values["x"]), given)

    outputs = outputs_of(graph, values).reshape(STEPS, 2 * HIDDEN)

    np.testing.assert_allclose(outputs, wanted.numpy(), rtol=1e-9, atol=1e-12)


def test_the_inputs_part_is_one_product_and_the_states_part_one_for_each_step():
    graph = layer_graph("gru")

    products = [operation for operation in graph.operations if operation.macs]

    assert [product.macs for product in products] == [
        STEPS * FEATURES * 2 * 3 * HIDDEN,
        *[2 * HIDDEN * 3 * HIDDEN] * STEPS,
    ]


def test_a_cell_costs_the_functions_of_its_formulas():
    assert cell_functions("gru") == {"add": 13, "multiply": 2, "divide": 2, "exp": 2, "tanh": 1}
    assert cell_functions("lstm") == {"add": 15, "multiply": 3, "divide": 3, "exp": 3, "tanh": 2}


@pytest.mark.parametrize("cell", list(GATES))
def test_cells_of_all_steps_but_the_first_are_alike(cell):
    """Of the first one there are no outputs yet; all others are mapped once."""
    cells = [one for one in layer_graph(cell).operations if one.kind == "elementwise"]

    later = {(one.space, tuple(a.elements(one.space) for a in one.reads)) for one in cells[1:]}

    states, gates = len(STATES[cell]), GATES[cell]
    units = 2 * HIDDEN
    reads = (gates * units, gates * units, BIASES * units, *[units] * states, units)
    assert later == {(cells[0].space, reads)}
    assert len(cells) == STEPS


def test_each_step_writes_its_rows_over_the_layers_outputs():
    cells = [one for one in layer_graph("gru").operations if one.kind == "elementwise"]

    assert [one.overwrites for one in cells] == ["", *(one.output.name for one in cells[:-1])]
    assert sum(access.elements(cells[1].space) for access in cells[1].writes) == 2 * 2 * HIDDEN
