"""The DRAM parts that ship, beside their standards' peaks and Ramulator 2's measurements."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from archsim.config import build_registered, load
from archsim.hardware import COMPONENTS, DramSpec, DramTiming, Transfer

COMPONENT_FILES = Path(__file__).parents[2] / "configs" / "components"
PEAKS = {  # bytes a second of one channel; pseudo channel of HBM
    "ddr4_2400": 19.2e9,
    "ddr4_3200": 25.6e9,
    "lpddr4x": 8.532e9,
    "gddr6x": 39.0e9,
    "hbm2": 16.0e9,
    "hbm2e": 25.6e9,
    "hbm3": 25.6e9,
}


def part(name, **fields):
    document = load(COMPONENT_FILES / f"{name}.yaml")
    return replace(build_registered(COMPONENTS, document.root), **fields)


def streaming(spec, size_bytes, *, refreshed):
    """Bytes a second of one long stream."""
    cycles = spec.stream_cycles([Transfer.sequential(8 * size_bytes)])
    return size_bytes * spec.clock / (spec.finish(0, cycles) if refreshed else cycles)


def unloaded_ns(spec):
    """Nanoseconds from the request of one burst to its last byte, in an idle memory."""
    cycles = spec.stream_cycles([Transfer.sequential(spec.unit_bits)]) + spec.arrival_cycles
    return 1e9 * cycles / spec.clock


def test_every_shipped_dram_is_looked_at():
    assert {file.stem for file in COMPONENT_FILES.glob("*.yaml")} >= PEAKS.keys()


@pytest.mark.parametrize(("name", "peak"), PEAKS.items())
def test_a_stream_reaches_the_standards_peak(name, peak):
    spec = part(name)

    assert streaming(spec, 2**24, refreshed=False) == pytest.approx(peak, rel=0.02)
    # All it loses otherwise is what refreshes take.
    lost = spec.timing.refresh_cycles / spec.timing.tREFI
    assert streaming(spec, 2**26, refreshed=True) == pytest.approx(peak * (1 - lost), rel=0.02)
    assert 0.03 < lost < 0.16


LPDDR5 = DramSpec(  # Ramulator 2.1, preset LPDDR5_6400: cycles of 1.25 ns
    clock=800_000_000, capacity=2**31, channels=1, burst=32, burst_cycles=2,
    timing=DramTiming(
        banks=16, bank_groups=4, row=2048, tRCD=15, tRP=15, CL=17, tRAS=34, tRTP=8, tCCD_S=2,
        tCCD_L=4, tRRD=4, tFAW=16, tRFC=224, tREFI=3125,
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "peak", "latency_ns"),
    [
        (part("ddr4_2400"), 19.2e9, 44.3),
        (part("hbm2", channels=2), 32.0e9, 45.1),  # a channel is two pseudo channels
        (LPDDR5, 12.8e9, 63.8),
    ],
    ids=["ddr4_2400r", "hbm2", "lpddr5"],
)
def test_peak_and_latency_are_those_that_ramulator_measures(spec, peak, latency_ns):
    """Ramulator 2.1 (c5b1c3a), its own latency-throughput suite, no refresh."""
    assert streaming(spec, 2**24, refreshed=False) == pytest.approx(peak, rel=0.02)
    assert unloaded_ns(spec) == pytest.approx(latency_ns, rel=0.05)


@pytest.mark.parametrize(
    ("name", "times_ns"),
    [
        ("ddr4_2400", {"tRAS": 32, "tRTP": 7.5, "tCCD_L": 5, "tFAW": 21, "tRFC": 350}),
        ("ddr4_3200", {"tRAS": 32, "tRTP": 7.5, "tCCD_L": 5, "tFAW": 21, "tRFC": 350}),
        ("lpddr4x", {"tRCD": 18, "tRP": 18, "tRAS": 42, "tRRD": 10, "tFAW": 40}),
        ("hbm2e", {"tRCD": 14, "tRP": 14, "CL": 14, "tRAS": 34, "tRRD": 4, "tFAW": 15}),
        ("hbm3", {"tRRD": 5, "tFAW": 15, "tRFC": 350, "tREFI": 3900}),
    ],
)
def test_times_are_the_standards_rounded_up_to_cycles(name, times_ns):
    spec = part(name)
    cycle_ns = Fraction(10**9, spec.clock)

    for time, nanoseconds in times_ns.items():
        assert nanoseconds <= getattr(spec.timing, time) * cycle_ns < nanoseconds + cycle_ns
