"""What time goes to, by cases small enough to be checked by hand and by a law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.results import Tally
from archsim.results.digest import PARTS, time_parts_s
from tests.results.traces import component, operation, trace

MACHINE = (
    component("pe"),
    component("butterfly[pe]", "butterfly", is_unit=False),
    component("link[pe]", "link", is_unit=False),
    component("dram", is_unit=False, is_off_chip=True),
)


ALONE = (operation("a", 0, 100),)


def parts_of(*intervals, tallies=(), operations=ALONE):
    """The parts of a run of 100 ms, in milliseconds."""
    told = trace(*operations, components=MACHINE, intervals=intervals, tallies=tallies)
    return {part: seconds * 1000 for part, seconds in time_parts_s(told).items()}


def expect(**parts):
    named = {name.replace("_", " "): value for name, value in parts.items()}
    return pytest.approx(dict.fromkeys(PARTS, 0.0) | named)


def test_cycles_of_a_unit_are_compute_or_fill_and_drain():
    cycles = (Tally("pe", "stream_cycles", "a", 30), Tally("pe", "drain_cycles", "a", 10))

    found = parts_of(("pe", "a", 0, 100, 100), tallies=cycles)

    assert found == expect(compute=75, fill_and_drain=25)


def test_waits_are_shared_out_by_service_on_and_off_the_chip():
    found = parts_of(
        ("pe", "a", 0, 100, 40),
        ("dram", "a", 0, 100, 50),
        ("butterfly[pe]", "a", 0, 100, 15),
        ("link[pe]", "a", 0, 100, 10),
    )

    # 60 ms of waiting, by 50 : 25
    assert found == expect(compute=40, memory=40, network=20)


def test_lost_passes_of_a_network_are_shaping():
    passes = (
        Tally("butterfly", "passes", "a", 20),
        Tally("butterfly", "conflict_passes", "a", 4),
        Tally("butterfly", "blocked_passes", "a", 1),
    )

    found = parts_of(
        ("pe", "a", 0, 100, 60),
        ("dram", "a", 0, 100, 20),
        ("butterfly[pe]", "a", 0, 100, 20),
        tallies=passes,
    )

    # 40 ms of waiting: half for the network, of whose passes a quarter is lost
    assert found == expect(compute=60, memory=20, network=15, shaping=5)


def test_passes_of_one_operation_say_nothing_of_another():
    both = (operation("a", 0, 50), operation("b", 50, 100))
    passes = (
        Tally("butterfly", "passes", "a", 2),
        Tally("butterfly", "conflict_passes", "a", 1),
        Tally("butterfly", "passes", "b", 2),
    )

    found = parts_of(
        ("butterfly[pe]", "a", 0, 50, 10),
        ("butterfly[pe]", "b", 50, 100, 10),
        tallies=passes,
        operations=both,
    )

    assert found == expect(network=75, shaping=25)


def test_an_operation_that_only_reorders_is_all_shaping():
    turn = operation("a", 0, 100, kind="permute")

    found = parts_of(
        ("pe", "a", 0, 100, 40), ("butterfly[pe]", "a", 0, 100, 50), operations=(turn,)
    )

    assert found == expect(shaping=100)


def test_a_unit_that_waits_for_no_channel_fills_or_drains():
    assert parts_of(("pe", "a", 0, 100, 70)) == expect(compute=70, fill_and_drain=30)


def test_time_without_operations_is_idle():
    found = parts_of(("pe", "a", 50, 100, 50), operations=(operation("a", 50, 100),))

    assert found == expect(compute=50, idle=50)


busy = st.integers(0, 20)


@given(
    spans=st.lists(
        st.tuples(st.integers(0, 50), st.integers(20, 40), busy, busy, busy, busy),
        min_size=1,
        max_size=6,
    ),
    lost=st.integers(0, 10),
)
def test_parts_add_up_to_the_makespan(spans, lost):
    operations = [operation(f"o{n}", span[0], span[0] + span[1]) for n, span in enumerate(spans)]
    intervals = [
        (part.name, record.name, record.start, record.finish, ticks)
        for record, span in zip(operations, spans, strict=True)
        for part, ticks in zip(MACHINE, span[2:], strict=True)
    ]
    tallies = [
        Tally("butterfly", name, record.name, count)
        for record in operations
        for name, count in (("passes", 10), ("conflict_passes", lost))
    ]
    told = trace(*operations, components=MACHINE, intervals=intervals, tallies=tallies)

    parts = time_parts_s(told)

    assert sum(parts.values()) * 1000 == pytest.approx(told.makespan)
    assert min(parts.values()) >= 0


def test_parts_of_a_real_run_add_up_to_its_latency(atis_result):
    assert sum(time_parts_s(atis_result.trace).values()) == pytest.approx(atis_result.latency_s)
