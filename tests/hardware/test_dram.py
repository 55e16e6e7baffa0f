"""Dram: closed forms of streams and refresh, against commands lived through one by one."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import DramSpec, DramTiming, Transfer
from archsim.hardware.dram import Pattern, stream_time
from archsim.machine.dram import CommandLevelChannel

DDR4 = DramTiming(
    banks=16, bank_groups=4, row=8192, tRCD=16, tRP=16, CL=16, tRAS=39, tRTP=9, tCCD_S=4, tCCD_L=6,
    tRRD=4, tFAW=26, tRFC=420, tREFI=9360,
)  # fmt: skip


@st.composite
def timings(draw):
    """Any timing that the rules allow, from comfortable to absurd."""
    groups = draw(st.sampled_from([1, 2, 4]))
    short = draw(st.integers(1, 6))
    activate = draw(st.integers(1, 30))
    refresh = draw(st.integers(1, 50))
    return DramTiming(
        banks=groups * draw(st.integers(1, 5)),
        bank_groups=groups,
        row=64 * draw(st.integers(1, 6)),
        tRCD=activate,
        tRP=draw(st.integers(1, 30)),
        CL=draw(st.integers(1, 30)),
        tRAS=activate + draw(st.integers(0, 40)),
        tRTP=draw(st.integers(1, 15)),
        tCCD_S=short,
        tCCD_L=draw(st.integers(short, groups * short)),
        tRRD=draw(st.integers(1, 12)),
        tFAW=draw(st.integers(1, 60)),
        tRFC=refresh,
        tREFI=refresh + draw(st.integers(1, 400)),
        policy=draw(st.sampled_from(["open", "closed"])),
    )


def dram(timing=DDR4, **fields):
    defaults = {"capacity": 2**30, "channels": 1, "burst": 64, "burst_cycles": 1}
    return DramSpec(**{**defaults, **fields}, timing=timing)


def visits_of(pattern, bursts):
    """The row visits of a stream, the last one cut short."""
    visits = []
    while bursts:
        size = min(bursts, pattern[len(visits) % len(pattern)])
        visits.append(size)
        bursts -= size
    return visits


def check_stream(timing, pattern, bursts):
    lived = CommandLevelChannel(timing).read(visits_of(pattern, bursts))

    assert stream_time(timing, Pattern(pattern), bursts) == lived


PATTERNS = st.lists(st.integers(1, 24), min_size=1, max_size=3).map(tuple)


@settings(max_examples=200, deadline=None)
@given(timings(), PATTERNS, st.integers(1, 300))
def test_a_streams_closed_form_is_what_its_commands_take(timing, pattern, bursts):
    check_stream(timing, pattern, bursts)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(timings(), PATTERNS, st.integers(1, 1500))
def test_many_streams_closed_forms_are_what_their_commands_take(timing, pattern, bursts):
    check_stream(timing, pattern, bursts)


def refreshed_tick_by_tick(timing, start, cycles):
    """Work goes on in every cycle that no refresh takes."""
    now = start
    while cycles:
        refreshes = now >= timing.tREFI and now % timing.tREFI < timing.tRFC
        cycles -= not refreshes
        now += 1
    return now


@settings(max_examples=300, deadline=None)
@given(timings(), st.integers(0, 2000), st.integers(0, 1500))
def test_refresh_takes_every_cycle_it_should(timing, start, cycles):
    unit = dram(replace(timing, row=64))
    unit = replace(unit, burst_cycles=1)

    assert unit.finish(start, cycles) == refreshed_tick_by_tick(timing, start, cycles)


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_refresh_never_lets_a_later_transfer_be_over_sooner(start, cycles):
    unit = dram(burst_cycles=4)

    assert unit.finish(start + 1, cycles) >= unit.finish(start, cycles) >= start + cycles
    assert unit.finish(start, cycles + 1) > unit.finish(start, cycles)


@settings(max_examples=200, deadline=None)
@given(timings(), st.integers(0, 2000), st.integers(1, 1500), st.integers(1, 5))
def test_a_transfer_that_begins_whole_periods_later_is_over_as_much_later(
    timing, after, cycles, periods
):
    unit = replace(dram(replace(timing, row=64)), burst_cycles=1)
    first, period = unit.rhythm
    start = first + after

    later = unit.finish(start + periods * period, cycles)

    assert later == unit.finish(start, cycles) + periods * period


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


def test_runs_that_lie_in_one_row_share_it():
    unit = dram(burst_cycles=4)
    strided = Transfer(bits=512 * 64, run_bits=512, stride_bits=1024)

    assert unit.tallies([strided])["row_conflicts"] < 8
    assert unit.stream_cycles([strided]) == 4 * 64


@settings(deadline=None)
@given(timings(), st.integers(1, 40), st.integers(1, 60), st.integers(1, 4096))
def test_order_of_memory_never_hurts(timing, run, runs, stride):
    """Scattered runs take no less than strided ones, and those no less than a stream."""
    unit = replace(dram(timing), burst_cycles=1)
    size = 512 * run
    sequential = Transfer.sequential(size * runs)
    strided = Transfer(size * runs, size, stride_bits=size + 8 * stride)
    scattered = Transfer(size * runs, size, is_scattered=True)

    times = [unit.stream_cycles([each]) for each in (sequential, strided, scattered)]

    assert times == sorted(times)
    for transfer in (sequential, strided, scattered):
        assert min(unit.tallies([transfer]).values()) >= 0


@given(st.integers(1, 2**24), st.sampled_from([1, 2, 4, 8]))
def test_more_channels_never_cost_time(bits, channels):
    stream = [Transfer.sequential(bits)]

    assert dram(channels=2 * channels).stream_cycles(stream) <= dram(
        channels=channels
    ).stream_cycles(stream)


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
        ({"tRFC": 9361}, r"tRFC: must be <= tREFI \(9360\)"),
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
        (replace(DDR4, row=32), {}, r"timing.row: must be a multiple of burst \(64 B\), got 32 B"),
        (None, {"channels": 0}, "channels: must be >= 1, got 0"),
    ],
)
def test_a_bad_memory_is_named(timing, fields, message):
    with pytest.raises(ValueError, match=message):
        dram(timing, **fields)
