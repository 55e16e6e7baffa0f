"""Fused: it computes its graph, counts it, and moves only what enters and leaves."""

import numpy as np
import pytest

from archsim import formats
from archsim.errors import GraphError
from archsim.ir import Fused, GraphBuilder, OperationGraph, Phase, execute
from archsim.ir.fused import summed

SIZES = {"e": 3, "t": 5, "s": 2}
FP32 = formats.parse("fp32")


def parts():
    """``out[t] = sum over e of w[e]^2 sum over s of cos(l[e, s] t)``."""
    b = GraphBuilder("inner", SIZES, FP32)
    lines, delays, weight = b.tensor("l", (3, 2)), b.tensor("d", (5,)), b.tensor("w", (3,))
    phases = b.elementwise("p", Phase.INFERENCE, "e s, t -> e s t", "cos(a * b)", lines, delays)
    summed = b.reduce("q", Phase.INFERENCE, "e s t -> e t", phases)
    squared = b.elementwise("v", Phase.INFERENCE, "e -> e", "a * a", weight)
    out = b.contract("out", Phase.INFERENCE, "e, e t -> t", squared, summed)
    return b.graph(), (lines, delays, weight), out


def fused(**fields):
    graph, inputs, out = parts()
    given = {
        "name": "kernel",
        "phase": Phase.INFERENCE,
        "inputs": inputs,
        "outputs": (out,),
        "equation": "e s, t, e -> t",
        "sizes": SIZES,
        "graph": graph,
        "kept": ("t",),
        "summed": ("e",),
    }
    return Fused(**{**given, **fields})


def test_it_computes_what_its_graph_computes():
    random = np.random.default_rng(1)
    graph, inputs, _ = parts()
    values = {tensor.name: random.standard_normal(tensor.shape) for tensor in inputs}

    alone = execute(OperationGraph([fused()]), values)

    assert alone.keys() == {*values, "out"}
    np.testing.assert_array_equal(alone["out"], execute(graph, values)["out"])


def test_it_counts_all_that_runs_at_a_point_and_a_product_as_two():
    operation = fused()

    # Two lines s a point: cos, multiply, add each; then a multiply and an add; and three
    # squares of weights over all 15 points, rounded up.
    assert dict(operation.functions) == {"cos": 2, "multiply": 4, "add": 3}
    assert operation.space.points == 15
    assert operation.macs == 0
    assert operation.number_format == FP32


def test_what_is_not_on_the_grid_is_worked_through_at_each_point():
    operation = fused(summed=())

    assert operation.space.points == 5
    assert dict(operation.functions) == {"cos": 6, "multiply": 10, "add": 9}


def test_it_reads_its_inputs_and_writes_its_output():
    operation = fused()
    space = operation.space

    assert [read.elements(space) for read in operation.reads] == [6, 5, 3]
    assert [read.axes for read in operation.reads] == [("k",), ("m",), ("k",)]
    assert [write.elements(space) for write in operation.writes] == [5]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inputs": parts()[1][:2], "equation": "e s, t -> t"}, "are not the graph's"),
        ({"outputs": (parts()[1][1],)}, "the graph makes"),
        ({"kept": ("e",)}, "must have all of kept"),
        ({"summed": ("t",)}, "none of summed"),
        ({"summed": ("e", "s")}, "'e' has some but not all of 'e s'"),
        ({"equation": "e s, t -> t"}, "3 inputs for"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(GraphError, match=f"operation 'kernel' .reduction.: .*{message}"):
        fused(**fields)


def test_a_formula_is_summed_without_being_stored():
    """sum over p of ((a - b) c)^2, for each c: subtract, multiply, square and add at a point."""
    b = GraphBuilder("sums", {"p": 4, "c": 3}, FP32)
    x, mean = b.tensor("x", (4, 3)), b.tensor("mean", (3,))
    total = summed(b, "s", Phase.INFERENCE, "p c, c -> c", ("(a - b) * 2", "a * a"), x, mean)
    values = np.arange(12.0).reshape(4, 3)

    graph = b.graph()
    found = execute(graph, {"x": values, "mean": [1, 2, 3]})

    np.testing.assert_allclose(found["s"], (4 * (values - [1, 2, 3]) ** 2).sum(axis=0))
    (operation,) = graph.operations
    assert operation.functions == {"add": 2, "multiply": 2}
    assert (operation.space.m, operation.space.k) == (3, 4)
    assert total.shape == (3,)
    assert list(graph.tensors) == ["x", "mean", "s"]
