"""What the workload edfid shows, against the sheet's tables and closed forms."""

from dataclasses import replace
from math import cos, exp, nan, pi

import numpy as np
import pytest

from workloads.spin_dynamics import ElectricallyDetectedFid
from workloads.spin_dynamics import findings as shown
from workloads.spin_dynamics.precision import FORMATS, largest_error

RAMSEY = ElectricallyDetectedFid(lines=2, detuning_mhz=20.0, delays=151, step_ns=1.0)
"""The sheet's pulses, line and delays."""
R1_FAR = [  # finite pulses of 15 ns, 20 MHz off resonance, every 10 ns
    0.18743677, 0.08738402, 0.46949648, 0.73754444, 0.59320877, 0.35083488, 0.33161861, 0.45873337,
    0.52004056, 0.48364632, 0.44336858, 0.44361498, 0.45859769, 0.46342771, 0.46024698, 0.45789374,
]  # fmt: skip
R2_ON = {200: 0.43440485, 260: 0.15003233, 300: 0.01890299, 320: 0.05568639, 400: 0.43439750}
R2_FAR = {200: 0.46497950, 260: 0.48558201, 300: 0.38054071, 320: 0.51975588, 400: 0.46499539}
R5_SUM = 268.82607618


def test_fringes_are_the_sheets():
    far, _, on, hard = shown.fringes(RAMSEY).curves

    assert far.y[::10] == pytest.approx(R1_FAR, abs=1e-8)
    assert on.y[::50] == pytest.approx([0.96249723, 0.67929997, 0.52346038, 0.50093465], abs=1e-8)
    assert hard.y[40] == pytest.approx(0.60954256, abs=1e-8)
    assert far.x[::10] == pytest.approx(range(0, 151, 10))


def test_fringes_last_as_long_as_a_hundredth_is_left_of_them():
    title = shown.fringes(RAMSEY).title

    assert title.startswith("Ramsey fringes last 135 ns: a line of 3.3 MHz ")
    left = [exp(-((2 * pi * 3.3e-3 * time) ** 2) / 2) / 2 for time in (134.5, 135.5)]
    assert left[0] > 0.01 > left[1]


def test_the_map_of_fringes_is_the_sheets():
    found = shown.fringe_map(RAMSEY)

    values = np.array(found.values)
    assert (found.ys[0], found.ys[-1], found.xs[-1]) == (-40, 40, 150)
    assert values[::2, ::5].shape == (41, 16)
    assert values[::2, ::5].sum() == pytest.approx(R5_SUM, abs=1e-6)
    np.testing.assert_allclose(values, values[::-1], atol=1e-12)


def test_the_echo_is_the_sheets():
    on, far, hard = shown.echo(RAMSEY).curves

    for curve, table in ((on, R2_ON), (far, R2_FAR)):
        at = dict(zip(curve.x, curve.y, strict=True))
        assert {t2: at[t2] for t2 in table} == pytest.approx(table, abs=1e-8)
    assert min(hard.y) == pytest.approx(0, abs=1e-15)
    assert "at T2 = T1 = 300 ns: P falls to 0.019" in shown.echo(RAMSEY).title


@pytest.mark.parametrize(("change", "exchange"), [(0.01, 1.55), (0.05, 3.52), (0.1, 5.11)])
def test_the_weakest_exchange_seen_is_the_sheets(change, exchange):
    assert shown.weakest_seen(3.3, 150, change) == pytest.approx(exchange, abs=0.005)


def test_no_exchange_is_seen_of_a_line_that_dephases_at_once():
    assert shown.weakest_seen(9e3, 150, 0.5) is None
    assert shown.coupling_map(replace(RAMSEY, sigma_a_mhz=9e3)).title.endswith("no exchange at all")


def test_the_map_of_couplings_has_the_largest_change():
    found = shown.coupling_map(RAMSEY)
    row, column = 20, 37

    sigma, exchange = found.ys[row], found.xs[column]
    times = [n * 1e-6 for n in range(150_001)]
    change = max(
        exp(-((2 * pi * sigma * t) ** 2) / 2) * (1 - cos(pi * exchange * t)) / 2
        for t in times[::10]
    )
    assert found.values[row][column] == pytest.approx(100 * change, rel=1e-5)
    assert (found.xs[0], found.xs[-1]) == pytest.approx((0.025, 30))
    for places in (found.xs, found.ys):  # even on a logarithmic axis
        assert np.ptp(np.diff(np.log(places))) < 1e-12
    assert "exchange from 1.55 MHz on: pairs within 14.8 nm" in found.title


def test_errors_are_those_of_executing_each_variant_in_each_format():
    workload = replace(RAMSEY, delays=7)

    found = shown.precision(workload)

    assert found.categories == FORMATS
    small = replace(workload, nodes_a=4, nodes_b=4)
    for bars, variant in zip(
        found.bars, ("dense_stepping", "eigen_phase", "harmonic"), strict=True
    ):
        assert bars.name == variant.replace("dense_", "dense ").replace("n_p", "n-p")
        for name in ("fp32", "bf16"):
            error = largest_error(replace(small, variant=variant), name)
            assert bars.values[FORMATS.index(name)] == error


def test_most_nodes_are_left_out_where_there_are_many():
    many = replace(RAMSEY, nodes_a=24, nodes_b=16, distances=16, angles=8, delays=2)

    assert "192 of 98,304 pairs" in shown.precision(many).caption


@pytest.mark.parametrize(
    ("dense", "eigen", "title"),
    [
        ((1e-9, 1e-3), (1e-9, 1e-3), "Fringes survive down to fp16 by every way"),
        ((1e-9, 0.5), (1e-9, 1e-3),
         "Fringes survive down to fp32 by every way; in fp16 only by eigen-phase"),
        ((1e-9, nan), (0.5, nan), "Fringes survive in fp32 only by dense stepping"),
        ((nan, 1e-3), (nan, 1e-3), "Fringes survive in fp16 by every way"),
        ((0.5, nan), (0.01, nan), "Fringes survive in no format"),
    ],
)  # fmt: skip
def test_what_survives_is_told(monkeypatch, dense, eigen, title):
    formats = ("fp32", "fp16")
    monkeypatch.setattr(shown, "FORMATS", formats)
    errors = {"dense_stepping": dense, "eigen_phase": eigen}

    told = shown.survival(
        {variant: dict(zip(formats, found, strict=True)) for variant, found in errors.items()}
    )

    assert told == title


@pytest.mark.parametrize(
    "fields",
    [
        {"detuning_mhz": 0.0},
        {"detuning_mhz": -20.0},
        {"sigma_a_mhz": 0.0, "sigma_b_mhz": 0.0},
        {"sigma_a_mhz": 1e4},
        {"nearest_nm": 0.1, "farthest_nm": 0.1},
        {"nearest_nm": 1000.0, "farthest_nm": 1000.0},
        {"delays": 2, "step_ns": 0.5},
        {"step_ns": 1e5},
        {"lines": 1, "nodes_a": 1, "nodes_b": 1},
    ],
)
def test_any_workload_shows_something(fields):
    workload = ElectricallyDetectedFid(**{"delays": 3, "detuning_mhz": 20.0} | fields)

    found = workload.findings()

    names = [finding.name for finding in found]
    assert names == ["fringes", "fringe_map", "echo", "coupling_map", "precision"]
    for finding in found[:1]:
        assert all(0 <= y <= 1 for curve in finding.curves for y in curve.y)


def test_no_words_claim_a_figure_of_the_paper():
    found = replace(RAMSEY, delays=3, step_ns=75.0).findings()
    words = " ".join(finding.title + finding.caption for finding in found).lower()

    assert "fig" not in words
    assert "reproduc" not in words


def test_a_large_ensemble_survives_short_numbers():
    """A pair's share of 12,288 would be lost, were it not weighed against the mean."""
    workload = replace(
        RAMSEY, variant="harmonic", nodes_a=24, nodes_b=16, distances=4, angles=4, delays=4,
        step_ns=40.0,
    )  # fmt: skip

    assert largest_error(workload, "fp16") < 5e-6
    assert largest_error(workload, "fp8_e4m3") < 2e-3
