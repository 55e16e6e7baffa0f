"""A workload: frozen parameters that lower to an operation graph."""

from dataclasses import Field
from typing import Any, ClassVar, Protocol

from archsim.ir.graph import OperationGraph
from archsim.registry import Registry


class Workload(Protocol):
    """A frozen dataclass of parameters; range errors are ValueErrors raised on construction."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def lower(self) -> OperationGraph:
        """Return the operations of one step."""
        ...


WORKLOADS: Registry[type[Workload]] = Registry("workload")
"""Workload classes by the name a config's ``workload.kind`` gives."""
