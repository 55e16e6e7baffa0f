"""What each sort of component did in a run: how busy, how fast, and what it counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from archsim.results.metrics import busy_ticks, sum_by_sort, traffic_bits
from archsim.results.trace import ComponentRecord, Trace


@dataclass(frozen=True, kw_only=True)
class ComponentUse:
    """All components of one sort in a run."""

    sort: str
    kind: str
    instances: int
    is_unit: bool
    is_off_chip: bool
    busy_s: float
    """Seconds of service, of all instances together; those of a DRAM's refresh not among them."""
    tallies: Mapping[str, int]
    """What was counted: parts of a unit's time in cycles, a DRAM's bursts and row hits."""
    conventions: str = ""
    """What the model hides behind what."""
    peak_bits_per_s: int = 0
    """What a channel's instances pass at best."""
    achieved_bits_per_s: float = 0.0
    """What they passed, on average over the run."""
    busy_bits_per_s: float = 0.0
    """What they passed while they were busy, all instances together."""

    @property
    def row_hit_rate(self) -> float | None:
        """Share of a DRAM's bursts that found their row open; None for anything else."""
        bursts = self.tallies.get("bursts")
        return self.tallies.get("row_hits", 0) / bursts if bursts else None

    def to_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON; what does not apply is left out."""
        found: dict[str, object] = {
            "kind": self.kind,
            "instances": self.instances,
            "busy_s": self.busy_s,
        }
        if self.conventions:
            found["conventions"] = self.conventions
        if not self.is_unit:
            found["peak_bytes_per_s"] = self.peak_bits_per_s / 8
            found["achieved_bytes_per_s"] = self.achieved_bits_per_s / 8
            found["busy_bytes_per_s"] = self.busy_bits_per_s / 8
        if self.row_hit_rate is not None:
            found["row_hit_rate"] = self.row_hit_rate
        if self.tallies:
            found["counts"] = dict(self.tallies)
        return found


def component_uses(trace: Trace) -> dict[str, ComponentUse]:
    """Return what each sort of component did."""
    busy = sum_by_sort(trace, busy_ticks(trace))
    bits = traffic_bits(trace)
    tallies: dict[str, Counter[str]] = {sort: Counter() for sort in busy}
    for tally in trace.tallies:
        tallies[tally.component][tally.name] += tally.count
    alike: dict[str, list[ComponentRecord]] = {}
    for record in trace.components:
        alike.setdefault(record.sort, []).append(record)
    seconds = trace.makespan / trace.tick_rate_hz
    return {
        sort: ComponentUse(
            sort=sort,
            kind=records[0].kind,
            instances=len(records),
            is_unit=records[0].is_unit,
            is_off_chip=records[0].is_off_chip,
            busy_s=busy[sort] / trace.tick_rate_hz,
            tallies=dict(sorted(tallies[sort].items())),
            conventions=records[0].conventions,
            peak_bits_per_s=0 if records[0].is_unit else sum(r.peak_per_s for r in records),
            achieved_bits_per_s=_passed(bits, sort) / seconds,
            busy_bits_per_s=_passed(bits, sort) * len(records) * trace.tick_rate_hz / busy[sort]
            if busy[sort]
            else 0.0,
        )
        for sort, records in alike.items()
    }


def _passed(bits: Mapping[str, int], sort: str) -> int:
    return sum(bits.get(f"{sort}.{action}", 0) for action in ("read", "write", "transfer"))
