"""The result of one run: latency, energy, EDP, where both went, and where the numbers come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archsim.results.bounds import Bounds, find_bounds
from archsim.results.components import ComponentUse, component_uses
from archsim.results.energy import Energy
from archsim.results.metrics import (
    MemoryPeak,
    busy_ticks,
    layer,
    memory_peaks,
    sum_by_sort,
    time_by,
    traffic_bits,
)
from archsim.results.trace import OperationRecord, Trace

J_PER_PJ = 1e-12

METRICS = (
    "latency_s",
    "energy_j",
    "power_w",
    "edp_js",
    "epoch_latency_s",
    "epoch_energy_j",
)
"""Metrics that a published value can stand beside."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a result comes from."""

    config: str
    config_hash: str
    overrides: Mapping[str, Any]
    engine: str
    versions: Mapping[str, str]
    assumptions: Mapping[str, str]
    """Source by config path, of every value that is assumed or recalled."""
    command: str


@dataclass(frozen=True, kw_only=True)
class OrderChoice:
    """The contraction order that some layers took, and what each order would cost one of them."""

    layers: tuple[str, ...]
    chosen: str
    unit: str
    costs: Mapping[str, float]
    at_least: Mapping[str, float] = field(default_factory=dict)
    """Lower bounds of the costs of orders that were ruled out by them."""
    margin: float
    """The cheapest other order's cost over the chosen one's: below 1 where another is better."""
    verdict: str = ""
    """What is known of the chosen order's optimality, in words."""

    def to_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "layers": list(self.layers),
            "chosen": self.chosen,
            "margin": self.margin,
            "unit": self.unit,
            "costs": dict(self.costs),
            "at_least": dict(self.at_least),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, kw_only=True)
class PublishedValue:
    """A published number beside which the simulated one is shown."""

    metric: str
    value: float
    status: str
    source: str


@dataclass(frozen=True, kw_only=True)
class PublishedPair:
    """A published number and the simulated one."""

    published: PublishedValue
    simulated: float

    @property
    def ratio(self) -> float:
        """Simulated over published."""
        return self.simulated / self.published.value

    def to_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "metric": self.published.metric,
            "published": self.published.value,
            "status": self.published.status,
            "simulated": self.simulated,
            "ratio": self.ratio,
            "source": self.published.source,
        }


LABELS: Mapping[str, Callable[[OperationRecord], str]] = {
    "phase": lambda record: record.phase,
    "kind": lambda record: record.kind,
    "layer": lambda record: layer(record.name),
}
"""What operations are grouped by."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything that is known of one run."""

    name: str
    trace: Trace
    energy: Energy
    provenance: Provenance
    steps_per_epoch: int | None = None
    published: tuple[PublishedValue, ...] = ()
    orders: tuple[OrderChoice, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Bytes of the tensors of each role, as the workload holds them."""
    absorbed: tuple[str, ...] = ()
    """Operations that networks did on the way, for no time of their own."""

    @property
    def ticks(self) -> int:
        """Simulated time in ticks."""
        return self.trace.makespan

    @property
    def latency_s(self) -> float:
        """Simulated time."""
        return self.ticks / self.trace.tick_rate_hz

    @property
    def energy_j(self) -> float:
        """Dynamic and static energy."""
        return self.energy.total_pj * J_PER_PJ

    @property
    def edp_js(self) -> float:
        """Energy-delay product."""
        return self.energy_j * self.latency_s

    @property
    def power_w(self) -> float:
        """Average power."""
        return self.energy_j / self.latency_s

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(record.macs for record in self.trace.operations)

    @property
    def tiles(self) -> int:
        """Tiles simulated."""
        return sum(record.tiles for record in self.trace.operations)

    @cached_property
    def bounds(self) -> Bounds:
        """Lower bounds and what limits the run."""
        return find_bounds(self.trace)

    @cached_property
    def memories(self) -> dict[str, MemoryPeak]:
        """How full each memory ever was."""
        return memory_peaks(self.trace)

    @cached_property
    def components(self) -> dict[str, ComponentUse]:
        """What each sort of unit and channel did."""
        return component_uses(self.trace)

    @property
    def traffic_bits(self) -> dict[str, int]:
        """Bits by ``component.action``."""
        return traffic_bits(self.trace)

    @property
    def dram_bytes(self) -> int:
        """Bytes to and from off-chip memory."""
        off_chip = {memory.name for memory in self.trace.memories if memory.is_off_chip}
        return sum(
            bits // 8
            for name, bits in self.traffic_bits.items()
            if name.partition(".")[0] in off_chip
        )

    @cached_property
    def utilization(self) -> dict[str, float]:
        """Share of time each sort of unit was busy; ``macs`` is the share of peak arithmetic."""
        totals = sum_by_sort(self.trace, busy_ticks(self.trace))
        counts = sum_by_sort(self.trace, {c.name: 1 for c in self.trace.components})
        units = {component.sort for component in self.trace.components if component.is_unit}
        shares = {unit: totals[unit] / counts[unit] / self.ticks for unit in sorted(units)}
        peak = sum(c.peak_per_s for c in self.trace.components if c.is_unit)
        return {"macs": self.macs / (peak * self.latency_s) if peak else 0.0, **shares}

    @property
    def breakdown(self) -> dict[str, dict[str, dict[str, float]]]:
        """Seconds and joules by phase, kind, layer, component and action."""
        return {"time_s": self.time_parts, "energy_j": self.energy_parts}

    @cached_property
    def time_parts(self) -> dict[str, dict[str, float]]:
        """Seconds by phase, kind, layer and component."""
        busy = sum_by_sort(self.trace, busy_ticks(self.trace))
        return {
            **{split: time_by(self.trace, label) for split, label in LABELS.items()},
            "component": {sort: ticks / self.trace.tick_rate_hz for sort, ticks in busy.items()},
        }

    @cached_property
    def energy_parts(self) -> dict[str, dict[str, float]]:
        """Joules by phase, kind, layer, component and action, each with the static energy."""
        records = self.trace.operations
        picojoules = {
            **{
                split: self.energy.by_label({record.name: label(record) for record in records})
                for split, label in LABELS.items()
            },
            "component": self.energy.by_component(),
            "action": self.energy.by_action(),
        }
        static = {"static": self.energy.static_pj}
        return {
            split: {part: pj * J_PER_PJ for part, pj in {**parts, **static}.items()}
            for split, parts in picojoules.items()
        }

    @property
    def published_pairs(self) -> tuple[PublishedPair, ...]:
        """Published numbers beside the simulated ones."""
        return tuple(
            PublishedPair(published=value, simulated=self.metric(value.metric))
            for value in self.published
        )

    def metric(self, name: str) -> float:
        """Return a metric by name; those of an epoch are a step's times the steps."""
        assert name in METRICS, name
        base = name.removeprefix("epoch_")
        value: float = getattr(self, base)
        return value if base == name else value * (self.steps_per_epoch or 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, ready for JSON."""
        bounds = self.bounds
        return {
            "name": self.name,
            "latency_s": self.latency_s,
            "energy_j": self.energy_j,
            "edp_js": self.edp_js,
            "power_w": self.power_w,
            "ticks": self.ticks,
            "tick_rate_hz": self.trace.tick_rate_hz,
            "operations": len(self.trace.operations),
            "tiles": self.tiles,
            "macs": self.macs,
            "dram_bytes": self.dram_bytes,
            "peak_bytes": {name: peak.used_bytes for name, peak in self.memories.items()},
            "memories": {name: _memory(peak) for name, peak in self.memories.items()},
            "parameter_bytes": dict(self.parameters),
            "components": {name: use.to_dict() for name, use in self.components.items()},
            "absorbed": list(self.absorbed),
            "traffic_bytes": {name: bits / 8 for name, bits in self.traffic_bits.items()},
            "utilization": self.utilization,
            "bounds": {
                "compute_s": bounds.compute_s,
                "compute_component": bounds.compute_component,
                "bandwidth_s": bounds.bandwidth_s,
                "bandwidth_component": bounds.bandwidth_component,
                "critical_path_s": bounds.critical_path_s,
                "limited_by": bounds.limited_by,
                "efficiency": bounds.efficiency,
            },
            "critical_path": list(bounds.critical_path),
            "breakdown": self.breakdown,
            "orders": [choice.to_dict() for choice in self.orders],
            "epoch": self._epoch(),
            "published": [pair.to_dict() for pair in self.published_pairs],
            "provenance": {
                "config": self.provenance.config,
                "config_hash": self.provenance.config_hash,
                "overrides": dict(self.provenance.overrides),
                "engine": self.provenance.engine,
                "versions": dict(self.provenance.versions),
                "assumptions": dict(self.provenance.assumptions),
                "command": self.provenance.command,
            },
        }

    def _epoch(self) -> dict[str, float] | None:
        if self.steps_per_epoch is None:
            return None
        return {
            "steps": self.steps_per_epoch,
            "latency_s": self.metric("epoch_latency_s"),
            "energy_j": self.metric("epoch_energy_j"),
        }


def _memory(peak: MemoryPeak) -> dict[str, float | str]:
    return {
        "block": peak.block_name,
        "blocks": peak.blocks,
        "capacity_blocks": peak.capacity_blocks,
        "free_blocks": peak.free_blocks,
        "used_bytes": peak.used_bytes,
        "taken_bytes": peak.taken_bytes,
        "waste_bytes": peak.waste_bytes,
        "capacity_bytes": peak.capacity_bytes,
    }
