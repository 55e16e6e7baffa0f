"""What is wrong is named: the value, the bound, what to do."""

import re

import numpy as np
import pytest

from tests.workloads.pca_llm.networks import decoder, states
from workloads.pca_llm import LanguageModel, allocate_ranks, head_pca, select_channels
from workloads.pca_llm.compression import compress
from workloads.pca_llm.importance import angular_importance
from workloads.pca_llm.network import Network

VALUES = np.ones((3, 2, 4))
HIDDEN = np.ones((3, 5))


def broken(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array)


def network():
    return decoder(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allocate_ranks([1, 2], 0), "ratio: must be in (0, 1], got 0"),
        (lambda: allocate_ranks([1, 2], 1.5), "ratio: must be in (0, 1], got 1.5"),
        (lambda: allocate_ranks([1, 2], float("nan")), "ratio: must be in (0, 1], got nan"),
        (lambda: allocate_ranks([1, -2], 0.5), "importance: must be >= 0, got -2.0 for layer 1"),
        (lambda: allocate_ranks([], 0.5), "importance: expected one number for each layer"),
        (lambda: allocate_ranks([1, np.nan], 0.5), "importance: 1 of 2 numbers are NaN"),
        (lambda: head_pca(VALUES, 0), "rank: must be in [1, 4], the features of a head, got 0"),
        (lambda: head_pca(VALUES, 5), "rank: must be in [1, 4], the features of a head, got 5"),
        (lambda: head_pca(VALUES[0], 1), "values: expected 3 dimensions, got shape (2, 4)"),
        (lambda: head_pca(broken(VALUES), 1), "values: 1 of 24 numbers are NaN or infinite"),
        (lambda: select_channels(HIDDEN, 0), "count: must be in [1, 5], the channels, got 0"),
        (lambda: select_channels(HIDDEN, 6), "count: must be in [1, 5], the channels, got 6"),
        (lambda: select_channels(broken(HIDDEN), 2), "hidden: 1 of 15 numbers are NaN"),
        (lambda: angular_importance(HIDDEN, broken(HIDDEN)), "after: 1 of 15 numbers are NaN"),
        (
            lambda: compress(network(), broken(states(np.random.default_rng(1), network())), 0.5),
            "states: 1 of 960 numbers are NaN or infinite",
        ),
        (
            lambda: compress(network(), np.ones((1, 2, 16)), 0.5, importance=[1.0]),
            "importance: 1 numbers for 2 layers",
        ),
        (
            lambda: compress(network(), np.ones((1, 2, 16)), 0.1, importance=[1, 1]),
            "layer 0: values: a share of 0.1 of 4 leaves rank 0; choose a larger ratio",
        ),
        (
            lambda: Network(blocks=network().blocks, heads=3, kv_heads=1),
            "heads: 3 heads do not divide the width 16",
        ),
        (
            lambda: Network(blocks=network().blocks, heads=4, kv_heads=3),
            "kv_heads: 3 heads of keys and values do not divide 4 heads of queries",
        ),
    ],
)
def test_the_algorithm_refuses(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "flat", "ratio": 0.0}, "ratio: must be in (0, 1], got 0.0"),
        ({"variant": "svd", "ratio": 1.2}, "ratio: must be in (0, 1], got 1.2"),
        ({"ratio": 0.8}, "ratio: the dense variant keeps everything, got 0.8"),
        (
            {"variant": "flat", "ratio": 0.1},
            "ratio: must be above 0.1658, the share of queries and keys",
        ),
        (
            {"variant": "flat", "ratio": 0.17},
            "layer 3: values: a share of 0.007489 of 128 leaves rank 0",
        ),
        ({"variant": "svd", "ratio": 1e-6}, "rank of 4096 x 4096: a share of"),
        ({"hidden": 4100}, "heads: 32 heads do not divide hidden 4100"),
        ({"kv_heads": 5}, "kv_heads: 5 heads of keys and values do not divide 32"),
        ({"hidden": 96}, "heads: rotary positions turn pairs of features, a head has 3"),
        ({"importance": (1.0,)}, "importance: 1 numbers for 32 layers"),
        ({"variant": "flat", "ratio": 0.8, "importance": (float("nan"),) * 32}, "importance: 32"),
        ({"variant": "flatt"}, "variant: 'flatt' is none of dense, flat, svd, slicegpt; did you"),
        ({"weight_format": "fp8_e4m3"}, "weight_format: scales need whole numbers, e.g. int8"),
        ({"weight_format": "int"}, "weight_format: no number format named 'int'"),
        ({"rank_multiple": 0}, "rank_multiple: must be in [1, 65536], got 0"),
    ],
)
def test_the_workload_refuses(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LanguageModel(**fields)
