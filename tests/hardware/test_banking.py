"""Banks: what a read in any order costs equals what a memory does, cycle by cycle."""

from itertools import product
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware import Banking, LinkSpec, SramSpec, Transfer, UramSpec
from archsim.ir import GraphBuilder, Phase
from archsim.ir.tile import Layout
from archsim.results.metrics import busy_ticks
from tests.machines import FP32, linked, run


def bank_of(banking, word):
    """The bank of a word, digit by digit."""
    if banking.interleave == "plain" or banking.banks == 1:
        return word % banking.banks
    if banking.interleave == "skewed":
        return (word + word // banking.banks) % banking.banks
    return word % banking.banks ^ (bank_of(banking, word // banking.banks) if word else 0)


def lived(banking, wanted, bits):
    """Cycles of a memory that is asked for one beat after the other, word by word."""
    per_word = max(1, banking.word_bits // bits)
    wide = -(-bits // banking.word_bits)
    size = max(1, banking.banks * banking.ports // wide) * per_word
    cycles = 0
    for start in range(0, len(wanted), size):
        missing = {
            number // per_word * wide + part
            for number in wanted[start : start + size]
            for part in range(wide)
        }
        while missing:
            free = dict.fromkeys(range(banking.banks), banking.ports)
            for word in sorted(missing):
                bank = bank_of(banking, word)
                if free[bank]:
                    free[bank] -= 1
                    missing.discard(word)
            cycles += 1
    return cycles


@st.composite
def bankings(draw):
    interleave = draw(st.sampled_from(["plain", "skewed", "xor"]))
    return Banking(
        banks=draw(st.sampled_from([1, 2, 4, 8] if interleave == "xor" else [1, 2, 3, 4, 8, 12])),
        word_bits=draw(st.sampled_from([16, 32, 64, 72])),
        ports=draw(st.integers(1, 2)),
        interleave=interleave,
    )


BITS = st.sampled_from([8, 16, 32, 64])


@st.composite
def layouts(draw):
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    return Layout(shape, tuple(draw(st.permutations(range(len(shape))))))


@settings(max_examples=400, deadline=None)
@given(bankings(), layouts(), BITS, st.data())
def test_a_permuted_read_takes_what_the_banks_take_word_by_word(banking, layout, bits, data):
    places = np.arange(np.prod(layout.shape)).reshape(layout.shape)
    wanted = places.transpose(layout.order).reshape(-1)
    some = wanted[: data.draw(st.integers(1, len(wanted)))]
    transfer = Transfer(len(some) * bits, len(some) * bits, word_bits=bits, layout=layout)

    assert banking.cycles(transfer) == lived(banking, some.tolist(), bits)


@settings(max_examples=400, deadline=None)
@given(bankings(), BITS, st.integers(1, 9), st.integers(1, 40), st.integers(0, 70))
def test_a_strided_read_takes_what_the_banks_take_word_by_word(banking, bits, each, runs, gap):
    wanted = [number * (each + gap) + part for number in range(runs) for part in range(each)]
    transfer = Transfer(
        len(wanted) * bits, each * bits, stride_bits=(each + gap) * bits, word_bits=bits
    )

    assert banking.cycles(transfer) == lived(banking, wanted, bits)


def test_a_part_of_a_permuted_matrix_is_read_where_it_lies():
    """Half of every column of an 8 x 4 matrix, wanted column by column, from 4 banks."""
    layout = Layout((8, 4), (1, 0))
    transfer = Transfer(16 * 32, 4 * 32, stride_bits=8 * 32, word_bits=32, layout=layout)
    banking = Banking(banks=4, word_bits=32)
    wanted = [row * 4 + column for column, row in product(range(4), range(4))]

    assert banking.cycles(transfer) == lived(banking, wanted, 32) == 16


@pytest.mark.parametrize("stride", range(1, 33))
def test_a_stride_meets_as_many_banks_as_the_divisor_leaves(stride):
    """16 banks: a beat of 16 words takes gcd(stride, 16) cycles."""
    transfer = Transfer(64 * 32, 32, stride_bits=stride * 32, word_bits=32)

    assert Banking(banks=16, word_bits=32).cycles(transfer) == 4 * gcd(stride, 16)


@pytest.mark.parametrize(
    ("interleave", "columns", "cycles"),
    [
        ("plain", 16, 16 * 16),  # a column lies in one bank
        ("skewed", 16, 16),  # in all of them
        ("skewed", 256, 16 * 256),  # 256 / 16 rows of words shift it all the way round
        ("xor", 16, 16),
        ("xor", 32, 32),
        ("xor", 256, 256),
    ],
)
def test_columns_are_read_as_fast_as_rows_where_words_are_spread_for_it(
    interleave, columns, cycles
):
    """16 rows, read column by column from 16 banks."""
    banking = Banking(banks=16, word_bits=32, interleave=interleave)
    size = 16 * columns * 32
    transposed = Transfer(size, size, word_bits=32, layout=Layout((16, columns), (1, 0)))

    assert banking.cycles(transposed) == cycles
    assert banking.cycles_in_order(transposed) == columns


@pytest.mark.parametrize("power", range(12))
def test_strides_of_a_power_of_two_never_crowd_a_bank_with_xor(power):
    banking = Banking(banks=8, word_bits=32, interleave="xor")
    strided = Transfer(64 * 32, 32, stride_bits=2**power * 32, word_bits=32)

    assert banking.cycles(strided) == 8


@given(bankings(), BITS, st.integers(1, 5), st.integers(1, 30))
def test_scattered_runs_are_read_one_by_one(banking, bits, each, runs):
    one = Transfer.sequential(each * bits)
    transfer = Transfer(runs * each * bits, each * bits, is_scattered=True, word_bits=bits)

    in_order = banking.cycles_in_order(Transfer(one.bits, one.bits, word_bits=bits))

    assert banking.cycles(transfer) == runs * in_order


@given(bankings(), layouts(), BITS)
def test_conflicts_only_cost(banking, layout, bits):
    """No order is faster than that of addresses, whose beats are whole rows of words."""
    size = int(np.prod(layout.shape)) * bits
    permuted = Transfer(size, size, word_bits=bits, layout=layout)

    assert banking.cycles(permuted) >= banking.cycles_in_order(permuted)


def test_two_words_of_a_uram_line_help_only_where_both_are_wanted():
    memory = UramSpec(blocks=4)
    rows = Transfer(64 * 32, 64 * 32, word_bits=32)
    columns = Transfer(64 * 32, 64 * 32, word_bits=32, layout=Layout((8, 8), (1, 0)))

    assert memory.access_cycles([rows]) == 32
    assert memory.access_cycles([columns]) == 64
    assert memory.conflict_cycles([rows, columns]) == 32


def test_an_sram_without_banks_is_never_the_limit():
    memory = SramSpec(capacity=4096)

    assert memory.access_cycles([Transfer.sequential(4096)]) == 0
    assert memory.conflict_cycles([Transfer.sequential(4096)]) == 0


def transpose(side=32):
    builder = GraphBuilder("transpose", {"m": side, "n": side}, FP32)
    a = builder.tensor("A", (side, side))
    builder.output(builder.permute("At", Phase.FORWARD, ("m", "n"), ("n", "m"), a))
    return builder.graph()


def test_a_transpose_in_memory_waits_for_the_banks_and_says_so():
    """32 banks: a column of 32 lies in one; skewed, in all of them."""
    wide = LinkSpec(width=1024)
    memories = (
        SramSpec(capacity=2**16, banks=32, interleave=interleave)
        for interleave in ("plain", "skewed")
    )
    plain, skewed = (run(transpose(), linked(wide, wide, sram=memory)) for memory in memories)

    assert busy_ticks(plain)["read[vector]"] == 1024
    assert [t.component for t in plain.tallies if t.name == "bank_conflict_cycles"] == ["read"]
    assert not [tally for tally in skewed.tallies if tally.name == "bank_conflict_cycles"]
    assert skewed.makespan < plain.makespan


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"banks": -1}, "banks: must be >= 0, got -1"),
        ({"banks": 6, "interleave": "xor"}, "banks: must be a power of two .* by xor, got 6"),
        ({"banks": 4, "interleave": "xr"}, "interleave: no interleave 'xr'; did you mean 'xor'.*"),
        ({"banks": 4, "ports": 0}, "ports: must be >= 1, got 0"),
        ({"banks": 4, "word": 0}, "word: must be >= 1, got 0"),
    ],
)
def test_banks_out_of_range_are_refused(fields, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SramSpec(capacity=4096, **fields)
