"""The cache of a decoder: keys and values of all tokens so far, so that none is made twice.

It lies by head, (sequences, heads, tokens, features), as attention reads it; keys are stored
turned by their positions.

Source: Pope et al., "Efficiently scaling transformer inference" (2022), section 2.
"""

from abc import ABC, abstractmethod

from archsim.ir.tensor import Role, TensorSpec
from workloads.transformer.step import Step


class Cache(ABC):
    """What becomes of a step's keys and values; ``value`` is the index of a value's features."""

    def __init__(self, step: Step, name: str, value: str = "d") -> None:
        self.step = step
        self.parts = {f"{name}.keys": "d", f"{name}.values": value}

    def keep(self, key: TensorSpec, value: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
        """Return all keys and values by head, those of this step among them."""
        (key_name, key_size), (value_name, value_size) = self.parts.items()
        return self._keep(key_name, key_size, key), self._keep(value_name, value_size, value)

    @abstractmethod
    def _keep(self, name: str, features: str, new: TensorSpec) -> TensorSpec:
        """Return one of both."""


class FilledCache(Cache):
    """Of a prompt: what the step makes is all there is, and stays when it ends."""

    def _keep(self, name: str, features: str, new: TensorSpec) -> TensorSpec:
        builder = self.step.builder
        order = ("b", "h", "k", features)
        shape = (builder.elements("b h k"), builder.sizes[features])
        given = ("b", "k", "h", features)
        phase, role = self.step.phase, Role.CACHE
        kept = builder.permute(name, phase, given, order, new, shape=shape, role=role)
        builder.output(kept)
        return kept


class ExtendedCache(Cache):
    """Of one token more: its row of each head is added onto the zeros that are its place.

    The rows' numbers are the data ``cache_rows``, in order of sequences and heads.
    """

    def _keep(self, name: str, features: str, new: TensorSpec) -> TensorSpec:
        builder, rows = self.step.builder, self.step.data["cache_rows"]
        shape = (builder.elements("b h k"), builder.sizes[features])
        earlier = builder.tensor(name, shape, Role.CACHE)
        updated = f"{name}.updated"
        phase, role = self.step.phase, Role.CACHE
        return builder.scatter_add(updated, phase, earlier, rows, new, role=role)
