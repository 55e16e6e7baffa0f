"""TensorNetwork and ContractionTree: what is refused, and what a tree costs."""

import pytest

from archsim.contraction import ContractionTree, TensorNetwork, open_indices
from archsim.errors import GraphError

SIZES = {"b": 32, "i": 6, "r": 3, "o": 5, "d": 7}
LAYER = TensorNetwork([("b", "i"), ("i", "r"), ("r", "o")], ("b", "o"), SIZES)


@pytest.mark.parametrize(
    ("inputs", "output", "sizes", "message"),
    [
        ([], (), {}, "at least one tensor"),
        ([("i", "j")], ("i",), {"i": 2}, r"tensor 0 \(i j\): index 'j' has no size"),
        ([("i",)], ("o",), {"i": 2, "o": 2}, "output index 'o' stands in no tensor"),
        ([("i",)], ("o",), {"i": 2}, r"the output \(o\): index 'o' has no size"),
        ([("i", "i")], ("i",), {"i": 2}, "index 'i' stands twice"),
        ([("i",)], ("i", "i"), {"i": 2}, r"the output \(i i\): index 'i' stands twice"),
        ([("i",)], ("i",), {"i": 0}, "'i' must have a size >= 1, got 0"),
        ([("i",), (7,)], ("i",), {"i": 2, 7: 3}, "tensor 1 .* 7 is not a name"),
        ([("i",), ("a b",)], ("i",), {"i": 2, "a b": 3}, "tensor 1 .* not a name"),
        ([("i",), ("",)], ("i",), {"i": 2, "": 3}, "tensor 1 .* not a name"),
    ],
)
def test_a_malformed_network_is_refused_by_name(inputs, output, sizes, message):
    with pytest.raises(GraphError, match=message):
        TensorNetwork(inputs, output, sizes)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([(0, 1)], r"leave the tensors \[2, 3\] apart"),
        ([(0, 0), (1, 2)], r"step 0 contracts \(0, 0\)"),
        ([(0, 1), (1, 2)], r"step 1 contracts \(1, 2\), present are \[2, 3\]"),
        ([(0, 4), (1, 2)], r"step 0 contracts \(0, 4\)"),
        ([(0, 1), (2, 3), (4, 4)], r"step 2 contracts \(4, 4\)"),
    ],
)
def test_a_malformed_tree_is_refused_by_step(steps, message):
    with pytest.raises(GraphError, match=message):
        ContractionTree(LAYER, steps)


def test_macs_are_the_extents_each_step_meets():
    activation_first = ContractionTree(LAYER, [(0, 1), (3, 2)])
    weight_first = ContractionTree(LAYER, [(1, 2), (0, 3)])

    assert activation_first.macs == 32 * 6 * 3 + 32 * 3 * 5
    assert weight_first.macs == 6 * 3 * 5 + 32 * 6 * 5


def test_the_peak_is_the_largest_intermediate_without_inputs_and_result():
    assert ContractionTree(LAYER, [(0, 1), (3, 2)]).peak_elements == 32 * 3
    assert ContractionTree(LAYER, [(1, 2), (0, 3)]).peak_elements == 6 * 5
    assert ContractionTree(TensorNetwork([("i",)], ("i",), SIZES), []).peak_elements == 0


def test_an_index_stays_while_a_later_tensor_has_it():
    """r joins three tensors: it outlives the first step, though both sides have it."""
    network = TensorNetwork([("b", "r"), ("r", "i"), ("r", "o")], ("b", "i", "o"), SIZES)

    tree = ContractionTree(network, [(0, 1), (3, 2)])

    assert set(tree.indices[3]) == {"b", "r", "i"}
    assert tree.macs == 32 * 3 * 6 + 32 * 3 * 6 * 5


def test_an_index_of_one_tensor_costs_no_multiplication():
    """d is summed inside its tensor before anything is contracted."""
    network = TensorNetwork([("b", "i"), ("i", "d", "o")], ("b", "o"), SIZES)

    assert ContractionTree(network, [(0, 1)]).macs == 32 * 6 * 5


def test_open_indices_join_the_members_to_the_rest():
    terms = (("b", "i"), ("i", "r"), ("r", "o"), ("b", "o"))

    assert open_indices(terms, [0, 1]) == ("b", "r")
    assert open_indices(terms, [1, 2]) == ("i", "o")
    assert open_indices(terms, range(4)) == ()
