"""Random prices for contraction steps, and what every tree costs under them, told anew."""

from zlib import crc32

import numpy as np

from tests.contraction.networks import all_trees


class RandomPrices:
    """A price for every kind of step, from 0 to 1 or a whole number up to ``largest``.

    The kind is what a search and a test both know: points, operands and result.
    """

    def __init__(self, seed, largest=None):
        self.seed, self.largest = seed, largest

    def price(self, steps):
        shapes = zip(steps.macs, steps.left, steps.right, steps.result, strict=True)
        return np.array([self.of(*map(int, shape)) for shape in shapes], np.float64)

    def of(self, macs, left, right, result):
        shape = (self.seed, macs, *sorted((left, right)), result)
        chance = crc32(repr(shape).encode()) / 2**32
        return chance if self.largest is None else int(chance * (self.largest + 1))


class AnyTree:
    """One tree, given as nested pairs: its clusters of tensors and the shapes of its steps."""

    def __init__(self, network, nested):
        self.network, self.clusters, self.shapes, self.joined = network, set(), [], True
        self._walk(nested)

    def price(self, prices):
        return sum(prices.of(*shape) for shape in self.shapes)

    def _left_open(self, members):
        inside = {i for n in members for i in self.network.inputs[n]}
        beside = (term for n, term in enumerate(self.network.inputs) if n not in members)
        return inside & {*self.network.output, *(i for term in beside for i in term)}

    def _walk(self, nested):
        if isinstance(nested, int):
            return frozenset({nested})
        one, other = map(self._walk, nested)
        left, right, result = map(self._left_open, (one, other, one | other))
        self.clusters.add(one | other)
        self.joined &= bool(left & right)
        self.shapes.append(
            tuple(self.network.elements(part) for part in (left | right, left, right, result))
        )
        return one | other


def every_tree(network, *, outer_products=False):
    """Every tree of a network whose steps share an index, unless any two may be joined."""
    trees = [AnyTree(network, nested) for nested in all_trees(range(len(network.inputs)))]
    return [tree for tree in trees if tree.joined or outer_products]


def clusters(tree):
    """What tells a contraction tree from others: the sets of tensors that its steps make."""
    return frozenset(tree.members[len(tree.network.inputs) :])


def priced(tree, prices):
    """What a contraction tree costs."""
    made = [{n} for n in range(len(tree.network.inputs))]
    nested = list(range(len(made)))
    for one, other in tree.steps:
        nested.append((nested[one], nested[other]))
    return AnyTree(tree.network, nested[-1]).price(prices)
