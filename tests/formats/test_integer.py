"""Integers: nearest-even, saturating, two's complement."""

import numpy as np
import pytest

from archsim import formats
from archsim.errors import RegistryError

WIDTHS = {"int8": np.int8, "int16": np.int16, "int32": np.int32, "uint8": np.uint8}


@pytest.mark.parametrize("name", WIDTHS)
def test_codes_are_numpys_twos_complement(name):
    dtype = WIDTHS[name]
    limits = np.iinfo(dtype)
    values = np.unique(np.linspace(limits.min, limits.max, 70_000).astype(dtype))
    unsigned = values.view(f"u{values.itemsize}")
    number_format = formats.parse(name)

    np.testing.assert_array_equal(number_format.encode(values), unsigned)
    np.testing.assert_array_equal(number_format.decode(unsigned), values)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("int4", [0.5, 1.5, 2.5, -0.5, -1.5], [0, 2, 2, 0, -2]),
        ("int4", [7.5, 8, 1e300, np.inf], [7, 7, 7, 7]),
        ("int4", [-8.5, -9, -np.inf], [-8, -8, -8]),
        ("int2", [-3, -2, 1, 2], [-2, -2, 1, 1]),
        ("uint4", [-1, 0.49, 15.5, 16], [0, 0, 15, 15]),
        ("uint1", [-1, 0.6, 2], [0, 1, 1]),
        ("int32", [2**31, -(2**31) - 1, 2**31 - 1.5], [2**31 - 1, -(2**31), 2**31 - 2]),
        ("int53", [2.0**60, -(2.0**60)], [2**52 - 1, -(2**52)]),
        ("uint53", [2.0**60, 2.0**53 - 2], [2**53 - 1, 2**53 - 2]),
    ],
)
def test_rounding_is_to_nearest_even_and_saturates(name, values, expected):
    found = formats.parse(name).quantize(values)

    np.testing.assert_array_equal(found, expected)
    assert not np.signbit(found[found == 0]).any()  # integers have one zero


@pytest.mark.parametrize("name", ["int2", "int5", "uint1", "uint7", "int12"])
def test_every_code_survives_decoding_and_encoding(name):
    number_format = formats.parse(name)
    codes = np.arange(2**number_format.bits)

    values = number_format.decode(codes)

    np.testing.assert_array_equal(number_format.encode(values), codes)
    assert len(set(values.tolist())) == len(codes)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="int8 has no NaN"):
        formats.parse("int8").quantize([1.0, np.nan])


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("int1", r"bits must be in \[2, 53\], got 1"),
        ("int64", r"bits must be in \[2, 53\], got 64"),
        ("uint0", r"bits must be in \[1, 53\], got 0"),
        ("init8", "did you mean"),
    ],
)
def test_impossible_names_are_explained(name, fragment):
    with pytest.raises(RegistryError, match=fragment):
        formats.parse(name)


def test_equal_names_are_one_format():
    assert formats.parse("int8") is formats.parse("int8")
