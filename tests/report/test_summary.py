"""The answer in a terminal."""

from dataclasses import replace

import pytest

from archsim.report import summary
from archsim.results import Activity, MemoryRecord, Occupancy, PublishedValue


def lines_with(text, word):
    return [line for line in text.splitlines() if word in line]


def test_the_answer_comes_first(result):
    first, second, third, *_ = summary(result).splitlines()

    assert first == "tiny: 1.00 µs and 4.00 nJ for one step"
    assert "EDP 4.00 fJ·s, power 4.00 mW" in second
    assert third == "  an epoch of 2,000 steps: 2.00 ms, 8.00 µJ"


def test_a_run_without_epochs_does_not_speak_of_steps(make_result):
    text = summary(make_result(steps_per_epoch=None, published=()))

    assert text.splitlines()[0] == "tiny: 1.00 µs and 4.00 nJ for one run"
    assert "epoch" not in text
    assert "published" not in text


def test_shares_of_time_and_energy_stand_side_by_side(result):
    text = summary(result)

    # forward runs alone for 500 of 1,000 ns, and spends 750 of 1,000 pJ
    assert lines_with(text, "forward  ") == [
        "  forward          0.50 µs  50 %    contraction      0.80 µs  80 %    "
        "tensor           0.67 µs  67 %",
        "  forward          0.75 nJ  75 %    contraction      0.94 nJ  94 %    "
        "tensor           0.82 nJ  82 %",
    ]


def test_a_memory_shows_blocks_data_waste_and_room(result):
    text = summary(result)

    # 6 units of 18,432 bit are 13,824 B, of which 90,000 bit are 11,250 B
    [bram] = lines_with(text, "BRAM36")
    words = " ".join(bram.split())
    assert words == "bram 3 of 4 BRAM36 75 % 11.0 KiB 2.51 KiB (19 %) 1 BRAM36"


def test_an_off_chip_memory_is_measured_in_bytes(result):
    # 1,000 bursts of 64 B are 64,000 B
    assert "62.5 KiB of 61.0 MiB" in summary(result)


def test_an_off_chip_memory_tells_what_it_passed(make_result):
    activities = (Activity("dram", "dram", "read", "", "encoder0.query", 80_000),)

    text = summary(make_result(trace={"activities": activities}))

    # 10,000 B in 320 ns of service and 1,000 ns of run, of 10^11 bit/s
    assert "  dram: 31.2 of 12.5 GB/s while busy, 10.0 GB/s over the run" in text.splitlines()


def test_a_memory_that_held_nothing_is_left_out(result):
    assert "URAM" not in summary(result)


def test_a_published_value_stands_beside_the_simulated_one_with_its_status(result):
    [line] = lines_with(summary(result), "epoch_latency_s")

    # 2,000 steps of 1 µs beside 1 ms
    words = " ".join(line.split())
    assert words == "epoch_latency_s 2.00 ms 1.00 ms 2.00 x recalled a talk"


def test_the_summary_says_what_it_rests_on(result):
    text = summary(result)

    assert "assumed or recalled input values: 1" in text
    assert "config hash 0123456789abcdef, engine event" in text


@pytest.fixture
def crowded(make_result, result):
    """Build a run with long names, and more kinds and components than there is room for."""
    records = tuple(
        replace(
            record,
            name=f"{'a_very_long_layer_name_' * 6}{number}.{record.name}",
            kind=f"{'kind_of_operation_' * 5}{number % 10}",
            start=number,
            finish=number + 10,
            uncontended=1,
            predecessors=(),
        )
        for number, record in enumerate(result.trace.operations * 10)
    )
    memories = tuple(
        MemoryRecord(f"memory_{number}" * 5, "sram", False, 10**9, 512, "line", 1.0)
        for number in range(4)
    )
    return make_result(
        name="a_name_that_nobody_can_remember_" * 8,
        trace={
            "operations": records,
            "memories": memories,
            "intervals": (),
            "occupancy": tuple(Occupancy(memory.name, 0, 10**8, 10**9) for memory in memories),
        },
        energy=replace(result.energy, dynamic_pj={("x" * 90, "y" * 90, records[0].name): 1.0}),
        published=tuple(
            PublishedValue(metric=metric, value=1.0, status="recalled", source="word " * 50)
            for metric in ("latency_s", "energy_j", "power_w", "edp_js", "epoch_latency_s")
        ),
    )


@pytest.mark.parametrize("run", ["result", "crowded"])
def test_the_summary_fits_a_screen(run, request):
    lines = summary(request.getfixturevalue(run)).splitlines()

    assert max(map(len, lines)) <= 100
    assert len(lines) < 45


def test_parts_beyond_the_largest_are_added_up(crowded):
    [line] = lines_with(summary(crowded), "others")

    # ten kinds: each but the four largest
    assert "6 others" in line


def test_nothing_but_text_is_written(result):
    assert summary(result).isprintable() is False  # line breaks
    assert "\x1b" not in summary(result)
    assert all(line == line.rstrip() for line in summary(result).splitlines())
