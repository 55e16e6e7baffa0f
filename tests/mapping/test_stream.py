"""TileStream: its time alone is the textbook's, its totals are sums over tiles."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.schedule import Task
from tests.mapping.strategies import stages, streams, tile_classes
from tests.oracles import alone, live


def two_stages(load, compute, tiles, *, slots=2, latency=0):
    path = (
        Stage(StageKind.FETCH, "dram", False, latency, slots),
        Stage(StageKind.COMPUTE, "unit", True),
    )
    tile = TileClass((load, compute), (8 * load, 0), 1, (("unit", "mac", "fp32", 3),))
    return TileStream(path, (Repeat(tiles, (tile,)),))


@pytest.mark.parametrize("tiles", [1, 2, 7])
@pytest.mark.parametrize(("load", "compute"), [(10, 3), (3, 10), (5, 5)])
def test_two_stages_take_the_textbooks_time(load, compute, tiles):
    """load + (n - 1) max(load, compute) + compute."""
    stream = two_stages(load, compute, tiles)

    assert stream.uncontended_ticks == load + (tiles - 1) * max(load, compute) + compute


def test_latency_is_paid_once():
    # 4 on the way of the first tile; the others' overlaps
    assert two_stages(10, 3, 7, latency=4).uncontended_ticks == 7 * 10 + 4 + 3


def test_a_latency_too_long_for_the_slots_is_paid_by_turns():
    # each of 2 slots is taken by 20 tiles in turn, 10 + 14 + 3 ticks each
    stream = two_stages(10, 3, 40, latency=14)

    assert stream.uncontended_ticks == 20 * 27 == alone(stream) - 10


def test_a_long_first_tile_keeps_those_beyond_the_slots_waiting():
    path = two_stages(10, 3, 1).stages
    first, other = (TileClass((10, compute), (80, 0), 1, ()) for compute in (100, 3))
    stream = TileStream(path, (first, Repeat(6, (other,))))

    # 10 + 100, then the 5 tiles for which there was no slot, and the last one's 3
    assert stream.uncontended_ticks == 110 + 5 * 10 + 3 == alone(stream)


def test_the_last_tiles_latency_is_waited_for():
    path = (
        Stage(StageKind.COMPUTE, "unit", True),
        Stage(StageKind.STORE, "dram", False, 4),
    )
    stream = TileStream(path, (Repeat(3, (TileClass((5, 2), (0, 8), 1, ()),)),))

    assert stream.uncontended_ticks == 3 * 5 + 2 + 4


def apart(path):
    """The same stages, each with a component to itself."""
    return tuple(replace(stage, component=f"{n}") for n, stage in enumerate(path))


@settings(max_examples=200)
@given(streams())
def test_no_stream_beats_its_closed_form(stream):
    undisturbed = TileStream(apart(stream.stages), stream.body)

    assert alone(undisturbed) >= undisturbed.uncontended_ticks


@settings(max_examples=300)
@given(streams())
def test_no_stream_whose_reads_and_writes_take_turns_beats_its_closed_form(stream):
    finish, _ = live([Task("o", "o", "unit", stream, (0, 0))], {"o": ()})

    assert finish["o"] >= stream.uncontended_ticks


def test_reads_and_writes_of_one_memory_take_turns():
    path = (
        Stage(StageKind.FETCH, "dram", False, 4),
        Stage(StageKind.COMPUTE, "unit", True),
        Stage(StageKind.STORE, "dram", False, 4),
    )
    stream = TileStream(path, (Repeat(5, (TileClass((10, 3, 6), (80, 0, 48), 1, ()),)),))

    # all 16 ticks of all tiles, and the last one's way to its memory
    assert stream.uncontended_ticks == 5 * 16 + 4


@settings(max_examples=100)
@given(st.data())
def test_equal_tiles_in_double_buffers_take_the_closed_form(data):
    path = data.draw(stages(most_latency=0))
    path = tuple(replace(stage, slots=max(stage.slots, 2)) for stage in apart(path))
    count = data.draw(st.integers(1, 12))
    tile = data.draw(tile_classes(path))
    stream = TileStream(path, (Repeat(count, (tile,)),))

    textbook = sum(tile.service) + (count - 1) * max(tile.service)

    assert stream.uncontended_ticks == textbook == alone(stream)


@given(streams())
def test_totals_are_sums_over_the_tiles_in_order(stream):
    tiles = list(stream)

    assert stream.tiles == len(tiles) == sum(stream.classes.values())
    assert stream.points == len(tiles)
    for number in range(len(stream.stages)):
        assert stream.busy[number] == sum(tile.service[number] for tile in tiles)
        assert stream.bits[number] == sum(tile.bits[number] for tile in tiles)


def test_nested_repetition_is_unrolled_from_the_inside():
    a, b, c = (TileClass((n,), (0,), n, ()) for n in (1, 2, 3))
    body = (Repeat(2, (a, Repeat(2, (b,)))), c)
    stream = TileStream((Stage(StageKind.COMPUTE, "unit", True),), body)

    assert [tile.points for tile in stream] == [1, 2, 2, 1, 2, 2, 3]
    assert stream.points == 13


def test_actions_are_counted_once_per_tile():
    assert two_stages(1, 1, 7).actions == {("unit", "mac", "fp32"): 21}


def test_private_stages_are_named_after_their_unit():
    assert Stage(StageKind.DISTRIBUTE, "bus", True).instance("pe3") == "bus[pe3]"
    assert Stage(StageKind.DISTRIBUTE, "bus", False).instance("pe3") == "bus"
    assert Stage(StageKind.COMPUTE, "pe", True).instance("pe3") == "pe3"
