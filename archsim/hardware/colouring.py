"""Least colourings of graphs: how few groups keep every two that conflict apart.

Source: D. Brelaz, "New methods to color the vertices of a graph", Communications of the
ACM 22(4), 1979 (DSATUR, and the exact search that branches in its order).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

Graph = Sequence[int]
"""The neighbours of each vertex, as the bits of an integer."""

SEARCH_STEPS = 2_000
"""Vertices coloured in one search for a better colouring before it gives up."""
SMALL = 16
"""Vertices up to which the search never gives up."""


@dataclass(frozen=True)
class Colouring:
    """The colour of each vertex, and how few colours there can be at best."""

    colours: tuple[int, ...]
    least: int
    """No colouring has fewer; where this is the number of colours, none is better."""

    @property
    def count(self) -> int:
        """Colours in use."""
        return max(self.colours, default=-1) + 1


def colour(graph: Graph, clique: int = 1) -> Colouring:
    """Colour a graph with as few colours as can be found.

    ``clique`` vertices are known to be neighbours of each other. The result is the least
    for up to ``SMALL`` vertices, and beyond wherever the search comes to an end.
    """
    if not graph:
        return Colouring((), 0)
    colours = [-1] * len(graph)
    least = max(clique, _greedy_clique(graph))
    for part in _components(graph):
        found = _colour_part(graph, part, least)
        least = max(least, found.least)
        for vertex, one in zip(_bits(part), found.colours, strict=True):
            colours[vertex] = one
    used = max(colours) + 1
    return Colouring(tuple(colours), min(least, used))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _components(graph: Graph) -> Iterator[int]:
    """Yield the connected parts, as bits of their vertices."""
    left = (1 << len(graph)) - 1
    while left:
        part, front = 0, left & -left
        while front:
            part |= front
            reached = 0
            for vertex in _bits(front):
                reached |= graph[vertex]
            front = reached & ~part
        left &= ~part
        yield part


def _greedy_clique(graph: Graph) -> int:
    """Size of a clique grown from the vertex of most neighbours."""
    candidates, size = (1 << len(graph)) - 1, 0
    while candidates:
        best = max(_bits(candidates), key=lambda v: (graph[v] & candidates).bit_count())
        candidates &= graph[best]
        size += 1
    return size


def _colour_part(graph: Graph, part: int, least: int) -> Colouring:
    """Colour one connected part; ``least`` colours are needed elsewhere anyway."""
    size = part.bit_count()
    if all(graph[vertex].bit_count() == size - 1 for vertex in _bits(part)):
        return Colouring(tuple(range(size)), size)  # all are neighbours
    search = _Search(graph, part)
    greedy = search.colours_with(size)
    assert greedy is not None
    best, proven = greedy, 1
    while (used := max(best) + 1) > least:
        budget = None if size <= SMALL else SEARCH_STEPS
        better = search.colours_with(used - 1, budget)
        if better is None:
            proven = 1 if search.gave_up else used
            break
        best = better
    return Colouring(tuple(best), proven)


class _Search:
    """Depth-first colouring, the vertex that sees most colours first."""

    def __init__(self, graph: Graph, part: int) -> None:
        vertices = list(_bits(part))
        place = {vertex: number for number, vertex in enumerate(vertices)}
        self.neighbours = [[place[n] for n in _bits(graph[v])] for v in vertices]
        self.gave_up = False
        self._colours: list[int] = []
        self._seen: list[list[int]] = []
        """How many neighbours of each vertex have each colour."""
        self._saturation: list[int] = []
        """How many colours each vertex sees."""

    def colours_with(self, most: int, budget: int | None = None) -> list[int] | None:
        """Return a colouring with at most so many colours, or None where none was found."""
        count = len(self.neighbours)
        self.gave_up = False
        self._colours, self._saturation = [-1] * count, [0] * count
        self._seen = [[0] * most for _ in range(count)]
        trail = [self._choices(most)]
        for _ in range(budget) if budget is not None else repeat(None):
            vertex, options = trail[-1]
            if self._colours[vertex] >= 0:
                self._uncolour(vertex)
            choice = next(options, None)
            if choice is None:
                trail.pop()
                if not trail:
                    return None
                continue
            self._colour(vertex, choice)
            if len(trail) == count:
                return self._colours
            trail.append(self._choices(most))
        self.gave_up = True
        return None

    def _choices(self, most: int) -> tuple[int, Iterator[int]]:
        """Return the vertex to colour next, and its colours: of those not in use, one will do."""
        vertex = max(
            (v for v, its in enumerate(self._colours) if its < 0),
            key=lambda v: (self._saturation[v], len(self.neighbours[v])),
        )
        fresh = max(self._colours) + 1
        seen = self._seen[vertex]
        return vertex, iter([c for c in range(min(fresh + 1, most)) if not seen[c]])

    def _colour(self, vertex: int, choice: int) -> None:
        self._colours[vertex] = choice
        for neighbour in self.neighbours[vertex]:
            self._saturation[neighbour] += not self._seen[neighbour][choice]
            self._seen[neighbour][choice] += 1

    def _uncolour(self, vertex: int) -> None:
        choice, self._colours[vertex] = self._colours[vertex], -1
        for neighbour in self.neighbours[vertex]:
            self._seen[neighbour][choice] -= 1
            self._saturation[neighbour] -= not self._seen[neighbour][choice]
