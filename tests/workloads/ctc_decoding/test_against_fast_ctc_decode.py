"""beam_search against fast-ctc-decode, whose beam is the standard one without a cut threshold."""

import numpy as np
import pytest

from tests.workloads.ctc_decoding.oracles import random_log_probs
from workloads.ctc_decoding import beam_search

fast_ctc_decode = pytest.importorskip("fast_ctc_decode")
pytestmark = pytest.mark.reference
ALPHABET = "_abcdefghijklmnopqrstuvwxyz '"


@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("width", [4, 16, 64])
def test_the_best_labelling_is_the_same(width, spread):
    """It computes in float32, so labellings that lie closer than that are not compared."""
    compared = 0
    for seed in range(8):
        log_probs = random_log_probs(seed, 60, len(ALPHABET), spread)
        (labels, best), (_, second), *_ = beam_search(log_probs, width)
        if best - second < 1e-3:
            continue
        compared += 1

        sequence, _ = fast_ctc_decode.beam_search(
            np.exp(log_probs).astype(np.float32), ALPHABET, width, 0.0
        )

        assert sequence == "".join(ALPHABET[label] for label in labels)
    assert compared >= 5
