"""A network as a user writes it, an equation and sizes, and what to compare its orders by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archsim.contraction.compare import OrderComparison, compare_orders
from archsim.contraction.network import TensorNetwork
from archsim.contraction.objective import Quantity
from archsim.contraction.topology import EXACT_LIMIT, joints
from archsim.errors import GraphError, InputError, did_you_mean
from archsim.ir.indexed import read_equation
from archsim.ir.operation import Indices

SUFFIXES = (".yaml", ".yml")
LARGEST = 10**300
"""Costs beyond this have no ratio as a float."""


@dataclass(frozen=True, kw_only=True)
class ContractionStudy:
    """A tensor network whose contraction orders are compared."""

    equation: str
    """Index names of every tensor and of the result, e.g. ``i j, j k, k l -> i l``."""
    sizes: Mapping[str, int]
    """The extent of each index."""
    objective: Quantity = "macs"
    """What the best tree has least of."""
    outer_products: bool = False
    """Whether steps may join tensors that share no index."""
    hyperedges: bool = False
    """Whether an index may stand in three or more tensors."""

    def __post_init__(self) -> None:
        terms, output = self._terms
        self._check_sizes(terms, output)
        try:
            self.network  # noqa: B018  (making it is the check)
        except GraphError as error:
            raise ValueError(f"equation: {error}") from error
        self._check_joints(terms)

    @property
    def network(self) -> TensorNetwork:
        """The tensor network that is meant."""
        terms, output = self._terms
        return TensorNetwork(terms, output, self.sizes)

    def compare(self) -> OrderComparison:
        """Return the best tree and its alternatives.

        Raises:
            InputError: if there are too many ways to contract the tensors to search them all.
        """
        return compare_orders(
            self.network,
            self.objective,
            outer_products=self.outer_products,
            hyperedges=self.hyperedges,
        )

    @property
    def _terms(self) -> tuple[tuple[Indices, ...], Indices]:
        try:
            terms, output = read_equation(self.equation)
        except GraphError as error:
            raise ValueError(f"equation: {error}") from error
        for number, term in enumerate(terms, 1):
            if not term:
                raise ValueError(
                    f"equation: tensor {number} of {len(terms)} has no indices; "
                    "write index names separated by spaces, tensors by commas"
                )
        return terms, output

    def _check_sizes(self, terms: Sequence[Indices], output: Indices) -> None:
        used = {index for term in terms for index in term}
        missing = [index for term in terms for index in term if index not in self.sizes]
        if missing:
            raise ValueError(f"sizes.{missing[0]}: {self._why_missing(missing)}")
        for index in output:
            if index not in used:
                hint = did_you_mean(index, used)
                raise ValueError(f"equation: output index {index!r} stands in no tensor; {hint}")
        for index, size in self.sizes.items():
            if index not in used:
                hint = did_you_mean(index, used)
                raise ValueError(f"sizes.{index}: no index of the equation; {hint}")
            if size < 1:
                raise ValueError(f"sizes.{index}: must be >= 1, got {size}")
        if prod(self.sizes.values()) > LARGEST:
            raise ValueError("sizes: all of them multiplied must be at most 10**300")

    def _why_missing(self, missing: Sequence[str]) -> str:
        """Say that sizes are missing; letters written without spaces are the likeliest cause."""
        index = missing[0]
        if len(index) > 1 and all(letter in self.sizes for letter in index):
            return f"missing; several indices are written with spaces: {' '.join(index)!r}"
        others = ", ".join(dict.fromkeys(other for other in missing if other != index))
        more = f"; also missing: {others}" if others else ""
        return f"missing; give index {index!r} a size, e.g. --size {index}=8{more}"

    def _check_joints(self, terms: Sequence[Indices]) -> None:
        """Refuse what an exact search does not take, and say which option allows it."""
        if len(terms) > EXACT_LIMIT:
            raise ValueError(
                f"equation: exact search takes at most {EXACT_LIMIT} tensors, here are "
                f"{len(terms)}; in Python, archsim.contraction.greedy(network) has no limit "
                "and proves nothing"
            )
        owners = {} if self.hyperedges else joints(terms)
        for index, tensors in owners.items():
            if tensors.bit_count() > 2:
                among = _listed(term for term in terms if index in term)
                raise ValueError(
                    f"equation: index {index!r} stands in more than two tensors ({among}); "
                    "--hyperedges (in a file, hyperedges: true) allows it, and steps keep it "
                    "until its last tensor"
                )
        groups = [] if self.outer_products else _connected(terms)
        if len(groups) > 1:
            parts = " to ".join(f"({_listed(group)})" for group in groups)
            raise ValueError(
                f"equation: no index joins {parts}; --outer-products (in a file, "
                "outer_products: true) allows steps between tensors that share none"
            )


def is_equation(text: str) -> bool:
    """Whether a text is meant as an equation rather than as the path of a file."""
    return not text or "->" in text or (not text.endswith(SUFFIXES) and bool({*" ,"} & {*text}))


def read_sizes(texts: Iterable[str]) -> dict[str, int]:
    """Return the sizes that texts like ``"i=8"`` give to indices.

    Raises:
        InputError: for a text of another form, or an index with two sizes.
    """
    sizes: dict[str, int] = {}
    for text in texts:
        index, equals, value = (part.strip() for part in text.partition("="))
        if not index or not equals:
            raise InputError(f"--size {text}: expected INDEX=SIZE (e.g. --size i=8)")
        try:
            size = int(value)
        except ValueError:
            size = 0
        if size < 1:
            raise InputError(f"--size {index}: expected a whole number >= 1, got {value!r}")
        if sizes.setdefault(index, size) != size:
            raise InputError(f"--size {index}: given twice, as {sizes[index]} and {size}")
    return sizes


def _listed(terms: Iterable[Indices]) -> str:
    return ", ".join(map(" ".join, terms))


def _connected(terms: Sequence[Indices]) -> list[list[Indices]]:
    """Part terms into groups that share no index with each other."""
    rest, groups = list(terms), list[list[Indices]]()
    while rest:
        group, reached = [rest.pop(0)], set[str]()
        while len(reached) < len(reached := {index for term in group for index in term}):
            group += [term for term in rest if reached & {*term}]
            rest = [term for term in rest if not reached & {*term}]
        groups.append(group)
    return groups
