"""Convolutions whose padding keeps a map's size but for the stride, and their gradients."""

from archsim.ir.builder import GraphBuilder
from archsim.ir.convolution import Convolution
from archsim.ir.kernel_gradient import KernelGradient
from archsim.ir.operation import Phase
from archsim.ir.tensor import Role, TensorSpec


def convolved(
    builder: GraphBuilder,
    name: str,
    phase: Phase,
    feature_map: TensorSpec,
    kernel: TensorSpec,
    stride: int,
) -> TensorSpec:
    """Convolve a map (images, rows, columns, channels) with a square kernel."""
    images, rows, columns, _ = feature_map.shape
    shape = (images, rows // stride, columns // stride, kernel.shape[-1])
    padding = kernel.shape[0] // 2
    return builder.convolve(name, phase, feature_map, kernel, shape, stride=stride, padding=padding)


def turned(builder: GraphBuilder, name: str, kernel: TensorSpec) -> TensorSpec:
    """Let a kernel's channels in and out change places, as the input's gradient wants them."""
    i, j, c, o = kernel.shape
    return builder.sized(i=i, j=j, c=c, o=o).permute(
        name, Phase.BACKWARD, ("i", "j", "c", "o"), ("i", "j", "o", "c"), kernel
    )


def input_gradient(
    builder: GraphBuilder,
    name: str,
    gradient: TensorSpec,
    kernel: TensorSpec,
    shape: tuple[int, ...],
    stride: int,
) -> TensorSpec:
    """Convolve the result's gradient, dilated by the stride, with the turned, flipped kernel."""
    size = kernel.shape[0]
    return builder.convolve(
        name,
        Phase.BACKWARD,
        gradient,
        kernel,
        shape,
        dilation=stride,
        padding=size - 1 - size // 2,
        flipped=True,
    )


def kernel_gradient(
    builder: GraphBuilder,
    name: str,
    feature_map: TensorSpec,
    gradient: TensorSpec,
    kernel: TensorSpec,
    stride: int,
) -> TensorSpec:
    """Sum over all windows what each of a kernel's numbers saw times the result's gradient."""
    forward = Convolution(
        name=f"{name}.forward",
        phase=Phase.FORWARD,
        inputs=(feature_map, kernel),
        outputs=(gradient,),
        stride=stride,
        padding=kernel.shape[0] // 2,
    )
    return builder.add(
        KernelGradient(
            name=name,
            phase=Phase.WEIGHT_GRADIENT,
            inputs=(feature_map, gradient),
            outputs=(builder.tensor(name, kernel.shape, Role.GRADIENT),),
            forward=forward,
        )
    )
