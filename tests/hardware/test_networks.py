"""Networks as channels: how long a transfer holds them, and what it counts."""

from collections import Counter
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import (
    BenesSpec,
    ButterflySpec,
    CrossbarSpec,
    DistributionTreeSpec,
    ReductionButterflySpec,
    ReductionTreeSpec,
    Request,
    Transfer,
)
from archsim.ir import Layout

SWITCHED = (CrossbarSpec, BenesSpec, ButterflySpec, ReductionButterflySpec)


def whole(layout, *, word_bits=32, copies=1, interleave="plain"):
    """All of a tensor, wanted in another order than it lies."""
    bits = word_bits * prod(layout.shape)
    return Transfer(
        bits, bits, word_bits=word_bits, layout=layout, interleave=interleave, copies=copies
    )


def port_of(word, ports, interleave):
    """The port that a word enters at, digit by digit."""
    if interleave == "plain":
        return word % ports
    if interleave == "skewed":
        return (word + word // ports) % ports
    return word % ports ^ (port_of(word // ports, ports, interleave) if word else 0)


def wanted_words(transfer):
    """Stored positions in the order in which they are wanted, copies side by side."""
    layout = transfer.layout
    order = np.arange(prod(layout.shape)).reshape(layout.shape).transpose(layout.order).ravel()
    run, stride = (n // transfer.word_bits for n in (transfer.run_bits, transfer.stride_bits))
    starts = range(transfer.bits // transfer.run_bits)
    places = [start * stride + n for start in starts for n in range(run)]
    return [int(order[place]) for place in places for _ in range(transfer.copies)]


def passes_beat_by_beat(network, transfer):
    """Cut all words into beats and route every one of them."""
    words, ports = wanted_words(transfer), network.ports
    total = 0
    for start in range(0, len(words), ports):
        asked = [
            Request(port_of(word, ports, transfer.interleave), target, word)
            for target, word in enumerate(words[start : start + ports])
        ]
        total += network.route(asked).count
    return total


LAYOUTS = st.lists(st.integers(2, 7), min_size=2, max_size=3).flatmap(
    lambda shape: (
        st.permutations(range(len(shape)))
        .filter(lambda order: order != sorted(order))
        .map(lambda order: Layout(tuple(shape), tuple(order)))
    )
)


@pytest.mark.parametrize("kind", SWITCHED)
@settings(max_examples=10, deadline=None)
@given(
    layout=LAYOUTS,
    ports=st.sampled_from([2, 4, 8]),
    copies=st.sampled_from([1, 1, 2, 3, 8, 20]),
    interleave=st.sampled_from(["plain", "skewed", "xor"]),
)
def test_a_permuted_transfer_takes_the_passes_of_all_its_beats(
    kind, layout, ports, copies, interleave
):
    transfer, network = whole(layout, copies=copies, interleave=interleave), kind(ports)

    assert network.stream_cycles([transfer]) == passes_beat_by_beat(network, transfer)


@settings(max_examples=25, deadline=None)
@given(LAYOUTS, st.sampled_from([2, 4, 8]), st.data())
def test_a_tile_takes_the_passes_of_its_own_beats(layout, ports, data):
    """Runs of a tile: the first words along the inner indices, for the first of the outer."""
    extents = [layout.shape[place] for place in layout.order]
    inner = data.draw(st.integers(1, len(extents) - 1))
    run = data.draw(st.integers(1, prod(extents[inner:])))
    runs = data.draw(st.integers(1, prod(extents[:inner])))
    stride = 32 * prod(extents[inner:])
    transfer = Transfer(32 * run * runs, 32 * run, stride_bits=stride, layout=layout, word_bits=32)

    network = ButterflySpec(ports)

    assert network.stream_cycles([transfer]) == passes_beat_by_beat(network, transfer)


@pytest.mark.parametrize("kind", SWITCHED)
@settings(max_examples=10, deadline=None)
@given(words=st.integers(1, 100), copies=st.integers(1, 20), ports=st.sampled_from([2, 4, 8, 16]))
def test_words_wanted_as_they_lie_fill_every_pass(kind, words, copies, ports):
    """``ceil(W copies / P)`` is what routing all the beats takes."""
    network, layout = kind(ports), Layout((words,), (0,))
    transfer = whole(layout, copies=copies)

    assert network.stream_cycles([transfer]) == -(-words * copies // ports)
    assert passes_beat_by_beat(network, transfer) == -(-words * copies // ports)


def test_a_transposed_matrix_of_as_many_columns_as_ports_comes_word_by_word():
    """Every word of a column lies behind the same port."""
    transfer = whole(Layout((16, 16), (1, 0)))

    counts = ButterflySpec(16).tallies([transfer])

    assert counts == {"passes": 256, "conflict_passes": 240, "blocked_passes": 0}


def test_a_transposed_matrix_of_an_odd_number_of_columns_passes_at_full_rate():
    """Word (r, c) lies behind port 17 r + c: a stride of 17 visits all 16 ports."""
    transfer = whole(Layout((16, 17), (1, 0)))

    counts = ButterflySpec(16).tallies([transfer])

    assert counts == {"passes": 17, "conflict_passes": 0, "blocked_passes": 0}


@pytest.mark.parametrize(
    ("interleave", "passes"),
    [
        ("plain", 16 * 256),  # a column's words lie behind one port
        ("skewed", 16 * 256),  # 256 / 16 rows of ports shift it all the way round
        ("xor", 256),
    ],
)
def test_a_crossbar_transposes_at_full_rate_where_words_are_spread_for_it(interleave, passes):
    transposed = whole(Layout((16, 256), (1, 0)), interleave=interleave)

    assert CrossbarSpec(16).stream_cycles([transposed]) == passes


def test_only_butterflies_block():
    """A 4 x 4 matrix behind 16 ports, transposed: one beat whose paths meet four on a wire."""
    transfer = whole(Layout((4, 4), (1, 0)))

    ideal, benes, butterfly = (kind(16).tallies([transfer]) for kind in SWITCHED[:3])

    assert ideal == benes == {"passes": 1, "conflict_passes": 0, "blocked_passes": 0}
    assert butterfly == {"passes": 4, "conflict_passes": 0, "blocked_passes": 3}


@settings(max_examples=30, deadline=None)
@given(LAYOUTS, st.sampled_from([2, 4, 8, 16]), st.sampled_from([1, 2, 3]))
def test_ideal_networks_bound_real_ones_from_below(layout, ports, copies):
    transfer = whole(layout, copies=copies)

    cycles = [kind(ports).stream_cycles([transfer]) for kind in SWITCHED[:3]]

    assert cycles == sorted(cycles)
    assert cycles[0] >= ButterflySpec(ports).stream_cycles([replace(transfer, layout=None)])


@settings(max_examples=30, deadline=None)
@given(LAYOUTS, st.sampled_from([4, 8]), st.sampled_from([8, 16, 32]))
def test_wider_wires_are_never_slower(layout, ports, word_bits):
    transfer = whole(layout, word_bits=word_bits)

    cycles = [
        ButterflySpec(ports, width=width).stream_cycles([transfer])
        for width in (128, 64, 33, 32, 24, 16, 8, 1)
    ]

    assert cycles == sorted(cycles)


def test_neighbours_that_stay_neighbours_travel_together():
    """Pairs of bf16 on wires of 32 bit that only change places: 72 words, not 144."""
    layout = Layout((8, 9, 2), (1, 0, 2))

    assert BenesSpec(8).stream_cycles([whole(layout, word_bits=16)]) == 9
    assert BenesSpec(8).stream_cycles([whole(layout, word_bits=32)]) == 18


ANY_NETWORK = [
    *SWITCHED,
    lambda ports, **fields: DistributionTreeSpec(ports, root_words=2, **fields),
    lambda ports, **fields: ReductionTreeSpec(ports, root_words=2, **fields),
    lambda ports, **fields: ReductionTreeSpec(
        ports, root_words=2, groups="powers_of_two", **fields
    ),
]


@pytest.mark.parametrize("kind", ANY_NETWORK)
@settings(max_examples=25, deadline=None)
@given(bits=st.integers(1, 4000), copies=st.integers(1, 40))
def test_more_ports_and_wider_ones_are_never_slower_on_what_lies_as_wanted(kind, bits, copies):
    transfer = Transfer(bits, bits, copies=copies)

    by_ports = [kind(ports).stream_cycles([transfer]) for ports in (64, 32, 16, 8, 4, 2)]
    by_width = [kind(8, width=width).stream_cycles([transfer]) for width in (256, 33, 32, 8, 1)]

    assert by_ports == sorted(by_ports)
    assert by_width == sorted(by_width)


@pytest.mark.parametrize(
    ("words", "copies", "cycles"),
    [
        (16, 1, 8),  # two a cycle at the root
        (16, 4, 8),  # 64 leaves' worth: four cycles of 16, hidden behind the root
        (16, 16, 16),  # a broadcast each
        (17, 16, 17),
        (1, 40, 3),
    ],
)
def test_a_distribution_tree_waits_for_its_root_or_its_leaves(words, copies, cycles):
    tree = DistributionTreeSpec(16, root_words=2)

    assert tree.stream_cycles([Transfer(32 * words, 32 * words, copies=copies)]) == cycles


@pytest.mark.parametrize(
    ("groups", "copies", "cycles"),
    [
        ("any", 1, 3),  # 20 sums, 16 leaves: two passes, but 8 a cycle at the root
        ("any", 3, 4),  # five groups of 3 at once
        ("powers_of_two", 3, 5),  # four groups of 4
        ("any", 16, 20),
        ("any", 17, 40),  # two passes for each sum
        ("powers_of_two", 9, 20),
    ],
)
def test_a_reduction_tree_sums_as_many_groups_as_it_has_room_for(groups, copies, cycles):
    tree = ReductionTreeSpec(16, root_words=8, groups=groups)

    assert tree.stream_cycles([Transfer(640, 640, copies=copies)]) == cycles


@pytest.mark.parametrize(
    ("targets", "of_any_size", "of_powers_of_two"),
    [
        ([0] * 8, True, True),
        ([0, 0, 0, 1, 1, 2, 2, 2], True, False),
        ([0, 0, 1, 1, 2, 2, 2, 2], True, True),
        ([None, 0, 0, None, 1, 1, 1, 1], True, False),  # no adder over leaves 1 and 2 alone
        ([0, 1, 0, 1, 2, 2, 2, 2], False, False),
    ],
)
def test_trees_sum_neighbours(targets, of_any_size, of_powers_of_two):
    assert ReductionTreeSpec(8, root_words=1).is_one_pass(targets) == of_any_size
    plain = ReductionTreeSpec(8, root_words=1, groups="powers_of_two")
    assert plain.is_one_pass(targets) == of_powers_of_two


def adder_groups(leaves):
    """Sets of leaves that an adder of a plain binary tree sums."""
    sizes = [1 << n for n in range(leaves.bit_length())]
    return {
        frozenset(range(start, start + size)) for size in sizes for start in range(0, leaves, size)
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=8, max_size=8))
def test_a_plain_tree_sums_what_has_an_adder_of_its_own(targets):
    groups = [
        frozenset(leaf for leaf in range(8) if targets[leaf] == target)
        for target in set(targets) - {None}
    ]

    plain = ReductionTreeSpec(8, root_words=1, groups="powers_of_two")

    assert plain.is_one_pass(targets) == all(group in adder_groups(8) for group in groups)


@pytest.mark.parametrize("ports", [2, 4, 8, 16])
@pytest.mark.parametrize("copies", [1, 2, 3, 5, 16])
def test_switches_count_every_hop_of_a_word_to_its_copies(ports, copies):
    """Wires that the first word of a beat takes, counted in the switches as set."""
    if copies > ports:
        return
    network = ButterflySpec(ports)

    (one,) = network.route([Request(0, target, 0) for target in range(copies)]).passes

    used = Counter(wire is not None for stage in one.settings for wire in stage)[True]
    assert network.actions(Transfer(32, 32, copies=copies)) == {
        "transfer": 32,
        "switch": 32 * used,
    }


@pytest.mark.parametrize(
    ("network", "stages", "hops"),
    [
        (ButterflySpec(16), 4, 4),
        (ReductionButterflySpec(16), 4, 4),
        (BenesSpec(16), 7, 7),
        (CrossbarSpec(16), 1, 1),
        (DistributionTreeSpec(12, root_words=1), 4, 4),
        (ReductionTreeSpec(12, root_words=1), 4, 4),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_word_passes_every_stage(network, stages, hops):
    slow = replace(network, hop_cycles=3, latency_cycles=5)

    assert network.stages == stages
    assert slow.arrival_cycles == 5 + 3 * stages
    assert network.actions(Transfer.sequential(10)) == {"transfer": 10, "switch": 10 * hops}


def test_networks_that_switch_absorb_permutes_and_trees_absorb_nothing():
    assert all(kind(4).absorbs == ("permute",) for kind in SWITCHED)
    assert DistributionTreeSpec(4, root_words=1).absorbs == ()
    assert ReductionTreeSpec(4, root_words=1).absorbs == ()


def test_a_network_is_each_units_own_unless_shared():
    assert ButterflySpec(4).private
    assert not ButterflySpec(4, shared=True).private


def test_a_huge_tensor_is_counted_by_its_sorts_of_beats():
    """2^30 words: 2^26 beats of sixteen words behind one port."""
    transfer = whole(Layout((2**15, 2**15), (1, 0)))

    assert ButterflySpec(16).stream_cycles([transfer]) == 2**30


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DistributionTreeSpec(8, root_words=9),
            r"root_words: must be in 1 \.\.\. 8, the number of ports, got 9",
        ),
        (
            lambda: ReductionTreeSpec(8, root_words=0),
            r"root_words: must be in 1 \.\.\. 8, the number of ports, got 0",
        ),
        (lambda: ReductionTreeSpec(1, root_words=1), "ports: must be >= 2, got 1"),
        (lambda: DistributionTreeSpec(8, root_words=1, width=0), "width: must be >= 1, got 0"),
        (
            lambda: ReductionTreeSpec(8, root_words=1).is_one_pass([0]),
            "targets: must have an entry for each of 8 ports, got 1",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
