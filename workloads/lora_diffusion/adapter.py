"""A linear layer that is frozen, and beside it, where it is a target, a low-rank adapter.

``y = x W + s h B`` with ``h = x A`` and ``s = alpha / rank``. Backward, for the gradient g of
y: ``dB = s h' g``, ``dh = s g B'``, ``dA = x' dh``, ``dx = g W' + dh A'``.

Source: Hu et al., "LoRA: Low-rank adaptation of large language models" (2021), eq. 3.
"""

from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.linear import Linear, dense_weight
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape, Wants


class Adapter:
    """The trained matrices A, features in x rank, and B, rank x features out."""

    def __init__(self, step: Step, name: str, rows: str, rank: int, scaling: float) -> None:
        self.step = step.sized(r=rank)
        self.name, self.rows, self.scaling = name, rows, scaling
        sizes = self.step.sizes
        i, o, r = (sizes[index] for index in "ior")
        self.a = step.parameter(f"{name}.A", (i, r), deviation=i**-0.5)
        self.b = step.parameter(f"{name}.B", (r, o))

    def apply(self, tape: Tape, x: TensorSpec, product: TensorSpec) -> TensorSpec:
        """Add what the adapter makes of x to the frozen layer's product."""
        step, name, t = self.step, self.name, self.rows
        builder, phase = step.builder, step.phase
        self._x = x
        self._h = builder.contract(f"{name}.h", phase, f"{t} i, i r -> {t} r", x, self.a)
        low = builder.contract(f"{name}.product", phase, f"{t} r, r o -> {t} o", self._h, self.b)
        formula = "a + b" if self.scaling == 1 else f"a + {self.scaling!r} * b"
        total = builder.pointwise(f"{name}.output", phase, formula, product, low)
        return tape.record(total, (product, x), self._pullback, trains=True)

    def _pullback(self, g: TensorSpec, wants: Wants) -> tuple[TensorSpec | None, ...]:
        """Update A and B; return the gradients of the product and of x."""
        step, name, t = self.step, self.name, self.rows
        phase = Phase.WEIGHT_GRADIENT
        d_b = self._scaled(f"{self.b.name}.gradient", phase, f"{t} r, {t} o -> r o", self._h, g)
        dh = self._scaled(f"{name}.h.gradient", Phase.BACKWARD, f"{t} o, r o -> {t} r", g, self.b)
        d_a = step.builder.contract(
            f"{self.a.name}.gradient",
            phase,
            f"{t} i, {t} r -> i r",
            self._x,
            dh,
            role=Role.GRADIENT,
        )
        dx = None
        if wants[1]:
            equation = f"{t} r, i r -> {t} i"
            dx = step.builder.contract(
                f"{name}.input.gradient", Phase.BACKWARD, equation, dh, self.a, shape=self._x.shape
            )
        step.update(self.a, d_a)
        step.update(self.b, d_b)
        return (g if wants[0] else None), dx

    def _scaled(
        self, name: str, phase: Phase, equation: str, left: TensorSpec, right: TensorSpec
    ) -> TensorSpec:
        """Return a product times the scaling."""
        builder = self.step.builder
        role = Role.GRADIENT if phase is Phase.WEIGHT_GRADIENT else Role.ACTIVATION
        if self.scaling == 1:
            return builder.contract(name, phase, equation, left, right, role=role)
        product = builder.contract(f"{name}.unscaled", phase, equation, left, right)
        return builder.pointwise(name, phase, f"a * {self.scaling!r}", product, role=role)


class Projection:
    """A frozen linear layer, with an adapter of some rank, or with none."""

    def __init__(
        self,
        step: Step,
        name: str,
        rows: str,
        features: tuple[int, int],
        *,
        bias: bool = True,
        rank: int = 0,
        scaling: float = 1.0,
    ) -> None:
        self.features_in = features[0]
        sized = step.sized(i=features[0], o=features[1])
        weight = dense_weight("i", "o")
        self.frozen = Linear(sized, name, weight, rows, bias=bias, trained=False)
        self.adapter = Adapter(sized, f"{name}.lora", rows, rank, scaling) if rank else None

    def apply(self, tape: Tape, x: TensorSpec) -> TensorSpec:
        """Return y, (rows, features out)."""
        product = tape.apply(self.frozen, x)
        return self.adapter.apply(tape, x, product) if self.adapter else product
