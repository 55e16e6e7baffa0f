"""Links and DRAMs: how long a transfer holds them."""

import pytest

from archsim.hardware import LinkSpec
from tests.machines import dram


@pytest.mark.parametrize(("bits", "cycles"), [(1, 1), (64, 1), (65, 2), (640, 10)])
def test_a_link_passes_its_width_a_cycle(bits, cycles):
    assert LinkSpec(width=64).transfer_cycles(bits) == cycles


def test_a_link_is_private_unless_shared():
    assert LinkSpec(width=64).private
    assert not LinkSpec(width=64, shared=True).private
    assert not dram().private


@pytest.mark.parametrize(
    ("size_bytes", "channels", "cycles"),
    [
        (1, 1, 4),  # a whole burst of 64 B
        (64, 1, 4),
        (65, 1, 8),
        (640, 1, 40),
        (640, 4, 12),  # ten bursts over four channels: three rounds
        (640, 16, 4),
    ],
)
def test_dram_transfers_are_whole_bursts_over_all_channels(size_bytes, channels, cycles):
    spec = dram(channels=channels, burst=64, burst_cycles=4)

    assert spec.transfer_cycles(8 * size_bytes) == cycles


def test_dram_streams_at_its_peak():
    """One DDR4-2400 channel: 64 B in 4 cycles of 1.2 GHz is 19.2 GB/s."""
    spec = dram(clock=1_200_000_000, burst=64, burst_cycles=4, capacity=2**30)

    cycles = spec.transfer_cycles(8 * 2**20)

    assert 2**20 * spec.clock / cycles == 19.2e9
    assert spec.peak_bits_per_cycle == 128


def test_dram_is_given_out_in_bursts_whatever_the_banks():
    spec = dram(capacity=1000, burst=64)

    assert spec.units == 15
    assert spec.units_for(17, 32, partitions=12) == 2  # 68 B


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinkSpec(width=0), "width: must be >= 1, got 0"),
        (lambda: LinkSpec(width=8, latency_cycles=-1), "latency_cycles: must be >= 0, got -1"),
        (lambda: LinkSpec(width=8, clock=0), "clock: must be >= 1 Hz, got 0"),
        (lambda: dram(burst_cycles=0), "burst_cycles: must be >= 1, got 0"),
        (lambda: dram(channels=0), "channels: must be >= 1, got 0"),
        (lambda: dram(capacity=0), "capacity: must be >= 1, got 0"),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


def test_a_channel_with_a_time_of_its_own_says_when_it_repeats():
    def finish(self, start, cycles):
        return start + 2 * cycles

    with pytest.raises(TypeError, match=r"^Slow: overrides finish, so it must override rhythm"):
        type("Slow", (LinkSpec,), {"finish": finish})

    assert type("Slow", (LinkSpec,), {"finish": finish, "rhythm": property(lambda _: (0, 1))})
