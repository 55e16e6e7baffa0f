"""Layers of feature maps, (images, rows, columns, channels), whose weights are frozen."""

from archsim.ir.operation import Phase
from archsim.ir.tensor import TensorSpec
from workloads.transformer.convolution import convolved, input_gradient, turned
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step
from workloads.transformer.tape import Tape


class Conv(Layer):
    """A convolution with a bias; its padding keeps the map's size but for the stride.

    The input's gradient is the convolution of y's gradient, dilated by the stride, with the
    flipped kernel whose channels in and out have changed places: that is permuted for it.
    """

    def __init__(
        self, step: Step, name: str, channels: tuple[int, int], kernel: int = 3, stride: int = 1
    ) -> None:
        self.name, self.kernel, self.stride = name, kernel, stride
        taken, made = channels
        self.step = step.sized(i=kernel, j=kernel, c=taken, o=made)
        self.weight = step.parameter(
            f"{name}.weight",
            (kernel, kernel, taken, made),
            deviation=(kernel * kernel * taken) ** -0.5,
            trained=False,
            multiplies=True,
        )
        self.bias = step.parameter(f"{name}.bias", (made,), trained=False)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return y; the size of x is kept."""
        builder, phase, name = self.step.builder, self.step.phase, self.name
        self._x = x
        product = convolved(builder, f"{name}.product", phase, x, self.weight, self.stride)
        pixels = builder.sized(t=product.elements // self.bias.elements)
        equation = "t o, o -> t o"
        return pixels.elementwise(
            f"{name}.output", phase, equation, "a + b", product, self.bias, shape=product.shape
        )

    def apply(self, tape: Tape, x: TensorSpec) -> TensorSpec:
        """Go forward, and note it on the tape."""
        return tape.apply(self, x)

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return the gradient of x."""
        builder, name = self.step.builder, self.name
        kernel = self.weight
        if builder.quantizer:
            kernel = builder.quantized(self.weight, Phase.BACKWARD).values
        kernel = turned(builder, f"{name}.weight.turned", kernel)
        if builder.quantizer:
            builder.hold_quantized(kernel, builder.quantized(self.weight, Phase.BACKWARD).scale)
        shape = self._x.shape
        return input_gradient(builder, f"{name}.input.gradient", dy, kernel, shape, self.stride)


class Upsample(Layer):
    """Each pixel four times: twice as many rows and columns."""

    def __init__(self, step: Step, name: str, shape: tuple[int, int, int, int]) -> None:
        self.name, self.shape = name, shape
        images, rows, columns, channels = shape
        self.step = step.sized(n=images, y=rows, u=2, x=columns, v=2, c=channels)

    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the larger map."""
        images, rows, columns, channels = self.shape
        return self.step.builder.elementwise(
            self.name,
            self.step.phase,
            "n y x c -> n y u x v c",
            "a",
            x,
            shape=(images, 2 * rows, 2 * columns, channels),
        )

    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return each pixel's sum over its four copies."""
        return self.step.builder.reduce(
            f"{self.name}.input.gradient",
            Phase.BACKWARD,
            "n y u x v c -> n y x c",
            dy,
            shape=self.shape,
        )
