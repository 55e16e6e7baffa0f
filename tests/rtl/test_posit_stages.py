"""The staged posit unit against the format: every triple of small posits, random wide ones."""

import numpy as np
import pytest

from archsim.formats import Posit
from archsim.rtl.posit_stages import PositStages

SMALL = [(n, es) for n in (3, 4, 5, 6) for es in range(min(n - 2, 4))]


@pytest.mark.parametrize("improved", [True, False])
@pytest.mark.parametrize("rounding", ["nearest", "toward_zero"])
@pytest.mark.parametrize(("n", "es"), SMALL)
def test_every_triple_of_a_small_posit_is_the_fused_operation(n, es, rounding, improved):
    posit = Posit(n, es)
    codes = np.arange(2**n)
    triple = codes[:, None, None], codes[:, None], codes

    found = PositStages(posit, improved).mac(*triple, rounding)

    np.testing.assert_array_equal(found, posit.fused(*triple, rounding))


@pytest.mark.parametrize("improved", [True, False])
@pytest.mark.parametrize(("n", "es"), [(8, 0), (8, 1), (8, 2), (16, 1), (16, 2), (24, 3), (30, 2)])
def test_random_triples_are_the_fused_operation(n, es, improved):
    posit = Posit(n, es)
    rng = np.random.default_rng(n)
    a, b, c = rng.integers(0, 2**n, (3, 20_000))
    # A third of the sums cancel to within the last bits.
    near = posit.negate(posit.multiply(a, b)).astype(np.int64) + rng.integers(-2, 3, a.shape)
    c = np.where(np.arange(a.size) % 3 == 0, near & (2**n - 1), c)

    found = PositStages(posit, improved).mac(a, b, c)

    np.testing.assert_array_equal(found, posit.fused(a, b, c))


@pytest.mark.parametrize(("n", "es"), [(8, 1), (16, 2)])
def test_both_decoders_put_the_same_on_every_wire(n, es):
    codes = np.arange(2**n)

    plain, improved = (PositStages(Posit(n, es), kind).decode(codes) for kind in (False, True))

    number = plain.significand > 0
    np.testing.assert_array_equal(plain.scale[number], improved.scale[number])
    np.testing.assert_array_equal(plain.significand, improved.significand)


@pytest.mark.parametrize("posit", [Posit(2, 0), Posit(32, 2)])
def test_what_does_not_fit_the_stages_is_refused(posit):
    with pytest.raises(ValueError, match="a staged unit takes posits of 3 to 30 bits, got posit"):
        PositStages(posit)
