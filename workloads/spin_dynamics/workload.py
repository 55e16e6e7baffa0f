"""The workload: a free induction decay of coupled pairs, computed for an ensemble of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import pi
from typing import get_args

import numpy as np

from archsim import formats
from archsim.errors import RegistryError
from archsim.ir import WORKLOADS, GraphBuilder, OperationGraph, TensorSpec
from archsim.ir.findings import Finding
from archsim.ir.operation import Array
from workloads.spin_dynamics.checks import (
    Floats,
    check_frequency,
    check_linewidth,
    check_pulse,
    check_word,
    checked_delays,
    checked_distances,
)
from workloads.spin_dynamics.coupling import DIPOLAR_MHZ_NM3, exchange_mhz
from workloads.spin_dynamics.findings import findings
from workloads.spin_dynamics.members import (
    AXES,
    HYPERFINE_MHZ,
    Members,
    Nodes,
    ensemble_nodes,
    members,
)
from workloads.spin_dynamics.pair import fid_of_members, static_hamiltonian
from workloads.spin_dynamics.setup import CONSTANTS, Pair, Setup
from workloads.spin_dynamics.single_spin import US_PER_NS, rabi_mhz
from workloads.spin_dynamics.variants import (
    Sequence,
    Variant,
    dense_stepping,
    eigen_phase,
    harmonic,
)

MOST = {
    "lines": 2,
    "nodes_a": 96,
    "nodes_b": 96,
    "distances": 256,
    "angles": 256,
    "delays": 4096,
}
LEAST = {"delays": 2}
"""Beyond these a count is a slip, not an ensemble."""
VARIANTS: Mapping[Variant, Callable[[Setup, Pair, Sequence], TensorSpec]] = {
    "dense_stepping": dense_stepping,
    "eigen_phase": eigen_phase,
    "harmonic": harmonic,
}


@WORKLOADS.register("edfid")
@dataclass(frozen=True, kw_only=True)
class ElectricallyDetectedFid:
    """The sequence pi/2 - T - pi/2 on donor and interface spins, read electrically.

    Members of the ensemble are a grid of nodes: nuclear spin, both Gaussian lines, distance
    and direction of the pair. The signal is their mean weight of antiparallel pairs.

    Source: Lu et al., arXiv 1102.1550, for the experiment; Hamiltonian and counts are derived.
    """

    variant: Variant = "eigen_phase"
    """How a delay is computed: ``dense_stepping``, ``eigen_phase`` or ``harmonic``."""
    fused: bool = False
    """Whether the work on members and delays is one kernel."""
    lines: int = 1
    """Nuclear spin states of the donor: 1 is the addressed line alone, 2 both."""
    nodes_a: int = 4
    """Gauss-Hermite nodes of the donor's line."""
    nodes_b: int = 4
    """Gauss-Hermite nodes of the partner's line."""
    distances: int = 1
    """Gauss-Legendre nodes of the distance."""
    angles: int = 1
    """Gauss-Legendre nodes of the direction's cosine."""
    delays: int = 8
    """Delays, from 0 on."""
    step_ns: float = 10.0
    """From one delay to the next."""
    half_pi_ns: float = 15.0
    """Length of a pi/2 pulse."""
    detuning_mhz: float = 0.0
    """Of the centre of the donor's addressed line."""
    partner_offset_mhz: float = 85.0
    """From the donor's to the partner's line."""
    sigma_a_mhz: float = 3.3
    """Standard deviation of the donor's line."""
    sigma_b_mhz: float = 5.0
    """Standard deviation of the partner's line."""
    nearest_nm: float = 14.0
    """Shortest distance of a pair."""
    farthest_nm: float = 20.0
    """Longest distance of a pair."""
    number_format: str = "fp32"
    """Of what is worked on for each pair and delay."""
    member_format: str = "fp32"
    """Of what each pair needs once, and of phases: up to 16 turns do not survive a short one."""

    def __post_init__(self) -> None:
        check_word("variant", self.variant, get_args(Variant))
        for name, most in MOST.items():
            least, value = LEAST.get(name, 1), getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name}: must be in [{least}, {most}], got {value}")
        check_pulse("step_ns", self.step_ns)
        checked_delays("step_ns x delays", self.delays_ns)
        check_pulse("half_pi_ns", self.half_pi_ns)
        for name in ("detuning_mhz", "partner_offset_mhz"):
            check_frequency(name, getattr(self, name))
        for name in ("sigma_a_mhz", "sigma_b_mhz"):
            check_linewidth(name, getattr(self, name))
        for name in ("nearest_nm", "farthest_nm"):
            checked_distances(name, getattr(self, name))
        if self.nearest_nm > self.farthest_nm:
            raise ValueError(
                f"nearest_nm: must be <= farthest_nm = {self.farthest_nm}, got {self.nearest_nm}"
            )
        for name in ("number_format", "member_format"):
            try:
                formats.parse(getattr(self, name))
            except RegistryError as error:
                raise ValueError(f"{name}: {error}") from error

    @property
    def delays_ns(self) -> Floats:
        """Every delay, from pulse edge to pulse edge."""
        return np.asarray(self.step_ns * np.arange(self.delays))

    @property
    def member_count(self) -> int:
        """Pairs of the ensemble."""
        return self.lines * self.nodes_a * self.nodes_b * self.distances * self.angles

    @cached_property
    def nodes(self) -> Nodes:
        """Nodes and weights of each axis."""
        counts = (self.lines, self.nodes_a, self.nodes_b, self.distances, self.angles)
        extents = dict(zip(AXES, counts, strict=True))
        return ensemble_nodes(extents, self.nearest_nm, self.farthest_nm)

    @cached_property
    def members(self) -> Members:
        """Every pair of the ensemble."""
        return members(
            self.nodes,
            self.detuning_mhz,
            self.partner_offset_mhz,
            self.sigma_a_mhz,
            self.sigma_b_mhz,
        )

    def signal(self) -> Floats:
        """Return the ensemble's signal at every delay, computed without a graph."""
        pairs = self.members
        total = np.zeros(self.delays)
        for start in range(0, self.member_count, 2048):
            part = slice(start, start + 2048)
            static = static_hamiltonian(
                pairs.detuning_a[part],
                pairs.detuning_b[part],
                pairs.exchange[part],
                pairs.dipolar[part],
            )
            delays = self.delays_ns * US_PER_NS
            total += pairs.weight[part] @ fid_of_members(delays, static, rabi_mhz(self.half_pi_ns))
        return total

    def inputs(self) -> dict[str, Array]:
        """Return the values of every input that the graph has."""
        values: dict[str, Array] = {**CONSTANTS, **self.nodes.values}
        values |= {f"{axis}.weight": weight for axis, weight in self.nodes.weights.items()}
        values["angles"] = 2 * pi * US_PER_NS * self.delays_ns
        needed = self.lower().inputs
        return {name: values[name] for name in needed}

    def lower(self) -> OperationGraph:
        """Return the graph; its output ``signal`` has a number for each delay."""
        counts = (self.lines, self.nodes_a, self.nodes_b, self.distances, self.angles)
        sizes = dict(zip(AXES, counts, strict=True))
        sizes |= {"e": self.member_count, "t": self.delays, "h": 6, "one": 1}
        sizes |= dict.fromkeys("pqcs", 4) | dict.fromkeys("zyro", 2)
        builder = GraphBuilder(f"edfid, {self.variant}", sizes, formats.parse(self.member_format))
        setup = Setup(builder)
        pair = setup.pair(
            self.detuning_mhz, self.partner_offset_mhz, self.sigma_a_mhz, self.sigma_b_mhz
        )
        signal = VARIANTS[self.variant](setup, pair, self._sequence())
        builder.output(signal)
        return builder.graph()

    def findings(self) -> tuple[Finding, ...]:
        """Show Ramsey fringes, the echo, which couplings are seen, and errors by number format."""
        return findings(self)

    def _sequence(self) -> Sequence:
        rabi = rabi_mhz(self.half_pi_ns)
        # Nodes lie within sqrt(4 n + 2) standard deviations.
        reach_a = self.sigma_a_mhz * np.sqrt(4 * self.nodes_a + 2)
        reach_b = self.sigma_b_mhz * np.sqrt(4 * self.nodes_b + 2)
        detuned_a = abs(self.detuning_mhz) + (self.lines - 1) * HYPERFINE_MHZ + reach_a
        detuned_b = abs(self.detuning_mhz + self.partner_offset_mhz) + reach_b
        coupled = float(exchange_mhz(self.nearest_nm)) + 2 * DIPOLAR_MHZ_NM3 / self.nearest_nm**3
        return Sequence(
            rabi_mhz=rabi,
            step_us=self.step_ns * US_PER_NS,
            largest_mhz=float((detuned_a + detuned_b) / 2 + coupled + rabi),
            fused=self.fused,
            number_format=formats.parse(self.number_format),
        )
