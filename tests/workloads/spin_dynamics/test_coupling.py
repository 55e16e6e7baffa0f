"""Couplings and their means: CF8, CF9, tables R4 and R6, and what the FID can see of J."""

from decimal import Decimal, getcontext
from math import pi, sqrt

import numpy as np
import pytest

from tests.workloads.spin_dynamics.reference import SIGMA_A, table
from workloads.spin_dynamics.coupling import (
    dipolar_mhz,
    double_resonance,
    exchange_mhz,
    largest_change,
    mean_over_angles,
    mean_over_distances,
    selective_fid,
)

getcontext().prec = 900


def cosine_integral_difference(above, below):
    """Ci(above) - Ci(below) by its power series, in 900 digits."""
    total = Decimal(above).ln() - Decimal(below).ln()
    for x, sign in ((Decimal(above), 1), (Decimal(below), -1)):
        term, n = Decimal(1), 0
        while abs(term) > Decimal(10) ** -60 or n < x:
            n += 2
            term *= -x * x / ((n - 1) * n)
            total += sign * term / n
    return float(total)


def fresnel(k):
    """C(k) and S(k) by their power series, in 900 digits."""
    half_turn = Decimal(pi) / 2
    found = []
    for first in (0, 1):
        total, n = Decimal(0), first
        term = half_turn**first * Decimal(k) ** (2 * first + 1)
        while abs(term) > Decimal(10) ** -60:
            total += term / (2 * n + 1)
            term *= -(half_turn**2) * Decimal(k) ** 4 / ((n + 1) * (n + 2))
            n += 2
        found.append(float(total))
    return found


def test_exchange_passes_through_both_published_points():
    np.testing.assert_allclose(exchange_mhz([14, 20]), [3.0, 0.025], rtol=1e-12)


def test_dipolar_coupling_falls_with_the_cube_and_turns_with_the_angle():
    assert float(dipolar_mhz(14.0)) == pytest.approx(0.0190, abs=5e-5)
    assert float(dipolar_mhz(20.0)) == pytest.approx(0.0065, abs=5e-5)
    assert float(dipolar_mhz(20.0, 1.0)) == pytest.approx(-2 * float(dipolar_mhz(20.0)))
    # Both couplings are equal at 22.06 nm.
    assert float(exchange_mhz(22.06)) == pytest.approx(float(dipolar_mhz(22.06)), rel=0.01)


@pytest.mark.parametrize("time_us", [1e-6, 0.01, 0.15, 4.0, 20.0, 200.0])
def test_cf8_the_mean_over_distances_is_a_cosine_integral(time_us):
    above, below = pi * 3.0 * time_us, pi * 0.025 * time_us

    found = float(mean_over_distances(time_us, 14, 20))

    expected = cosine_integral_difference(above, below) / np.log(120)
    assert found == pytest.approx(expected, abs=1e-12)


def test_without_a_delay_no_distance_shows():
    assert mean_over_distances([0.0, 0.0], 14, 20).tolist() == [1, 1]


@pytest.mark.parametrize("time_us", [0.01, 1.0, 10.0, 100.0])
def test_cf9_the_mean_over_angles_is_a_fresnel_integral(time_us):
    x = pi * 0.05 * time_us
    k = sqrt(6 * x / pi)
    c, s = fresnel(k)

    found = float(mean_over_angles(time_us, 0.05))

    assert found == pytest.approx((c * np.cos(x) + s * np.sin(x)) / k, abs=1e-12)


def test_r4_the_selective_fid_of_distant_pairs_is_the_references():
    expected = table("R4_hard_selective_Jdist")
    mean = mean_over_distances(np.array(expected["T_ns"]) / 1000, 14, 20)

    found = selective_fid(expected["T_ns"], 10, SIGMA_A, mean)

    np.testing.assert_allclose(found, expected["P_ap"], atol=1e-8, rtol=0)


def test_r6_double_resonance_of_distant_pairs_is_the_references():
    expected = table("R6_EDDEER")
    tau = np.array(expected["tau_us"])

    found = double_resonance(
        1000 * tau, 1e4, 1e4, 10, SIGMA_A, mean_over_distances(2 * tau, 14, 20)
    )

    np.testing.assert_allclose(found, expected["P_ap"], atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("exchange", "change"),
    [(0.3, 0.0004), (1, 0.0042), (3, 0.0367), (5, 0.096), (10, 0.303), (20, 0.643)],
)
def test_the_fid_is_nearly_blind_to_weak_exchange(exchange, change):
    assert largest_change(exchange, 3.3, 150) == pytest.approx(change, abs=6e-4)
    assert largest_change(0.025, 3.3, 150) < 1e-5


@pytest.mark.parametrize(("change", "least"), [(0.01, 1.55), (0.05, 3.52), (0.1, 5.11)])
def test_a_change_takes_an_exchange_of_megahertz(change, least):
    assert largest_change(least - 0.01, 3.3, 150) < change < largest_change(least + 0.01, 3.3, 150)
