"""Layers of feature maps, (images, rows, columns, channels), trained in formats by role.

A layer goes forward in the format of what normalisation returns and back in that of what it
passes back; its products are of operands (:mod:`workloads.posit_training.formats`).
"""

from archsim.formats import NumberFormat
from archsim.ir.builder import GraphBuilder
from archsim.ir.operation import Phase
from archsim.ir.pooling import MaxPool, MaxPoolGradient, Pool
from archsim.ir.tensor import Role, TensorSpec
from workloads.posit_training.formats import (
    FP32,
    Operands,
    converted,
    product_format,
    rescaled,
)
from workloads.transformer.convolution import (
    convolved,
    input_gradient,
    kernel_gradient,
    turned,
)
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape, Wants

Gradients = tuple[TensorSpec | None, ...]


class Maps:
    """What all layers of a network share: the step, the way back, operands, the tape."""

    def __init__(
        self, step: Step, *, back: NumberFormat, kept: NumberFormat, operands: Operands
    ) -> None:
        self.step, self.kept, self.operands = step, kept, operands
        returning = step.sized()
        returning.builder.format = back
        self.back = returning.builder
        """Describes gradients."""
        self.tape = Tape(returning)

    @property
    def builder(self) -> GraphBuilder:
        """Describes what is made on the way forward."""
        return self.step.builder


class Convolution:
    """A convolution without a bias; its kernel becomes an operand anew in each step."""

    def __init__(
        self, maps: Maps, name: str, channels: tuple[int, int], kernel: int = 3, stride: int = 1
    ) -> None:
        self.maps, self.name, self.stride = maps, name, stride
        taken, made = channels
        self.kernel = maps.step.parameter(
            f"{name}.weight",
            (kernel, kernel, taken, made),
            deviation=(2 / (kernel * kernel * taken)) ** 0.5,
            number_format=maps.kept,
        )

    def apply(self, x: TensorSpec) -> TensorSpec:
        """Return the map that it makes."""
        maps, builder, phase = self.maps, self.maps.builder, Phase.FORWARD
        self._seen = maps.operands.of(x, phase)
        self._weights = maps.operands.of(self.kernel, phase)
        scaled = self._weights.scale is not None
        with builder.in_format(product_format(self._seen, builder.format)):
            name = f"{self.name}.product" if scaled else f"{self.name}.output"
            product = convolved(
                builder, name, phase, self._seen.values, self._weights.values, self.stride
            )
        operands = self._seen, self._weights
        y = rescaled(builder, product, f"{self.name}.output", phase, *operands)
        self._shape = x.shape
        return maps.tape.record(y, (x,), self._pullback, trains=True)

    def _pullback(self, dy: TensorSpec, wants: Wants) -> Gradients:
        """Update the kernel; return the gradient of x."""
        maps, back = self.maps, self.maps.back
        gradient = maps.operands.of(dy, Phase.BACKWARD)
        usual = back.format
        suffix = "gradient" if gradient.scale is None else "gradient.product"
        with back.in_format(product_format(gradient, usual)):
            summed_up = kernel_gradient(
                back,
                f"{self.kernel.name}.{suffix}",
                self._seen.values,
                gradient.values,
                self.kernel,
                self.stride,
            )
        phase = Phase.WEIGHT_GRADIENT
        name = f"{self.kernel.name}.gradient"
        dw = rescaled(back, summed_up, name, phase, self._seen, gradient)
        dx = None
        if wants[0]:
            kernel = turned(back, f"{self.kernel.name}.turned", self._weights.values)
            with back.in_format(product_format(gradient, usual)):
                product = input_gradient(
                    back,
                    f"{self.name}.input.{suffix}",
                    gradient.values,
                    kernel,
                    self._shape,
                    self.stride,
                )
            name = f"{self.name}.input.gradient"
            dx = rescaled(back, product, name, Phase.BACKWARD, gradient, self._weights)
        maps.step.update(self.kernel, dw)
        return (dx,)


def max_pool(maps: Maps, name: str, x: TensorSpec, pool: Pool) -> TensorSpec:
    """Return the largest number of each window."""
    builder = maps.builder
    y = builder.add(
        MaxPool(
            name=name,
            phase=Phase.FORWARD,
            inputs=(x,),
            outputs=(builder.tensor(name, pool.shape(x.shape)),),
            pool=pool,
        )
    )

    def pullback(dy: TensorSpec, _: Wants) -> Gradients:
        gradient = MaxPoolGradient(
            name=f"{name}.input.gradient",
            phase=Phase.BACKWARD,
            inputs=(x, y, dy),
            outputs=(maps.back.tensor(f"{name}.input.gradient", x.shape),),
            pool=pool,
        )
        return (maps.back.add(gradient),)

    return maps.tape.record(y, (x,), pullback)


def average_pool(maps: Maps, name: str, x: TensorSpec) -> TensorSpec:
    """Return the mean over all pixels, (images, 1, 1, channels)."""
    images, rows, columns, channels = x.shape
    pixels, phase = rows * columns, Phase.FORWARD
    builder, back = (b.sized(b=images, p=pixels, c=channels) for b in (maps.builder, maps.back))
    total = builder.reduce(f"{name}.sum", phase, "b p c -> b c", x, shape=(images, 1, 1, channels))
    share = f"a * {1 / pixels!r}"
    y = builder.pointwise(name, phase, share, total)

    def pullback(dy: TensorSpec, _: Wants) -> Gradients:
        dx = back.elementwise(
            f"{name}.input.gradient", Phase.BACKWARD, "b c -> b p c", share, dy, shape=x.shape
        )
        return (dx,)

    return maps.tape.record(y, (x,), pullback)


class Classifier:
    """A linear layer: a convolution of one pixel, and a bias, both fp32 behind the product."""

    def __init__(self, maps: Maps, name: str, features: int, classes: int) -> None:
        self.maps, self.name, self.classes = maps, name, classes
        self.linear = Convolution(maps, name, (features, classes), kernel=1)
        self.bias = maps.step.parameter(f"{name}.bias", (classes,), number_format=FP32)

    def apply(self, x: TensorSpec) -> TensorSpec:
        """Return logits, all images' in one row."""
        product = self.linear.apply(x)
        images = product.shape[0]
        builder, back = (
            b.sized(b=images, o=self.classes) for b in (self.maps.builder, self.maps.back)
        )
        logits = builder.elementwise(
            f"{self.name}.logits",
            Phase.FORWARD,
            "b o, o -> b o",
            f"{converted('a', product.format, FP32)} + b",
            product,
            self.bias,
            shape=(images * self.classes,),
            number_format=FP32,
        )

        def pullback(dy: TensorSpec, _: Wants) -> Gradients:
            with back.in_format(FP32):
                gradient = back.reduce(
                    f"{self.bias.name}.gradient",
                    Phase.WEIGHT_GRADIENT,
                    "b o -> o",
                    dy,
                    role=Role.GRADIENT,
                )
            written = back.elementwise(
                f"{self.name}.output.gradient",
                Phase.BACKWARD,
                "b o -> b o",
                converted("a", FP32, back.format),
                dy,
                shape=product.shape,
            )
            self.maps.step.update(self.bias, gradient)
            return (written,)

        return self.maps.tape.record(logits, (product,), pullback, trains=True)
