"""The numpy interpreter: what an operation graph computes."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike

from archsim.errors import GraphError, did_you_mean
from archsim.ir.graph import OperationGraph
from archsim.ir.operation import Array
from archsim.ir.tensor import TensorSpec


def execute(
    graph: OperationGraph,
    inputs: Mapping[str, ArrayLike],
    *,
    round_to_format: bool = False,
    keep: Collection[str] | None = None,
) -> dict[str, Array]:
    """Run every operation in numpy, in float64, and return all tensors by name.

    ``round_to_format`` rounds each tensor to its number format as it is made. ``keep``
    names the tensors to return; the others are dropped after their last use.

    Raises:
        GraphError: if an input is missing, unknown or of the wrong shape.
    """
    for name in inputs:
        if name not in graph.inputs:
            raise GraphError(
                f"{graph.name} has no input {name!r}; {did_you_mean(name, graph.inputs)}"
            )
    for name in keep or ():
        if name not in graph.tensors:
            raise GraphError(
                f"{graph.name} has no tensor {name!r}; {did_you_mean(name, graph.tensors)}"
            )

    def stored(tensor: TensorSpec, value: Array) -> Array:
        return tensor.format.quantize(value) if round_to_format else value

    values = {
        name: stored(graph.tensors[name], _input(graph, name, inputs)) for name in graph.inputs
    }
    uses = {name: len(graph.consumers(name)) for name in graph.tensors}
    for operation in graph.operations:
        results = operation.evaluate(*(values[tensor.name] for tensor in operation.inputs))
        for tensor, value in zip(operation.outputs, results, strict=True):
            values[tensor.name] = stored(tensor, value)
        for name in {tensor.name for tensor in operation.inputs}:
            uses[name] -= 1
            if keep is not None and uses[name] == 0 and name not in keep:
                del values[name]
    return values if keep is None else {name: values[name] for name in keep}


def _input(graph: OperationGraph, name: str, inputs: Mapping[str, ArrayLike]) -> Array:
    if name not in inputs:
        needed = ", ".join(graph.inputs)
        raise GraphError(f"{graph.name} needs an input {name!r}; its inputs are {needed}")
    array = np.asarray(inputs[name], dtype=np.float64)
    shape = graph.tensors[name].shape
    if array.shape != shape:
        raise GraphError(f"{graph.name}: input {name!r} has shape {array.shape}, expected {shape}")
    return array
