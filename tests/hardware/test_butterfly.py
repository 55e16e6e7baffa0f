"""Butterflies: the fewest passes, and that the switches so set bring every word home."""

import pickle
from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import (
    ButterflySpec,
    Passes,
    ReductionButterflySpec,
    Request,
    multicast,
    unicast,
)
from tests.hardware.switch_reference import arrives, fewest_passes, reversed_bits


def pairs(permutation):
    return list(enumerate(permutation))


@pytest.mark.parametrize("ports", [2, 4])
def test_passes_are_the_fewest_for_every_permutation(ports):
    butterfly = ButterflySpec(ports)

    for permutation in permutations(range(ports)):
        passes = butterfly.passes(permutation)
        assert passes == fewest_passes(pairs(permutation), ports)
        assert passes.is_exact


def check_eight(chosen):
    """Eight ports: most permutations take two passes, and none more."""
    butterfly = ButterflySpec(8)
    for permutation in chosen:
        in_one = arrives(pairs(permutation), 8)
        passes = butterfly.passes(permutation)
        assert passes == (1 if in_one else fewest_passes(pairs(permutation), 8))
        assert passes.is_exact


def test_passes_are_the_fewest_for_samples_of_eight():
    random = np.random.default_rng(8)

    check_eight(random.permutation(8).tolist() for _ in range(200))


@pytest.mark.slow
def test_passes_are_the_fewest_for_every_permutation_of_eight():
    check_eight(permutations(range(8)))


@pytest.mark.parametrize("samples", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_passes_are_the_fewest_for_samples_of_sixteen(samples):
    random, butterfly = np.random.default_rng(16), ButterflySpec(16)

    for _ in range(samples):
        permutation = random.permutation(16).tolist()
        assert butterfly.passes(permutation) == fewest_passes(pairs(permutation), 16)


def test_sixteen_of_the_24_permutations_of_four_pass_at_once():
    """Each of the 4 switches stands in 2 ways: 2^4 = 16 of 24 permutations."""
    butterfly = ButterflySpec(4)

    assert Counter(map(int, map(butterfly.passes, permutations(range(4))))) == {1: 16, 2: 8}


@pytest.mark.parametrize("ports", [2, 8, 16, 64, 256])
def test_shifts_pass_at_once(ports):
    butterfly = ButterflySpec(ports)

    for shift in {0, 1, 3 % ports, ports // 2, ports - 1}:
        assert butterfly.passes([(x + shift) % ports for x in range(ports)]) == 1


@pytest.mark.parametrize("ports", [8, 32])
@pytest.mark.parametrize("factor", [3, 5, 7])
def test_odd_strides_with_an_offset_pass_at_once(ports, factor):
    """Lawrie 1975: an omega network passes ``x -> a x + b`` for odd a."""
    butterfly = ButterflySpec(ports)

    assert butterfly.passes([(factor * x + 5) % ports for x in range(ports)]) == 1


def test_flipping_bits_changes_nothing():
    """Ports renumbered by a mask are the same network."""
    random, butterfly = np.random.default_rng(5), ButterflySpec(32)

    for _ in range(20):
        permutation, (one, other) = random.permutation(32), random.integers(32, size=2)
        renumbered = [permutation[x ^ one] ^ other for x in range(32)]
        assert butterfly.passes(renumbered) == butterfly.passes(permutation)


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_bit_reversal_crowds_a_wire_with_sqrt_n_paths(bits):
    """With n = 4^j ports, some wire carries exactly 2^j = sqrt(n) paths."""
    butterfly = ButterflySpec(2**bits)
    reversal = reversed_bits(bits)

    load = Counter(
        (stage, wire)
        for source, target in enumerate(reversal)
        for stage, wire in enumerate(butterfly.path(source, target))
    )

    assert max(load.values()) == 2 ** (bits // 2)
    assert butterfly.passes(reversal) == 2 ** (bits // 2)


def check_delivery(butterfly, requests):
    """Every pass brings each of its words to all outputs that asked for it."""
    routing = butterfly.route(requests)

    for one in routing.passes:
        waiting = [None] * butterfly.ports
        for request in one.requests:
            waiting[request.source] = request.word
        arrived = one.distribute(waiting)
        assert {r.target: r.word for r in one.requests} == {
            port: word for port, word in enumerate(arrived) if word is not None
        }
    assert len(routing.passes) == routing.count
    assert Counter(r for one in routing.passes for r in one.requests) == Counter(requests)
    return routing


@pytest.mark.parametrize("ports", [4, 16, 64])
def test_words_arrive(ports):
    random, butterfly = np.random.default_rng(ports), ButterflySpec(ports)

    for _ in range(20):
        check_delivery(butterfly, unicast(random.permutation(ports).tolist()))


def test_every_multicast_of_four_ports_takes_the_fewest_passes_and_arrives():
    butterfly = ButterflySpec(4)

    for sources in product([None, 0, 1, 2, 3], repeat=4):
        requests = multicast(sources)
        routing = check_delivery(butterfly, requests)
        assert routing.count == butterfly.multicast_passes(sources)
        assert routing.count == fewest_passes([(r.source, r.target) for r in requests], 4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 7)), min_size=8, max_size=8))
def test_multicasts_of_eight_ports_take_the_fewest_passes(sources):
    routing = check_delivery(ButterflySpec(8), multicast(sources))

    wanted = [(r.source, r.target) for r in multicast(sources)]
    assert routing.count == fewest_passes(wanted, 8)


def test_a_broadcast_takes_one_pass_from_anywhere():
    for source in range(16):
        assert ButterflySpec(16).multicast_passes([source] * 16) == 1


def test_words_behind_one_port_take_a_pass_each():
    requests = [Request(source=3, target=target, word=target) for target in range(8)]

    assert check_delivery(ButterflySpec(8), requests).count == 8


def test_passes_of_wide_butterflies_lie_above_their_bound():
    random, butterfly = np.random.default_rng(0), ButterflySpec(256)

    found = [butterfly.passes(random.permutation(256).tolist()) for _ in range(3)]

    for passes in found:
        assert 1 < passes.lower_bound <= passes
        assert passes.is_exact == (passes.lower_bound == passes)


def test_a_bound_is_told_from_an_exact_count():
    assert repr(Passes(5)) == "Passes(5, exact)"
    assert repr(Passes(7, 5)) == "Passes(7, at least 5)"
    assert not Passes(7, 5).is_exact
    assert pickle.loads(pickle.dumps(Passes(7, 5))).lower_bound == 5  # noqa: S301
    with pytest.raises(ValueError, match=r"^lower_bound: must be in 0 \.\.\. 7, got 8$"):
        Passes(7, 8)


def check_sums(network, targets):
    """Groups are summed as numpy sums them."""
    values = np.random.default_rng(0).integers(-99, 99, network.ports)
    expected = {
        group: sum(value for value, target in zip(values, targets, strict=True) if target == group)
        for group in targets
        if group is not None
    }

    sums = Counter()
    for one in network.reduce(targets).passes:
        entering = [None] * network.ports
        for request in one.requests:
            entering[request.target] = int(values[request.target])
        for port, value in enumerate(one.reduce(entering, int.__add__)):
            if value is not None:
                sums[port] += value

    assert dict(sums) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 15)), min_size=16, max_size=16))
def test_any_groups_are_summed_in_the_passes_they_need(targets):
    check_sums(ReductionButterflySpec(16), targets)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 16])
@pytest.mark.parametrize("first", [0, 3])
def test_neighbours_are_summed_to_neighbours_in_one_pass(size, first):
    """Groups of any one size, side by side, whose sums leave side by side."""
    groups = 16 // size
    targets = [(first + port // size) % 16 if port // size < groups else None for port in range(16)]
    network = ReductionButterflySpec(16)

    assert network.reduction_passes(targets) == 1
    check_sums(network, targets)


def test_a_sum_over_everything_takes_one_pass_and_two_interleaved_ones_may_take_two():
    network = ReductionButterflySpec(8)

    assert network.reduction_passes([5] * 8) == 1
    assert network.reduction_passes([0, 1] * 4) == 1  # even and odd inputs never meet
    assert network.reduction_passes([0] * 3 + [2] + [0] * 3 + [2]) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ButterflySpec(12), "ports: must be a power of two >= 2, got 12"),
        (lambda: ButterflySpec(1), "ports: must be a power of two >= 2, got 1"),
        (lambda: ButterflySpec(ports=8, width=0), "width: must be >= 1, got 0"),
        (lambda: ButterflySpec(8, hop_cycles=0), "hop_cycles: must be >= 1, got 0"),
        (
            lambda: ButterflySpec(4).passes([0, 1, 2]),
            "permutation: must have an entry for each of 4 ports, got 3",
        ),
        (
            lambda: ButterflySpec(4).passes([0, 1, 2, 4]),
            r"permutation: ports are 0 \.\.\. 3, got 4",
        ),
        (
            lambda: ButterflySpec(4).passes([0, 1, 2, 1]),
            "permutation: output 1 is asked for by inputs 1 and 3",
        ),
        (
            lambda: ButterflySpec(4).multicast_passes([0, None, -1, 1]),
            r"sources: ports are 0 \.\.\. 3, got -1",
        ),
        (
            lambda: ReductionButterflySpec(4).reduction_passes([0]),
            "targets: must have an entry for each of 4 ports, got 1",
        ),
        (
            lambda: ButterflySpec(4).route([Request(0, 1, 7), Request(2, 3, 7)]),
            "requests: word 7 stands at inputs 0 and 2",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
