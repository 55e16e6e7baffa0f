"""execute: inputs are checked, tensors returned, formats applied where asked."""

import numpy as np
import pytest

import archsim
from archsim import formats
from archsim.errors import GraphError
from archsim.ir import GraphBuilder, OperationGraph, Phase


@pytest.fixture
def chain(copy):
    return OperationGraph([copy("1", "w", "x"), copy("2", "x", "y")], name="chain")


def test_every_tensor_is_returned_by_name(chain):
    results = archsim.execute(chain, {"w": [1, 2, 3, 4]})

    assert set(results) == {"w", "x", "y"}
    assert results["y"].tolist() == [1, 2, 3, 4]
    assert results["y"].dtype == np.float64


def test_only_the_tensors_to_keep_are_returned(chain):
    assert set(archsim.execute(chain, {"w": np.zeros(4)}, keep=["x"])) == {"x"}
    assert set(archsim.execute(chain, {"w": np.zeros(4)}, keep=["y", "w"])) == {"y", "w"}


@pytest.mark.parametrize(
    ("inputs", "keep", "message"),
    [
        ({}, None, "chain needs an input 'w'; its inputs are w"),
        ({"w": np.zeros(4), "v": 1}, None, "chain has no input 'v'; known: w"),
        ({"w": np.zeros(5)}, None, r"input 'w' has shape \(5,\), expected \(4,\)"),
        ({"w": np.zeros(4)}, ["z"], "chain has no tensor 'z'"),
    ],
)
def test_wrong_inputs_are_refused(chain, inputs, keep, message):
    with pytest.raises(GraphError, match=message):
        archsim.execute(chain, inputs, keep=keep)


def test_overwriting_changes_no_array_of_the_caller(copy):
    graph = OperationGraph([copy("update", "w", "w2", overwrites="w"), copy("read", "w", "y")])
    w = np.arange(4.0)

    results = archsim.execute(graph, {"w": w})

    assert results["y"].tolist() == w.tolist() == [0, 1, 2, 3]


def test_each_tensor_is_rounded_as_it_is_made():
    """bf16 holds 8 bits: 1 + 1/256 rounds to 1, and so does its double's half of a step."""
    builder = GraphBuilder("round", {"i": 2}, formats.parse("bf16"))
    x = builder.tensor("x", (2,))
    y = builder.elementwise("y", Phase.FORWARD, "i -> i", "a + 0.00390625", x)
    builder.elementwise("z", Phase.FORWARD, "i -> i", "a + 0.00390625", y)
    graph = builder.graph()

    exact = archsim.execute(graph, {"x": [1, 1.00390625]})
    rounded = archsim.execute(graph, {"x": [1, 1.00390625]}, round_to_format=True)

    assert exact["z"].tolist() == [1.0078125, 1.01171875]
    assert rounded["x"].tolist() == rounded["z"].tolist() == [1, 1]
