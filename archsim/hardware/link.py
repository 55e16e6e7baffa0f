"""Links between a memory and a unit."""

from dataclasses import dataclass
from typing import ClassVar

from archsim.hardware.component import COMPONENTS, ChannelSpec, at_least_one, ceil_div
from archsim.units import Bits


@COMPONENTS.register("link")
@dataclass(frozen=True, kw_only=True)
class LinkSpec(ChannelSpec):
    """A bus of ``width`` bits a cycle; each unit has its own unless it is ``shared``."""

    kind: ClassVar[str] = "link"

    width: Bits
    """Bits a cycle."""
    shared: bool = False
    """Whether all units that name it use one and the same link."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(width=self.width)

    @property
    def private(self) -> bool:
        return not self.shared

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.width

    def transfer_cycles(self, size_bits: int) -> int:
        """``ceil(size / width)``."""
        return ceil_div(size_bits, self.width)
