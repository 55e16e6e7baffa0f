"""Benes networks and crossbars: every permutation at once; ideals bound the rest from below."""

from itertools import permutations, product

import numpy as np
import pytest

from archsim.hardware import BenesSpec, ButterflySpec, CrossbarSpec, Request, multicast, unicast
from tests.hardware.test_butterfly import check_delivery


@pytest.mark.parametrize("ports", [2, 4])
def test_every_permutation_arrives_in_one_pass(ports):
    for permutation in permutations(range(ports)):
        check_one_pass(permutation)


def check_one_pass(permutation):
    """Simulate every switch: a word at each input, and each at its output."""
    network = BenesSpec(len(permutation))
    routing = network.route(unicast(permutation))
    arrived = routing.passes[0].distribute(range(network.ports))
    assert len(routing.passes) == routing.count == network.passes(permutation) == 1
    assert [arrived[target] for target in permutation] == list(range(network.ports))


def test_permutations_of_eight_arrive_in_one_pass():
    """Those that keep input 0 at output 0; the slow test does all."""
    for rest in list(permutations(range(1, 8)))[::10]:
        check_one_pass((0, *rest))


@pytest.mark.slow
def test_every_permutation_of_eight_arrives_in_one_pass():
    for permutation in permutations(range(8)):
        check_one_pass(permutation)


@pytest.mark.parametrize("ports", [16, 64, 512])
def test_wide_permutations_arrive_in_one_pass(ports):
    random = np.random.default_rng(ports)

    for _ in range(5):
        check_one_pass(random.permutation(ports).tolist())


def test_each_stage_joins_wires_that_differ_in_its_bit():
    """Stages 3 2 1 0 1 2 3: a switch's two inputs and outputs are the same two wires."""
    random = np.random.default_rng(0)

    (one,) = BenesSpec(16).route(unicast(random.permutation(16).tolist())).passes

    for bit, stage in zip([3, 2, 1, 0, 1, 2, 3], one.settings, strict=True):
        assert all(before in (after, after ^ 1 << bit) for after, before in enumerate(stage))


@pytest.mark.parametrize("network", [BenesSpec(4), CrossbarSpec(4)], ids=lambda n: n.kind)
def test_every_multicast_of_four_ports_arrives(network):
    for sources in product([None, 0, 1, 2, 3], repeat=4):
        routing = check_delivery(network, multicast(sources))
        assert routing.count == network.fewest_passes(multicast(sources))


@pytest.mark.parametrize("network", [BenesSpec(16), CrossbarSpec(16)], ids=lambda n: n.kind)
def test_several_words_for_one_output_take_a_pass_each(network):
    requests = [Request(source=source, target=2, word=source) for source in range(5)]

    assert check_delivery(network, requests).count == 5


def test_a_crossbar_bounds_a_benes_network_and_that_bounds_a_butterfly():
    random = np.random.default_rng(1)

    for _ in range(100):
        requests = multicast(random.integers(16, size=16).tolist())
        ideal, benes, butterfly = (
            network(16).fewest_passes(requests)
            for network in (CrossbarSpec, BenesSpec, ButterflySpec)
        )
        assert 1 == ideal <= benes <= butterfly
        assert benes.lower_bound == 1


@pytest.mark.parametrize("kind", [BenesSpec, CrossbarSpec])
def test_what_makes_no_sense_is_refused(kind):
    with pytest.raises(ValueError, match=r"^ports: must be a power of two >= 2, got 6$"):
        kind(6)
    with pytest.raises(ValueError, match=r"^permutation: output 1 is asked for by inputs 0 and 1$"):
        kind(2).passes([1, 1])
