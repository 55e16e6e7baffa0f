"""Floats: bit-exact against numpy and ml_dtypes, which were written by others."""

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from archsim import formats
from archsim.errors import RegistryError
from archsim.formats import FloatFormat

REFEREES = {
    "fp4_e2m1": (ml_dtypes.float4_e2m1fn, np.uint8),
    "fp6_e2m3": (ml_dtypes.float6_e2m3fn, np.uint8),
    "fp6_e3m2": (ml_dtypes.float6_e3m2fn, np.uint8),
    "fp8_e4m3": (ml_dtypes.float8_e4m3fn, np.uint8),
    "fp8_e5m2": (ml_dtypes.float8_e5m2, np.uint8),
    "fp8_e3m4": (ml_dtypes.float8_e3m4, np.uint8),
    "fp16": (np.float16, np.uint16),
    "fp16_e5m10": (np.float16, np.uint16),
    "bf16": (ml_dtypes.bfloat16, np.uint16),
    "fp32": (np.float32, np.uint32),
    "fp64": (np.float64, np.uint64),
}
SMALL = [name for name in REFEREES if name not in {"fp32", "fp64"}]
SATURATING = {"fp4_e2m1", "fp6_e2m3", "fp6_e3m2"}


def cast(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Round with the referee; ml_dtypes goes through float32, so it gets float32 values only."""
    if name in SMALL:
        np.testing.assert_array_equal(values, values.astype(np.float32))
    with np.errstate(all="ignore"):
        return values.astype(REFEREES[name][0]).astype(np.float64)


def all_values(name: str) -> NDArray[np.float64]:
    """Every value of a small format, as the referee decodes it."""
    dtype, code = REFEREES[name]
    bits = formats.parse(name).bits
    with np.errstate(all="ignore"):
        return np.arange(2**bits, dtype=code).view(dtype).astype(np.float64)


def finite_values(name: str) -> NDArray[np.float64]:
    """Every finite value of a small format, in order."""
    values = all_values(name)
    return np.unique(values[np.isfinite(values)])


def trials(name: str) -> NDArray[np.float64]:
    """Every value, every tie between neighbours, and the float32 next to each."""
    values = finite_values(name)
    beyond = values[-1] + (values[-1] - values[-2])
    values = np.concatenate([[-beyond], values, [beyond]])
    ties = (values[1:] + values[:-1]) / 2
    with np.errstate(all="ignore"):
        exact = np.concatenate([values, ties, [-0.0, 1e-45, 3e38]]).astype(np.float32)
    near = [np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf))]
    return np.concatenate([exact, *near, -exact]).astype(np.float64)


def assert_identical(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(found, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("name", SMALL)
def test_every_code_decodes_as_the_referee_says(name):
    number_format = formats.parse(name)

    found = number_format.decode(np.arange(2**number_format.bits))

    assert_identical(found, all_values(name))


@pytest.mark.parametrize("name", SMALL)
def test_every_code_survives_decoding_and_encoding(name):
    number_format = formats.parse(name)
    codes = np.arange(2**number_format.bits)
    values = number_format.decode(codes)
    number = ~np.isnan(values)

    found = number_format.encode(values[number])

    np.testing.assert_array_equal(found, codes[number])


@pytest.mark.parametrize("name", SMALL)
def test_values_ties_and_their_neighbours_round_as_the_referee_says(name):
    values = trials(name)

    found = formats.parse(name).quantize(values)

    assert_identical(found, cast(values, name))


@pytest.mark.parametrize("name", SMALL)
def test_the_float64_next_to_a_tie_goes_to_its_own_side(name):
    """Rounding through float32 first would lose the difference and see a tie."""
    values = finite_values(name)
    ties = (values[1:] + values[:-1]) / 2
    number_format = formats.parse(name)

    above = number_format.quantize(np.nextafter(ties, np.inf))
    below = number_format.quantize(np.nextafter(ties, -np.inf))

    np.testing.assert_array_equal(above, values[1:])
    np.testing.assert_array_equal(below, values[:-1])


@pytest.mark.parametrize("name", [name for name in REFEREES if name not in SATURATING])
def test_random_values_and_specials_round_and_encode_as_the_referee_says(name):
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**64, 100_000, dtype=np.uint64, endpoint=False)
    scaled = rng.standard_normal(100_000) * 2.0 ** rng.integers(-45, 45, 100_000)
    specials = [np.inf, -np.inf, 0.0, -0.0]
    values = np.concatenate([bits.view(np.float64), scaled, specials])
    if name in SMALL:
        with np.errstate(all="ignore"):
            values = values.astype(np.float32).astype(np.float64)
    values = values[~np.isnan(values)]
    number_format = formats.parse(name)

    rounded, codes = number_format.quantize(values), number_format.encode(values)

    expected = cast(values, name)
    assert_identical(rounded, expected)
    number = ~np.isnan(expected)
    with np.errstate(all="ignore"):
        bit_patterns = values.astype(REFEREES[name][0]).view(REFEREES[name][1])
    np.testing.assert_array_equal(codes[number], bit_patterns[number])
    assert_identical(number_format.decode(codes), expected)


def test_fp32_ties_and_near_ties_round_as_numpy_says():
    rng = np.random.default_rng(3)
    patterns = rng.integers(0, 0x7F80_0000, 100_000, dtype=np.uint32)
    edges = np.array([0, 1, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFE], dtype=np.uint32)
    codes = np.concatenate([patterns, edges])
    below = codes.view(np.float32).astype(np.float64)
    ties = (below + (codes + np.uint32(1)).view(np.float32).astype(np.float64)) / 2
    ties = ties[np.isfinite(ties)]
    overflow = 2.0**128 - 2.0**103  # half way from the largest value to the next power of two
    values = np.concatenate([ties, np.nextafter(ties, 0), np.nextafter(ties, np.inf), [overflow]])
    general = FloatFormat("general", 8, 23)

    for number_format in (formats.parse("fp32"), general):
        assert_identical(number_format.quantize(values), cast(values, "fp32"))


@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(5, 10), (8, 23)])
def test_numpys_shortcut_and_the_general_rule_agree(monkeypatch, exponent_bits, mantissa_bits):
    number_format = FloatFormat("f", exponent_bits, mantissa_bits)
    rng = np.random.default_rng(4)
    values = rng.standard_normal(10_000) * 2.0 ** rng.integers(-160, 160, 10_000)
    shortcut = number_format.quantize(values)

    monkeypatch.setattr("archsim.formats.floating._NATIVE", {})

    assert_identical(number_format.quantize(values), shortcut)


@pytest.mark.parametrize(
    ("name", "bits", "largest", "smallest"),
    [
        ("fp64", 64, 1.7976931348623157e308, 2.0**-1074),
        ("fp32", 32, (2 - 2.0**-23) * 2.0**127, 2.0**-149),
        ("tf32", 19, (2 - 2.0**-10) * 2.0**127, 2.0**-136),
        ("bf16", 16, (2 - 2.0**-7) * 2.0**127, 2.0**-133),
        ("fp16", 16, 65504.0, 2.0**-24),
        ("fp8_e4m3", 8, 448.0, 2.0**-9),
        ("fp8_e5m2", 8, 57344.0, 2.0**-16),
    ],
)
def test_named_formats_have_the_standard_s_range(name, bits, largest, smallest):
    number_format = formats.parse(name)

    assert number_format.bits == bits
    assert number_format.largest == largest
    assert number_format.decode(1) == smallest


def test_tf32_keeps_ten_bits_of_the_mantissa():
    step = 2.0**-10
    values = [1 + step / 2, 1 + 1.5 * step, 1 + 0.51 * step, 3.5e38]

    found = formats.parse("tf32").quantize(values)

    assert found.tolist() == [1.0, 1 + 2 * step, 1 + step, np.inf]


def test_e4m3_sends_overflow_to_nan_after_rounding():
    # 464 lies half way between 448 and 480, whose code is NaN; 448 is even.
    found = formats.parse("fp8_e4m3").quantize([464.0, np.nextafter(464.0, 500), -500.0, np.inf])

    np.testing.assert_array_equal(found, [448.0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("name", ["fp16", "fp32", "bf16", "fp8_e4m3", "fp8_e5m2", "fp64"])
def test_nan_stays_nan_through_its_code(name):
    number_format = formats.parse(name)

    assert np.isnan(number_format.quantize(np.nan))
    assert np.isnan(number_format.decode(number_format.encode(np.nan)))


def test_formats_without_nan_refuse_it_and_saturate():
    number_format = formats.parse("fp4_e2m1")

    assert number_format.quantize([7.0, -np.inf]).tolist() == [6.0, -6.0]
    with pytest.raises(ValueError, match="fp4_e2m1 has no NaN"):
        number_format.quantize([np.nan])


def test_shape_and_type_are_those_of_float64_arrays():
    found = formats.parse("bf16").quantize(np.ones((2, 3), dtype=np.int8))

    assert found.shape == (2, 3)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("fp9_e4m3", "4 exponent and 3 mantissa bits make 8 bits, not 9"),
        ("fp20_e15m4", r"exponent_bits must be in \[2, 11\], got 15"),
        ("fp6_e5m0", r"mantissa_bits must be in \[1, 52\], got 0"),
        ("bf61", "did you mean 'bf16'"),
        ("", "known: bf16"),
    ],
)
def test_impossible_names_are_explained(name, fragment):
    with pytest.raises(RegistryError, match=fragment):
        formats.parse(name)


@pytest.mark.parametrize("codes", [[-1], [256], [1.5]])
def test_codes_out_of_range_are_refused(codes):
    with pytest.raises(ValueError, match="codes"):
        formats.parse("fp8_e5m2").decode(codes)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="expected real numbers, got an array of complex128"):
        formats.parse("fp32").quantize([1j])
