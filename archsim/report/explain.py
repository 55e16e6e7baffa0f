"""A result in words: why it took as long as it did, and where its energy went."""

from archsim.report.quantities import Scale, count, ellipsize, percent, quantity
from archsim.report.shares import (
    arithmetic_share,
    busy_shares,
    chain_shares,
    energy_split,
    static_energy_j,
)
from archsim.results import ComponentUse, OrderChoice, Result
from archsim.results.metrics import IDLE

NEAR = 0.9
"""A bound this close to the run explains it."""

FEW_HITS = 0.5
"""Below this share of row hits, the order of accesses is worth a word."""

NAME = 24
"""Letters of a name in a sentence."""


def short(name: str) -> str:
    """Shorten a name that would fill the sentence it stands in."""
    return ellipsize(name, NAME)


def why_this_long(result: Result) -> str:
    """Say in a few sentences what limits a run, where its time goes and what would help."""
    return f"{bound_in_words(result)} {_largest_times(result)} {_lever(result)}"


def order_in_words(choice: OrderChoice) -> str:
    """Say in which order layers were contracted, what that costs one, and what beats it."""
    first, *others = choice.layers
    whose = short(first) if not others else f"{short(first)} and {count(len(others))} more"
    own = choice.costs[choice.chosen]
    best = min(choice.costs, key=lambda order: choice.costs[order])
    told = f"{whose}: {choice.chosen}, {_cost(own, choice.unit)}"
    if choice.costs[best] >= own:
        known = len({*choice.costs, *choice.at_least})
        return f"{told}, the least of {count(known)} orders{_verdict(choice)}"
    beaten = f"{best} would take {_cost(choice.costs[best], choice.unit)}"
    return f"{told}; {beaten}{_verdict(choice)}"


def _verdict(choice: OrderChoice) -> str:
    return f" ({choice.verdict})" if choice.verdict else ""


def _cost(cost: float, unit: str) -> str:
    return f"{count(round(cost))} {unit}" if unit == "MACs" else quantity(cost, unit)


def bandwidth_in_words(use: ComponentUse) -> str:
    """Say what a channel passed of what it could, and how many rows it found open."""
    scale = Scale.of(use.peak_bits_per_s / 8, "B/s")
    told = (
        f"{short(use.sort)}: {scale.number(use.busy_bits_per_s / 8)} of "
        f"{scale.text(use.peak_bits_per_s / 8)} while busy, "
        f"{quantity(use.achieved_bits_per_s / 8, 'B/s')} over the run"
    )
    hits = use.row_hit_rate
    return told if hits is None else f"{told}, {percent(hits)} row hits"


def cycles_in_words(use: ComponentUse) -> str:
    """Say what a unit's cycles went to, and what the model hides behind what; or nothing."""
    parts = {
        name.removesuffix("_cycles"): cycles
        for name, cycles in use.tallies.items()
        if name.endswith("_cycles") and cycles
    }
    if not (use.is_unit and use.conventions and parts):
        return ""
    total = sum(parts.values())
    largest = sorted(parts.items(), key=lambda part: -part[1])
    shares = ", ".join(f"{percent(cycles / total)} {name}" for name, cycles in largest)
    return f"{short(use.sort)}: {shares} of its cycles ({use.conventions})"


def passes_in_words(use: ComponentUse) -> str:
    """Say how many passes of a network were lost, and to what; or nothing."""
    passes = use.tallies.get("passes", 0)
    lost = {
        "words behind one port": use.tallies.get("conflict_passes", 0),
        "shared wires": use.tallies.get("blocked_passes", 0),
    }
    told = [f"{percent(count / passes)} to {why}" for why, count in lost.items() if count]
    return f"{short(use.sort)}: of its passes, {' and '.join(told)} lost" if told else ""


def bound_in_words(result: Result) -> str:
    """Say which bound is nearest to the run, what causes it and how near it is."""
    bounds = result.bounds
    span = (
        f"{quantity(bounds.largest_s, 's')} of {quantity(bounds.latency_s, 's')} "
        f"({percent(bounds.efficiency)})"
    )
    chain = bounds.critical_path
    many = f"{count(len(chain))} operations that wait for one another in a chain take"
    causes = {
        "critical_path": f"{many if len(chain) > 1 else f'{short(chain[0])} alone takes'} {span}",
        "compute": f"the work of {short(bounds.compute_component)} alone takes {span}",
        "bandwidth": f"moving data through {short(bounds.bandwidth_component)} alone takes {span}",
    }
    cause = causes[bounds.limited_by]
    if bounds.efficiency >= NEAR:
        return f"{cause[0].upper()}{cause[1:]}."
    rest = quantity(bounds.latency_s - bounds.largest_s, "s")
    return f"No bound explains all of it: {cause}; the other {rest} are waits{_queues(result)}."


def _queues(result: Result) -> str:
    """Say what was waited for, and how long in queues if there were any."""
    waited = sum(record.waited for record in result.trace.operations)
    if not waited:
        return " for units and data"
    seconds = quantity(waited / result.trace.tick_rate_hz, "s")
    return f" for units, data and shared channels (tiles queued for {seconds} in all)"


def _largest_times(result: Result) -> str:
    found = []
    for split in ("phase", "kind", "layer"):
        times = result.time_parts[split]
        parts = {name: value for name, value in times.items() if name != IDLE}
        name = max(parts, key=lambda name: parts[name])
        found.append(f"{split} {short(name)} ({percent(parts[name] / result.latency_s)})")
    return f"Most time goes to {found[0]}, {found[1]}, {found[2]}."


def _lever(result: Result) -> str:
    bounds = result.bounds
    if bounds.limited_by == "bandwidth":
        name = short(bounds.bandwidth_component)
        hits = result.components[bounds.bandwidth_component].row_hit_rate
        runs = ""
        if hits is not None and hits < FEW_HITS:
            runs = f"longer runs in its rows ({percent(hits)} of its bursts find theirs open), "
        return (
            f"What would help: more bandwidth of {name}, {runs}more reuse in larger buffers, or "
            f"fewer bytes (narrower formats, lower ranks)."
        )
    if bounds.limited_by == "compute":
        name = bounds.compute_component
        return (
            f"What would help: more {short(name)} units or faster ones{_arithmetic(result, name)}."
        )
    return _chain_lever(result)


def _chain_lever(result: Result) -> str:
    """Say what a chain of operations consists of, and what would shorten it."""
    chain = chain_shares(result)
    parts = [
        f"{percent(share)} {short(kind)} on {short(sort)}" for (sort, kind), share in chain.items()
    ]
    sort, _ = next(iter(chain))
    name, busy = short(sort), percent(busy_shares(result)[sort])
    bounds = result.bounds
    rest = quantity(bounds.latency_s - bounds.largest_s, "s")
    return (
        f"The chain is {', '.join(parts[:2])}; {name} is busy {busy} of the run"
        f"{_arithmetic(result, sort)}. What would help: a faster {name} or a shorter chain; "
        f"more units save {rest} at most, unless they share one operation's work."
    )


def _arithmetic(result: Result, sort: str) -> str:
    """Say how much of its arithmetic a busy unit uses, where it multiplies."""
    share = arithmetic_share(result, sort)
    return f" (while busy, at {percent(share)} of its peak MACs)" if share else ""


def where_energy_goes(result: Result) -> str:
    """Say in a sentence how much of the energy is static, and what the rest was spent on."""
    total, static = result.energy_j, static_energy_j(result)
    if not total:
        return "No energy was spent."
    words = f"Static energy is {quantity(static, 'J')} of {quantity(total, 'J')} "
    words += f"({percent(static / total)})"
    if not energy_split(result, "component").total:
        return f"{words}."
    found = []
    for split in ("component", "action"):
        energy = energy_split(result, split)
        name, value = next(iter(energy.largest(len(energy.parts)).items()))
        found.append(f"{split} {short(name)} ({percent(value / energy.total)})")
    return f"{words}; most of the dynamic energy goes to {found[0]}, {found[1]}."
