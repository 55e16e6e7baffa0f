"""Posits against packages by others: all pairs of eight bits, and softposit's fused and quire."""

import numpy as np
import pytest

from archsim.formats import Posit

pytestmark = pytest.mark.reference

DTYPES = {(8, 0): "posit8e0", (8, 1): "posit8e1", (8, 2): "posit8", (16, 1): "posit16e1", (16, 2): "posit16"}  # fmt: skip  # noqa: E501
CODES = np.arange(256, dtype=np.uint8)


def universal(n, es):
    package = pytest.importorskip("universal_dtypes")
    return getattr(package, DTYPES[n, es]), np.dtype(f"u{n // 8}")


@pytest.mark.parametrize(("n", "es"), DTYPES)
def test_universal_decodes_every_pattern_alike(n, es):
    dtype, code = universal(n, es)
    codes = np.arange(2**n).astype(code)

    np.testing.assert_array_equal(Posit(n, es).decode(codes), codes.view(dtype).astype(float))


@pytest.mark.parametrize("es", [0, 1, 2])
def test_universal_adds_and_multiplies_every_pair_alike(es):
    dtype, code = universal(8, es)
    a, b = (part.ravel() for part in np.meshgrid(CODES, CODES))
    posit = Posit(8, es)
    sums, products = a.view(dtype) + b.view(dtype), a.view(dtype) * b.view(dtype)

    np.testing.assert_array_equal(posit.add(a, b), sums.view(code))
    np.testing.assert_array_equal(posit.multiply(a, b), products.view(code))


@pytest.mark.parametrize(("n", "es"), DTYPES)
def test_universal_rounds_random_numbers_alike(n, es):
    dtype, code = universal(n, es)
    rng = np.random.default_rng(8)
    values = rng.standard_normal(100_000) * 2.0 ** rng.integers(-60, 60, 100_000)

    with np.errstate(over="ignore"):  # it goes through float32 on the way
        expected = values.astype(dtype).view(code)

    np.testing.assert_array_equal(Posit(n, es).encode(values), expected)


def test_softposit_adds_and_multiplies_every_pair_alike():
    package = pytest.importorskip("softposit")
    posit = Posit(8, 0)
    held = [package.posit8(bits=int(code)) for code in CODES]

    sums = [[(a + b).v.v for b in held] for a in held]
    products = [[(a * b).v.v for b in held] for a in held]

    np.testing.assert_array_equal(posit.add(CODES[:, None], CODES), sums)
    np.testing.assert_array_equal(posit.multiply(CODES[:, None], CODES), products)


@pytest.mark.parametrize(("n", "es"), [(8, 0), (16, 1)])
def test_softposit_fuses_and_sums_alike(n, es):
    package = pytest.importorskip("softposit")
    number, quire = (getattr(package, f"{sort}{n}") for sort in ("posit", "quire"))
    posit = Posit(n, es)
    rng = np.random.default_rng(9)
    # softposit's quires are sticky about NaR in ways of their own
    x, y = rng.integers(1, 1 << (n - 1), (2, 300, 24), dtype=np.uint64)
    x = np.where(rng.random(x.shape) < 0.5, posit.negate(x), x)

    fused, summed = [], []
    for row, column in zip(x, y, strict=True):
        held, exact = number(bits=0), quire()
        for a, b in zip(row, column, strict=True):
            left, right = number(bits=int(a)), number(bits=int(b))
            held = held.fma(left, right)
            exact.qma(left, right)
        fused.append(held.v.v)
        summed.append(exact.toPosit().v.v)

    np.testing.assert_array_equal(posit.dot(x, y, "fused"), fused)
    np.testing.assert_array_equal(posit.dot(x, y, "quire"), summed)
