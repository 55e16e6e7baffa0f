"""Least colourings: of random graphs by trying all, and of graphs whose number is known."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.hardware.colouring import colour


def graph_of(count, edges):
    graph = [0] * count
    for one, other in edges:
        graph[one] |= 1 << other
        graph[other] |= 1 << one
    return graph


def edges_of(graph):
    return [(a, b) for a in range(len(graph)) for b in range(a) if graph[a] >> b & 1]


def is_proper(graph, colours):
    return all(colours[one] != colours[other] for one, other in edges_of(graph))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.data())
def test_no_colouring_has_fewer(count, data):
    pairs = [(a, b) for a in range(count) for b in range(a)]
    graph = graph_of(count, [pair for pair in pairs if data.draw(st.booleans())])

    found = colour(graph)

    fewest = next(
        n
        for n in range(1, count + 1)
        if any(is_proper(graph, colours) for colours in product(range(n), repeat=count))
    )
    assert found.count == found.least == fewest
    assert is_proper(graph, found.colours)


def mycielski(times):
    """Triangle-free graphs that need a colour more each time, starting from one edge's two."""
    count, edges = 2, [(0, 1)]
    for _ in range(times):
        edges = [
            *edges,
            *((a, b + count) for a, b in edges),
            *((a + count, b) for a, b in edges),
            *((a + count, 2 * count) for a in range(count)),
        ]
        count = 2 * count + 1
    return graph_of(count, edges)


@pytest.mark.parametrize("times", [1, 2])
def test_graphs_without_triangles_may_need_many_colours(times):
    graph = mycielski(times)

    found = colour(graph)

    assert found.count == found.least == times + 2


def test_a_search_that_gives_up_says_so():
    """95 vertices that need 7 colours, and no two neighbours of one vertex are neighbours."""
    graph = mycielski(5)

    found = colour(graph)

    assert is_proper(graph, found.colours)
    assert found.least < 7 <= found.count


def test_a_graph_without_vertices_needs_no_colour():
    assert colour([]).count == colour([]).least == 0
