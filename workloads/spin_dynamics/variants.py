"""Three ways to let pairs evolve for every delay, each a graph with the same signal.

Dense stepping multiplies a propagator by that of one step, delay after delay. Eigen-phase
goes to the eigenstates of H0, where a delay is four phases. Harmonic sums the six lines
that a pair's signal consists of. Fused, all work on members and delays is one kernel.
"""

from dataclasses import dataclass
from typing import Literal

from archsim.formats import NumberFormat
from archsim.ir import Arrange, Fused, GraphBuilder, Role, TensorSpec
from workloads.spin_dynamics import layouts
from workloads.spin_dynamics.setup import PHASE, Pair, Setup

Variant = Literal["dense_stepping", "eigen_phase", "harmonic"]


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """The experiment as a variant sees it: pulses, delays from 0 on, how to compute."""

    rabi_mhz: float
    step_us: float
    largest_mhz: float
    """A bound of every pair's H."""
    fused: bool
    number_format: NumberFormat
    """Of what is worked on for each pair and delay; the rest is in the builder's."""

    @property
    def half_pi_us(self) -> float:
        """Length of the pi/2 pulse."""
        return 1 / (4 * self.rabi_mhz)


class Kernel:
    """The work on members and delays: one operation where it is fused, many where not."""

    def __init__(self, setup: Setup, sequence: Sequence) -> None:
        builder = setup.builder
        self.outer, self.is_fused = builder, sequence.fused
        self.precise = builder.format
        if self.is_fused:
            builder = GraphBuilder("kernel", builder.sizes, builder.format)
        self.builder = builder
        self.work = Setup(builder)
        builder.format = sequence.number_format

    def finish(
        self, signal: TensorSpec, equation: str, *inputs: TensorSpec, delays_apart: bool
    ) -> TensorSpec:
        """Return the signal; ``delays_apart`` says that each delay is a point of its own."""
        self.outer.format = self.precise
        if not self.is_fused:
            return signal
        return self.outer.add(
            Fused(
                name="kernel",
                phase=PHASE,
                inputs=inputs,
                outputs=(signal,),
                equation=equation,
                sizes=self.outer.sizes,
                graph=self.builder.graph(),
                kept=("t",) if delays_apart else (),
                summed=("e",),
            )
        )

    def sum_of_squares(self, name: str, term: str, kept: str, tensor: TensorSpec) -> TensorSpec:
        """Append ``sum a^2`` over the indices of ``term`` that ``kept`` lacks."""
        inner = GraphBuilder(name, self.builder.sizes, self.builder.format)
        squares = inner.elementwise(f"{name}.squares", PHASE, f"{term} -> {term}", "a * a", tensor)
        total = inner.reduce(name, PHASE, f"{term} -> {kept}", squares)
        return self.builder.add(
            Fused(
                name=name,
                phase=PHASE,
                inputs=(tensor,),
                outputs=(total,),
                equation=f"{term} -> {kept}",
                sizes=self.builder.sizes,
                graph=inner.graph(),
                kept=tuple(kept.split()),
            )
        )

    def mean(self, name: str, equation: str, weight: TensorSpec, tensor: TensorSpec) -> TensorSpec:
        """Append a weighted sum over members, in the precise format."""
        short, self.builder.format = self.builder.format, self.precise
        total = self.builder.contract(name, PHASE, equation, weight, tensor)
        self.builder.format = short
        return total


def dense_stepping(setup: Setup, pair: Pair, sequence: Sequence) -> TensorSpec:
    """``V(j + 1) = V(j) V(1)`` and ``M(j) = U V(j) U``, three complex products a delay."""
    delays = setup.builder.sizes["t"]
    still, turning = (
        setup.hamiltonian("free.hamiltonian", pair),
        setup.hamiltonian("pulse.hamiltonian", pair, sequence.rabi_mhz),
    )
    largest = sequence.largest_mhz
    turn = setup.propagator("pulse", turning, sequence.half_pi_us, largest)
    step = setup.propagator("step", still, sequence.step_us, largest)

    kernel = Kernel(setup, sequence)
    work, builder = kernel.work, kernel.builder
    left = work.arrange("pulse.left", layouts.LEFT_OF_ROWS, "z p s y", turn)
    right = work.arrange("pulse.right", layouts.RIGHT_OF_ROWS, "y s z q", turn)
    begun = work.arrange("pulse.rows", layouts.ROWS, "p z q", turn)
    evolved = work.arrange("delay1", layouts.ROWS, "p z q", step)
    rows = "e p y s, e y s z q -> e p z q"
    if delays > 2:
        further = work.arrange("step.right", layouts.RIGHT_OF_ROWS, "y s z q", step)
    means = []
    for delay in range(delays):
        name = f"delay{delay}"
        if delay > 1:
            evolved = builder.contract(name, PHASE, rows, evolved, further)
        if delay > 0:
            begun = builder.contract(f"{name}.turned", PHASE, rows, evolved, right)
        ended = builder.contract(
            f"{name}.total", PHASE, "e z p s y, e s y q -> e z p q", left, begun
        )
        read = work.arrange(f"{name}.amplitudes", layouts.OBSERVED, "z r o", ended)
        each = kernel.sum_of_squares(f"{name}.pairs", "e z r o", "e", read)
        means.append(kernel.mean(f"{name}.mean", "e, e one -> one", pair.weight, each))
    signal = builder.add(
        Arrange(
            name="signal",
            phase=PHASE,
            inputs=tuple(means),
            outputs=(builder.tensor("signal", (delays,), number_format=kernel.precise),),
            rows=1,
            picks=tuple(range(delays)),
        )
    )
    return kernel.finish(
        signal, "e z p c, e z p c, e -> t", turn, step, pair.weight, delays_apart=False
    )


def eigen_phase(setup: Setup, pair: Pair, sequence: Sequence) -> TensorSpec:
    """``P(T) = sum |<r| U R exp(-2 pi i l T) R^T U |o>|^2``: four phases a delay."""
    energies, real, imaginary = _pulse_in_free_states(setup, pair, sequence)
    angles = _angles(setup)

    kernel = Kernel(setup, sequence)
    work, builder = kernel.work, kernel.builder
    starts = work.arrange("starts", layouts.START_COLUMNS, "s z o", real, imaginary)
    turned = work.arrange("starts.turned", layouts.START_TURNED, "s z o", real, imaginary)
    ends = work.arrange("ends", layouts.END_ROWS, "r z s y", real, imaginary)
    cosines = work.each("cosines", "e s, t -> e s t", "cos(a * b)", energies, angles)
    sines = work.each("sines", "e s, t -> e s t", "sin(a * b)", energies, angles)
    evolved = work.each(
        "evolved",
        "e s t, e s t, e s z o, e s z o -> e s z t o",
        "a * c + b * d",
        cosines,
        sines,
        starts,
        turned,
    )
    amplitudes = builder.contract(
        "amplitudes", PHASE, "e r z s y, e s y t o -> e r z t o", ends, evolved
    )
    pairs = kernel.sum_of_squares("pairs", "e r z t o", "e t", amplitudes)
    signal = kernel.mean("signal", "e, e t -> t", pair.weight, pairs)
    return kernel.finish(
        signal,
        "e s c, e s c, e s, t, e -> t",
        *(real, imaginary, energies, angles, pair.weight),
        delays_apart=True,
    )


def harmonic(setup: Setup, pair: Pair, sequence: Sequence) -> TensorSpec:
    """``P(T) = C + sum_h A_h cos(2 pi f_h T) + B_h sin(2 pi f_h T)``, six lines h of a pair."""
    energies, real, imaginary = _pulse_in_free_states(setup, pair, sequence)
    angles = _angles(setup)
    cosine, sine, constant = _lines(setup, pair, real, imaginary, sequence.number_format)
    first = setup.arrange("energies.first", layouts.FIRST_ENERGY, "h", energies)
    second = setup.arrange("energies.second", layouts.SECOND_ENERGY, "h", energies)
    lines = setup.each("lines", "e h, e h -> e h", "a - b", first, second)

    kernel = Kernel(setup, sequence)
    work = kernel.work
    cosines = work.each("cosines", "e h, t -> e h t", "cos(a * b)", lines, angles)
    sines = work.each("sines", "e h, t -> e h t", "sin(a * b)", lines, angles)
    even = kernel.mean("signal.even", "e h, e h t -> t", cosine, cosines)
    odd = kernel.mean("signal.odd", "e h, e h t -> t", sine, sines)
    signal = kernel.builder.elementwise(
        "signal",
        PHASE,
        "t, t, -> t",
        f"{1 / setup.members!r} * (a + b) + c",
        *(even, odd, constant),
        number_format=kernel.precise,
    )
    return kernel.finish(
        signal,
        "e h, e h, e h, t, one -> t",
        *(cosine, sine, lines, angles, constant),
        delays_apart=True,
    )


def _angles(setup: Setup) -> TensorSpec:
    """``2 pi T`` of every delay, in radians a megahertz."""
    return setup.builder.tensor("angles", (setup.builder.sizes["t"],), Role.DATA)


def _pulse_in_free_states(
    setup: Setup, pair: Pair, sequence: Sequence
) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
    """Append H0's eigenvalues and ``W = R^T U``, real and imaginary part."""
    energies, kept, mixed = setup.free_states(pair)
    real, imaginary = setup.eigen_pulse(sequence.rabi_mhz, pair)
    return (
        energies,
        setup.in_free_states("real", real, kept, mixed),
        setup.in_free_states("imaginary", imaginary, kept, mixed),
    )


def _lines(
    setup: Setup,
    pair: Pair,
    real: TensorSpec,
    imaginary: TensorSpec,
    number_format: NumberFormat,
) -> tuple[TensorSpec, TensorSpec, TensorSpec]:
    """Append A and B of every pair and line, weighted, and the ensemble's C.

    G_s is a path's amplitude through eigenstate s: the line of s and s' has
    ``A + i B = 2 sum G_s G_s'*``, and ``C = sum |G_s|^2``. A and B are weighted by how much
    more than the mean a pair weighs: a pair's share of many would be too small for fp16.
    """
    parts = {"real": real, "imaginary": imaginary}
    ends = [
        setup.arrange(f"{name}.ends", layouts.END_COLUMNS, "r s", part)
        for name, part in parts.items()
    ]
    starts = [
        setup.arrange(f"{name}.starts", layouts.START_ROWS, "o s", part)
        for name, part in parts.items()
    ]
    product = "e r s, e o s, e r s, e o s -> e r o s"
    paths = (
        setup.each("paths.real", product, "a * b - c * d", ends[0], starts[0], ends[1], starts[1]),
        setup.each("paths.imag", product, "a * b + c * d", ends[0], starts[1], ends[1], starts[0]),
    )
    one = [setup.arrange(f"{g.name}.one", layouts.FIRST_OF_PAIRS, "h r o", g) for g in paths]
    two = [setup.arrange(f"{g.name}.two", layouts.SECOND_OF_PAIRS, "h r o", g) for g in paths]

    def amplitude(name: str, formula: str, *factors: TensorSpec) -> TensorSpec:
        term = "e h r o"
        each = setup.each(f"{name}.paths", f"{term}, {term}, {term}, {term} -> {term}",
                          formula, *factors)  # fmt: skip
        total = setup.builder.reduce(f"{name}.pairs", PHASE, f"{term} -> e h", each)
        return setup.builder.elementwise(
            name, PHASE, "e, e h -> e h", f"{2 * setup.members} * a * b", pair.weight, total,
            number_format=number_format,
        )  # fmt: skip

    sizes = setup.each("constant.paths", "e r o s, e r o s -> e r o s", "a * a + b * b", *paths)
    each = setup.builder.reduce("constant.pairs", PHASE, "e r o s -> e", sizes)
    constant = setup.builder.contract("constant", PHASE, "e, e one -> one", pair.weight, each)
    return (
        amplitude("even", "a * b + c * d", one[0], two[0], one[1], two[1]),
        amplitude("odd", "a * b - c * d", one[1], two[0], one[0], two[1]),
        constant,
    )
