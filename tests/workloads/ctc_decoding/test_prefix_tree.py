"""PrefixTree: equal prefixes are one node, and what nobody refers to is reclaimed."""

from hypothesis import given
from hypothesis import strategies as st

from workloads.ctc_decoding.prefix_tree import ROOT, PrefixTree


def node_of(tree, labels):
    node = ROOT
    for label in labels:
        node = tree.child(node, label)
    return node


def test_a_child_is_made_once():
    tree = PrefixTree()

    assert tree.child(ROOT, 3) == tree.child(ROOT, 3)
    assert tree.child(ROOT, 3) != tree.child(ROOT, 4)
    assert tree.live == 2


def test_a_dropped_prefix_takes_its_lonely_ancestors_along():
    tree = PrefixTree()
    long, short = node_of(tree, (1, 2, 3)), node_of(tree, (1, 4))
    tree.replace([ROOT], [long, short])

    tree.replace([long, short], [short])

    assert tree.live == 2  # 1 and 1 4; 1 2 and 1 2 3 are gone
    assert tree.labels(short) == (1, 4)


def test_an_ancestor_outlives_its_own_place_in_the_beam():
    tree = PrefixTree()
    parent, child = node_of(tree, (1,)), node_of(tree, (1, 2))
    tree.replace([ROOT], [parent, child])

    tree.replace([parent, child], [child])

    assert tree.live == 2
    assert tree.child(ROOT, 1) == parent


beams = st.sets(st.lists(st.integers(1, 3), max_size=4).map(tuple), min_size=1, max_size=5)


@given(steps=st.lists(beams, max_size=12))
def test_live_nodes_are_the_prefixes_of_the_beam_and_numbers_are_given_again(steps):
    tree, held, most = PrefixTree(), [ROOT], 0
    for beam in steps:
        nodes = [node_of(tree, labels) for labels in sorted(beam)]
        most = max(most, tree.live)
        tree.replace(held, nodes)
        held = nodes

        assert [tree.labels(node) for node in held] == sorted(beam)
        assert tree.live == len({labels[:n] for labels in beam for n in range(1, len(labels) + 1)})
        assert max(held) <= most
