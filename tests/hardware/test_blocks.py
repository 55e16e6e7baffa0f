"""Memories: how arrays are packed into blocks, and how much of them is used.

The numbers of the U50 are AMD's (DS965, UG573) and the paper's (arXiv 2501.06663).
"""

import pytest

from archsim.hardware import BramSpec, SramSpec, UramSpec

BRAM = BramSpec(blocks=1344)
URAM = UramSpec(blocks=640)


def test_the_devices_capacities_are_the_data_sheets():
    assert BRAM.units * BRAM.unit_bits / 8 / 2**20 == pytest.approx(5.906, abs=5e-4)
    assert URAM.units * URAM.unit_bits / 8 / 2**20 == 22.5


def test_a_bram36_is_two_bram18():
    assert BRAM.units == 2 * 1344
    assert (BRAM.blocks_per_unit, BRAM.block_name, BRAM.unit_name) == (0.5, "BRAM36", "BRAM18")


@pytest.mark.parametrize(
    ("words", "used"),
    [(1152, 0.1875), (144, 0.0234375)],  # an inner core 12 x 8 x 12, an end core 12 x 12
)
def test_a_core_in_twelve_banks_uses_little_of_its_blocks(words, used):
    """The sheet says 18.8 % and 2.3 %: of the 512 words of each of twelve BRAM18."""
    units = BRAM.units_for(words, 32, partitions=12)

    assert units == 12
    assert words / (units * 512) == used


@pytest.mark.parametrize(
    ("elements", "bits", "partitions", "units"),
    [
        (512, 36, 1, 1),
        (513, 36, 1, 2),
        (1024, 18, 1, 1),
        (1024, 16, 1, 1),
        (1025, 16, 1, 2),
        (2048, 8, 1, 1),
        (4096, 4, 1, 1),
        (8192, 2, 1, 1),
        (16384, 1, 1, 1),
        (16385, 1, 1, 2),
        (512, 64, 1, 2),  # two side by side
        (6145, 32, 12, 24),  # 513 words in the deepest bank
        (1, 32, 12, 12),  # a bank is never empty
        (2048, 20, 1, 3),  # three columns of 9 bits; four times 512 x 36 is more
    ],
)
def test_bram_takes_the_best_shape(elements, bits, partitions, units):
    assert BRAM.units_for(elements, bits, partitions) == units


@pytest.mark.parametrize(
    ("bits", "words"), [(32, 512), (16, 1024), (8, 2048), (4, 4096), (64, 512)]
)
def test_a_bank_of_one_block_holds(bits, words):
    assert BRAM.grouping_depth(bits) == words


@pytest.mark.parametrize(
    ("elements", "bits", "partitions", "units"),
    [
        (32 * 768, 32, 1, 3),  # 12,288 lines of 72 bit
        (8192, 32, 1, 1),
        (8193, 32, 1, 2),
        (4096, 64, 1, 1),
        (2048, 128, 1, 1),  # two lines a word
        (2049, 128, 1, 2),
        (9 * 4096, 8, 1, 1),  # nine bytes in a line
        (100, 32, 4, 4),
    ],
)
def test_uram_lines_hold_whole_words(elements, bits, partitions, units):
    assert URAM.units_for(elements, bits, partitions) == units


@pytest.mark.parametrize(("bits", "words"), [(32, 8192), (8, 36864), (72, 4096), (128, 2048)])
def test_a_uram_block_holds(bits, words):
    assert URAM.grouping_depth(bits) == words
    assert URAM.units_for(words, bits) == 1
    assert URAM.units_for(words + 1, bits) == 2


def test_an_sram_ends_each_bank_with_a_whole_line():
    spec = SramSpec(capacity=4096, line=64)

    assert spec.units == 64
    assert spec.units_for(17, 32) == 2  # 68 B
    assert spec.units_for(17, 32, partitions=4) == 4  # 20 B in each of four banks


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BramSpec(blocks=0), "blocks: must be >= 1, got 0"),
        (lambda: BramSpec(blocks=1, ports=0), "ports: must be >= 1, got 0"),
        (lambda: UramSpec(blocks=-1), "blocks: must be >= 1, got -1"),
        (lambda: UramSpec(blocks=1, ports=0), "ports: must be >= 1, got 0"),
        (lambda: SramSpec(capacity=32), "capacity: 32 B is less than one line of 64 B"),
        (lambda: SramSpec(capacity=64, line=0), "line: must be >= 1, got 0"),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
