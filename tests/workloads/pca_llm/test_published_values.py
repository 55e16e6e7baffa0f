"""Values of the authors' implementation and their published ranks, where they are at hand.

The files lie beside the project and are no part of it.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from workloads.pca_llm import allocate_ranks, head_pca, select_channels
from workloads.pca_llm.channels import leverage_scores
from workloads.pca_llm.head_pca import absorb_in_projection, absorb_in_value
from workloads.pca_llm.importance import angular_importance

FOLDER = next(
    (
        p / "shared" / "refdata" / "flat"
        for p in Path(__file__).resolve().parents
        if (p / "shared" / "refdata" / "flat").is_dir()
    ),
    None,
)
pytestmark = pytest.mark.skipif(FOLDER is None, reason="no shared/refdata beside the project")


@pytest.fixture(scope="module")
def told():
    return json.loads((FOLDER / "flat_pca.json").read_text())


@pytest.fixture(scope="module")
def arrays():
    with np.load(FOLDER / "flat_pca.npz") as found:
        return {name: found[name].astype(np.float64) for name in found}


@pytest.mark.parametrize("kind", ["mha", "gqa"])
class TestHeads:
    def values(self, arrays, told, kind):
        sizes = told[kind]
        made = arrays[f"{kind}/X"].reshape(-1, sizes["d"]) @ arrays[f"{kind}/Wv"].T
        return made.reshape(-1, sizes["KV"], sizes["dh"])

    def test_losses_of_every_rank_are_theirs(self, arrays, told, kind):
        values = self.values(arrays, told, kind)
        for rank, expected in told[kind]["ranks"].items():
            q = head_pca(values, int(rank))
            kept = np.einsum("thd,hdr,her->the", values, q, q)
            lost = ((values - kept) ** 2).sum(axis=(0, 2))
            assert_allclose(lost, expected["tail_eig_sum"], rtol=1e-5, atol=1e-6)
            assert told[kind]["H"] * told[kind]["dh"] == 64

    def test_absorbed_products_are_theirs(self, arrays, told, kind):
        sizes, q = told[kind], head_pca(self.values(arrays, told, kind), 4)
        value, _ = absorb_in_value(arrays[f"{kind}/Wv"].T, q)
        out = absorb_in_projection(arrays[f"{kind}/Wo"].T, q).reshape(sizes["H"], 4, -1)
        shared = sizes["H"] // sizes["KV"]
        for head in range(sizes["H"]):
            first = 4 * (head // shared)
            made = (value[:, first : first + 4] @ out[head]).T
            assert_allclose(made, arrays[f"{kind}/prod_r4"][head], atol=1e-5)


@pytest.mark.parametrize("count", [24, 48, 72, 96])
def test_channels_and_refitted_weights_are_theirs(arrays, count):
    x = arrays["mlp/X"]
    gate = x @ arrays["mlp/Wg"].T
    hidden = gate / (1 + np.exp(-gate)) * (x @ arrays["mlp/Wu"].T)

    indices, refit = select_channels(hidden, count)

    assert_allclose(leverage_scores(hidden.T @ hidden), arrays["mlp/score"], atol=1e-6)
    order = np.argsort(arrays[f"mlp/idx_{count}"])
    assert indices.tolist() == arrays[f"mlp/idx_{count}"][order].astype(int).tolist()
    expected = arrays[f"mlp/Wd_{count}"][:, order]
    assert_allclose((refit @ arrays["mlp/Wd"].T).T, expected, atol=1e-5)


def test_importances_and_ranks_are_theirs(arrays, told):
    states = arrays["importance/hidden"]
    found = [angular_importance(*pair) for pair in pairwise(states)]
    assert_allclose(found, told["importance"]["angular"], atol=1e-6)


def test_ranks_of_random_importances_are_theirs(told):
    for case in told["iprs_random"]:
        assert_allclose(allocate_ranks(case["t"], case["budget_ratio"]), case["w"], atol=1e-6)


def test_the_published_rank_vectors_follow_from_the_published_importances():
    models = json.loads((FOLDER / "iprs_official.json").read_text())["models"]
    for model in models.values():
        for case in model["cases"]:
            ratio = case["sum"] / len(model["bi_score"])
            assert_allclose(allocate_ranks(model["bi_score"], ratio), case["w"], atol=1e-6)
