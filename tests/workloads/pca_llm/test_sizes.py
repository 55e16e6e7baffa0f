"""Real models: their parameters, what is kept of them, and the caches that go with it."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from archsim.config import build_registered, load
from archsim.ir import WORKLOADS, Role
from archsim.registry import load_plugins
from tests.test_configs import CONFIGS
from tests.workloads.pca_llm.test_published_values import FOLDER
from workloads.pca_llm import LanguageModel
from workloads.pca_llm.ranks import inner_ratio

load_plugins()
RATIOS = (0.9, 0.8, 0.7, 0.6, 0.5)
KEPT = (0.8997, 0.7993, 0.6994, 0.5993, 0.4993)
"""Of Llama-2-7B's matrices, where ranks are rounded down."""


def dense(name):
    document = load(CONFIGS / "workloads" / f"{name}_flat.yaml", {"variant": "dense", "ratio": 1.0})
    return build_registered(WORKLOADS, document.root)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("llama2_7b", 6_738_415_616),
        ("llama2_13b", 13_015_864_320),
        ("llama2_70b", 68_976_648_192),
        ("llama3_8b", 8_030_261_248),
        ("mistral_7b", 7_241_732_096),
    ],
)
def test_a_model_has_as_many_parameters_as_were_published(name, parameters):
    assert dense(name).parameter_count == parameters


def test_kept_parameters_are_those_of_the_paper():
    kept = [LanguageModel(variant="flat", ratio=ratio).kept_parameters for ratio in RATIOS]

    assert_allclose(kept, KEPT, atol=5e-4)


@pytest.mark.parametrize("variant", ["flat", "svd", "slicegpt"])
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_variant_keeps_the_same(variant, ratio):
    kept = LanguageModel(variant=variant, ratio=ratio).kept_parameters

    assert ratio - 1e-3 <= kept <= ratio


@pytest.mark.skipif(FOLDER is None, reason="no shared/refdata beside the project")
def test_with_the_published_importance_kept_parameters_are_the_papers():
    models = json.loads((FOLDER / "iprs_official.json").read_text())["models"]
    importance = tuple(models["llama-2-7b"]["bi_score"])

    kept = [
        LanguageModel(variant="flat", ratio=ratio, importance=importance).kept_parameters
        for ratio in RATIOS
    ]

    assert np.round(kept, 4).tolist() == list(KEPT)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama2_7b", (0.8801, 0.7602, 0.6404, 0.5205, 0.4006)),
        ("llama3_8b", (0.8894, 0.7787, 0.6681, 0.5574, 0.4468)),
        ("mistral_7b", (0.8894, 0.7787, 0.6681, 0.5574, 0.4468)),
    ],
)
def test_what_is_compressed_makes_up_for_queries_and_keys(name, expected):
    sides = dense(name).sides

    assert_allclose([inner_ratio(sides, ratio) for ratio in RATIOS], expected, atol=5e-5)


def test_weights_and_cache_shrink_as_published_by_arithmetic():
    def gigabytes(**fields):
        model = LanguageModel(batch=128, sequence=256, **fields)
        return (model.parameter_bytes + model.cache_bytes) / 1e9

    whole = gigabytes()
    saved = [100 - 100 * gigabytes(variant="flat", ratio=r) / whole for r in RATIOS]

    assert whole == pytest.approx(30.66, abs=0.01)
    assert_allclose(saved, (7.6, 15.3, 22.9, 30.5, 38.1), atol=0.1)


def test_a_multiple_is_kept_by_every_compressed_width():
    flat = LanguageModel(variant="flat", ratio=0.7, rank_multiple=16)
    thin = LanguageModel(variant="svd", ratio=0.7, rank_multiple=64)

    assert all(value % 16 == 0 and wide % 16 == 0 for value, wide in flat.widths)
    assert thin.factor_rank(4096, 11008) % 64 == 0
    assert LanguageModel(variant="slicegpt", ratio=0.7, rank_multiple=64).width % 64 == 0
    assert flat.kept_parameters == pytest.approx(0.7, abs=0.01)


def test_the_cache_of_values_shrinks_with_the_rank_and_that_of_keys_does_not():
    graph = LanguageModel(
        variant="flat", ratio=0.5, step="decode", layers=2, batch=3, sequence=7
    ).lower()

    held = {n: graph.tensors[n] for n in graph.inputs if graph.tensors[n].role is Role.CACHE}

    # 0.4006 of 128, in both of two layers alike
    assert held["layer0.cache.values"].shape == (3 * 32 * 7, 51)
    assert held["layer0.cache.keys"].shape == (3 * 32 * 7, 128)
    assert len(held) == 4
