"""Batch normalisation of feature maps, trained, and what stands right behind it."""

from archsim.ir.builder import GraphBuilder
from archsim.ir.fused import summed
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec
from workloads.posit_training.formats import FP32, converted
from workloads.posit_training.maps import Gradients, Maps
from workloads.transformer.tape import Wants


class BatchNorm:
    """``y = gamma (x - mean) inverse + beta``, and behind it what stands at a block's end.

    ``inverse = 1 / sqrt(variance + epsilon)``; mean and variance are over all p pixels of a
    batch. Then another map may be added, and what is below zero cut off. Backward, with
    ``n = (x - mean) inverse``: ``dbeta = sum dy``, ``dgamma = sum dy n``,
    ``dx = gamma inverse (dy - (dbeta + n dgamma) / p)``, which for each channel is
    ``A dy + B x + C``. Statistics and their sums are fp32. Running statistics, which only
    inference uses, are left out.

    Source: Ioffe and Szegedy, "Batch normalization" (2015), algorithm 1 and section 3.
    """

    EPSILON = 1e-5

    def __init__(self, maps: Maps, name: str, channels: int) -> None:
        self.maps, self.name, self.channels = maps, name, channels
        step = maps.step
        self.gamma = step.parameter(f"{name}.gamma", (channels,), mean=1.0, number_format=FP32)
        self.beta = step.parameter(f"{name}.beta", (channels,), number_format=FP32)

    def apply(
        self, x: TensorSpec, added: TensorSpec | None = None, *, rectified: bool = True
    ) -> TensorSpec:
        """Return the normalised map, plus another one, without what is negative."""
        self._x, self._added, self._rectified = x, added is not None, rectified
        self._pixels = x.elements // self.channels
        self._statistics()
        builder, name = self.maps.builder, f"{self.name}.output"
        formula, inputs = "a * b + c", [x]
        terms = "p c, c, c"
        if added is not None:
            formula, inputs, terms = f"{formula} + d", [x, added], f"{terms}, p c"
        if rectified:
            formula = f"maximum({formula}, 0)"
        y = self._sized(builder).elementwise(
            name,
            Phase.FORWARD,
            f"{terms} -> p c",
            formula,
            x,
            self._gain,
            self._shift,
            *inputs[1:],
            shape=x.shape,
        )
        self._y = y
        return self.maps.tape.record(y, tuple(inputs), self._pullback, trains=True)

    def _sized(self, builder: GraphBuilder) -> GraphBuilder:
        return builder.sized(p=self._pixels, c=self.channels)

    def _statistics(self) -> None:
        phase, name, x = Phase.FORWARD, self.name, self._x
        read = converted("a", x.format, FP32)
        builder = self._sized(self.maps.builder)
        with builder.in_format(FP32):
            total = summed(builder, f"{name}.sum", phase, "p c -> c", (read,), x)
            self._mean = builder.pointwise(
                f"{name}.mean", phase, f"a * {1 / self._pixels!r}", total
            )
            spread = summed(
                builder,
                f"{name}.spread",
                phase,
                "p c, c -> c",
                (f"{read} - b", "a * a"),
                x,
                self._mean,
            )
            formula = f"1 / sqrt(a * {1 / self._pixels!r} + {self.EPSILON!r})"
            self._inverse = builder.pointwise(f"{name}.inverse", phase, formula, spread)
            gain = self._gain = builder.pointwise(
                f"{name}.gain", phase, "a * b", self._inverse, self.gamma
            )
            self._shift = builder.pointwise(
                f"{name}.shift", phase, "a - b * c", self.beta, self._mean, gain
            )

    def _pullback(self, dy: TensorSpec, wants: Wants) -> Gradients:
        """Update gamma and beta; return the gradients of x and of the map that was added."""
        back, name = self._sized(self.maps.back), self.name
        if self._rectified:
            signs = self.maps.operands.smallest(self._y)
            formula = "a * greater(b, 0)"
            dy = back.pointwise(f"{name}.rectified.gradient", Phase.BACKWARD, formula, dy, signs)
        phase, read = Phase.WEIGHT_GRADIENT, converted("a", dy.format, FP32)
        normal = f"({converted('b', self._x.format, FP32)} - c) * d"
        role = Role.GRADIENT
        with back.in_format(FP32):
            d_beta = summed(
                back, f"{self.beta.name}.gradient", phase, "p c -> c", (read,), dy, role=role
            )
            d_gamma = summed(
                back,
                f"{self.gamma.name}.gradient",
                phase,
                "p c, p c, c, c -> c",
                (f"{read} * ({normal})",),
                dy,
                self._x,
                self._mean,
                self._inverse,
                role=role,
            )
            phase, share = Phase.BACKWARD, f"{-1 / self._pixels!r}"
            slope = back.pointwise(
                f"{name}.slope",
                phase,
                f"a * b * c * {share}",
                self._gain,
                self._inverse,
                d_gamma,
            )
            offset = back.pointwise(
                f"{name}.offset",
                phase,
                f"a * b * {share} - c * d",
                self._gain,
                d_beta,
                slope,
                self._mean,
            )
        dx = back.elementwise(
            f"{name}.input.gradient",
            phase,
            "p c, p c, c, c, c -> p c",
            "a * c + b * d + e",
            dy,
            self._x,
            self._gain,
            slope,
            offset,
            shape=self._x.shape,
        )
        self.maps.step.update(self.gamma, d_gamma)
        self.maps.step.update(self.beta, d_beta)
        return (dx, dy) if self._added else (dx,)
