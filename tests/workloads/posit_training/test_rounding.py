"""Rounding of tensors: the tables against the formats, the paper's scaling by hand."""

import numpy as np
import pytest

from archsim.formats import Posit, parse
from workloads.posit_training.rounding import Scaling, factor, rounded

EIGHT = ["posit(8,0)", "posit(8,1)", "posit(8,2)", "posit(6,1)", "fp8_e4m3", "fp8_e5m2", "int8"]


@pytest.mark.parametrize("name", EIGHT)
def test_a_table_rounds_as_the_format_does(name):
    """All values of the format, all ties, and the float32 next to each."""
    number_format = parse(name)
    held = number_format.decode(np.arange(2**number_format.bits))
    held = np.unique(held[np.isfinite(held)])
    between = np.unique(np.concatenate([held, (held[1:] + held[:-1]) / 2]))
    if isinstance(number_format, Posit):
        wider = Posit(number_format.n + 1, number_format.es)
        between = np.concatenate([between, wider.decode(np.arange(2**wider.n))])
    between = between[np.isfinite(between)].astype(np.float32)
    random = np.random.default_rng(0).standard_normal(50_000) * 4.0 ** np.arange(-25, 25).repeat(
        1000
    )
    near = [np.nextafter(between, np.float32(side)) for side in (np.inf, -np.inf)]
    values = np.concatenate([between, *near, random.astype(np.float32)])

    found = rounded(values, name, Scaling.NONE)

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, number_format.quantize(values))


@pytest.mark.parametrize("name", ["posit(16,1)", "posit(16,2)", "fp16"])
def test_wider_formats_round_as_they_are(name):
    values = np.random.default_rng(0).standard_normal((30, 20)).astype(np.float32)

    found = rounded(values, name, Scaling.NONE)

    np.testing.assert_array_equal(found, parse(name).quantize(values))


def test_the_centre_is_the_mean_logarithm_and_two():
    """log2 of 1/64, 1/16 and 1/4 is -4 on average, zeros left out: S = 2**(-4 + 2)."""
    values = np.array([1 / 64, 0.0, -1 / 16, 1 / 4], dtype=np.float32)

    assert factor(values, Posit(8, 1), Scaling.CENTRE) == 0.25


def test_what_lies_beyond_the_range_counts_as_its_end():
    """minpos of posit(8,0) is 2**-6, so 2**-90 counts as -6: S = 2**(round((-6 + 0) / 2) + 2)."""
    values = np.array([2.0**-90, 1.0], dtype=np.float32)

    assert factor(values, Posit(8, 0), Scaling.CENTRE) == 2.0**-1


def test_the_largest_element_becomes_the_largest_number():
    values = np.array([-508.0, 4.0, 0.0], dtype=np.float32)

    assert factor(values, parse("int8"), Scaling.LARGEST) == 4.0
    assert rounded(values, "int8", Scaling.LARGEST).tolist() == [-508, 4, 0]
    assert factor(values, parse("fp8_e4m3"), Scaling.LARGEST) == 508 / 448


def test_scaling_finds_bits_for_small_numbers():
    """Up to 2**-11, where 2**-10 is nearer, a posit(8,1) has minpos; scaled, three bits."""
    values = (2.0**-12 * (1 + np.arange(64) / 64)).astype(np.float32)

    plain = rounded(values, "posit(8,1)", Scaling.NONE)
    scaled = rounded(values, "posit(8,1)", Scaling.CENTRE)

    assert np.unique(plain).tolist() == [2.0**-12]
    assert np.abs(scaled / values - 1).max() <= 2.0**-4


@pytest.mark.parametrize("scaling", Scaling)
def test_zeros_stay_zeros(scaling):
    zeros = np.zeros((2, 3), dtype=np.float32)

    np.testing.assert_array_equal(rounded(zeros, "posit(8,1)", scaling), zeros)


def test_the_centre_is_for_posits():
    with pytest.raises(ValueError, match="scaling by the centre is for posits, not int8"):
        rounded(np.ones(1, dtype=np.float32), "int8", Scaling.CENTRE)
