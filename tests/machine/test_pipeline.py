"""Pipeline: double buffering, latency and order, tile by tile."""

import pytest
import simpy

from archsim.machine.channel import Channel
from archsim.machine.pipeline import Pipeline
from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.schedule import Task


def two_stages(*tiles, slots=2, latency=0):
    """Tiles of (load, compute) ticks; the load's ticks are its bits."""
    path = (
        Stage(StageKind.FETCH, "dram", False, latency, slots),
        Stage(StageKind.COMPUTE, "unit", True),
    )
    return TileStream(path, tuple(TileClass(tile, (tile[0], 0), 1, ()) for tile in tiles))


def live_through(*streams):
    """Run streams side by side, on a unit each, over one DRAM; return ends and pipelines."""
    env = simpy.Environment()
    dram, ends = Channel(env), {}
    pipelines = [
        Pipeline(env, Task(f"t{n}", f"o{n}", f"unit{n}", stream, (n, 0)), {"dram": dram})
        for n, stream in enumerate(streams)
    ]

    def run(number):
        yield env.process(pipelines[number].run())
        ends[number] = env.now

    for number in range(len(streams)):
        env.process(run(number))
    env.run()
    return [ends[number] for number in range(len(streams))], pipelines


@pytest.mark.parametrize("tiles", [1, 2, 7])
@pytest.mark.parametrize(("load", "compute"), [(10, 3), (3, 10), (5, 5)])
def test_two_slots_hide_the_shorter_behind_the_longer(load, compute, tiles):
    ends, _ = live_through(two_stages(*[(load, compute)] * tiles))

    assert ends == [load + (tiles - 1) * max(load, compute) + compute]


@pytest.mark.parametrize("tiles", [1, 2, 7])
def test_one_slot_makes_loads_and_products_take_turns(tiles):
    ends, _ = live_through(two_stages(*[(10, 3)] * tiles, slots=1))

    assert ends == [tiles * 13]


def test_transfers_overlap_in_latency():
    # five loads back to back, 40 on the way, the last product; slots do not limit
    ends, _ = live_through(two_stages(*[(4, 3)] * 5, slots=8, latency=40))

    assert ends == [5 * 4 + 40 + 3]


def test_slots_in_flight_limit_what_latency_can_hide():
    # two tiles on their way at most: loads at 0, 4; arrivals at 44, 48; products end at 47, 51;
    # the third load starts at 47, arrives at 91, its product ends at 94
    ends, _ = live_through(two_stages((4, 3), (4, 3), (4, 3), slots=2, latency=40))

    assert ends == [94]


def test_a_tile_with_nothing_to_load_does_not_overtake_one_that_is_on_its_way():
    # the first arrives at 2 + 10; the second loads nothing and is worked on after it
    ends, (pipeline,) = live_through(two_stages((2, 1), (0, 5), latency=10))

    assert ends == [12 + 1 + 5]
    assert [(log.start, log.end, log.busy) for log in pipeline.logs] == [(0, 2, 2), (12, 18, 6)]


def test_a_stream_ends_when_its_last_tile_has_arrived():
    path = (
        Stage(StageKind.COMPUTE, "unit", True),
        Stage(StageKind.STORE, "dram", False, 10),
    )
    stream = TileStream(path, (TileClass((3, 2), (0, 2), 1, ()), TileClass((3, 0), (0, 0), 1, ())))

    ends, _ = live_through(stream)

    assert ends == [3 + 2 + 10]  # the second passes at 6, its store has nothing to wait for


def test_streams_share_a_dram_in_program_order():
    stream = two_stages((4, 1), (4, 1))

    ends, (first, second) = live_through(stream, stream)

    # DRAM: first 0-4, second 4-8; the first's next load was asked for at 4, so 8-12, 12-16
    assert ends == [13, 17]
    assert [log.waited for log in first.logs] == [4, 0]
    assert [log.waited for log in second.logs] == [8, 0]


def test_logs_count_tiles_points_and_bits():
    stream = two_stages(*[(4, 1)] * 3)

    _, (pipeline,) = live_through(TileStream(stream.stages, (Repeat(2, stream.body),)))

    assert [(log.component, log.tiles, log.points, log.bits) for log in pipeline.logs] == [
        ("dram", 6, 0, 24),
        ("unit0", 6, 6, 0),
    ]
