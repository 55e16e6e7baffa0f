"""The tape of a forward pass: which layers made what from what, to go back along.

Only what depends on something trained has a gradient. Where a tensor has several readers,
as a skip connection has, its gradient is the sum of what each of them returns.
"""

from collections.abc import Callable
from dataclasses import dataclass

from archsim.ir.operation import Phase
from archsim.ir.pieces import Concatenate, Slice
from archsim.ir.tensor import TensorSpec
from workloads.transformer.layer import Layer
from workloads.transformer.step import Step

Wants = tuple[bool, ...]
"""Whether the gradient of each input is asked for."""
Pullback = Callable[[TensorSpec, Wants], tuple[TensorSpec | None, ...]]
"""Returns the inputs' gradients that are asked for, given the result's."""


@dataclass(frozen=True, slots=True)
class _Entry:
    output: TensorSpec
    inputs: tuple[TensorSpec, ...]
    pullback: Pullback


class Tape:
    """Records what is computed in a step of training; in inference it records nothing."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._entries: list[_Entry] = []
        self._wanted: set[str] = set()

    def want(self, tensor: TensorSpec) -> None:
        """Ask for the gradient of a tensor."""
        self._wanted.add(tensor.name)

    def record(
        self,
        output: TensorSpec,
        inputs: tuple[TensorSpec, ...],
        pullback: Pullback,
        *,
        trains: bool = False,
    ) -> TensorSpec:
        """Note how a tensor was made, if it depends on what is trained; return it.

        Something that ``trains`` has trained parameters of its own.
        """
        depends = trains or any(tensor.name in self._wanted for tensor in inputs)
        if self.step.trains and depends:
            self.want(output)
            self._entries.append(_Entry(output, inputs, pullback))
        return output

    def apply(self, layer: Layer, x: TensorSpec) -> TensorSpec:
        """Go through a layer without trained parameters."""
        return self.record(layer.forward(x), (x,), lambda dy, _: (layer.backward(dy),))

    def add(self, name: str, *tensors: TensorSpec) -> TensorSpec:
        """Add tensors of as many numbers; the result has the first one's shape."""
        total = self._sum(name, self.step.phase, *tensors)
        return self.record(total, tensors, lambda dy, wants: (dy,) * len(wants))

    def _sum(self, name: str, phase: Phase, *tensors: TensorSpec) -> TensorSpec:
        formula = " + ".join("abcdefgh"[: len(tensors)])
        return self.step.builder.pointwise(name, phase, formula, *tensors)

    def concatenate(self, name: str, *tensors: TensorSpec) -> TensorSpec:
        """Lay tensors side by side along the last dimension."""
        builder = self.step.builder
        shape = (*tensors[0].shape[:-1], sum(tensor.shape[-1] for tensor in tensors))
        joined = builder.add(
            Concatenate(
                name=name,
                phase=self.step.phase,
                inputs=tensors,
                outputs=(builder.tensor(name, shape),),
            )
        )

        def pullback(dy: TensorSpec, wants: Wants) -> tuple[TensorSpec | None, ...]:
            found, first = [], 0
            for number, (tensor, wanted) in enumerate(zip(tensors, wants, strict=True)):
                part, columns = f"{name}.part{number}.gradient", tensor.shape[-1]
                cut = self.slice(part, Phase.BACKWARD, dy, first, columns) if wanted else None
                found.append(cut)
                first += columns
            return tuple(found)

        return self.record(joined, tensors, pullback)

    def slice(
        self, name: str, phase: Phase, whole: TensorSpec, first: int, columns: int
    ) -> TensorSpec:
        """Cut columns out of the last dimension; nothing is recorded."""
        output = self.step.builder.tensor(name, (*whole.shape[:-1], columns))
        return self.step.builder.add(
            Slice(name=name, phase=phase, inputs=(whole,), outputs=(output,), first=first)
        )

    def go_back(self, output: TensorSpec, gradient: TensorSpec) -> dict[str, TensorSpec]:
        """Append all gradients; return those of tensors that were asked for and nobody made."""
        found = {output.name: [gradient]}
        for entry in reversed(self._entries):
            parts = found.pop(entry.output.name, [])
            if not parts:
                continue
            dy = self._total(entry.output, parts)
            wants = tuple(tensor.name in self._wanted for tensor in entry.inputs)
            for tensor, dx in zip(entry.inputs, entry.pullback(dy, wants), strict=True):
                if tensor.name in self._wanted:
                    assert dx is not None, entry.output.name
                    found.setdefault(tensor.name, []).append(dx)
        return {name: self._total(output, parts, name) for name, parts in found.items()}

    def _total(self, tensor: TensorSpec, parts: list[TensorSpec], name: str = "") -> TensorSpec:
        if len(parts) == 1:
            return parts[0]
        return self._sum(f"{name or tensor.name}.gradient", Phase.BACKWARD, *parts)
