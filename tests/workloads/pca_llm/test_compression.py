"""FLAT-LLM layer by layer on small decoders and encoders, and the methods it runs against."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.workloads.pca_llm.networks import decoder, encoder, states
from workloads.pca_llm import select_channels
from workloads.pca_llm.baselines import factorise, factorised, sliced
from workloads.pca_llm.compression import compress, compress_block, measured_importance
from workloads.pca_llm.importance import allocate_ranks
from workloads.pca_llm.network import Linear

KINDS = {"decoder": decoder, "encoder": encoder}


def outputs(network, x):
    return network.states(x)[-1]


def case(kind, seed=11):
    rng = np.random.default_rng(seed)
    network = KINDS[kind](rng)
    return network, states(rng, network)


@pytest.mark.parametrize("kind", KINDS)
class TestFlat:
    def test_a_ratio_of_one_leaves_everything_as_it_is(self, kind):
        network, x = case(kind)

        made = compress(network, x, 1.0)

        assert made.network.blocks == network.blocks
        assert made.kept == (1.0, 1.0)

    def test_full_ranks_compute_the_same_in_other_axes(self, kind):
        network, x = case(kind)
        _, taps = network.run(network.blocks[0], x)

        block = compress_block(network.blocks[0], taps, taps.values.shape[2], taps.hidden.shape[1])

        assert not np.allclose(block.value.weight, network.blocks[0].value.weight)
        assert_allclose(network.run(block, x)[0], network.run(network.blocks[0], x)[0], atol=1e-9)

    def test_values_of_low_rank_are_compressed_without_loss(self, kind):
        network, x = case(kind)
        rng = np.random.default_rng(12)
        size = network.head_size
        narrow = rng.standard_normal((network.kv_heads, size // 2, size))
        weight = rng.standard_normal((16, network.kv_heads, size // 2))
        value = Linear((np.einsum("ehr,hrd->ehd", weight, narrow).reshape(16, -1),))
        whole = replace(network.blocks[0], value=value)
        _, taps = network.run(whole, x)

        block = compress_block(whole, taps, size // 2, taps.hidden.shape[1])

        assert block.value.weight.shape == (16, network.kv_heads * size // 2)
        assert_allclose(network.run(block, x)[0], network.run(whole, x)[0], atol=1e-9)

    def test_shapes_follow_the_shares_and_the_next_layer_sees_the_compressed_one(self, kind):
        network, x = case(kind)

        made = compress(network, x, 0.6, importance=(1.0, 2.0))

        # 0.6 x 2 x (1/3, 2/3) = 0.4 and 0.8; of 4 features and 12 channels, rounded down
        assert_allclose(made.kept, (0.4, 0.8))
        assert (made.value_ranks, made.channels) == ((1, 3), (4, 9))
        middle = network.run(made.network.blocks[0], x)[0]
        _, taps = network.run(network.blocks[1], middle)
        expected = compress_block(network.blocks[1], taps, 3, 9)
        again = made.network.blocks[1]
        assert_allclose(again.value.weight, expected.value.weight)
        assert_allclose(again.feed_out.weight, expected.feed_out.weight)

    def test_without_an_importance_it_is_measured(self, kind):
        network, x = case(kind)

        made = compress(network, x, 0.7)

        assert made.kept == tuple(allocate_ranks(measured_importance(network, x), 0.7))

    def test_ranks_are_rounded_to_a_multiple(self, kind):
        network, x = case(kind)

        made = compress(network, x, 0.7, importance=(1.0, 2.0), rank_multiple=4)

        # 7/15 x 12 = 5.6 and 14/15 x 12 = 11.2, to 4 and 12; a head keeps 4 at least
        assert (made.value_ranks, made.channels) == ((4, 4), (4, 12))

    def test_a_masked_token_does_not_count(self, kind):
        network, x = case(kind)
        mask = np.ones(x.shape[:2])
        mask[:, -3:] = 0
        other = x.copy()
        other[:, -3:] *= 100

        first, second = (compress(network, y, 0.6, mask=mask) for y in (x, other))

        assert_allclose(first.kept, second.kept)
        last = (made.network.blocks[1].feed_out.weight for made in (first, second))
        assert_allclose(*last, rtol=1e-6)


@given(st.integers(0, 1 << 30), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_the_refitted_net_is_nearer_than_the_kept_channels_alone(seed, channels):
    network, x = case("decoder", seed)
    block = network.blocks[0]
    _, taps = network.run(block, x)

    made = compress_block(block, taps, network.head_size, channels)

    kept, _ = select_channels(taps.hidden, channels)
    weight, hidden = block.feed_out.weight, taps.hidden
    wanted = hidden @ weight
    refitted = np.linalg.norm(wanted - hidden[:, kept] @ made.feed_out.weight)
    alone = np.linalg.norm(wanted - hidden[:, kept] @ weight[kept])
    assert refitted <= alone + 1e-9


class TestBaselines:
    @pytest.mark.parametrize("rank", [1, 3, 5])
    def test_the_factors_lose_the_singular_values_left_out(self, rank):
        weight = np.random.default_rng(13).standard_normal((8, 5))

        made = factorised(Linear((weight,)), rank).weight

        values = np.linalg.svd(weight, compute_uv=False)
        assert_allclose(np.sum((weight - made) ** 2), np.sum(values[rank:] ** 2), atol=1e-12)

    @pytest.mark.parametrize("kind", KINDS)
    def test_factors_hold_the_share_of_the_numbers_at_most(self, kind):
        network, x = case(kind)

        made = factorise(network, 0.7)

        assert made.parameters <= 0.7 * network.parameters
        assert outputs(made, x).shape == outputs(network, x).shape

    def test_all_features_sliced_and_turned_compute_the_same(self):
        network, x = case("decoder")
        tokens = np.random.default_rng(14).integers(9, size=(2, 6))

        made = sliced(network, x, 16)

        assert_allclose(made.logits(tokens), network.logits(tokens), atol=1e-9)

    def test_fewer_features_come_close_where_states_have_no_more(self):
        network, _ = case("decoder")
        few = np.random.default_rng(15).standard_normal((9, 6)) @ np.eye(6, 16)
        idle = {
            "projection": Linear((np.zeros((16, 16)),)),
            "feed_out": Linear((np.zeros((12, 16)),)),
        }
        network = replace(
            network, table=few, blocks=tuple(replace(b, **idle) for b in network.blocks)
        )
        tokens = np.arange(9)[None]

        made = sliced(network, few[tokens], 6)

        assert_allclose(made.logits(tokens), network.logits(tokens), atol=1e-9)
