"""Ways to choose combinations, against itertools and against their own definitions."""

import itertools
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.sweep import sampling

sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(sizes, st.randoms())
def test_the_grid_is_the_product_of_all_axes_in_any_order(extents, random):
    order = list(range(len(extents)))
    random.shuffle(order)

    assert list(sampling.grid(extents)) == list(itertools.product(*map(range, extents)))
    reordered = list(sampling.grid(extents, order))
    assert sorted(reordered) == list(sampling.grid(extents))
    assert reordered == sorted(reordered, key=lambda places: [places[axis] for axis in order])


@given(sizes)
def test_a_number_is_the_place_in_the_grid(extents):
    for number, places in enumerate(sampling.grid(extents)):
        assert sampling.number_of(places, extents) == number
        assert sampling.places_of(number, extents) == places


@given(st.integers(1, 700), st.integers(0, 9), st.integers(0, 3))
def test_a_shuffle_moves_every_number_to_a_place_of_its_own(total, seed, stream):
    found = [sampling.shuffled(number, total, seed, stream) for number in range(total)]

    assert sorted(found) == list(range(total))


def test_a_shuffle_of_numbers_too_many_to_hold_is_a_shuffle_all_the_same():
    total = 10**18
    found = [sampling.shuffled(number, total, 1) for number in range(2000)]

    assert len(set(found)) == 2000
    assert all(0 <= number < total for number in found)
    assert np.mean(found) == pytest.approx(total / 2, rel=0.05)


@given(sizes, st.integers(0, 5))
def test_random_meets_all_combinations_once(extents, seed):
    found = list(sampling.random(extents, 0, seed))

    assert sorted(found) == list(sampling.grid(extents))


def test_another_seed_is_another_order():
    first, second = (list(sampling.random([8, 8], 0, seed)) for seed in (1, 2))

    assert first != second
    assert first != sorted(first)


@given(st.integers(1, 60), st.integers(0, 5))
def test_a_latin_hypercube_meets_every_slice_of_every_axis_once(count, seed):
    found = list(sampling.latin_hypercube([count, count, count], count, seed))

    for axis in range(3):
        assert sorted(places[axis] for places in found) == list(range(count))


def test_a_latin_hypercube_shares_points_out_evenly():
    found = list(sampling.latin_hypercube([4, 5], 20, seed=3))

    assert Counter(places[0] for places in found) == dict.fromkeys(range(4), 5)
    assert Counter(places[1] for places in found) == dict.fromkeys(range(5), 4)


@given(st.integers(1, sampling.MOST_SOBOL_AXES), st.integers(0, 5))
def test_every_axis_of_a_sobol_sequence_fills_every_slice_of_a_power_of_two(axes, seed):
    found = list(sampling.sobol([64] * axes, 64, seed))

    for axis in range(axes):
        assert sorted(places[axis] for places in found) == list(range(64))


@given(st.integers(0, 8), st.integers(0, 5))
def test_every_pair_of_its_first_axes_fills_every_box(splits, seed):
    """A (0, m, 2)-net in base 2: 2**m points, one in each box of volume 2**-m."""
    found = list(sampling.sobol([2**splits, 2 ** (8 - splits)], 256, seed))

    assert len(set(found)) == 256


@pytest.mark.reference
def test_scipy_draws_the_same_sequence(monkeypatch):
    qmc = pytest.importorskip("scipy.stats.qmc")
    monkeypatch.setattr(sampling, "_random_bits", lambda *_: 0)  # no shift
    axes = sampling.MOST_SOBOL_AXES

    found = list(sampling.sobol([2**20] * axes, 512, seed=0))

    expected = qmc.Sobol(axes, scramble=False).random(512) * 2**20
    assert np.array_equal(np.array(found), expected.astype(int))


def test_a_hundred_million_combinations_begin_at_once():
    for draw in sampling.METHODS.values():
        assert len(list(islice(draw([100] * 4, 10**8, 1), 5))) == 5
    assert len(list(islice(sampling.grid([100] * 4), 5))) == 5
