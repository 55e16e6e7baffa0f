"""Technology scaling: the published fit, and the laws that any scaling keeps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.energy.scaling import COEFFICIENTS, Process, energy_factor

NODES = sorted(COEFFICIENTS)
PROCESSES = st.builds(Process, node=st.sampled_from(NODES), voltage=st.floats(0.8, 1.2))


@pytest.mark.parametrize(
    ("node", "voltage", "energy"),
    [
        (180, 1.0, 6.66),  # 24.64 - 17.98
        (90, 1.0, 2.073),  # 4.762 - 4.781 + 2.092
        (65, 1.0, 1.332),  # 3.755 - 4.398 + 1.975
        (45, 0.9, 0.69885),  # 1.018 * 0.81 - 0.3107 * 0.9 + 0.1539
        (16, 0.8, 0.120272),  # 0.2958 * 0.64 - 0.1241 * 0.8 + 0.03024
        (7, 0.7, 0.047815),  # 0.1776 * 0.49 - 0.09097 * 0.7 + 0.02447
    ],
)
def test_energy_is_the_published_polynomial(node, voltage, energy):
    assert Process(node=node, voltage=voltage).energy == pytest.approx(energy, rel=1e-12)


def test_from_45_nm_to_16_nm_an_operation_keeps_a_sixth_of_its_energy():
    factor = energy_factor(Process(node=45, voltage=0.9), Process(node=16, voltage=0.8))

    assert factor == pytest.approx(0.120272 / 0.69885)
    assert factor == pytest.approx(1 / 5.81, rel=1e-3)


@pytest.mark.parametrize("voltage", [0.8, 0.9, 1.0, 1.1])
def test_a_smaller_node_spends_less_at_the_same_voltage(voltage):
    energies = [Process(node=node, voltage=voltage).energy for node in NODES if node < 180]

    assert all(small < large for small, large in pairwise(energies))


@given(PROCESSES, st.floats(0.01, 0.5))
def test_a_higher_voltage_spends_more(process, rise):
    raised = Process(node=process.node, voltage=process.voltage + rise)

    assert energy_factor(process, raised) > 1


@given(PROCESSES)
def test_scaling_to_the_same_process_changes_nothing(process):
    assert energy_factor(process, process) == 1


@given(PROCESSES, PROCESSES, PROCESSES)
def test_scaling_by_way_of_a_third_process_is_scaling_directly(first, second, third):
    direct = energy_factor(first, third)

    by_way = energy_factor(first, second) * energy_factor(second, third)

    assert by_way == pytest.approx(direct, rel=1e-12)


def test_a_node_without_a_fit_is_refused_with_the_fitted_ones():
    with pytest.raises(ValueError, match=r"28 nm; fitted nodes: 7, 10, 14, 16, 20, 32, 45"):
        Process(node=28, voltage=0.9)


@pytest.mark.parametrize(
    ("node", "voltage"),
    [(65, 0.5), (180, 0.7), (45, 0.0), (45, -1.0), (16, 2.1), (16, float("nan"))],
)
def test_a_voltage_outside_the_fit_is_refused_with_its_bounds(node, voltage):
    with pytest.raises(ValueError, match=r"voltage must be in \(0\.\d\d, 2\] V"):
        Process(node=node, voltage=voltage)
