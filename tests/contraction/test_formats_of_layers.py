"""Formats of a layer: which core has which indices, how many numbers they hold."""

import pytest

from archsim.contraction import (
    block_term,
    cp,
    factorise,
    hierarchical_tucker,
    hierarchical_tucker_matrix,
    search,
    tensor_ring,
    tensor_train,
    tucker,
)


def text(network):
    return ", ".join(" ".join(core) for core in network.cores)


@pytest.mark.parametrize(
    ("network", "cores", "parameters"),
    [
        (tensor_ring((6, 5), (4, 7), [3, 2, 4, 3]),
         "r0 i0 r1, r1 i1 r2, r2 o0 r3, r3 o1 r0", 187),  # 36 + 40 + 48 + 63
        (tensor_ring((4, 3, 2), (2, 3, 4), [3, 4, 2, 5, 3, 4]),
         "r0 i0 r1, r1 i1 r2, r2 i2 r3, r3 o0 r4, r4 o1 r5, r5 o2 r0", 206),
        (tensor_ring((8, 8, 12), (12, 8, 8), [8] * 6), None, 3_584),
        (hierarchical_tucker((4, 3), (5, 2), [3, 2, 4, 4, 2, 3]),
         "i0 ui0, i1 ui1, ui0 ui1 ti1, o0 uo0, o1 uo1, uo0 uo1 to1, ti1 to1", 102),
        (hierarchical_tucker((4, 3, 2), (2, 3, 4), [3, 2, 4, 2, 5, 2, 3, 4, 3, 4]),
         "i0 ui0, i1 ui1, ui0 ui1 ti1, i2 ui2, ti1 ui2 ti2, "
         "o0 uo0, o1 uo1, uo0 uo1 to1, o2 uo2, to1 uo2 to2, ti2 to2", 203),
        (hierarchical_tucker((6,), (4,), [3, 2]), "i0 ui0, o0 uo0, ui0 uo0", 18 + 8 + 6),
        (hierarchical_tucker((8, 8, 12), (12, 8, 8), [8] * 10), None, 2_560),
        (hierarchical_tucker_matrix((4, 3, 2), (2, 3, 4), [2, 3, 5, 4]),
         "i0 o0 u0, i1 o1 u1, u0 u1 t1, i2 o2 u2, t1 u2", 16 + 27 + 30 + 32 + 20),
        (hierarchical_tucker_matrix((4, 3), (2, 5), [2, 3]), "i0 o0 u0, i1 o1 u1, u0 u1", 67),
        (hierarchical_tucker_matrix((4,), (2,), []), "i0 o0", 8),
        (block_term((5, 4), (3, 6), [4, 3]), "r0 r1, i0 o0 r0, i1 o1 r1", 144),
        (block_term((4, 3, 2), (2, 3, 4), [3, 2, 4], blocks=2),
         "block r0 r1 r2, block i0 o0 r0, block i1 o1 r1, block i2 o2 r2", 196),
        (block_term((8, 8, 12), (12, 8, 8), [8] * 3), None, 2_560),
        (tucker((4, 3), (5,), [2, 3, 4]), "r0 r1 r2, i0 r0, i1 r1, o0 r2", 24 + 8 + 9 + 20),
        (cp((4, 3), (5,), 6), "i0 r, i1 r, o0 r", 6 * 12),
    ],
)  # fmt: skip
def test_a_format_has_these_cores_and_numbers(network, cores, parameters):
    assert cores is None or text(network) == cores
    assert network.parameters == parameters


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tensor_ring((2,), (3,), [2]), "2 ranks are needed, of r0 r1, got 1"),
        (lambda: tensor_ring((2,), (), [2]), "needs at least two modes, got 1"),
        (lambda: tensor_ring((2,), (3,), [2, 0]), "every rank must be >= 1, got 2, 0"),
        (lambda: hierarchical_tucker((2,), (), [2]), "needs input modes and output modes"),
        (lambda: hierarchical_tucker((2,), (3,), [2]), "2 ranks are needed, of ui0 uo0, got 1"),
        (lambda: hierarchical_tucker_matrix((2,), (3, 4), []), "1 input modes do not pair with 2"),
        (lambda: hierarchical_tucker_matrix((), (), []), "at least one pair of modes"),
        (lambda: hierarchical_tucker_matrix((2,), (3,), [1]), "0 ranks are needed, of no bond"),
        (lambda: block_term((2,), (3,), [2], blocks=0), "blocks must be >= 1, got 0"),
        (lambda: block_term((2, 0), (3, 1), [2, 2]), "every mode must be >= 1, got 2, 0, 3, 1"),
        (lambda: tucker((), (), []), "at least one mode"),
        (lambda: cp((), (), 1), "at least one mode"),
        (lambda: cp((2,), (), 0), "every rank must be >= 1, got 0"),
    ],
)
def test_impossible_formats_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("extent", "modes", "factors"),
    [
        (768, 3, (8, 8, 12)),
        (768, 2, (24, 32)),
        (768, 4, (4, 4, 6, 8)),
        (4096, 4, (8, 8, 8, 8)),
        (11008, 3, (16, 16, 43)),
        (30, 3, (2, 3, 5)),
        (97, 1, (97,)),
        (1, 1, (1,)),
    ],
)
def test_a_dimension_is_split_as_evenly_as_it_can_be(extent, modes, factors):
    assert factorise(extent, modes) == factors


@pytest.mark.parametrize(
    ("extent", "modes", "message"),
    [
        (12, 4, "12 has no 4 factors > 1: it is 2 x 2 x 3; ask for at most 3"),
        (97, 2, "97 has no 2 factors > 1: it is 97; ask for at most 1"),
        (1, 2, "1 has no 2 factors > 1"),
        (0, 2, "must be >= 1, got 0 and 2"),
        (8, 0, "must be >= 1, got 8 and 0"),
    ],
)
def test_a_dimension_with_too_few_primes_is_refused(extent, modes, message):
    with pytest.raises(ValueError, match=message):
        factorise(extent, modes)


def test_cores_are_a_network_whose_output_is_the_weight():
    weight = tensor_train((4, 6), (6, 4), (3, 5, 3))

    assert weight.inputs == weight.cores
    assert weight.output == ("i0", "i1", "o0", "o1")
    assert search(weight).network is weight
