"""Topology: every connected set and every split of it, once."""

from itertools import combinations

import numpy as np
import pytest

from archsim.contraction import block_term, hierarchical_tucker, tensor_ring, tensor_train
from archsim.contraction.topology import Choices, Structure, joints, topology
from tests.contraction.networks import layer


def structure(network, *, closed=False, outer_products=False):
    terms = (*network.inputs, network.output)
    joined = tuple(sorted({0} | {t for t in joints(terms).values() if t & (t - 1)}))
    count = len(network.inputs)
    return Structure(count + closed, count, joined, outer_products)


def of(cores):
    return layer(cores.cores, cores.sizes, 4)


def train(d):
    return of(tensor_train((2,) * d, (2,) * d, [2] * (2 * d - 1)))


def ring(d):
    return of(tensor_ring((2,) * d, (2,) * d, [2] * (2 * d)))


@pytest.mark.parametrize(
    ("network", "splits"),
    [
        (train(3), 112),
        (train(4), 341),
        (train(5), 934),
        (train(6), 2431),
        (ring(6), 6911),
        (of(hierarchical_tucker((2,) * 3, (2,) * 3, [2] * 10)), 2009),
        (of(block_term((2,) * 6, (2,) * 6, [2] * 6, blocks=4)), 2961),
    ],
)
def test_connected_pairs_are_as_many_as_independent_code_counts(network, splits):
    assert len(topology(structure(network)).left) == splits


@pytest.mark.parametrize("count", [2, 3, 7, 10])
def test_with_outer_products_all_pairs_of_disjoint_sets_count(count):
    """(3^n - 2^(n+1) + 1) / 2: each tensor left, right or absent; neither side empty."""
    table = topology(Structure(count, count, (0,), True))

    assert len(table.left) == (3**count - 2 ** (count + 1) + 1) // 2
    assert len(table.sets) == 2**count - 1


@pytest.mark.parametrize("closed", [False, True])
def test_every_split_is_there_once_and_fits_its_set(closed):
    network = ring(2)
    table = topology(structure(network, closed=closed))
    sets = table.sets.tolist()

    found = {(sets[a], sets[b], sets[w]) for a, b, w in
             zip(table.left, table.right, table.whole, strict=True)}  # fmt: skip
    assert len(found) == len(table.left)
    assert all(a & b == 0 and a | b == w for a, b, w in found)
    assert {frozenset((a, b)) for a, b, _ in found} == by_hand(network, closed=closed)
    assert sets == sorted(sets, key=lambda s: (s.bit_count(), s))


def by_hand(network, *, closed):
    """Pairs of connected sets with an index between them, grown from pairs of tensors."""
    terms = [*network.inputs, network.output][: len(network.inputs) + closed]

    def indices(members):
        return {index for n in range(len(terms)) if members >> n & 1 for index in terms[n]}

    connected = {1 << n for n in range(len(terms))}
    while True:
        pairs = {
            frozenset((a, b))
            for a, b in combinations(connected, 2)
            if not a & b and indices(a) & indices(b) and (a | b).bit_count() <= len(network.inputs)
        }
        grown = connected | {a | b for a, b in pairs}
        if grown == connected:
            return pairs
        connected = grown


def test_structures_that_differ_in_extents_alone_share_a_table():
    one = of(tensor_train((2, 3), (4, 5), [2, 3, 4]))
    other = of(tensor_train((7, 6), (1, 9), [8, 3, 2]))

    assert topology(structure(one)) is topology(structure(other))


@pytest.mark.parametrize("variants", [(), (3,)])
def test_products_are_the_same_listed_and_looked_up(variants):
    rng = np.random.default_rng(6)
    extents = rng.integers(1, 9, (20, *variants)).astype(float)
    extents[0] = 1
    picked = rng.integers(2, size=(500, 20))
    chunks = [
        sum(picked[:, first + bit] << bit for bit in range(min(8, 20 - first)))
        for first in (0, 8, 16)
    ]

    listed, looked_up = Choices.of(chunks, 20), Choices(tuple(chunks), None)

    expected = np.array([extents[row.astype(bool)].prod(axis=0) for row in picked])
    assert listed.listed is not None
    np.testing.assert_array_equal(listed.products(extents), expected)
    np.testing.assert_array_equal(looked_up.products(extents), expected)
