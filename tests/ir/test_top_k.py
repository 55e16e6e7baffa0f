"""TopK: the largest numbers in order, and the comparisons of a heap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim import formats
from archsim.errors import GraphError
from archsim.ir import Phase, TensorSpec, Tile, TopK

FP32 = formats.parse("fp32")


def top_k(scores, kept):
    return TopK(
        name="top",
        phase=Phase.INFERENCE,
        inputs=(TensorSpec("scores", (scores,), FP32),),
        outputs=(TensorSpec("places", (kept,), formats.parse("uint8")),),
    )


@given(
    scores=st.lists(st.sampled_from([-np.inf, 0.0, 1.5, 2.0]), min_size=1, max_size=12),
    kept=st.integers(1, 12),
)
def test_the_best_come_first_and_of_equal_ones_the_first(scores, kept):
    kept = min(kept, len(scores))
    wanted = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:kept]

    (places,) = top_k(len(scores), kept).evaluate(np.array(scores))

    assert places.tolist() == wanted


@pytest.mark.parametrize(("kept", "levels"), [(1, 1), (3, 2), (4, 3), (100, 7), (127, 7), (128, 8)])
def test_each_score_is_compared_once_at_each_level_of_a_heap_of_the_survivors(kept, levels):
    operation = top_k(200, kept)

    assert operation.space == Tile(n=levels, k=200)
    assert operation.functions == {"maximum": 1}
    assert operation.number_format == FP32


def test_there_are_no_more_survivors_than_scores():
    with pytest.raises(GraphError, match=r"'top' \(reduction\): 3 scores have no 4 largest"):
        top_k(3, 4)
