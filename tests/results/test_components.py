"""What each sort of component did: parts of its time, and what channels count."""

import pytest

from archsim.hardware import DramTiming
from archsim.results.components import component_uses
from tests.machines import chain, dram, kernel, linked, matrix_product, off_chip, run, vector


def test_parts_of_a_units_time_add_up_to_its_service():
    machine = linked()

    uses = component_uses(run(chain(length=3, side=12), machine))

    for sort in ("tensor", "vector"):
        clock = machine.components[sort].clock
        assert sum(uses[sort].tallies.values()) / clock == uses[sort].busy_s
        assert set(uses[sort].tallies) <= {"fill_cycles", "stream_cycles"}


def test_a_kernels_fill_is_its_depth_for_every_tile():
    trace = run(matrix_product(8, 8, 8), linked(tensor=kernel(depth=17, buffer=1024)))

    tiles = trace.operations[0].tiles
    assert component_uses(trace)["tensor"].tallies["fill_cycles"] == 17 * tiles


def test_a_channel_tells_what_it_passed_beside_what_it_could():
    trace = run(matrix_product(8, 8, 8), linked())

    use = component_uses(trace)["read"]

    assert use.instances == 1
    assert use.peak_bits_per_s == 64 * 10**9
    # Every operand is a whole number of words, so the link is at its peak while it is busy.
    busy_share = use.busy_s / (trace.makespan / trace.tick_rate_hz)
    assert use.achieved_bits_per_s == pytest.approx(busy_share * use.peak_bits_per_s)
    assert use.busy_bits_per_s == pytest.approx(use.peak_bits_per_s)
    assert use.row_hit_rate is None
    assert "row_hit_rate" not in use.to_dict()


TIMING = DramTiming(
    banks=4, bank_groups=1, row=256, tRCD=2, tRP=2, CL=2, tRAS=4, tRTP=2, tCCD_S=4, tCCD_L=4,
    tRRD=2, tFAW=8, tRFC=6, tREFI=100,
)  # fmt: skip


def test_a_dram_tells_its_row_hit_rate():
    """B is four bursts of a row once; A and C come in two tiles of two bursts each."""
    uses = component_uses(run(matrix_product(8, 8, 8), off_chip(dram=dram(timing=TIMING))))

    use = uses["dram"]
    assert use.is_off_chip
    assert use.tallies["row_hits"] + use.tallies["row_conflicts"] == use.tallies["bursts"]
    assert use.row_hit_rate == use.to_dict()["row_hit_rate"] == 7 / 12
    # Refreshes take 10 cycles of 100: 16 cycles of B become 18, the 8 of the others' tiles 9.
    assert use.peak_bits_per_s == 128 * 10**9
    assert use.busy_bits_per_s == pytest.approx(use.peak_bits_per_s * (16 + 4 * 8) / (18 + 4 * 9))
    assert use.to_dict()["busy_bytes_per_s"] == use.busy_bits_per_s / 8


def test_units_of_one_sort_are_told_together():
    uses = component_uses(run(chain(), linked(tensor=kernel(count=2), vector=vector())))

    assert uses["tensor"].instances == 2
