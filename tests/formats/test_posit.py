"""Posits: small ones exhaustively against exact fractions, all of them by their laws."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim import formats
from archsim.errors import RegistryError
from archsim.formats import Posit
from tests.formats.posit_model import NAR, all_values, code_of, value_of

ALL = [(n, es) for n in range(2, 33) for es in range(4) if es <= max(n - 3, 0)]
SMALL = [(n, es) for n, es in ALL if n <= 6]
TINY = [(n, es) for n, es in ALL if n <= 5]
posits = st.sampled_from(ALL).map(lambda pair: Posit(*pair))


def as_floats(values):
    return [float("nan") if value is NAR else float(value) for value in values]


def both(combine, a, b):
    return NAR if NAR in (a, b) else combine(a, b)


@pytest.mark.parametrize(("n", "es"), [(n, es) for n, es in ALL if n <= 10])
def test_every_pattern_decodes_as_the_definition_reads(n, es):
    found = Posit(n, es).decode(np.arange(2**n))

    np.testing.assert_array_equal(found, as_floats(all_values(n, es)))


@pytest.mark.parametrize(("n", "es"), ALL)
def test_patterns_are_in_the_order_of_their_values(n, es):
    posit = Posit(n, es)
    rng = np.random.default_rng(n)
    codes = np.unique(rng.integers(1, 1 << (n - 1), 500))

    values = posit.decode(codes)

    assert (np.diff(values) > 0).all()
    np.testing.assert_array_equal(posit.encode(values), codes)
    np.testing.assert_array_equal(posit.decode(posit.negate(codes)), -values)


@pytest.mark.parametrize("rounding", ["nearest", "toward_zero"])
@pytest.mark.parametrize(("n", "es"), [(n, es) for n, es in ALL if n <= 8])
def test_values_ties_and_their_neighbours_round_as_the_definition_says(n, es, rounding):
    """The posits of one bit more are all values and all ties."""
    between = np.array([float(v) for v in all_values(n + 1, es) if v is not NAR])
    values = np.concatenate([between, np.nextafter(between, 9e99), np.nextafter(between, -9e99)])
    posit = Posit(n, es)

    found = posit.encode(values, rounding)

    expected = [code_of(Fraction(value), n, es, rounding) for value in values]
    np.testing.assert_array_equal(found, expected)
    if rounding == "nearest":
        np.testing.assert_array_equal(posit.quantize(values), posit.decode(expected))


@pytest.mark.parametrize(
    ("n", "es"), [(16, 0), (16, 1), (16, 2), (17, 3), (24, 1), (32, 2), (32, 3)]
)
def test_wide_posits_round_random_values_as_the_definition_says(n, es):
    posit = Posit(n, es)
    rng = np.random.default_rng(n + es)
    codes = rng.integers(1, 1 << (n - 1), 200)
    ties = [float(value_of(2 * int(code) + 1, n + 1, es)) for code in codes]
    scaled = rng.standard_normal(300) * 2.0 ** rng.integers(-300, 300, 300)
    values = np.concatenate([ties, np.nextafter(ties, 0), np.nextafter(ties, 9e99), scaled])

    found = posit.encode(values)

    expected = [code_of(Fraction(value), n, es) for value in values]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(posit.quantize(values), posit.decode(expected))


@pytest.mark.parametrize(("n", "es"), SMALL)
def test_every_sum_and_product_is_exact_but_for_one_rounding(n, es):
    values = all_values(n, es)
    codes = np.arange(2**n)
    posit = Posit(n, es)

    sums, products = posit.add(codes[:, None], codes), posit.multiply(codes[:, None], codes)

    for (i, a), (j, b) in product(enumerate(values), enumerate(values)):
        assert sums[i, j] == code_of(both(Fraction.__add__, a, b), n, es)
        assert products[i, j] == code_of(both(Fraction.__mul__, a, b), n, es)


@pytest.mark.parametrize("rounding", ["nearest", "toward_zero"])
@pytest.mark.parametrize(("n", "es"), TINY)
def test_every_fused_operation_is_exact_but_for_one_rounding(n, es, rounding):
    values = all_values(n, es)
    codes = np.arange(2**n)

    found = Posit(n, es).fused(codes[:, None, None], codes[:, None], codes, rounding)

    for (i, a), (j, b), (k, c) in product(enumerate(values), repeat=3):
        exact = both(Fraction.__add__, both(Fraction.__mul__, a, b), c)
        assert found[i, j, k] == code_of(exact, n, es, rounding)


@settings(deadline=None, max_examples=200)
@given(st.data(), posits)
def test_any_posit_adds_multiplies_and_fuses_as_fractions_do(data, posit):
    n, es = posit.n, posit.es
    a, b, c = (data.draw(st.integers(0, 2**n - 1)) for _ in range(3))
    x, y, z = (value_of(code, n, es) for code in (a, b, c))

    assert posit.add(a, c) == code_of(both(Fraction.__add__, x, z), n, es)
    assert posit.multiply(a, b) == code_of(both(Fraction.__mul__, x, y), n, es)
    exact = both(Fraction.__add__, both(Fraction.__mul__, x, y), z)
    assert posit.fused(a, b, c) == code_of(exact, n, es)


@settings(deadline=None, max_examples=150)
@given(st.data(), posits, st.integers(0, 12))
def test_a_quire_rounds_the_exact_sum_once(data, posit, length):
    patterns = st.lists(st.integers(0, 2**posit.n - 1), min_size=length, max_size=length)
    x, y = np.array(data.draw(patterns), int), np.array(data.draw(patterns), int)

    found = posit.dot(x, y, accumulate="quire")

    terms = [
        both(
            Fraction.__mul__,
            value_of(int(a), posit.n, posit.es),
            value_of(int(b), posit.n, posit.es),
        )
        for a, b in zip(x, y, strict=True)
    ]
    exact = NAR if NAR in terms else sum(terms, Fraction(0))
    assert found == code_of(exact, posit.n, posit.es)


@pytest.mark.parametrize(("n", "es"), [(8, 1), (16, 2), (32, 3)])
def test_a_quire_survives_cancellation_and_many_carries(n, es):
    """10,000 times maxpos squared, taken away again, leaves minpos squared."""
    posit = Posit(n, es)
    largest, smallest = posit.encode(posit.maxpos), posit.encode(posit.minpos)
    many = np.full(10_000, largest)
    x = np.concatenate([many, [smallest], posit.negate(many)])
    y = np.concatenate([many, [smallest], many])

    assert posit.dot(x, y, accumulate="quire") == smallest  # minpos**2 does not round to zero
    assert posit.dot(x, y, accumulate="quire") == posit.dot(x[::-1], y[::-1], accumulate="quire")


@pytest.mark.parametrize(("sign", "rounded"), [(1, 1 + 2.0**-6), (0, 1.0), (-1, 1.0)])
@pytest.mark.parametrize("base", [1 + 2.0**-7, 1 + 3 * 2.0**-7])
def test_the_least_of_terms_decides_a_tie(base, sign, rounded):
    """At 2**20 a last bit of posit(16,2) is worth 2**14: a half is a tie, unless more follows."""
    posit = Posit(16, 2)
    a, b, least = (int(posit.encode(x)) for x in (2.0**10 * base, 2.0**10, sign * posit.minpos))
    if base > 1 + 2.0**-6:  # between odd and even the other way around
        rounded = {1: 1 + 2.0**-5, 0: 1 + 2.0**-5, -1: 1 + 2.0**-6}[sign]

    # minpos is 2**-56, and its square 132 bits below the leading one.
    found = [posit.fused(a, b, least), posit.dot([a, least], [b, 1], "quire")]

    assert posit.decode(found).tolist() == [2.0**20 * rounded] * 2


@settings(deadline=None, max_examples=200)
@given(st.data(), posits)
def test_laws_of_sign_order_and_nar(data, posit):
    a, b = (data.draw(st.integers(0, 2**posit.n - 1)) for _ in range(2))
    nar, one = posit.nar, posit.encode(1.0)

    assert posit.add(a, b) == posit.add(b, a)
    assert posit.multiply(a, b) == posit.multiply(b, a)
    assert posit.multiply(a, one) == a
    assert posit.add(a, 0) == a
    assert posit.negate(posit.add(a, b)) == posit.add(posit.negate(a), posit.negate(b))
    assert posit.negate(posit.multiply(a, b)) == posit.multiply(posit.negate(a), b)
    assert posit.add(a, posit.negate(a)) == (nar if a == nar else 0)
    for found in (posit.add(a, nar), posit.multiply(a, nar), posit.fused(a, nar, b)):
        assert found == nar


@settings(deadline=None, max_examples=200)
@given(posits, st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_never_becomes_zero_or_nar(posit, value):
    for rounding in ("nearest", "toward_zero"):
        code = int(posit.encode(value, rounding))

        assert code != posit.nar
        assert (code == 0) == (value == 0)
        assert abs(posit.decode(code)) <= posit.maxpos
    assert posit.quantize(value) == posit.decode(posit.encode(value))


@pytest.mark.parametrize("accumulate", ["sequential", "fused", "quire"])
def test_dot_products_of_many_rows_are_those_of_each(accumulate):
    posit = Posit(8, 1)
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (4, 1, 9)), rng.integers(0, 256, (3, 9))
    x[x == posit.nar], y[y == posit.nar] = 0, 0

    found = posit.dot(x, y, accumulate)

    assert found.shape == (4, 3)
    for i, j in product(range(4), range(3)):
        assert found[i, j] == posit.dot(x[i, 0], y[j], accumulate)
    assert posit.dot(np.zeros(0, int), np.zeros(0, int), accumulate) == 0


def test_accumulations_differ_where_they_round():
    """In posit(8,0) a last bit is worth 2**-5 from 1 on, 2**-3 from 2 on and 2**-1 from 4 on."""
    posit = Posit(8, 0)
    x, y = posit.encode([1.5, 1.5, -3.5]), posit.encode([1.125, 1.5, 1.5])

    hows = ("sequential", "fused", "quire")
    found = [float(posit.decode(posit.dot(x, y, how))) for how in hows]

    # 1.6875 + 2.25 = 3.9375, a tie that goes to 4; 5.25, where rounded, a tie that goes to 5.
    assert found == [4 - 5.0, 4 - 5.25, 3.9375 - 5.25]


@pytest.mark.parametrize(
    ("n", "es", "scale"),
    [(8, 0, 6), (8, 1, 12), (8, 2, 24), (16, 1, 28), (16, 2, 56), (32, 3, 240)],
)
def test_the_range_is_the_published_one(n, es, scale):
    posit = Posit(n, es)

    assert posit.maxpos == posit.decode(posit.nar - 1) == 2.0**scale
    assert posit.minpos == posit.decode(1) == 2.0**-scale
    assert posit.quantize([2.0 * posit.maxpos, -posit.minpos / 4]).tolist() == [
        posit.maxpos,
        -posit.minpos,
    ]


def test_what_is_not_finite_is_nar_and_zero_has_no_sign():
    posit = Posit(8, 1)

    assert posit.encode([np.inf, -np.inf, np.nan]).tolist() == [128, 128, 128]
    assert np.isnan(posit.quantize([np.inf, -np.inf, np.nan])).all()
    assert posit.encode([0.0, -0.0]).tolist() == [0, 0]
    assert not np.signbit(posit.quantize([-0.0])).any()


def test_a_posit_is_a_number_format_by_name():
    posit = formats.parse("posit(8,1)")

    assert posit == Posit(8, 1)
    assert (posit.name, posit.bits) == ("posit(8,1)", 8)
    assert formats.parse("posit(16, 2)") == Posit(16, 2)
    assert posit.quantize(np.ones((2, 3), dtype=np.int8)).shape == (2, 3)


@pytest.mark.parametrize(
    ("n", "es", "problem"),
    [
        (1, 0, r"n must be in \[2, 32\], got 1"),
        (33, 0, r"n must be in \[2, 32\], got 33"),
        (8, -1, r"es must be in \[0, 3\], got -1"),
        (16, 4, r"es must be in \[0, 3\], got 4"),
        (4, 3, "es = 3 leaves no room in 4 bits: a sign, two regime bits and 3 exponent bits need n >= 6"),  # noqa: E501
        (2, 1, "es = 1 leaves no room in 2 bits"),
        (8.0, 1, "n must be a whole number, got 8.0"),
        (8, "1", "es must be a whole number, got '1'"),
    ],
)  # fmt: skip
def test_an_impossible_posit_is_refused(n, es, problem):
    with pytest.raises(ValueError, match=problem):
        Posit(n, es)


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("posit(1,0)", r"number format 'posit\(1,0\)': n must be in \[2, 32\], got 1"),
        ("posit(8,-1)", r"es must be in \[0, 3\], got -1"),
        ("posit(5,3)", "leaves no room in 5 bits"),
        ("posit(8.1)", r"did you mean 'posit\(8,1\)'"),
        ("posti(16,1)", r"did you mean 'posit\(16,1\)'"),
        ("posit(8", r"in a list in brackets, write it in quotes: \['posit\(8,1\)'\]"),
        ("posit8", r"did you mean 'posit\(8,"),
    ],
)
def test_a_name_that_almost_exists_is_explained(name, fragment):
    with pytest.raises(RegistryError, match=fragment):
        formats.parse(name)


def test_wrong_operands_are_refused():
    posit = Posit(8, 1)

    with pytest.raises(ValueError, match="rounding must be 'nearest' or 'toward_zero', got 'up'"):
        posit.encode(1.0, "up")
    with pytest.raises(
        ValueError, match="accumulate must be 'sequential', 'fused' or 'quire', got"
    ):
        posit.dot([1], [1], "exact")
    with pytest.raises(
        ValueError, match=r"two vectors of one length, got shapes \(2,\) and \(3,\)"
    ):
        posit.dot([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="two vectors of one length"):
        posit.dot(1, 2)
    with pytest.raises(ValueError, match=r"codes must be in \[0, 2\*\*8\)"):
        posit.add(256, 0)
    with pytest.raises(ValueError, match="expected codes as whole numbers"):
        posit.decode([1.5])
