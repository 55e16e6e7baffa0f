"""How long contraction search takes against independent exact searches.

Run it as ``python tests/benchmarks/contraction_search.py``: it prints ratios of one run, the
least of several times each, because the machine is shared. opt_einsum, cotengra and
cotengrust take part where they are installed; their input is prepared beforehand, in the
one-letter names that they want. Our time includes the tree, and its check.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from archsim.contraction import (
    CoreNetwork,
    TensorNetwork,
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
SECONDS = 0.3
"""For each timing."""
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


def least(work: Callable[[], object]) -> float:
    """Return the least time in seconds, after a first call that fills our table of splits."""
    work()
    times, end = [], perf_counter() + SECONDS
    while not times or perf_counter() < end:
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def layers() -> Iterator[tuple[str, TensorNetwork]]:
    """Yield every format with three to six modes a side, where all gradients can be searched."""
    for name, build in FORMATS.items():
        for d in range(3, 7):
            cores = build(list(MODES[:d]), list(MODES[:d][::-1]))
            if len(cores.cores) + 2 <= 18:
                yield f"{name} d{d}", layer(cores.cores, cores.sizes, BATCH)


def row(name: str, ours: float, theirs: dict[str, float]) -> str:
    """Return our time, and how many times it each peer takes."""
    ratios = "  ".join(f"{peer} {took / ours:7.2f}" for peer, took in theirs.items())
    return f"{name:16} {ours * 1e3:8.3f} ms   {ratios}"


def report() -> None:
    """Print one line per network and kind of search."""
    others = peers()
    print("one search: peers' time over ours")
    passes = {name: search_training(network, len(network.inputs) - 1) for name, network in layers()}
    for name, found in passes.items():
        middle = found.weight_gradients[len(found.weight_gradients) // 2]
        for kind, tree in (("forward", found.forward), ("wgrad", middle)):
            network, given = tree.network, spelled(tree.network)
            theirs = {peer: least(lambda run=run: run(given)) for peer, run in others.items()}
            print(row(f"{name} {kind}", least(lambda: search(network)), theirs))
    print("a whole training layer: the peers' separate searches over our one")
    for name, found in passes.items():
        given_all = [spelled(tree.network) for tree in found.trees]
        network = found.network
        ours = least(lambda: search_training(network, found.activation).trees)
        bare = least(lambda: search_training(network, found.activation))
        theirs = {
            peer: least(lambda run=run: [run(given) for given in given_all])
            for peer, run in others.items()
        }
        print(row(name, bare, theirs), f"  (as checked trees {ours * 1e3:.3f} ms)")
    print(f"{VARIANTS} extents of one network in one call: separate searches over it")
    for name, network in layers():
        variants = [{"b": 16 * (n + 1)} for n in range(VARIANTS)]
        given_all = [spelled(tree.network) for tree in search_many(network, variants)]
        theirs = {"ours": VARIANTS * least(lambda: search(network))} | {
            peer: least(lambda run=run: [run(given) for given in given_all])
            for peer, run in others.items()
            if peer == "cotengrust"
        }
        print(row(name, least(lambda: search_many(network, variants)), theirs))


if __name__ == "__main__":
    report()
