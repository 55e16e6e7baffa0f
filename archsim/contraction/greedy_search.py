"""Greedy contraction: what is done where nobody searches, and a baseline for search."""

from itertools import combinations

from archsim.contraction.network import TensorNetwork, open_indices
from archsim.contraction.tree import ContractionTree, Step


def greedy(network: TensorNetwork) -> ContractionTree:
    """Return the tree that, step by step, shrinks the tensors held the most.

    Each step joins the two tensors, among those that share an index, whose product is
    smallest less what the two hold; tensors that share none are left for the end, the
    smallest product first. Nothing is proved, and there is no limit on tensors.

    Source: Smith and Gray, "opt_einsum" (2018), the greedy path.
    """
    terms = network.closed
    members = {n: frozenset({n}) for n in range(len(network.inputs))}
    indices = {n: frozenset(open_indices(terms, held)) for n, held in members.items()}
    elements = {n: network.elements(found) for n, found in indices.items()}
    steps: list[Step] = []

    def growth(one: int, other: int) -> tuple[bool, int, int, int]:
        apart = not indices[one] & indices[other]
        made = network.elements(open_indices(terms, members[one] | members[other]))
        return apart, made - (0 if apart else elements[one] + elements[other]), one, other

    known = {pair: growth(*pair) for pair in combinations(members, 2)}
    while known:
        *_, one, other = min(known.values())
        made = len(network.inputs) + len(steps)
        steps.append((one, other))
        members[made] = members.pop(one) | members.pop(other)
        indices[made] = frozenset(open_indices(terms, members[made]))
        elements[made] = network.elements(indices[made])
        known = {pair: cost for pair, cost in known.items() if not {one, other} & {*pair}}
        known |= {(n, made): growth(n, made) for n in members if n != made}
    return ContractionTree(network, steps)
