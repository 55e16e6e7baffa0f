"""A tensor's description: what it is called, its shape, its number format, its role."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

from archsim import formats
from archsim.formats import NumberFormat


class Role(StrEnum):
    """Why a tensor exists, which decides how long memory must hold it."""

    ACTIVATION = "activation"
    """Made and used within one step."""
    DATA = "data"
    """Handed in from outside for one step: tokens, labels."""
    PARAMETER = "parameter"
    """Held between steps."""
    GRADIENT = "gradient"
    """A parameter's gradient."""
    STATE = "state"
    """An optimiser's memory, held between steps."""
    CACHE = "cache"
    """Keys and values of a decoder's earlier tokens, held between steps."""
    TABLE = "table"
    """What is looked up and never changes, as a lexicon; held between steps."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A dense array of ``shape``, row-major, in one number format."""

    name: str
    shape: tuple[int, ...]
    format: NumberFormat = field(default_factory=lambda: formats.parse("fp32"))
    role: Role = Role.ACTIVATION

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a tensor needs a name")
        if any(extent < 1 for extent in self.shape):
            raise ValueError(f"{self.name}: every extent must be >= 1, got {self.shape}")

    @property
    def elements(self) -> int:
        """Numbers held."""
        return prod(self.shape)

    @property
    def size_bits(self) -> int:
        """Bits of the numbers alone, without any memory's padding."""
        return self.elements * self.format.bits

    @property
    def size_bytes(self) -> int:
        """Bytes, rounded up to whole ones."""
        return -(-self.size_bits // 8)
