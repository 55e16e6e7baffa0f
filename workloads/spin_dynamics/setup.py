"""What each pair needs once: couplings, Hamiltonian, pulse, eigenstates, as operations.

Complex numbers are real pairs. Members lie along e, the grid of the ensemble's axes.
"""

from dataclasses import dataclass
from math import ceil, log2, pi

import numpy as np

from archsim.formats import NumberFormat
from archsim.ir import Arrange, GraphBuilder, Phase, Role, SymmetricEigen, TensorSpec
from archsim.ir.operation import Array
from workloads.spin_dynamics.coupling import (
    DIPOLAR_MHZ_NM3,
    EXCHANGE_DECAY_NM,
    EXCHANGE_MHZ,
    EXCHANGE_NM,
)
from workloads.spin_dynamics.layouts import LEFT, SWAPPED, Picks
from workloads.spin_dynamics.members import AXES
from workloads.spin_dynamics.pair import static_hamiltonian

PHASE = Phase.INFERENCE
GRID = " ".join(AXES)
TERMS = 8
"""Of the Taylor series of a propagator: 7 products."""
SHORT = 0.125
"""Turns in radians that the series takes; longer ones are halved and squared."""
LEAST_DELTA_MHZ = 1e-15
"""Added to the detunings' difference, so that equal uncoupled spins divide nothing by zero."""

CONSTANTS: dict[str, Array] = {
    "spin_a": static_hamiltonian(1, 0, 0, 0),
    "spin_b": static_hamiltonian(0, 1, 0, 0),
    "exchange_term": static_hamiltonian(0, 0, 1, 0),
    "dipolar_term": static_hamiltonian(0, 0, 0, 1),
    "drive": np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]) / 2,
    "unit": np.array([np.eye(4), np.zeros((4, 4))]),
    "negative_imaginary": np.array([[0.0, 1], [-1, 0]]),
    "first_column": np.array([0.0, -1]),
    "of_sum": np.array([0.5, 0, 0, -0.5]),
    "of_secular": np.array([1, -1, -1, 1]) / 4,
    "of_gap": np.array([0, 0.5, -0.5, 0]),
    "of_sine": np.array([0.0, 1, -1, 0]),
    "of_cosine": np.array([0.0, 1, 1, 0]),
    "outer": np.array([1.0, 0, 0, 1]),
}
"""Constant inputs of a graph by name: matrices of operators, vectors over eigenstates."""


@dataclass(frozen=True)
class Pair:
    """Tensors of each pair, in MHz: what its Hamiltonian is made of, and its weight."""

    detuning_a: TensorSpec
    detuning_b: TensorSpec
    exchange: TensorSpec
    dipolar: TensorSpec
    weight: TensorSpec


class Setup:
    """The part of a graph that does not depend on the delay."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.members = builder.sizes["e"]

    def constant(self, name: str) -> TensorSpec:
        """Return a constant input."""
        return self.builder.tensor(name, CONSTANTS[name].shape, Role.PARAMETER)

    def each(self, name: str, equation: str, formula: str, *inputs: TensorSpec) -> TensorSpec:
        """Append an elementwise operation; its shape is that of the equation's indices."""
        return self.builder.elementwise(name, PHASE, equation, formula, *inputs)

    def arrange(
        self,
        name: str,
        picks: Picks,
        terms: str,
        *inputs: TensorSpec,
        number_format: NumberFormat | None = None,
    ) -> TensorSpec:
        """Append a rearrangement of each member's numbers; ``terms`` are its result's indices."""
        shape = (self.members, *(self.builder.sizes[index] for index in terms.split()))
        signs = picks.signs if min(picks.signs) < 0 else ()
        return self.builder.add(
            Arrange(
                name=name,
                phase=PHASE,
                inputs=inputs,
                outputs=(self.builder.tensor(name, shape, number_format=number_format),),
                rows=self.members,
                picks=picks.picks,
                signs=signs,
            )
        )

    def pair(self, detuning: float, partner_offset: float, sigma_a: float, sigma_b: float) -> Pair:
        """Append the couplings of each member from the nodes; the weight has rho's 1/2 in it."""
        sizes = self.builder.sizes
        nodes = {axis: self.builder.tensor(axis, (sizes[axis],), Role.DATA) for axis in AXES}
        shares = [self.builder.tensor(f"{axis}.weight", (sizes[axis],), Role.DATA) for axis in AXES]

        def per_member(name: str, formula: str, *axes: str) -> TensorSpec:
            return self.builder.elementwise(
                name,
                PHASE,
                f"{', '.join(axes)} -> {GRID}",
                formula,
                *(nodes[axis] for axis in axes),
                shape=(self.members,),
            )

        shift = detuning + partner_offset
        return Pair(
            per_member("detuning_a", f"{detuning!r} + a + {sigma_a!r} * b", "line", "donor"),
            per_member("detuning_b", f"{shift!r} + {sigma_b!r} * a", "partner"),
            per_member(
                "exchange",
                f"{EXCHANGE_MHZ!r} * exp(({EXCHANGE_NM!r} - a) * {1 / EXCHANGE_DECAY_NM!r})",
                "distance",
            ),
            per_member(
                "dipolar",
                f"{DIPOLAR_MHZ_NM3!r} * (1 - 3 * b * b) / (a * a * a)",
                "distance",
                "cosine",
            ),
            self.builder.elementwise(
                "weight",
                PHASE,
                f"{', '.join(AXES)} -> {GRID}",
                "0.5 * a * b * c * d * e",
                *shares,
                shape=(self.members,),
            ),
        )

    def hamiltonian(self, name: str, pair: Pair, rabi: float = 0.0) -> TensorSpec:
        """Append H0, or with a Rabi frequency H0 + H1, as (e, 4, 4)."""
        terms = "e, e, e, e, p q, p q, p q, p q"
        formula = "a * e + b * f + c * g + d * h"
        parts = [pair.detuning_a, pair.detuning_b, pair.exchange, pair.dipolar]
        parts += map(self.constant, ("spin_a", "spin_b", "exchange_term", "dipolar_term"))
        if not rabi:
            return self.each(name, f"{terms} -> e p q", formula, *parts)
        formula = f"{formula} + {rabi!r} * i"
        return self.each(name, f"{terms}, p q -> e p q", formula, *parts, self.constant("drive"))

    def propagator(
        self, name: str, hamiltonian: TensorSpec, duration_us: float, largest_mhz: float
    ) -> TensorSpec:
        """Append ``exp(-2 pi i H t)`` as columns (e, z p, c): a Taylor series, then squarings.

        7 products and one for each halving of a turn of ``largest_mhz``, a bound of H.
        """
        halvings = squarings(duration_us, largest_mhz)
        scale = 2 * pi * duration_us / 2**halvings
        b = self.builder
        left = self.each(
            f"{name}.exponent",
            "e p q, z y -> e z p y q",
            f"{scale!r} * a * b",
            hamiltonian,
            self.constant("negative_imaginary"),
        )
        unit = self.constant("unit")
        done = self.each(
            f"{name}.term{TERMS}",
            "e p q, z, z p q -> e z p q",
            f"{scale / TERMS!r} * a * b + c",
            hamiltonian,
            self.constant("first_column"),
            unit,
        )
        for term in range(TERMS - 1, 0, -1):
            step = f"{name}.term{term}"
            more = b.contract(f"{step}.product", PHASE, "e z p y q, e y q c -> e z p c", left, done)
            done = self.each(step, "e z p c, z p c -> e z p c", f"{1 / term!r} * a + b", more, unit)
        for square in range(halvings):
            step = f"{name}.square{square}"
            left = self.arrange(f"{step}.left", LEFT, "z p y q", done)
            done = b.contract(step, PHASE, "e z p y q, e y q c -> e z p c", left, done)
        return done

    def eigen_pulse(self, rabi: float, pair: Pair) -> tuple[TensorSpec, TensorSpec]:
        """Append the pi/2 pulse's propagator, real and imaginary part, from its eigenstates."""
        n = self.members
        h = self.hamiltonian("pulse.hamiltonian", pair, rabi)
        b = self.builder
        values = b.tensor("pulse.values", (n, 4))
        vectors = b.tensor("pulse.vectors", (n, 4, 4))
        b.add(
            SymmetricEigen(name="pulse.eigen", phase=PHASE, inputs=(h,), outputs=(values, vectors))
        )
        turn = 2 * pi / (4 * rabi)
        parts = []
        for name, function, sign in (("real", "cos", ""), ("imaginary", "sin", "-")):
            phase = self.each(
                f"pulse.{function}", "e s -> e s", f"{function}({sign}{turn!r} * a)", values
            )
            scaled = self.each(
                f"pulse.{name}.scaled", "e s, e s q -> e s q", "a * b", phase, vectors
            )
            parts.append(
                b.contract(f"pulse.{name}", PHASE, "e s p, e s q -> e p q", vectors, scaled)
            )
        return parts[0], parts[1]

    def free_states(self, pair: Pair) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
        """Append H0's eigenvalues (e, s), and the cosine and sine (e, s) of its eigenstates.

        uu and du-ud blocks are apart: ``+-(dA + dB) / 2 + J' / 4`` and ``-J' / 4 +- Om / 2``;
        the second state is the one that is mostly ud.
        """
        one = "e, e -> e"
        delta = self.each("delta", one, "a - b", pair.detuning_a, pair.detuning_b)
        total = self.each("total", one, "a + b", pair.detuning_a, pair.detuning_b)
        secular = self.each("secular", one, "a + b", pair.exchange, pair.dipolar)
        flip = self.each("flip", one, "a - 0.5 * b", pair.exchange, pair.dipolar)
        sign = self.each("sign", "e -> e", "2 * greater(a, 0) - 1", delta)
        size = self.each("size", one, f"a * b + {LEAST_DELTA_MHZ!r}", sign, delta)
        gap = self.each("gap", one, "sqrt(a * a + b * b)", size, flip)
        cosine = self.each("cosine_half", one, "sqrt(0.5 + 0.5 * a / b)", size, gap)
        sine = self.each("sine_half", "e, e, e, e -> e", "a * b / (2 * c * d)", sign, flip, gap,
                         cosine)  # fmt: skip
        signed = self.each("signed_gap", one, "a * b", sign, gap)
        energies = self.each(
            "energies",
            "e, e, e, s, s, s -> e s",
            "a * d + b * e + c * f",
            *(total, secular, signed),
            *map(self.constant, ("of_sum", "of_secular", "of_gap")),
        )
        kept = self.each("kept", "e, s, s -> e s", "a * b + c", cosine,
                         self.constant("of_cosine"), self.constant("outer"))  # fmt: skip
        mixed = self.each("mixed", "e, s -> e s", "a * b", sine, self.constant("of_sine"))
        return energies, kept, mixed

    def in_free_states(
        self, name: str, matrix: TensorSpec, kept: TensorSpec, mixed: TensorSpec
    ) -> TensorSpec:
        """Append the rows of a matrix in H0's eigenstates: two of them turn into each other."""
        swapped = self.arrange(f"{name}.swapped", SWAPPED, "s c", matrix)
        equation = "e s, e s c, e s, e s c -> e s c"
        return self.each(name, equation, "a * b + c * d", kept, matrix, mixed, swapped)


def squarings(duration_us: float, largest_mhz: float) -> int:
    """Return how often a propagator's time is halved for the series."""
    return max(0, ceil(log2(2 * pi * largest_mhz * duration_us / SHORT)))
