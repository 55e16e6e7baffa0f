"""How long contraction search takes against independent exact searches.

Run it as ``python tests/benchmarks/contraction_search.py``: it prints ratios of one run, the
least of several times each, all taken by turns, because the machine is shared. opt_einsum,
cotengra and cotengrust take part where they are installed; their input is prepared beforehand,
in the one-letter names that they want. Our time for one search includes the tree and its
check, but not what a first call remembers of a network whatever its extents: which indices
join which tensors, and every way to split those.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from math import inf
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsim.contraction import (
    CoreNetwork,
    TensorNetwork,
    TrainingSearch,
    block_term,
    hierarchical_tucker,
    search,
    search_many,
    search_training,
    tensor_ring,
    tensor_train,
)
from tests.contraction.networks import layer

Spelled = tuple[list[list[str]], list[str], dict[str, int]]
Peer = Callable[[Spelled], object]

MODES = (4, 8, 6, 4, 4, 6)
RANK, BATCH, VARIANTS = 12, 128, 100
TURNS, SECONDS = 6, 0.05
"""Turns of each timing, and how long each lasts."""
FORMATS: dict[str, Callable[[list[int], list[int]], CoreNetwork]] = {
    "TT": lambda i, o: tensor_train(i, o, [RANK] * (2 * len(i) - 1)),
    "TR": lambda i, o: tensor_ring(i, o, [RANK] * (2 * len(i))),
    "HT": lambda i, o: hierarchical_tucker(i, o, [RANK] * (4 * len(i) - 2)),
    "BTD": lambda i, o: block_term(i, o, [RANK] * len(i)),
}


def peers() -> dict[str, Peer]:
    """Return the installed exact searches over connected pairs."""
    found: dict[str, Peer] = {}
    if find_spec("opt_einsum"):
        dynamic = import_module("opt_einsum.paths").DynamicProgramming(minimize="flops")
        found["opt_einsum dp"] = lambda s: dynamic(
            list(map(frozenset, s[0])), frozenset(s[1]), s[2]
        )
    if find_spec("cotengra"):
        basic = import_module("cotengra.pathfinders.path_basic").optimize_optimal
        found["cotengra python"] = lambda s: basic(*s, minimize="flops")
    if find_spec("cotengrust"):
        rust = import_module("cotengrust").optimize_optimal
        found["cotengrust"] = lambda s: rust(*s, minimize="flops")
    return found


def spelled(network: TensorNetwork) -> Spelled:
    """Return a network with one letter per index."""
    letter = {index: chr(ord("A") + n) for n, index in enumerate(network.sizes)}
    inputs = [[letter[index] for index in term] for term in network.inputs]
    output = [letter[index] for index in network.output]
    return inputs, output, {letter[index]: size for index, size in network.sizes.items()}


def least(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the least time of each in seconds, after a first call that fills our tables."""
    for work in works.values():
        work()
    found = dict.fromkeys(works, inf)
    for _ in range(TURNS):
        for name, work in works.items():
            end = perf_counter() + SECONDS
            while True:
                start = perf_counter()
                work()
                found[name] = min(found[name], perf_counter() - start)
                if perf_counter() >= end:
                    break
    return found


def layers() -> Iterator[tuple[str, TensorNetwork]]:
    """Yield every format with three to six modes a side, where all gradients can be searched."""
    for name, build in FORMATS.items():
        for d in range(3, 7):
            cores = build(list(MODES[:d]), list(MODES[:d][::-1]))
            if len(cores.cores) + 2 <= 18:
                yield f"{name} d{d}", layer(cores.cores, cores.sizes, BATCH)


def row(name: str, works: Mapping[str, Callable[[], object]]) -> str:
    """Return the first one's time, and how many times it each other takes."""
    ours, *theirs = least(works).items()
    ratios = "  ".join(f"{peer} {took / ours[1]:7.2f}" for peer, took in theirs)
    return f"{name:16} {ours[1] * 1e3:8.3f} ms   {ratios}"


def searches(givens: list[Spelled], others: dict[str, Peer]) -> dict[str, Callable[[], object]]:
    """Return what each peer does for some searches."""
    return {
        name: lambda run=run: [run(given) for given in givens]  # type: ignore[misc]
        for name, run in others.items()
    }


def one_search(name: str, network: TensorNetwork, others: dict[str, Peer]) -> str:
    """Time one network."""
    return row(name, {"ours": lambda: search(network), **searches([spelled(network)], others)})


def training_layer(name: str, found: TrainingSearch, others: dict[str, Peer]) -> str:
    """Time the forward pass and all gradients: the steps, as the peers' paths, then the trees."""
    network, activation = found.network, found.activation
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: search_training(network, activation),
        "ours, as trees": lambda: search_training(network, activation).trees,
    }
    return row(name, works | searches([spelled(tree.network) for tree in found.trees], others))


def many_extents(name: str, network: TensorNetwork, others: dict[str, Peer]) -> str:
    """Time one call for many batch sizes and ranks."""
    bond = next(index for index in network.inputs[0] if index[0] in "ru")
    variants = [{"b": 16 * (n + 1), bond: 4 + n % 10} for n in range(VARIANTS)]
    networks = [tree.network for tree in search_many(network, variants)]
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: search_many(network, variants),
        "ours, one by one": lambda: [search(variant) for variant in networks],
    }
    return row(name, works | searches([spelled(variant) for variant in networks], others))


def report() -> None:
    """Print one line per network and kind of search."""
    others = peers()
    fastest = {name: peer for name, peer in others.items() if name == "cotengrust"}
    print("one search: peers' time over ours")
    passes = {name: search_training(network, len(network.inputs) - 1) for name, network in layers()}
    for name, found in passes.items():
        middle = found.weight_gradients[len(found.weight_gradients) // 2]
        print(one_search(f"{name} forward", found.network, others))
        print(one_search(f"{name} wgrad", middle.network, others))
    print("a whole training layer: the peers' separate searches over our one")
    for name, found in passes.items():
        print(training_layer(name, found, others))
    print(f"{VARIANTS} extents of one network in one call: separate searches over it")
    for name, network in layers():
        print(many_extents(name, network, fastest))


if __name__ == "__main__":
    report()
