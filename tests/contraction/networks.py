"""Networks for tests, and what contracting them costs, told anew without the package's code."""

from itertools import combinations
from math import prod

from archsim.contraction import TensorNetwork


def layer(cores, sizes, batch):
    """A linear layer's network: the cores, then the activation."""

    def modes(side):
        found = {i for core in cores for i in core if i[0] == side and i[1:].isdigit()}
        return sorted(found, key=lambda index: int(index[1:]))

    inputs = [*cores, ("b", *modes("i"))]
    return TensorNetwork(inputs, ("b", *modes("o")), {**sizes, "b": batch})


def random_network(rng, tensors, *, largest=64, hyperedges=False):
    """A connected network: a random tree of indices, some more, some left over."""
    inputs = [[] for _ in range(tensors)]
    output, names = [], iter(f"x{n}" for n in range(999))
    for tensor in range(1, tensors):
        name = next(names)
        inputs[tensor].append(name)
        inputs[rng.integers(tensor)].append(name)
    for _ in range(rng.integers(tensors + 1)):
        owners = rng.choice(tensors, size=2, replace=False)
        name = next(names)
        for owner in owners:
            inputs[owner].append(name)
    for _ in range(rng.integers(4)):
        name = next(names)
        inputs[rng.integers(tensors)].append(name)
        output.append(name)
    if hyperedges:
        name = next(names)
        for owner in rng.choice(tensors, size=3, replace=False):
            inputs[owner].append(name)
        if rng.integers(2):
            output.append(name)
    used = sorted({name for term in inputs for name in term})
    return TensorNetwork(inputs, output, {name: int(rng.integers(1, largest + 1)) for name in used})


def all_trees(members):
    """Every binary tree over some tensors, as nested pairs."""
    first, *rest = members
    if not rest:
        yield first
        return
    for size in range(len(rest)):
        for beside in combinations(rest, size):
            others = [member for member in rest if member not in beside]
            for one in all_trees([first, *beside]):
                for other in all_trees(others):
                    yield one, other


class Costs:
    """What one tree of a network costs; ``joined`` says whether every step shares an index."""

    def __init__(self, network, tree):
        self.network = network
        self.macs = self.traffic = self.peak = 0
        self.joined = True
        self.made = []
        self._walk(tree)
        self.peak = max(self.made[:-1], default=0)

    def _elements(self, indices):
        return prod(self.network.sizes[index] for index in indices)

    def _left_open(self, members):
        inside = {i for n in members for i in self.network.inputs[n]}
        outside = {i for n, term in enumerate(self.network.inputs) if n not in members
                   for i in term}  # fmt: skip
        return inside & (outside | set(self.network.output))

    def _walk(self, tree):
        if isinstance(tree, int):
            return {tree}
        one, other = map(self._walk, tree)
        left, right, result = map(self._left_open, (one, other, one | other))
        self.joined &= bool(left & right)
        self.macs += self._elements(left | right)
        self.traffic += sum(map(self._elements, (left, right, result)))
        self.made.append(self._elements(result))
        return one | other


def nested(tree):
    """A contraction tree as nested pairs."""
    made = list(range(len(tree.network.inputs)))
    for one, other in tree.steps:
        made.append((made[one], made[other]))
    return made[-1]
