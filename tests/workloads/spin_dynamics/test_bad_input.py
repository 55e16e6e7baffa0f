"""What no experiment can mean is refused with one message."""

import numpy as np
import pytest

from workloads.spin_dynamics import free_induction_decay, hahn_echo, pair_signal
from workloads.spin_dynamics.coupling import (
    dipolar_mhz,
    double_resonance,
    exchange_mhz,
    mean_over_distances,
)
from workloads.spin_dynamics.ensemble import normal_nodes

T = [0.0, 10, 20]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: free_induction_decay(T, 0, -3.3, 15), "sigma_mhz: a linewidth must be >= 0 MHz"),
        (lambda: free_induction_decay(T, 0, 3.3e6, 15), "sigma_mhz: .*are these hertz"),
        (lambda: free_induction_decay(T, 1e7, 3.3, 15), "detuning_mhz: .*are these hertz"),
        (lambda: free_induction_decay(T, np.nan, 3.3, 15), "detuning_mhz: .*got nan MHz$"),
        (lambda: free_induction_decay(T, 0, 3.3, 0), "half_pi_ns: must be in .*got 0 ns$"),
        (lambda: free_induction_decay(T, 0, 3.3, -15), "half_pi_ns: must be in .*got -15 ns$"),
        (lambda: free_induction_decay(T, 0, 3.3, 15e-9), "half_pi_ns: .*are these seconds"),
        (lambda: free_induction_decay([0, 20, 10], 0, 3.3, 15), "must rise, got 10 ns after 20"),
        (lambda: free_induction_decay([0, 0], 0, 3.3, 15), "must rise, got 0 ns after 0 ns"),
        (lambda: free_induction_decay([-5, 0], 0, 3.3, 15), "delays_ns: must be >= 0 .*got -5 ns"),
        (lambda: free_induction_decay([0, np.inf], 0, 3.3, 15), "delays_ns: must be .*got inf"),
        (lambda: free_induction_decay([0, 1e-7], 0, 3.3, 15), "delays_ns: .*are these seconds"),
        (lambda: free_induction_decay([0, 2e6], 0, 3.3, 15), "delays_ns: must be <= 1e.06 ns"),
        (lambda: free_induction_decay([], 0, 3.3, 15), "delays_ns: must be a list"),
        (lambda: free_induction_decay([[1, 2]], 0, 3.3, 15), "delays_ns: must be a list"),
        (lambda: hahn_echo(T, -1, 0, 3.3, 15), "t1_ns: must be >= 0"),
        (lambda: hahn_echo([5, 5], 10, 0, 3.3, 15), "t2_ns: must rise"),
        (lambda: hahn_echo(T, 10, 0, -1, 15), "sigma_mhz: a linewidth"),
        (lambda: hahn_echo(T, 10, 0, 1, 0), "half_pi_ns: must be in"),
        (lambda: pair_signal(T, 0, 85, 3, 0, -1, 5, 15), "sigma_a_mhz: a linewidth"),
        (lambda: pair_signal(T, 0, 85, 3, 0, 3.3, -5, 15), "sigma_b_mhz: a linewidth"),
        (lambda: pair_signal(T, 0, 85e6, 3, 0, 3.3, 5, 15), "detuning_b_mhz: .*hertz"),
        (lambda: pair_signal(T, 0, 85, 3e6, 0, 3.3, 5, 15), "exchange_mhz: .*hertz"),
        (lambda: pair_signal(T, 0, 85, 3, 1e5, 3.3, 5, 15), "dipolar_mhz: .*hertz"),
        (lambda: pair_signal(T, 0, 85, 3, 0, 3.3, 5, 0), "half_pi_ns: must be in"),
        (lambda: pair_signal(T, 0, 85, 3, 0, 3.3, 5, 15, "triplet"),
         "observable: 'triplet' is none of antiparallel, singlet"),
        (lambda: pair_signal([0, 1e5], 0, 85, 3, 0, 3.3, 0.5, 15), "delays_ns: .*shorten"),
        (lambda: normal_nodes(1e5), "shorten the delays or narrow the line"),
        (lambda: exchange_mhz(0), r"distance_nm: must be in \[0.1, 1000\] nm, got 0 nm$"),
        (lambda: exchange_mhz([14, -2]), "distance_nm: .*got -2 nm$"),
        (lambda: exchange_mhz(14e-9), "distance_nm: .*are these metres"),
        (lambda: dipolar_mhz(0), "distance_nm: must be in"),
        (lambda: dipolar_mhz(14, 1.5), r"cos_angle: must be in \[-1, 1\]"),
        (lambda: mean_over_distances(1, 0, 20), "nearest_nm: must be in"),
        (lambda: mean_over_distances(1, 14, 2e3), "farthest_nm: must be in"),
        (lambda: mean_over_distances(1, 20, 14), "nearest_nm: must be < farthest_nm"),
        (lambda: double_resonance([400], 300, 300, 0, 3, 1), "pump_ns: must be <= t1_ns"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()

    assert "\n" not in str(caught.value)
