"""Trees between the port of a memory and the multipliers of a unit.

Source: H. Kwon, A. Samajdar and T. Krishna, "MAERI: enabling flexible dataflow mapping over
DNN accelerators via reconfigurable interconnects", ASPLOS 2018, for the distribution tree and
the augmented reduction tree; E. Qin et al., "SIGMA: a sparse and irregular GEMM accelerator
with flexible interconnects for DNN training", HPCA 2020, for the forwarding adder network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from archsim.hardware.component import COMPONENTS, Transfer, ceil_div
from archsim.hardware.network import NetworkSpec, hops_to_neighbours


@dataclass(frozen=True, kw_only=True)
class TreeSpec(NetworkSpec):
    """A binary tree with the unit at its leaves, the ``ports``, and the memory at its root."""

    root_words: int
    """Words a cycle at the root."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.root_words <= self.ports:
            raise ValueError(
                f"root_words: must be in 1 ... {self.ports}, the number of ports, "
                f"got {self.root_words}"
            )

    @property
    def stages(self) -> int:
        """``log2 ports``, rounded up."""
        return (self.ports - 1).bit_length()

    def hops(self, copies: int) -> int:
        return hops_to_neighbours(copies, self.ports)


@COMPONENTS.register("distribution_tree")
@dataclass(frozen=True, kw_only=True)
class DistributionTreeSpec(TreeSpec):
    """A tree that copies each word to any of its leaves; its root is as wide as it is built."""

    kind: ClassVar[str] = "distribution_tree"

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.root_words * self.width

    def stream_cycles(self, transfers: Sequence[Transfer]) -> int:
        """``max(ceil(words / root words), ceil(words x copies / ports))``."""
        words = sum(map(self.words, transfers))
        arriving = sum(self.words(one) * one.copies for one in transfers)
        return max(ceil_div(words, self.root_words), ceil_div(arriving, self.ports))

    def least_cycles(self, transfers: Sequence[tuple[Transfer, int]]) -> int:
        arriving = sum(self.words(one) * one.copies * times for one, times in transfers)
        return max(super().least_cycles(transfers), ceil_div(arriving, self.ports))

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        return {"passes": self.stream_cycles(transfers)}


@COMPONENTS.register("reduction_tree")
@dataclass(frozen=True, kw_only=True)
class ReductionTreeSpec(TreeSpec):
    """A tree of adders that sums neighbouring leaves, in groups side by side.

    The links that MAERI's augmented reduction tree and SIGMA's forwarding adder network add
    to a plain tree make room for a group of ``any`` size anywhere; a plain tree has an adder
    for itself only over ``powers_of_two`` leaves.
    """

    kind: ClassVar[str] = "reduction_tree"

    groups: Literal["any", "powers_of_two"] = "any"
    """Sizes of the groups of leaves that can be summed."""

    @property
    def peak_bits_per_cycle(self) -> int:
        return self.root_words * self.width

    def sums_per_pass(self, copies: int) -> int:
        """Sums of so many leaves that are made side by side; none where one needs them all."""
        size = copies if self.groups == "any" else 1 << (copies - 1).bit_length()
        return self.ports // size

    def passes_for(self, words: int, copies: int) -> int:
        """Passes of all leaves for so many sums; a sum of more than all takes several."""
        together = self.sums_per_pass(copies)
        return ceil_div(words, together) if together else words * ceil_div(copies, self.ports)

    def stream_cycles(self, transfers: Sequence[Transfer]) -> int:
        """``max(ceil(sums / root words), ceil(sums / (ports // copies)))``."""
        leaving = sum(map(self.words, transfers))
        passes = sum(self.passes_for(self.words(one), one.copies) for one in transfers)
        return max(ceil_div(leaving, self.root_words), passes)

    def least_cycles(self, transfers: Sequence[tuple[Transfer, int]]) -> int:
        passes = sum(
            times * self.passes_for(self.words(one), one.copies) for one, times in transfers
        )
        return max(super().least_cycles(transfers), passes)

    def tallies(self, transfers: Sequence[Transfer]) -> dict[str, int]:
        return {"passes": self.stream_cycles(transfers)}

    def is_one_pass(self, targets: Sequence[int | None]) -> bool:
        """Whether leaves can be summed at once that name the same sum; idle ones name none.

        Leaves of one sum must be neighbours, and with ``powers_of_two`` have an adder over
        them, and nothing else, in a plain tree.

        Raises:
            ValueError: if there is not an entry for each leaf.
        """
        if len(targets) != self.ports:
            raise ValueError(
                f"targets: must have an entry for each of {self.ports} ports, got {len(targets)}"
            )
        for group in {target for target in targets if target is not None}:
            leaves = [leaf for leaf, target in enumerate(targets) if target == group]
            if leaves[-1] - leaves[0] + 1 != len(leaves):
                return False
            size = len(leaves)
            if self.groups == "powers_of_two" and (size & (size - 1) or leaves[0] % size):
                return False
        return True
