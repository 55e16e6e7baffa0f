"""Arrange: what it computes, what it moves, what it refuses."""

import pytest

from archsim.errors import GraphError
from archsim.ir import Arrange, OperationGraph, Phase, TensorSpec, execute


def arranged(shape, picks, signs=(), rows=2, result=None, second=None):
    inputs = [TensorSpec("A", shape)] + ([TensorSpec("B", second)] if second else [])
    output = TensorSpec("C", result or (rows, len(picks)))
    return Arrange(
        name="C",
        phase=Phase.INFERENCE,
        inputs=tuple(inputs),
        outputs=(output,),
        rows=rows,
        picks=picks,
        signs=signs,
    )


def test_it_picks_repeats_leaves_out_and_negates():
    graph = OperationGraph([arranged((2, 3), (2, 0, 0), (1, 1, -1))])

    made = execute(graph, {"A": [[1, 2, 3], [4, 5, 6]]})["C"]

    assert made.tolist() == [[3, 1, -1], [6, 4, -4]]


def test_inputs_lie_behind_one_another_in_a_row():
    graph = OperationGraph([arranged((2, 2), (3, 0), second=(2, 1, 2), result=(2, 1, 2))])

    made = execute(graph, {"A": [[1, 2], [3, 4]], "B": [[[5, 6]], [[7, 8]]]})["C"]

    assert made.tolist() == [[[6, 1]], [[8, 3]]]


def test_it_reads_whole_rows_and_moves_what_it_writes():
    operation = arranged((2, 3), (1, 1, 1, 1))

    space = operation.space

    assert dict(operation.functions) == {"move": 1}
    assert space.points == 8
    assert operation.macs == 0
    assert [access.elements(space) for access in (*operation.reads, *operation.writes)] == [6, 8]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": (3, 1), "picks": (0,)}, r"A \(3, 1\) has no 2 equal rows"),
        ({"shape": (2, 3), "picks": (3,)}, r"picks must be in \[0, 3\)"),
        ({"shape": (2, 3), "picks": (-1,)}, r"picks must be in \[0, 3\)"),
        ({"shape": (2, 3), "picks": (0,), "result": (2, 2)}, "2 rows of 1 picks do not make"),
        ({"shape": (2, 3), "picks": (0,), "signs": (2,)}, "signs must be 1 or -1"),
        ({"shape": (2, 3), "picks": (0, 1), "signs": (1,)}, "one for each pick"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(GraphError, match=f"operation 'C' .permute.: .*{message}"):
        arranged(**fields)
