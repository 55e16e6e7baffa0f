"""The workload edfid: every graph gives the ensemble's signal, at the sheet's counts."""

from collections import Counter
from dataclasses import replace
from math import log, pi, sqrt
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim.ir import Contraction, Reduction
from workloads.spin_dynamics import ElectricallyDetectedFid, pair_signal
from workloads.spin_dynamics.coupling import EXCHANGE_DECAY_NM
from workloads.spin_dynamics.precision import largest_error, largest_errors
from workloads.spin_dynamics.setup import squarings
from workloads.spin_dynamics.single_spin import fid_flip

EXPERIMENTS = Path(__file__).parents[3] / "configs" / "experiments"
VARIANTS = ("dense_stepping", "eigen_phase", "harmonic")
ALL = [(variant, fused) for variant in VARIANTS for fused in (False, True)]
ENSEMBLE = ElectricallyDetectedFid(
    lines=2, nodes_a=3, nodes_b=4, distances=2, angles=2, delays=7, detuning_mhz=7.0
)


def computed(workload, values=None, **options):
    graph = workload.lower()
    inputs = workload.inputs() | (values or {})
    return archsim.execute(graph, inputs, keep=["signal"], **options)["signal"]


@pytest.mark.parametrize(("variant", "fused"), ALL)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"partner_offset_mhz": -32.7, "half_pi_ns": 4.0, "step_ns": 13.7},
        {"partner_offset_mhz": 0.0, "sigma_a_mhz": 0.0, "sigma_b_mhz": 0.0, "detuning_mhz": 0.0},
        {"nearest_nm": 4.0, "farthest_nm": 9.0},  # J far above the detuning
        {"delays": 2, "step_ns": 900.0},
    ],
    ids=["plain", "low field", "equal spins", "strong exchange", "one long step"],
)
def test_every_graph_gives_the_signal(variant, fused, fields):
    workload = replace(ENSEMBLE, variant=variant, fused=fused, **fields)

    np.testing.assert_allclose(computed(workload), workload.signal(), atol=1e-9, rtol=0)


def test_both_nuclear_lines_weigh_a_half():
    one = replace(ENSEMBLE, lines=1)
    other = replace(one, detuning_mhz=7 + 117.53, partner_offset_mhz=85 - 117.53)

    np.testing.assert_allclose(
        ENSEMBLE.signal(), (one.signal() + other.signal()) / 2, atol=1e-14, rtol=0
    )
    assert ENSEMBLE.members.weight.sum() == pytest.approx(1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_equal_spins_that_do_not_couple_divide_by_no_zero(variant):
    workload = replace(
        ENSEMBLE,
        variant=variant,
        lines=1,
        distances=1,
        angles=1,
        sigma_a_mhz=0.0,
        sigma_b_mhz=0.0,
        partner_offset_mhz=0.0,
    )
    uncoupled = {"distance": [np.inf]}

    found = computed(workload, uncoupled)

    flips = fid_flip(workload.delays_ns / 1000, np.array([7.0]), 1 / 0.06)[0]
    np.testing.assert_allclose(found, 2 * flips * (1 - flips), atol=1e-12)  # one of the two


GRIDS = [  # QuTiP and numpy, on 24 x 16 Gauss-Hermite nodes: table R3 of the reference
    (20, 3, [0.19778883971697878, 0.6935897229989538, 0.37482134585952, 0.47428147952884103,
             0.4617985521073974, 0.4617558450288133]),
    (0, 10, [0.860455903736103, 0.49905922492795063, 0.4025136763598994, 0.46123187945517563,
             0.4930765216240487, 0.49596525725681817]),
]  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize(("detuning", "exchange", "expected"), GRIDS)
def test_r3_on_the_same_nodes_is_the_references(variant, rounded, detuning, exchange, expected):
    distance = 14 - EXCHANGE_DECAY_NM * log(exchange / 3)
    workload = ElectricallyDetectedFid(
        variant=variant,
        nodes_a=24,
        nodes_b=16,
        delays=6,
        step_ns=30,
        detuning_mhz=detuning,
        nearest_nm=distance,
        farthest_nm=distance,
    )
    magic = {"cosine": [1 / sqrt(3)]}  # no dipolar coupling in this direction

    found = computed(workload, magic, round_to_format=rounded)

    # Squaring a propagator seven times loses a digit of fp32.
    in_fp32 = 1e-5 if variant == "dense_stepping" else 1e-6
    tolerance = in_fp32 if rounded else 1e-8
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


def test_more_nodes_converge_to_the_pairs_own_average():
    """On enough nodes, a pair at a fixed distance is ``pair_signal``."""
    workload = replace(ENSEMBLE, lines=1, nodes_a=40, nodes_b=60, distances=1, angles=1)
    workload = replace(workload, nearest_nm=14.0, farthest_nm=14.0)
    coupled = workload.members.exchange[0], workload.members.dipolar[0]
    expected = pair_signal(workload.delays_ns, 7, 92, *coupled, 3.3, 5, 15)

    np.testing.assert_allclose(workload.signal(), expected, atol=1e-8, rtol=0)


def flops(graph):
    """Real additions and multiplications, and trigonometric functions; a sum of n is n - 1."""
    found = Counter()
    for operation in graph.operations:
        if isinstance(operation, Contraction):
            found["flop"] += 2 * operation.macs - operation.output.elements
        elif isinstance(operation, Reduction):
            found["flop"] += operation.space.points - operation.output.elements
        else:
            for function, times in operation.functions.items():
                kind = {"sin": "trig", "cos": "trig", "exp": "exp", "move": "move"}
                found[kind.get(function, "flop")] += times * operation.space.points
    return found


def per_member(variant):
    """Counts for each member: those of one more delay, and those of none."""
    few, more = (flops(ElectricallyDetectedFid(variant=variant, delays=n).lower()) for n in (8, 9))
    each = {kind: (more[kind] - few[kind]) / 16 for kind in few}
    return each, {kind: few[kind] / 16 - 8 * each[kind] for kind in few}


MEAN = 2 - 1 / 16  # a multiply and an add for each member, but for the first
COUNTS = {
    # Three complex products of 480, sixteen for the squares.
    "dense_stepping": (3 * 480 + 16 + MEAN, 0),
    # The sheet's 188, and 4 since phases are formed for the cosine and again for the sine.
    "eigen_phase": (188 + 4 + MEAN, 8),
    # The sheet's 30, and 6 for the same reason; here the mean is in it.
    "harmonic": (30 + 6, 12),
}


@pytest.mark.parametrize(("variant", "count"), COUNTS.items())
def test_a_delay_costs_a_member_what_the_sheet_counts(variant, count):
    each, _ = per_member(variant)

    # The mean of the harmonics is scaled once a delay, for all members.
    assert (each["flop"], each.get("trig", 0)) == pytest.approx(count, abs=0.1)


def test_setting_up_a_member_costs_what_the_sheet_counts():
    """1248 for the eigenproblem of the sheet's 1508; H0 takes more as whole matrices."""
    _, setup = per_member("eigen_phase")
    _, harmonic = per_member("harmonic")

    assert setup["trig"] == 8
    assert 1508 < setup["flop"] == pytest.approx(1831)
    assert harmonic["flop"] - setup["flop"] == pytest.approx(371, abs=0.1)  # about 270 there


def test_dense_stepping_takes_7_products_and_the_squarings_for_each_propagator():
    """The sheet's 13 for a turn of 7.4 rad; both nuclear lines here take one more."""
    assert 7 + squarings(0.015, 7.4 / (2 * pi * 0.015)) == 13
    graph = replace(ENSEMBLE, variant="dense_stepping").lower()
    products = Counter(
        operation.name.partition(".")[0]
        for operation in graph.operations
        if isinstance(operation, Contraction) and not operation.name.startswith("delay")
    )

    assert products == {"pulse": 14, "step": 14}
    delays = ENSEMBLE.delays
    assert graph.macs == ENSEMBLE.member_count * 256 * (28 + 3 * delays - 3) + (
        ENSEMBLE.member_count * delays
    )


def moved_bytes(graph, extents):
    """Bytes that operations read and write of tensors that have all of these extents."""
    return sum(
        tensor.size_bytes
        for operation in graph.operations
        for tensor in (*operation.inputs, *operation.outputs)
        if set(extents) <= set(tensor.shape)
    )


def test_unfused_each_member_and_delay_moves_264_bytes():
    workload = ElectricallyDetectedFid(nodes_a=5, nodes_b=5, delays=11)

    moved = moved_bytes(workload.lower(), (25, 11))

    assert moved == 264 * 25 * 11


@pytest.mark.parametrize(
    ("variant", "floats"),
    [
        ("eigen_phase", 36),  # the sheet's 144 B: W = R^T U as 32 numbers, four energies
        ("harmonic", 18),  # two amplitudes and a frequency for each of six lines
        ("dense_stepping", 64),  # two complex matrices
    ],
)
def test_fused_each_member_is_read_once(variant, floats):
    workload = ElectricallyDetectedFid(variant=variant, fused=True, nodes_a=5, nodes_b=5, delays=11)
    kernel = workload.lower()["kernel"]
    read = {t.name: t.size_bytes for t in kernel.inputs if t.shape and t.shape[0] == 25}

    weight = read.pop("weight", 0)

    assert sum(read.values()) == 4 * floats * 25
    assert weight == (0 if variant == "harmonic" else 4 * 25)
    assert [tensor.shape for tensor in kernel.outputs] == [(11,)]


def test_a_fused_kernel_counts_what_its_operations_do():
    workload = ElectricallyDetectedFid(fused=True)

    functions = workload.lower()["kernel"].functions

    # 192 + 16 first additions to nothing + 2: 8 + 8 phases, 48, 2 x 64, 16.
    assert dict(functions) == {"cos": 4, "sin": 4, "multiply": 113, "add": 89}


@pytest.mark.parametrize("variant", VARIANTS)
def test_precision_falls_with_the_significand(variant):
    workload = ElectricallyDetectedFid(
        variant=variant, nodes_a=8, nodes_b=4, detuning_mhz=20, delays=31, step_ns=5, nearest_nm=14,
        farthest_nm=14,
    )  # fmt: skip

    errors = largest_errors(workload, ["fp64", "fp32", "tf32", "bf16"])

    assert errors["fp64"] < 1e-13
    assert errors["fp64"] < errors["fp32"] < 1e-5 < errors["tf32"] < errors["bf16"] < 0.05
    assert largest_error(replace(workload, fused=True), "bf16") == errors["bf16"]


@pytest.mark.slow
def test_precision_is_what_the_sheet_measured():
    """24 x 16 pairs with J = 3 MHz, 151 delays: 1.4e-7, 1.6e-4, 9e-4 and 1.9e-2."""
    workload = ElectricallyDetectedFid(
        nodes_a=24, nodes_b=16, detuning_mhz=20, delays=151, step_ns=1, nearest_nm=14,
        farthest_nm=14,
    )  # fmt: skip

    errors = largest_errors(workload, ["fp32", "tf32", "bf16", "fp8_e4m3"])

    for name, measured in {
        "fp32": 1.4e-7,
        "tf32": 1.6e-4,
        "bf16": 9e-4,
        "fp8_e4m3": 1.9e-2,
    }.items():
        assert measured / 2 < errors[name] < 2 * measured


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "dense"}, "variant: 'dense' is none of dense_stepping, eigen_phase, harmonic"),
        ({"nodes_a": 0}, r"nodes_a: must be in \[1, 96\], got 0"),
        ({"nodes_b": 97}, r"nodes_b: must be in \[1, 96\], got 97"),
        ({"lines": 3}, r"lines: must be in \[1, 2\], got 3"),
        ({"distances": 0}, "distances: must be in"),
        ({"angles": 0}, "angles: must be in"),
        ({"delays": 1}, r"delays: must be in \[2, 4096\], got 1"),
        ({"step_ns": 0.0}, "step_ns: must be in .*got 0 ns"),
        ({"step_ns": 1e-9}, "step_ns: .*are these seconds"),
        ({"step_ns": 1e5, "delays": 20}, "step_ns x delays: must be <= 1e.06 ns"),
        ({"half_pi_ns": 0.0}, "half_pi_ns: must be in"),
        ({"detuning_mhz": 2e7}, "detuning_mhz: .*are these hertz"),
        ({"partner_offset_mhz": 8.5e7}, "partner_offset_mhz: .*are these hertz"),
        ({"sigma_a_mhz": -3.3}, "sigma_a_mhz: a linewidth must be >= 0 MHz"),
        ({"sigma_b_mhz": -5.0}, "sigma_b_mhz: a linewidth must be >= 0 MHz"),
        ({"nearest_nm": 0.0}, "nearest_nm: must be in"),
        ({"farthest_nm": -1.0}, "farthest_nm: must be in"),
        ({"nearest_nm": 1.4e-8}, "nearest_nm: .*are these metres"),
        ({"nearest_nm": 20.0, "farthest_nm": 14.0}, "nearest_nm: must be <= farthest_nm"),
        ({"number_format": "fp33"}, "number_format: .*fp32"),
        ({"member_format": "fp33"}, "member_format: .*fp32"),
    ],
)
def test_a_bad_field_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        ElectricallyDetectedFid(**fields)


def runs():
    """Every variant on every sort of machine; three of them in the default run."""
    quick = {("h100", "harmonic", True), ("generic_array", "eigen_phase", False)}
    quick |= {("generic_array", "dense_stepping", True)}
    for machine in ("h100", "generic_array", "fetta"):
        for variant, fused in ALL:
            marks = [] if (machine, variant, fused) in quick else [pytest.mark.slow]
            yield pytest.param(machine, variant, fused, marks=marks)


@pytest.mark.parametrize(("machine", "variant", "fused"), list(runs()))
def test_both_engines_agree_on_a_reduced_ensemble(machine, variant, fused):
    energy = {"h100": "h100"}.get(machine, "asic_16nm")
    overrides = {
        "architecture": machine,
        "energy": energy,
        "workload.variant": variant,
        "workload.fused": fused,
        "workload.delays": 5,
        "workload.nodes_a": 6,
    }

    fast, event = (
        archsim.run(EXPERIMENTS / "edfid_array.yaml", overrides=overrides, engine=engine)
        for engine in ("fast", "event")
    )

    assert fast.ticks == event.ticks
    assert fast.energy_j == event.energy_j
    assert fast.dram_bytes == event.dram_bytes
    assert fast.tiles == event.tiles


@pytest.mark.parametrize(
    ("machine", "formats"),
    [("generic_array", ("fp16", "fp32")), ("h100", ("fp16", "fp32")), ("h100", ("fp64", "fp64"))],
)
def test_both_engines_agree_in_other_formats(machine, formats):
    overrides = {
        "architecture": machine,
        "energy": {"h100": "h100"}.get(machine, "asic_16nm"),
        "workload.number_format": formats[0],
        "workload.member_format": formats[1],
        "workload.delays": 3,
        "workload.nodes_a": 4,
    }

    fast, event = (
        archsim.run(EXPERIMENTS / "edfid_array.yaml", overrides=overrides, engine=engine)
        for engine in ("fast", "event")
    )

    assert (fast.ticks, fast.energy_j) == (event.ticks, event.energy_j)
    assert (fast.dram_bytes, fast.tiles) == (event.dram_bytes, event.tiles)


def test_the_full_ensemble_has_the_sheets_size():
    graph = archsim.lower(EXPERIMENTS / "edfid_ramsey.yaml")

    assert graph.tensors["pairs"].shape == (98_304, 151)
    assert graph.tensors["signal"].shape == (151,)


@pytest.mark.slow
def test_fusing_makes_the_full_ensemble_faster_on_a_gpu():
    unfused, fused = (
        archsim.run(EXPERIMENTS / "edfid_ramsey.yaml", overrides={"workload.fused": way})
        for way in (False, True)
    )

    assert unfused.dram_bytes > 264 * 98_304 * 151
    assert fused.dram_bytes < unfused.dram_bytes / 10
    assert fused.latency_s < unfused.latency_s / 2
    assert fused.energy_j < unfused.energy_j / 2
