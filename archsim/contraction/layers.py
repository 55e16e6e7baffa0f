"""Tensor formats of a linear layer's weight: which indices each core carries.

Input features are a row-major product of modes ``i0 i1 …``, output features of ``o0 o1 …``,
mode 0 most significant. Bonds between cores are ``r1 r2 …``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archsim.ir.operation import Indices


@dataclass(frozen=True)
class CoreNetwork:
    """The cores of one weight: their index names and the extents of those."""

    cores: tuple[Indices, ...]
    sizes: Mapping[str, int]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each core."""
        return tuple(tuple(self.sizes[index] for index in core) for core in self.cores)

    @property
    def parameters(self) -> int:
        """Numbers held by all cores."""
        return sum(map(prod, self.shapes))


def tensor_train(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a tensor train, input cores first: ``W[i, o] = G0[i0] … G[o0] G[o1] …``.

    ``ranks`` are those of the bonds between neighbours, one fewer than there are cores.

    Source: Oseledets, "Tensor-train decomposition" (2011), eq. 1.1.

    Raises:
        ValueError: for a mode or rank < 1, or the wrong number of ranks.
    """
    modes = {f"i{n}": extent for n, extent in enumerate(in_modes)}
    modes |= {f"o{n}": extent for n, extent in enumerate(out_modes)}
    return _train([(mode,) for mode in modes], modes, ranks)


def tensor_train_matrix(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a tensor-train matrix: core k carries input mode k and output mode k.

    Source: Novikov et al., "Tensorizing neural networks" (2015), eq. 4.

    Raises:
        ValueError: for a mode or rank < 1, or lists whose lengths do not fit.
    """
    if len(in_modes) != len(out_modes):
        raise ValueError(
            f"{len(in_modes)} input modes do not pair with {len(out_modes)} output modes"
        )
    modes = {f"i{n}": extent for n, extent in enumerate(in_modes)}
    modes |= {f"o{n}": extent for n, extent in enumerate(out_modes)}
    return _train([(f"i{n}", f"o{n}") for n in range(len(in_modes))], modes, ranks)


def _train(
    carried: Sequence[Indices], modes: Mapping[str, int], ranks: Sequence[int]
) -> CoreNetwork:
    if not carried:
        raise ValueError("a tensor train needs at least one mode")
    if len(ranks) != len(carried) - 1:
        raise ValueError(
            f"{len(carried)} cores have {len(carried) - 1} bonds, got {len(ranks)} ranks"
        )
    for what, extents in (("mode", modes.values()), ("rank", ranks)):
        if any(extent < 1 for extent in extents):
            raise ValueError(f"every {what} must be >= 1, got {', '.join(map(str, extents))}")
    bonds = ["", *(f"r{n}" for n in range(1, len(carried))), ""]
    cores = tuple(
        tuple(index for index in (bonds[n], *mode, bonds[n + 1]) if index)
        for n, mode in enumerate(carried)
    )
    return CoreNetwork(cores, dict(modes) | dict(zip(bonds[1:-1], ranks, strict=True)))
