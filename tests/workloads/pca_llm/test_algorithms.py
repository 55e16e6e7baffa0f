"""FLAT-LLM's three parts alone: closed forms, an SVD as second source, laws on random data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workloads.pca_llm import allocate_ranks, head_pca, select_channels
from workloads.pca_llm.channels import leverage_scores
from workloads.pca_llm.head_pca import absorb_in_projection, absorb_in_value, head_covariances
from workloads.pca_llm.importance import angular_importance, default_importance

SEEDS = st.integers(0, 1 << 30)
IMPORTANCES = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)
RATIOS = st.floats(0.001, 1)


class TestRanks:
    def test_shares_are_proportional_while_none_is_whole(self):
        # budget 3 x 0.5 = 1.5, of which 1/6, 2/6 and 3/6
        assert_allclose(allocate_ranks([1, 2, 3], 0.5), [0.25, 0.5, 0.75])

    def test_a_share_above_one_is_fixed_there_and_leaves_the_budget(self):
        # 1.8 x (1/5, 1/5, 3/5) = .36, .36, 1.08; then 0.8 x (1/2, 1/2)
        assert_allclose(allocate_ranks([1, 1, 3], 0.6), [0.4, 0.4, 1.0])

    def test_fixing_one_may_push_the_next_above_one(self):
        # 2.4 x (1, 3, 8) / 12 = .2, .6, 1.6; 1.4 x (1, 3) / 4 = .35, 1.05; then 0.4
        assert_allclose(allocate_ranks([1, 3, 8], 0.8), [0.4, 1.0, 1.0])

    def test_layers_without_importance_share_what_is_left_when_all_others_are_whole(self):
        assert_allclose(allocate_ranks([1, 0, 0], 0.8), [1.0, 0.7, 0.7])
        assert_allclose(allocate_ranks([1, 0, 0], 0.2), [0.6, 0.0, 0.0])

    @given(IMPORTANCES, RATIOS)
    def test_the_mean_is_the_ratio_and_none_exceeds_one(self, importance, ratio):
        shares = allocate_ranks(importance, ratio)

        assert_allclose(shares.mean(), ratio, rtol=1e-9)
        assert shares.min() >= 0
        assert shares.max() <= 1

    @given(st.lists(st.floats(0.01, 1), min_size=2, max_size=40), RATIOS, st.floats(1e-3, 1e3))
    def test_only_proportions_count_and_order_is_kept(self, importance, ratio, scale):
        shares = allocate_ranks(importance, ratio)

        assert_allclose(allocate_ranks(np.array(importance) * scale, ratio), shares, rtol=1e-9)
        assert (np.diff(shares[np.argsort(importance)]) >= -1e-12).all()

    def test_the_default_importance_is_a_u_within_the_published_range(self):
        found = np.array(default_importance(32))

        assert_allclose(found[[0, -1]], 0.30)
        assert found.min() == pytest.approx(0.06, abs=1e-3)
        assert_allclose(found, found[::-1])
        assert default_importance(1) == (0.30,)


class TestImportance:
    def test_a_right_angle_is_a_half_and_an_obtuse_one_counts_as_right(self):
        assert angular_importance([[1.0, 0.0]], [[0.0, 3.0]]) == pytest.approx(0.5)
        assert angular_importance([[1.0, 0.0]], [[-2.0, 0.0]]) == pytest.approx(0.5)
        assert angular_importance([[1.0, 0.0]], [[1.0, 1.0]]) == pytest.approx(0.25)

    def test_a_token_of_zeros_counts_as_unmoved(self):
        assert angular_importance([[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]) == 0.25


class TestHeads:
    @given(SEEDS, st.integers(1, 30), st.integers(1, 4), st.integers(1, 6), st.data())
    @settings(max_examples=60)
    def test_what_is_lost_is_the_sum_of_the_eigenvalues_left_out(
        self, seed, tokens, heads, size, data
    ):
        values = np.random.default_rng(seed).standard_normal((tokens, heads, size))
        rank = data.draw(st.integers(1, size))

        directions = head_pca(values, rank)

        kept = np.einsum("thd,hdr,her->the", values, directions, directions)
        eigenvalues = np.linalg.eigvalsh(head_covariances(values))  # ascending
        lost = ((values - kept) ** 2).sum(axis=(0, 2))
        assert_allclose(lost, eigenvalues[:, : size - rank].sum(axis=1), atol=1e-9)
        gram = np.einsum("hdr,hds->hrs", directions, directions)
        assert_allclose(gram, np.broadcast_to(np.eye(rank), gram.shape), atol=1e-12)

    def test_directions_are_the_right_singular_vectors_of_the_values(self):
        values = np.random.default_rng(1).standard_normal((40, 3, 8)) + 0.5

        directions = head_pca(values, 3)

        for head in range(3):
            right = np.linalg.svd(values[:, head])[2][:3]
            made = directions[head] @ directions[head].T
            assert_allclose(made, right.T @ right, atol=1e-12)

    def test_directions_come_with_the_largest_eigenvalue_first(self):
        values = np.zeros((4, 1, 3))
        values[:, 0] = [[1, 0, 0], [0, 0, 3], [0, 2, 0], [0, 0, 0]]

        assert_allclose(np.abs(head_pca(values, 2)[0]), [[0, 0], [0, 1], [1, 0]])

    def test_values_of_a_lower_rank_are_handled(self):
        rng = np.random.default_rng(2)
        values = rng.standard_normal((20, 2, 2)) @ rng.standard_normal((2, 8))

        directions = head_pca(values, 5)

        kept = np.einsum("thd,hdr,her->the", values, directions, directions)
        assert_allclose(kept, values, atol=1e-12)

    def test_absorbed_matrices_are_projected_ones(self):
        rng = np.random.default_rng(3)
        value, bias = rng.standard_normal((6, 8)), rng.standard_normal(8)
        projection = rng.standard_normal((16, 5))  # two query heads for each of two heads
        directions = head_pca(rng.standard_normal((30, 2, 4)), 3)
        wide = np.zeros((8, 6))
        for head in range(2):
            wide[4 * head : 4 * head + 4, 3 * head : 3 * head + 3] = directions[head]

        weight, shorter = absorb_in_value(value, directions, bias)

        assert_allclose(weight, value @ wide)
        assert_allclose(shorter, bias @ wide)
        narrow = absorb_in_projection(projection, directions).reshape(4, 3, 5)
        for query_head in range(4):
            rows = projection[4 * query_head : 4 * query_head + 4]
            assert_allclose(narrow[query_head], directions[query_head // 2].T @ rows)


class TestChannels:
    def test_the_scores_are_the_diagonal_of_the_definition(self):
        hidden = np.random.default_rng(4).standard_normal((30, 7))
        covariance = hidden.T @ hidden

        scores = leverage_scores(covariance)

        assert_allclose(scores, np.diag(covariance @ np.linalg.inv(covariance + np.eye(7))))

    def test_the_scores_of_uncorrelated_channels_are_their_own(self):
        # c / (c + 1) for c = 1, 4, 9
        assert_allclose(leverage_scores(np.diag([1.0, 4.0, 9.0])), [0.5, 0.8, 0.9])

    @given(SEEDS, st.integers(12, 40), st.integers(1, 10), st.data())
    @settings(max_examples=60)
    def test_the_refit_is_the_least_squares_solution_on_the_activations(
        self, seed, tokens, channels, data
    ):
        hidden = np.random.default_rng(seed).standard_normal((tokens, channels))
        count = data.draw(st.integers(1, channels))

        indices, refit = select_channels(hidden, count)

        assert refit.shape == (count, channels)
        assert (np.diff(indices) > 0).all()
        expected = np.linalg.lstsq(hidden[:, indices], hidden, rcond=None)[0]
        assert_allclose(refit, expected, atol=1e-7)

    def test_all_channels_are_refitted_to_themselves(self):
        indices, refit = select_channels(np.random.default_rng(5).standard_normal((20, 6)), 6)

        assert_allclose(indices, np.arange(6))
        assert_allclose(refit, np.eye(6), atol=1e-12)

    def test_channels_that_repeat_others_are_handled(self):
        hidden = np.random.default_rng(6).standard_normal((30, 3))
        hidden = np.concatenate([hidden, hidden, np.zeros((30, 2))], axis=1)

        indices, refit = select_channels(hidden, 7)

        assert np.isfinite(refit).all()
        assert_allclose(hidden[:, indices] @ refit, hidden, atol=1e-9)

    def test_channels_that_never_fire_are_handled(self):
        _, refit = select_channels(np.zeros((5, 4)), 2)

        assert_allclose(refit, 0)
