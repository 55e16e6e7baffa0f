"""The prefixes of a beam search as a tree: a node holds its parent and its last label.

A prefix is a node, and equal prefixes are one node, also where they left the beam and came
back. A node lives while a beam or a child refers to it; then its number is given out again.
"""

from collections.abc import Iterable

ROOT = 0
"""The empty prefix, which always lives and takes no storage."""


class PrefixTree:
    """Live nodes, found by (parent, label)."""

    def __init__(self) -> None:
        self._parent = [-1]
        self._label = [-1]
        self._references = [1]
        self._children: dict[tuple[int, int], int] = {}
        self._free: list[int] = []

    @property
    def live(self) -> int:
        """Nodes that live, the root not counted."""
        return len(self._children)

    def child(self, parent: int, label: int) -> int:
        """Return the node that extends a prefix by a label, made where it is not there yet."""
        node = self._children.get((parent, label))
        if node is not None:
            return node
        if self._free:
            node = self._free.pop()
            self._parent[node], self._label[node] = parent, label
        else:
            node = len(self._parent)
            self._parent.append(parent)
            self._label.append(label)
            self._references.append(0)
        self._children[parent, label] = node
        self._references[parent] += 1
        return node

    def replace(self, held: Iterable[int], new: Iterable[int]) -> None:
        """Let the beams refer to ``new`` in place of ``held``, and reclaim what nobody needs."""
        for node in new:
            self._references[node] += 1
        for node in held:
            self._references[node] -= 1
            self._reclaim(node)

    def _reclaim(self, node: int) -> None:
        """Free a node without references, and the ancestors that only it referred to."""
        while node != ROOT and not self._references[node]:
            parent = self._parent[node]
            del self._children[parent, self._label[node]]
            self._free.append(node)
            self._references[parent] -= 1
            node = parent

    def labels(self, node: int) -> tuple[int, ...]:
        """Return a prefix, read back from its last label to its first."""
        found = []
        while node != ROOT:
            found.append(self._label[node])
            node = self._parent[node]
        return tuple(reversed(found))
