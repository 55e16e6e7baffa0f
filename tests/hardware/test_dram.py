"""Dram: closed forms of streams and refresh, against commands lived through one by one."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archsim.hardware import DramSpec, DramTiming, Transfer
from archsim.hardware.dram_timing import stream_time
from archsim.machine.dram import CommandLevelChannel
from tests.effort import cases
from tests.machine.strategies import dram_timings

DDR4 = DramTiming(
    banks=16, bank_groups=4, row=8192, tRCD=16, tRP=16, CL=16, tRAS=39, tRTP=9, tCCD_S=4, tCCD_L=6,
    tRRD=4, tFAW=26, tRFC=420, tREFI=9360, refresh="timed",
)  # fmt: skip


def dram(timing=DDR4, **fields):
    defaults = {"capacity": 2**30, "channels": 1, "burst": 64, "burst_cycles": 1}
    return DramSpec(**{**defaults, **fields}, timing=timing)


def check_stream(timing, bursts, per_row, start):
    lived = CommandLevelChannel(timing, start).read(bursts, per_row=per_row)

    found = stream_time(timing, bursts, per_row=per_row)
    assert found.activations == lived.activations
    timed = replace(timing, refresh="timed")
    assert timed.after_refreshes(start, found.cycles, cycle=1) == start + lived.cycles


PER_ROW = st.integers(1, 8)
STARTS = st.integers(0, 2000)


@settings(max_examples=150, deadline=None)
@given(dram_timings(), st.integers(1, 120), PER_ROW, STARTS)
def test_a_streams_closed_form_is_what_its_commands_take(timing, bursts, per_row, start):
    check_stream(timing, bursts, per_row, start)


@pytest.mark.slow
@settings(max_examples=cases(5000), deadline=None)
@given(dram_timings(), st.integers(1, 1000), PER_ROW, STARTS)
def test_many_streams_closed_forms_are_what_their_commands_take(timing, bursts, per_row, start):
    check_stream(timing, bursts, per_row, start)


def powers(low, high):
    return st.integers(low, high).map(lambda exponent: 2**exponent)


@st.composite
def tidy_transfers(draw):
    """Streams, runs at regular distances and runs anywhere, all of powers of two bursts."""
    run, runs = 512 * draw(powers(0, 6)), draw(powers(1, 6))
    kind = draw(st.sampled_from(["sequential", "strided", "scattered"]))
    if kind == "sequential":
        return Transfer.sequential(runs * run)
    return Transfer(runs * run, run, run * draw(powers(0, 4)), is_scattered=kind == "scattered")


def rows_by_address(unit, transfer):
    """Rows that a transfer opens, on all channels: it touches pieces of spans of addresses."""
    side_by_side = unit.channels * unit.timing.bank_groups
    span, piece = side_by_side * unit.timing.row * 8, unit.interleave_bursts * unit.unit_bits
    touched = defaultdict(set)
    for run in range(transfer.bits // transfer.run_bits):
        for bit in range(0, transfer.run_bits, unit.unit_bits):
            address = run * transfer.stride_bits + bit
            where = (run, bit // span) if transfer.is_scattered else address // span
            touched[where].add(address // piece)
    return sum(min(side_by_side, len(pieces)) for pieces in touched.values())


@settings(max_examples=200, deadline=None)
@given(tidy_transfers(), powers(0, 2), powers(0, 3))
def test_rows_are_opened_as_addresses_lie(transfer, channels, interleave):
    """Each channel reads its share in visits of a row in each group, the last one cut short."""
    unit = dram(channels=channels, interleave_bursts=interleave, burst_cycles=4)

    tallies = unit.tallies([transfer])

    assert tallies["bursts"] == -(-transfer.bits // 512 // channels) * channels
    if transfer.run_bits < transfer.bits:
        opened = rows_by_address(unit, transfer)
        assert opened <= tallies["row_conflicts"] < opened + 4 * channels


def refreshed_tick_by_tick(timing, start, service, cycle):
    """Service goes on in every tick that no refresh takes."""
    now, blocked = start, timing.tRP + timing.tRFC + timing.tRCD
    while service:
        clock = now // cycle
        service -= clock < timing.tREFI or clock % timing.tREFI >= blocked
        now += 1
    return now


@settings(max_examples=200, deadline=None)
@given(dram_timings(), st.integers(0, 2000), st.integers(0, 1500), st.integers(1, 3))
def test_refresh_takes_every_tick_it_should(timing, start, service, cycle):
    unit = dram(replace(timing, refresh="timed"))

    over = unit.finish(start, service, cycle=cycle)

    assert over == refreshed_tick_by_tick(timing, start, service, cycle)


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_refresh_never_lets_a_later_transfer_be_over_sooner(start, cycles):
    unit = dram(burst_cycles=4)

    assert unit.finish(start + 1, cycles) >= unit.finish(start, cycles) >= start + cycles
    assert unit.finish(start, cycles + 1) > unit.finish(start, cycles)


@settings(max_examples=200, deadline=None)
@given(dram_timings(), st.integers(0, 2000), st.integers(1, 1500), st.integers(1, 5))
def test_a_transfer_that_begins_whole_periods_later_is_over_as_much_later(
    timing, after, cycles, periods
):
    unit = dram(replace(timing, refresh="timed"))
    first, period = unit.rhythm
    start = first + after

    later = unit.finish(start + periods * period, cycles)

    assert later == unit.finish(start, cycles) + periods * period


@settings(max_examples=200, deadline=None)
@given(dram_timings(), st.integers(0, 2000), st.integers(1, 20_000))
def test_spread_refresh_takes_of_a_long_stream_what_timed_refresh_takes(timing, start, service):
    """They differ by no more than one refresh, wherever the stream begins."""
    begun = timing.tREFI + start
    timed, spread = (
        dram(replace(timing, refresh=refresh)).finish(begun, service)
        for refresh in ("timed", "spread")
    )

    assert abs(timed - spread) <= timing.refresh_cycles


def test_spread_refresh_depends_on_no_time():
    """DDR4-2400: 9,360 cycles from one refresh to the next, of which 452 are lost."""
    unit = dram(replace(DDR4, refresh="spread"))

    assert unit.rhythm is None
    assert unit.finish(0, 8908) == 9360
    assert unit.finish(123, 100) - 123 == 106  # 105.07


def test_without_timing_nothing_is_refreshed():
    unit = dram(None, burst_cycles=4)

    assert unit.finish(9360, 100) == 9460
    assert unit.rhythm is None
    assert unit.tallies([Transfer.sequential(8 * 640)]) == {}


def test_a_stream_runs_at_the_peak_and_finds_its_rows_open():
    """A megabyte of DDR4: 16,384 bursts of 4 cycles, a row of 8 KiB in each of 4 groups."""
    unit = dram(burst_cycles=4)
    stream = [Transfer.sequential(8 * 2**20)]

    assert unit.stream_cycles(stream) == 4 * 16384
    assert unit.tallies(stream) == {
        "bursts": 16384, "row_hits": 16384 - 128, "row_conflicts": 128,
    }  # fmt: skip


def test_scattered_bursts_wait_for_activations():
    """64 B from anywhere: four activations in 26 cycles are the limit of DDR4-2400."""
    unit = dram(burst_cycles=4)
    scattered = Transfer(bits=512 * 4000, run_bits=512, is_scattered=True)

    assert unit.stream_cycles([scattered]) == pytest.approx(4000 * 26 / 4, rel=0.001)
    assert unit.tallies([scattered])["row_hits"] == 0


def test_runs_that_lie_in_one_burst_are_read_with_it():
    """16 B out of every 32 B are half of all bursts' bytes, and all of the bursts."""
    unit = dram(burst_cycles=4)
    half, all_of_it = Transfer(128 * 1000, 128, 256), Transfer.sequential(256 * 1000)

    assert unit.stream_cycles([half]) == unit.stream_cycles([all_of_it]) == 4 * 500


def test_runs_that_lie_in_one_row_share_it():
    unit = dram(burst_cycles=4)
    strided = Transfer(bits=512 * 64, run_bits=512, stride_bits=1024)

    assert unit.tallies([strided])["row_conflicts"] < 8
    assert unit.stream_cycles([strided]) == 4 * 64


@st.composite
def memories(draw):
    """Any memory with bursts of 64 B."""
    timing = draw(dram_timings())
    return dram(
        timing,
        burst_cycles=draw(st.integers(1, timing.tCCD_S)),
        channels=draw(st.integers(1, 5)),
        interleave_bursts=draw(st.integers(1, timing.row // 64)),
    )


BURSTS_SHARED_BY_RUNS = dram(
    DramTiming(
        banks=4, bank_groups=4, row=192, tRCD=1, tRP=1, CL=1, tRAS=1, tRTP=1, tCCD_S=1, tCCD_L=1,
        tRRD=1, tFAW=11, tRFC=1, tREFI=4,
    ),
    interleave_bursts=3,
)  # fmt: skip
"""Strided runs of it once took longer than scattered ones: bursts were counted twice."""


@settings(deadline=None)
@given(memories(), st.integers(1, 300), st.integers(2, 60), st.integers(0, 4096))
@example(BURSTS_SHARED_BY_RUNS, 142, 4, 3)
def test_order_of_memory_never_hurts(unit, run_bytes, runs, gap_bytes):
    """Scattered runs take no less than strided ones, and those no less than a stream."""
    run, stride = 8 * run_bytes, 8 * (run_bytes + gap_bytes)
    sequential = Transfer.sequential(run * runs)
    strided = Transfer(run * runs, run, stride)
    scattered = Transfer(run * runs, run, is_scattered=True)

    times = [unit.stream_cycles([each]) for each in (sequential, strided, scattered)]

    assert times == sorted(times)
    for transfer in (sequential, strided, scattered):
        assert min(unit.tallies([transfer]).values()) >= 0


@given(tidy_transfers(), powers(0, 3))
def test_more_channels_never_cost_time(transfer, channels):
    few, many = dram(channels=channels), dram(channels=2 * channels)

    assert many.stream_cycles([transfer]) <= few.stream_cycles([transfer])


def test_an_idle_memory_answers_after_precharge_activation_access_and_burst():
    unit = dram(burst_cycles=4)
    one = [Transfer.sequential(512)]

    assert unit.stream_cycles(one) + unit.arrival_cycles == 16 + 16 + 16 + 4
    closed = dram(replace(DDR4, policy="closed"), burst_cycles=4)
    assert closed.stream_cycles(one) + closed.arrival_cycles == 16 + 16 + 4


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tRCD": 40}, r"tRCD: must be <= tRAS \(39\), got 40"),
        ({"tRFC": 9328}, r"tRFC: must be <= tREFI - tRP - tRCD - 1 \(9327\), got 9328"),
        ({"tCCD_S": 7}, r"tCCD_S: must be <= tCCD_L \(6\)"),
        ({"tCCD_L": 17}, r"tCCD_L: must be <= bank_groups x tCCD_S \(16\), got 17"),
        ({"bank_groups": 3}, "bank_groups: 16 banks cannot be split evenly over 3"),
        ({"CL": 0}, "CL: must be >= 1, got 0"),
        ({"policy": "shut"}, "policy: no policy 'shut'"),
    ],
)
def test_a_bad_timing_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(DDR4, **fields)


@pytest.mark.parametrize(
    ("timing", "fields", "message"),
    [
        (DDR4, {"burst_cycles": 5}, r"timing.tCCD_S: must be >= burst_cycles \(5\), got 4"),
        (
            replace(DDR4, bank_groups=1, tRCD=1, CL=1, tCCD_S=6),
            {},
            r"timing.tCCD_S: must be <= tRCD \+ CL \+ burst_cycles \(3\), got 6",
        ),
        (replace(DDR4, row=32), {}, r"timing.row: must be a multiple of burst \(64 B\), got 32 B"),
        (
            DDR4,
            {"interleave_bursts": 129},
            r"interleave_bursts: must be <= timing.row / burst \(128\)",
        ),
        (None, {"channels": 0}, "channels: must be >= 1, got 0"),
    ],
)
def test_a_bad_memory_is_named(timing, fields, message):
    with pytest.raises(ValueError, match=message):
        dram(timing, **fields)
