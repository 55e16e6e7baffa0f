"""OperationGraph: edges come from tensor names; what contradicts itself is refused."""

import pytest

from archsim import formats
from archsim.errors import GraphError
from archsim.ir import OperationGraph, TensorSpec


def names(graph):
    return [operation.name for operation in graph.operations]


def test_operations_stand_in_topological_order_whatever_order_they_came_in(copy):
    graph = OperationGraph([copy("3", "y", "z"), copy("1", "w", "x"), copy("2", "x", "y")])

    assert names(graph) == ["1", "2", "3"]
    assert graph.inputs == ("w",)
    assert graph.outputs == ("z",)
    assert graph.predecessors("3") == ("2",)
    assert graph.producer("y") is graph["2"]
    assert graph.producer("w") is None
    assert graph.consumers("y") == (graph["3"],)


def test_independent_operations_keep_their_order(copy):
    listed = [copy(name, "x", f"y{name}") for name in ("d", "a", "c", "b")]

    assert names(OperationGraph(listed)) == ["d", "a", "c", "b"]


def test_an_overwriter_waits_for_every_other_reader(copy):
    graph = OperationGraph([copy("update", "w", "w2", overwrites="w"), copy("read", "w", "y")])

    assert names(graph) == ["read", "update"]
    assert graph.predecessors("update") == ("read",)


def test_declared_outputs_come_first_and_unread_tensors_are_added(copy):
    graph = OperationGraph(
        [copy("1", "w", "x"), copy("2", "x", "y"), copy("3", "x", "z")], outputs=["x", "z"]
    )

    assert graph.outputs == ("x", "z", "y")


def test_the_networkx_view_is_read_only(copy):
    view = OperationGraph([copy("1", "w", "x"), copy("2", "x", "y")]).networkx

    assert list(view.edges) == [("1", "2")]
    with pytest.raises(Exception, match=r"[Ff]rozen"):
        view.add_edge("2", "1")


@pytest.mark.parametrize(
    ("rows", "outputs", "message"),
    [
        ([], (), "needs at least one operation"),
        ([("1", "w", "x"), ("1", "x", "y")], (), "two operations are called '1'"),
        ([("1", "w", "x"), ("2", "w", "x")], (), "'2' .* tensor 'x' is already made by '1'"),
        ([("1", "x", "y"), ("2", "y", "x")], (), "wait for each other: 1 -> 2"),
        (
            [("1", "z", "x"), ("2", "x", "y"), ("3", "y", "z")],
            (),
            "wait for each other: (1 -> 2 -> 3|2 -> 3 -> 1|3 -> 1 -> 2)",
        ),
        ([("1", "x", "x")], (), "wait for each other: 1$"),
        ([("1", "w", "x")], ("z",), "output 'z' is made by no operation"),
    ],
)
def test_a_malformed_graph_is_refused(copy, rows, outputs, message):
    operations = [copy(*row) for row in rows]

    with pytest.raises(GraphError, match=message):
        OperationGraph(operations, outputs=outputs)


def test_a_tensor_has_one_description(copy):
    operations = [copy("1", "w", "x"), copy("2", "x", "y", shape=(5,))]

    with pytest.raises(GraphError, match=r"'2' .*'x' is \(5,\) fp32 activation here, \(4,\)"):
        OperationGraph(operations)


def test_a_tensor_is_overwritten_once_by_a_reader_of_it(copy):
    twice = [copy("1", "w", "x", overwrites="w"), copy("2", "w", "y", overwrites="w")]

    with pytest.raises(GraphError, match="'w' is already overwritten by '1'"):
        OperationGraph(twice)
    with pytest.raises(GraphError, match="overwrites 'v', which it does not read"):
        OperationGraph([copy("1", "w", "x", overwrites="v")])


def test_overwriting_each_other_s_sources_is_a_cycle(copy):
    """Each must run after the other has read: no order does that."""
    crossed = [copy("1", "a", "x"), copy("2", "x", "b", overwrites="x"), copy("3", "b", "c")]
    graph = OperationGraph(crossed)
    assert names(graph) == ["1", "2", "3"]

    late_reader = [copy("1", "a", "b", overwrites="a"), copy("2", "b", "c"), copy("3", "a", "d")]
    assert names(OperationGraph(late_reader)) == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("", (1,)), "needs a name"), (("x", (2, 0)), r"x: every extent must be >= 1, got \(2, 0\)")],
)
def test_an_impossible_tensor_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorSpec(*arguments)


def test_bytes_are_rounded_up_to_whole_ones():
    odd = TensorSpec("x", (3,), formats.parse("int4"))

    assert odd.size_bits == 12
    assert odd.size_bytes == 2
    assert TensorSpec("x", ()).elements == 1
