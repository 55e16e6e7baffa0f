"""Spin dynamics: electrically detected free induction decay of donors, as physics and work."""

from workloads.spin_dynamics.pair import pair_signal
from workloads.spin_dynamics.single_spin import free_induction_decay, hahn_echo
from workloads.spin_dynamics.workload import ElectricallyDetectedFid

__all__ = ["ElectricallyDetectedFid", "free_induction_decay", "hahn_echo", "pair_signal"]
