"""What every layer is: a way forward, and a way back that updates its parameters."""

from abc import ABC, abstractmethod

from archsim.ir.tensor import TensorSpec


class Layer(ABC):
    """One input, one result, and parameters of its own or none.

    ``backward`` takes the gradient of what ``forward`` returned, appends the gradients of
    the layer's parameters and their updates, and returns the gradient of its input. It is
    called in training only, after ``forward``.
    """

    @abstractmethod
    def forward(self, x: TensorSpec) -> TensorSpec:
        """Return the result for an input."""

    @abstractmethod
    def backward(self, dy: TensorSpec) -> TensorSpec:
        """Return the input's gradient, given the result's."""
