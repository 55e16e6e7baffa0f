"""The packet-switched butterfly against BookSim 2, with BookSim's router.

The numbers are BookSim's own (commit 28f4329, ``topology = fly``, ``dest_tag``, four virtual
channels of eight flits, ``routing_delay = 0``); rates are flits a node and cycle.
"""

import numpy as np
import pytest
import simpy

from archsim.hardware import ButterflySpec, PacketButterflySpec, PacketRouterSpec, Request
from archsim.hardware.routing import colour_by_wires
from archsim.machine.packet_network import PacketNetwork, measure


def fly(radix, stages, **router):
    return PacketButterflySpec(radix=radix, stages=stages, router=PacketRouterSpec(**router))


def uniform(spec):
    return lambda source, random: int(random.integers(spec.nodes))


def reversal(spec):
    bits = spec.nodes.bit_length() - 1
    return lambda source, random: int(format(source, f"0{bits}b")[::-1], 2)


def transpose(spec):
    half = (spec.nodes.bit_length() - 1) // 2
    return lambda source, random: (source >> half) | (source & ((1 << half) - 1)) << half


def deliver(spec, packets, cycles):
    """Offer packets (source, target, flits) at once; return when each arrives."""
    env = simpy.Environment()
    network = PacketNetwork(env, spec)
    for packet in packets:
        network.offer(*packet)
    env.process(network.clock(lambda: None))
    env.run(until=cycles)
    assert sum(network.flits.values()) == sum(flits for _, _, flits in packets)
    return sorted(end for _, end in network.packets)


@pytest.mark.parametrize(("radix", "stages"), [(2, 1), (2, 3), (2, 6), (4, 2), (4, 3), (8, 2)])
@pytest.mark.parametrize("flits", [1, 4, 20])
def test_a_packet_alone_takes_four_cycles_a_hop_and_two_for_the_wires_at_the_ends(
    radix, stages, flits
):
    spec = fly(radix, stages)
    expected = 4 * stages + 2 + flits - 1

    for source, target in [(0, 0), (0, spec.nodes - 1), (spec.nodes // 2, 1)]:
        assert deliver(spec, [(source, target, flits)], 100) == [expected]
    assert spec.zero_load_cycles(flits) == expected


@pytest.mark.parametrize(
    "router",
    [{"link_cycles": 3}, {"traversal_cycles": 2}, {"credit_cycles": 4}, {"virtual_channels": 1}],
)
def test_slower_parts_count_where_they_stand(router):
    spec = fly(2, 3, **router)

    assert deliver(spec, [(1, 6, 5)], 100) == [spec.zero_load_cycles(5)]


def test_a_queue_of_few_places_waits_for_credits():
    """Two places at the sink: 3 cycles to it and 2 back, so two flits in five cycles.

    The first two flits pass the switch in cycles 3 and 4, the last in 4 + 9 x 5 = 49.
    """
    spec = fly(2, 1, virtual_channels=1, buffer_flits=2)

    assert deliver(spec, [(0, 0, 20)], 200) == [49 + 3]


def test_two_packets_for_one_output_take_turns():
    """The wire to the sink passes one flit a cycle: eight flits take eight."""
    assert deliver(fly(2, 1), [(0, 0, 4), (1, 0, 4)], 100)[-1] == 4 + 2 + 7


@pytest.mark.parametrize("bits", [2, 3, 5])
def test_it_is_the_switched_butterfly_with_its_inputs_renumbered(bits):
    """Two packets share a wire of the fly exactly where their words share one of the other."""
    spec, butterfly = fly(2, bits), ButterflySpec(2**bits)

    def wires(source, target):
        router, path = source // 2, []
        for stage in range(bits - 1):
            port = spec.output(stage, target)
            path.append((stage, router, port))
            router, _ = spec.neighbour(stage, router, port)
        return path

    def rotated(source):
        return source >> 1 | (source & 1) << (bits - 1)

    random = np.random.default_rng(0)
    for _ in range(200):
        (one, other), (first, second) = random.integers(2**bits, size=(2, 2)).tolist()
        if one == other:
            continue
        inner = zip(
            butterfly.path(rotated(one), first)[1:-1],
            butterfly.path(rotated(other), second)[1:-1],
            strict=True,
        )
        shared = [a == b for a, b in zip(wires(one, first), wires(other, second), strict=True)]
        assert [a == b for a, b in inner] == shared


def load_of(spec, traffic):
    """Most packets of a fixed pattern that want one wire, found by routing them as words."""
    bits = spec.nodes.bit_length() - 1
    paths, requests = [], []
    for source in range(spec.nodes):
        rotated = source >> 1 | (source & 1) << (bits - 1)
        target = traffic(source, None)
        requests.append(Request(rotated, target, rotated))
        paths.append(ButterflySpec(spec.nodes).path(rotated, target))
    return colour_by_wires(requests, paths).least


def rate(spec, pattern, flits, packets_per_cycle, window):
    random = np.random.default_rng(0)
    offered = {"packets_per_cycle": packets_per_cycle, "flits": flits}
    return measure(spec, pattern(spec), **offered, window=window, random=random)


@pytest.mark.parametrize("flits", [1, 4])
def test_a_full_wire_is_the_limit_of_bit_reversal(flits):
    """Eight nodes: two packets on a wire, half a flit each; BookSim accepts 0.5."""
    spec = fly(2, 3)

    found = rate(spec, reversal, flits, 0.6 / flits, (350, 700))

    assert load_of(spec, reversal(spec)) == 2
    assert found.accepted == pytest.approx(0.5, abs=1 / 350)  # a flit in 350 cycles


LIGHT = [  # radix, stages, traffic, flits, BookSim's latency at 0.01
    (2, 3, uniform, 1, 14.0052),
    (2, 3, reversal, 4, 17.0185),
    (2, 4, transpose, 1, 18.0139),
    (2, 5, uniform, 4, 25.0602),
    (4, 2, uniform, 1, 10.0107),
    (4, 2, transpose, 4, 13.0),
    (4, 3, reversal, 4, 17.1657),
    (8, 2, uniform, 4, 13.0944),
]


@pytest.mark.slow
@pytest.mark.parametrize(("radix", "stages", "pattern", "flits", "latency"), LIGHT)
def test_latency_at_one_per_cent_load_is_booksims(radix, stages, pattern, flits, latency):
    spec = fly(radix, stages)

    found = rate(spec, pattern, flits, 0.01 / flits, (1000, 10_000))

    assert found.latency_cycles == pytest.approx(latency, abs=0.2)
    assert found.latency_cycles == pytest.approx(spec.zero_load_cycles(flits), abs=0.2)


FULL = [  # radix, stages, traffic, flits, packets a cycle, BookSim's accepted rate, within
    (2, 3, uniform, 1, 0.8, 0.749313, 0.05),
    (2, 3, uniform, 4, 0.2, 0.755146, 0.05),
    (2, 4, uniform, 1, 0.8, 0.743563, 0.05),
    (2, 4, uniform, 4, 0.2, 0.737938, 0.05),
    (2, 5, uniform, 1, 0.8, 0.739594, 0.05),
    (4, 2, uniform, 1, 0.7, 0.673694, 0.05),
    (4, 2, uniform, 4, 0.175, 0.667146, 0.05),
    (4, 3, uniform, 1, 0.7, 0.663482, 0.05),
    (8, 2, uniform, 1, 0.7, 0.631477, 0.05),
    (8, 2, uniform, 4, 0.175, 0.630883, 0.05),
    (2, 3, reversal, 1, 0.6, 0.5, 0.0005),
    (2, 4, reversal, 4, 0.15, 0.5, 0.0005),
    (2, 5, reversal, 1, 0.3, 0.25, 0.0005),
    (2, 6, reversal, 4, 0.075, 0.249977, 0.0005),
    (4, 3, reversal, 1, 0.3, 0.25, 0.0005),
    (2, 4, transpose, 1, 0.5, 0.404531, 0.01),
    (2, 4, transpose, 4, 0.125, 0.426312, 0.01),
    (4, 3, transpose, 1, 0.5, 0.424687, 0.01),
    (4, 3, transpose, 4, 0.15, 0.499789, 0.01),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("radix", "stages", "pattern", "flits", "offered", "accepted", "within"), FULL
)
def test_saturation_is_booksims(radix, stages, pattern, flits, offered, accepted, within):
    """Fixed patterns to their last digit but for chance, uniform traffic within 5 %."""
    spec = fly(radix, stages)
    window = (1500, 3000) if pattern is uniform else (4000, 8000)

    found = rate(spec, pattern, flits, offered, window)

    assert found.accepted == pytest.approx(accepted, rel=within)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flits", "offered", "latency", "accepted", "steady"),
    [(1, 0.3, 707.7, 0.196871, 0.199), (4, 0.075, 658.6, 0.207988, 0.2115)],
)
def test_saturation_of_a_wide_transpose_is_booksims_from_an_empty_network(
    flits, offered, latency, accepted, steady
):
    """64 nodes: BookSim gives up after two sample periods of 2,000 cycles, and counts from 0 on.

    While it warms up it forgets what it counted before every other period only, and it stops
    where the mean latency exceeds 500 cycles. Latencies grow by 340 cycles in 1,000 here, so
    that is after the second period: 0.34 x 2,000 cycles. On 16 nodes it is after the third,
    which counts from cycle 4,000 on. Filling the network costs 1 to 2 % of the rate.
    """
    spec = fly(2, 6)

    counted = rate(spec, transpose, flits, offered, (0, 4000))
    settled = rate(spec, transpose, flits, offered, (2000, 4000))

    assert counted.latency_cycles == pytest.approx(latency, rel=0.04)
    assert counted.accepted == pytest.approx(accepted, rel=0.01)
    assert settled.accepted == pytest.approx(steady, rel=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fly(1, 3), "radix: must be >= 2, got 1"),
        (lambda: fly(2, 0), "stages: must be >= 1, got 0"),
        (lambda: fly(2, 3, virtual_channels=0), "virtual_channels: must be >= 1, got 0"),
        (lambda: fly(2, 3, buffer_flits=0), "buffer_flits: must be >= 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
