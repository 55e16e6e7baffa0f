"""Tensor formats of a linear layer's weight: which indices each core carries.

Input features are a row-major product of modes ``i0 i1 …``, output features of ``o0 o1 …``,
mode 0 most significant. All other indices are bonds between cores.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from archsim.contraction.network import TensorNetwork
from archsim.ir.operation import Indices


class CoreNetwork(TensorNetwork):
    """The cores of one weight: a network whose output is the weight, input modes first."""

    def __init__(self, cores: Iterable[Sequence[str]], sizes: Mapping[str, int]) -> None:
        listed = tuple(map(tuple, cores))
        names = {index for core in listed for index in core if re.fullmatch(r"[io]\d+", index)}
        modes = sorted(names, key=lambda index: (index[0], int(index[1:])))
        super().__init__(listed, modes, sizes)

    @property
    def cores(self) -> tuple[Indices, ...]:
        """The indices of each core."""
        return self.inputs

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each core."""
        return tuple(tuple(self.sizes[index] for index in core) for core in self.cores)

    @property
    def parameters(self) -> int:
        """Numbers held by all cores."""
        return sum(map(prod, self.shapes))


def tensor_train(
    in_modes: Sequence[int],
    out_modes: Sequence[int],
    ranks: Sequence[int],
    *,
    inputs_first: bool = False,
) -> CoreNetwork:
    """Return a tensor train, output cores first as in ``y = W x``: ``G0[o0] G1[o1] … G[i0] …``.

    With ``inputs_first`` the train begins with the input cores instead, as in ``Y = X W``:
    another network unless modes and ranks are mirrored too. ``ranks`` are those of the
    bonds ``r1, r2, …`` between neighbours, one fewer than there are cores; the bonds at both
    ends, ``r0`` and the last, have length 1.

    Source: Oseledets, "Tensor-train decomposition" (2011), eq. 1.1.

    Raises:
        ValueError: for a mode or rank < 1, or the wrong number of ranks.
    """
    modes = _modes(in_modes, out_modes)
    inputs = len(in_modes)
    names = list(modes) if inputs_first else [*list(modes)[inputs:], *list(modes)[:inputs]]
    return _train([(name,) for name in names], modes, ranks)


def tensor_train_matrix(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a tensor-train matrix: core k carries input mode k and output mode k.

    ``ranks`` and the bonds at both ends are those of :func:`tensor_train`.

    Source: Novikov et al., "Tensorizing neural networks" (2015), eq. 4.

    Raises:
        ValueError: for a mode or rank < 1, or lists whose lengths do not fit.
    """
    if len(in_modes) != len(out_modes):
        raise ValueError(
            f"{len(in_modes)} input modes do not pair with {len(out_modes)} output modes"
        )
    modes = _modes(in_modes, out_modes)
    return _train([(f"i{n}", f"o{n}") for n in range(len(in_modes))], modes, ranks)


def tensor_ring(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a tensor ring, input cores first: ``W[i, o] = trace(G0[i0] … G[o0] G[o1] …)``.

    ``ranks[n]`` is that of ``r<n>``, the bond before core n; ``r0`` joins the last core and
    the first.

    Source: Zhao et al., "Tensor ring decomposition" (2016), eq. 1.

    Raises:
        ValueError: for a mode or rank < 1, fewer than two modes, or the wrong number of ranks.
    """
    modes = _modes(in_modes, out_modes)
    if len(modes) < 2:
        raise ValueError(f"a tensor ring needs at least two modes, got {len(modes)}")
    bonds = [f"r{n}" for n in range(len(modes))]
    cores = zip(bonds, modes, [*bonds[1:], bonds[0]], strict=True)
    return _network(tuple(cores), modes, bonds, ranks)


def hierarchical_tucker(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a hierarchical Tucker format: a tree over the input modes, one over the outputs.

    Mode k of a side has a leaf ``(i<k>, ui<k>)``; ``(ti<k-1>, ui<k>, ti<k>)`` adds it to the
    modes before it, and the root joins the two sides. ``ranks`` follow the order in which
    the bonds appear: ``ui0 ui1 ti1 ui2 ti2 … uo0 uo1 to1 …``.

    Source: Grasedyck, "Hierarchical singular value decomposition of tensors" (2010), with
    a linear tree.

    Raises:
        ValueError: for a mode or rank < 1, a side without modes, or the wrong number of ranks.
    """
    cores: list[Indices] = []
    tops: list[str] = []
    for side, extents in (("i", in_modes), ("o", out_modes)):
        if not extents:
            raise ValueError("hierarchical Tucker needs input modes and output modes")
        top = f"u{side}0"
        cores.append((f"{side}0", top))
        for k in range(1, len(extents)):
            made = f"t{side}{k}"
            cores += [(f"{side}{k}", f"u{side}{k}"), (top, f"u{side}{k}", made)]
            top = made
        tops.append(top)
    cores.append(tuple(tops))
    modes = _modes(in_modes, out_modes)
    return _network(tuple(cores), modes, _bonds(cores, modes), ranks)


def hierarchical_tucker_matrix(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]
) -> CoreNetwork:
    """Return a hierarchical Tucker format whose leaf k carries input mode k and output mode k.

    Leaves are ``(i<k>, o<k>, u<k>)``; ``(t<k-1>, u<k>, t<k>)`` adds the k-th to those before
    it, and the last one added is the root, without a bond upwards. ``ranks`` follow the
    order in which the bonds appear: ``u0 u1 t1 u2 t2 …``.

    Source: Grasedyck, "Hierarchical singular value decomposition of tensors" (2010), with
    a linear tree over pairs of modes.

    Raises:
        ValueError: for a mode or rank < 1, or lists whose lengths do not fit.
    """
    d = _paired(in_modes, out_modes)
    cores: list[Indices] = [("i0", "o0", "u0") if d > 1 else ("i0", "o0")]
    top = "u0"
    for k in range(1, d):
        upwards = (f"t{k}",) if k < d - 1 else ()
        cores += [(f"i{k}", f"o{k}", f"u{k}"), (top, f"u{k}", *upwards)]
        top = f"t{k}"
    modes = _modes(in_modes, out_modes)
    return _network(tuple(cores), modes, _bonds(cores, modes), ranks)


def block_term(
    in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int], blocks: int = 1
) -> CoreNetwork:
    """Return a sum of ``blocks`` Tucker terms, whose factor k carries input and output mode k.

    The core ``(r0, r1, …)`` comes first, then the factors ``(i<k>, o<k>, r<k>)``. Several
    blocks are one network in which every core carries the block's number as a leading index
    ``block``. That index stands in all cores, so a search needs ``hyperedges=True``; steps
    keep it until the last core is met, whose step sums the blocks as well. So blocks can be
    summed in the weight, or not before the output, whichever costs less.

    Source: De Lathauwer, "Decompositions of a higher-order tensor in block terms" (2008);
    for layers: Ye et al., "Learning compact recurrent neural networks with block-term
    tensor decomposition" (2018).

    Raises:
        ValueError: for a mode, rank or number of blocks < 1, or lists whose lengths do not fit.
    """
    d = _paired(in_modes, out_modes)
    if blocks < 1:
        raise ValueError(f"blocks must be >= 1, got {blocks}")
    bonds = [f"r{k}" for k in range(d)]
    cores = [tuple(bonds), *((f"i{k}", f"o{k}", f"r{k}") for k in range(d))]
    modes = _modes(in_modes, out_modes)
    one = _network(tuple(cores), modes, bonds, ranks)
    if blocks == 1:
        return one
    return CoreNetwork([("block", *core) for core in cores], {**one.sizes, "block": blocks})


def tucker(in_modes: Sequence[int], out_modes: Sequence[int], ranks: Sequence[int]) -> CoreNetwork:
    """Return a Tucker format: a core ``(r0, r1, …)``, then a factor for each mode.

    ``ranks`` are those of the input modes, then of the output modes.

    Source: Tucker, "Some mathematical notes on three-mode factor analysis" (1966).

    Raises:
        ValueError: for a mode or rank < 1, no modes, or the wrong number of ranks.
    """
    modes = _modes(in_modes, out_modes)
    if not modes:
        raise ValueError("Tucker needs at least one mode")
    bonds = [f"r{n}" for n in range(len(modes))]
    cores = (tuple(bonds), *zip(modes, bonds, strict=True))
    return _network(cores, modes, bonds, ranks)


def cp(in_modes: Sequence[int], out_modes: Sequence[int], rank: int) -> CoreNetwork:
    """Return a canonical polyadic format: one factor ``(mode, r)`` for each mode.

    The rank's index stands in all factors, so a search needs ``hyperedges=True``.

    Source: Hitchcock, "The expression of a tensor or a polyadic as a sum of products" (1927).

    Raises:
        ValueError: for a mode or rank < 1, or no modes.
    """
    modes = _modes(in_modes, out_modes)
    if not modes:
        raise ValueError("a canonical polyadic format needs at least one mode")
    return _network(tuple((mode, "r") for mode in modes), modes, ["r"], [rank])


def _train(
    carried: Sequence[Indices], modes: Mapping[str, int], ranks: Sequence[int]
) -> CoreNetwork:
    if not carried:
        raise ValueError("a tensor train needs at least one mode")
    if len(ranks) != len(carried) - 1:
        raise ValueError(
            f"{len(carried)} cores have {len(carried) - 1} bonds, got {len(ranks)} ranks"
        )
    bonds = [f"r{n}" for n in range(len(carried) + 1)]
    cores = tuple((bonds[n], *mode, bonds[n + 1]) for n, mode in enumerate(carried))
    ends = dict.fromkeys((bonds[0], bonds[-1]), 1)
    return CoreNetwork(cores, _sizes(modes, bonds[1:-1], ranks) | ends)


def _modes(in_modes: Sequence[int], out_modes: Sequence[int]) -> dict[str, int]:
    modes = {f"i{n}": extent for n, extent in enumerate(in_modes)}
    return modes | {f"o{n}": extent for n, extent in enumerate(out_modes)}


def _paired(in_modes: Sequence[int], out_modes: Sequence[int]) -> int:
    """Return the number of pairs of modes."""
    if len(in_modes) != len(out_modes):
        raise ValueError(
            f"{len(in_modes)} input modes do not pair with {len(out_modes)} output modes"
        )
    if not in_modes:
        raise ValueError("a tensor format needs at least one pair of modes")
    return len(in_modes)


def _bonds(cores: Sequence[Indices], modes: Mapping[str, int]) -> list[str]:
    """Return the indices that are not modes, in the order in which they appear."""
    return list(dict.fromkeys(i for core in cores for i in core if i not in modes))


def _network(
    cores: tuple[Indices, ...], modes: Mapping[str, int], bonds: Sequence[str], ranks: Sequence[int]
) -> CoreNetwork:
    return CoreNetwork(cores, _sizes(modes, bonds, ranks))


def _sizes(modes: Mapping[str, int], bonds: Sequence[str], ranks: Sequence[int]) -> dict[str, int]:
    """Return the extents of modes and bonds, once they are found sound."""
    if len(ranks) != len(bonds):
        raise ValueError(
            f"{len(bonds)} ranks are needed, of {' '.join(bonds) or 'no bond'}, got {len(ranks)}"
        )
    for what, extents in (("mode", modes.values()), ("rank", ranks)):
        if any(extent < 1 for extent in extents):
            raise ValueError(f"every {what} must be >= 1, got {', '.join(map(str, extents))}")
    return dict(modes) | dict(zip(bonds, ranks, strict=True))
